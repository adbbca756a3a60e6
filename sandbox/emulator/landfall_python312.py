"""What the emulator takes from Python 3.13 and its own metadata says it does not need.

LocalEmu 1.3.2 declares Python 3.12 but imports `warnings.deprecated`, which came with 3.13. The package that
`typing` took it from has it for 3.12 too. Loaded through the environment's `.pth` file, on 3.12 only.
"""

from __future__ import annotations

import warnings

from typing_extensions import deprecated

if not hasattr(warnings, "deprecated"):
    setattr(warnings, "deprecated", deprecated)  # noqa: B010 - no type checker knows the assignment
