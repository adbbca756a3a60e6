"""Errors of the engines. Each text is one sentence for the user."""

from __future__ import annotations

from sandbox.errors import SandboxError


class EngineError(SandboxError):
    """The engine cannot do what was asked, for a reason outside the program."""


class ProgramError(EngineError):
    """The Pulumi program itself failed; the text is the program's own message."""


class CliMissing(EngineError):
    """No Pulumi CLI is there and none can be obtained; the text says what is missing."""


class DeploymentFailed(EngineError):
    """`pulumi` ended with an error; `failures` holds one line per failed resource."""

    def __init__(self, message: str, failures: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.failures = failures
