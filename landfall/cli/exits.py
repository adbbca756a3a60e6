"""Exit codes, and the one sentence that a failed command ends with.

(source: DESIGN section 10)
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0
    FAILED = 1
    """A guardrail is violated, or a run failed."""
    INVALID = 2
    """The configuration or the command's usage is wrong."""
    ENVIRONMENT = 3
    """Something of this machine is missing; the message says how to get it."""


class CommandError(Exception):
    """A command cannot go on; ``message`` is for the user, one clear sentence or report."""

    def __init__(self, message: str, code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def cannot_write(file: str, error: Exception) -> CommandError:
    """The refusal of a file to write to: what the system says, or that no file can have the name."""
    from landfall.config.errors import printable

    reason = error.strerror if isinstance(error, OSError) else "its name cannot be that of a file"
    return CommandError(f"cannot write {printable(file)}: {reason}", Exit.INVALID)


def unknown(kind: str, name: str, known: Sequence[str], where: str) -> CommandError:
    """The refusal of a name that does not exist, with what does and the nearest spelling."""
    from landfall.config.errors import nearest, show

    near = nearest(name, list(known))
    hint = f' Did you mean "{near}"?' if near else ""
    return CommandError(
        f"unknown {kind} {show(name)}; {where}: {', '.join(known) or 'none'}.{hint}", Exit.INVALID
    )
