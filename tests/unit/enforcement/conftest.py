"""The pure part of IAM enforcement is importable without the emulator, from its package's source folder."""

from __future__ import annotations

import sys

from sandbox.paths import EMULATOR_PACKAGE

if str(EMULATOR_PACKAGE) not in sys.path:
    sys.path.insert(0, str(EMULATOR_PACKAGE))
