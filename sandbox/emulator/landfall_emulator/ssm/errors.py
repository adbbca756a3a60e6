"""Systems Manager's errors, by its own codes."""

from __future__ import annotations

from localemu.aws.api import CommonServiceException


def ssm_error(code: str, message: str) -> CommonServiceException:
    """The exception that answers a call with error `code` and HTTP status 400."""
    return CommonServiceException(code=code, message=message, status_code=400, sender_fault=True)
