"""The service's errors."""

# LocalEmu has no types where the checks run.
# mypy: disable-error-code="misc"

from __future__ import annotations

from localemu.aws.api import ServiceException


class ValidationException(ServiceException):
    """The request is not valid."""

    code: str = "ValidationException"
    sender_fault: bool = True
    status_code: int = 400


class ResourceNotFoundException(ServiceException):
    """No such statement, session or result; carries the id that was asked for."""

    code: str = "ResourceNotFoundException"
    sender_fault: bool = True
    status_code: int = 400

    def __init__(self, message: str, resource_id: str) -> None:
        super().__init__(message, ResourceId=resource_id)


class ActiveStatementsExceededException(ServiceException):
    """Too many statements at once."""

    code: str = "ActiveStatementsExceededException"
    sender_fault: bool = True
    status_code: int = 400


class ActiveSessionsExceededException(ServiceException):
    """Too many sessions at once."""

    code: str = "ActiveSessionsExceededException"
    sender_fault: bool = True
    status_code: int = 400


class DatabaseConnectionException(ServiceException):
    """The database cannot be reached."""

    code: str = "DatabaseConnectionException"
    sender_fault: bool = True
    status_code: int = 500
