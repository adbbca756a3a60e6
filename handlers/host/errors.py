"""The ways in which a job ends badly; the class names are the error names that the workflow catches."""

from __future__ import annotations


class JobError(Exception):
    """A job ended badly. `error_name` is the Step Functions error, the message its cause (one line)."""

    @property
    def error_name(self) -> str:
        """The name that `SendTaskFailure` carries and `ErrorEquals` matches."""
        return type(self).__name__


class JobFailed(JobError):
    """The script ended with a non-zero exit code, or could not be started."""


class JobTimedOut(JobError):
    """The script ran longer than `timeout_seconds` and was stopped."""


class ScriptRefused(JobError):
    """The script's name does not lead to a plain, executable file inside the scripts folder."""


class JobAborted(JobError):
    """The job was stopped from outside: the command was cancelled or the workflow no longer waits."""


class InvalidJob(ValueError):
    """The job document is malformed. `task_token` is set where the document still held one."""

    def __init__(self, message: str, task_token: str | None = None, region: str | None = None) -> None:
        super().__init__(message)
        self.task_token = task_token
        self.region = region
