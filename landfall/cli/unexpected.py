"""Errors that no command has foreseen: what is said, and the exit code.

What the machine is to blame for (exit code 3) is told as such; an error of Landfall itself (1) leaves a
report in ``.tools/crashes``. (source: DESIGN section 10, exit codes)
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from landfall import crash
from landfall.cli.exits import Exit
from landfall.cli.missing import sentence as missing_module
from landfall.cli.stacks import ROOT
from landfall.config import ConfigError, report
from sandbox.errors import SandboxError


def verdict(error: Exception, command: Sequence[str]) -> tuple[str, int]:
    """The message for the user and the exit code."""
    if isinstance(error, ConfigError):
        return report(error.issues), Exit.INVALID
    if isinstance(error, SandboxError):
        return str(error), Exit.ENVIRONMENT
    if (missing := missing_module(error)) is not None:
        return missing, Exit.ENVIRONMENT
    if (said := _of_aws(error)) is not None:
        return said
    code = Exit.ENVIRONMENT if isinstance(error, OSError | MemoryError) else Exit.FAILED
    return crash.told(error, command, ROOT, os.environ), code


def _of_aws(error: Exception) -> tuple[str, int] | None:
    """Refusals of AWS or of the emulator, and calls that had no answer."""
    if "botocore" not in sys.modules:
        return None  # no call was made
    from botocore.exceptions import BotoCoreError, ClientError

    from landfall.cli.session import lost_connection

    if (lost := lost_connection(error)) is not None:
        return lost.message, lost.code
    if isinstance(error, ClientError):
        return crash.without_secrets(" ".join(str(error).split()), os.environ), Exit.FAILED
    if isinstance(error, BotoCoreError):
        return crash.sentence(error, os.environ), Exit.ENVIRONMENT
    return None
