"""Exit codes, and the one sentence that a failed command ends with.

(source: DESIGN section 10)
"""

from __future__ import annotations

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
