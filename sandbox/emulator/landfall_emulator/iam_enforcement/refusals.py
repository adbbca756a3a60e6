"""Refused calls in each service's own shape.

(source: the services' API references, "Common errors"; their protocols in botocore's models)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from localemu.aws.api import CommonServiceException, RequestContext

from landfall_emulator.iam_enforcement.evaluation import Decision, Principal

_CODES: Final = {"ec2": "UnauthorizedOperation", "sns": "AuthorizationError", "sqs": "AccessDenied"}
_KEY_CODES: Final = {
    "sns": "KMSAccessDenied",
    "sqs": "KmsAccessDenied",
    "lambda": "KMSAccessDeniedException",
    "stepfunctions": "KmsAccessDeniedException",
}
_BAD_REQUEST: Final = frozenset({"json", "ec2"})


@dataclass(frozen=True)
class RoleRefused:
    """An error of a call whose named role may not do what the call makes it do, or may not be taken."""

    code: str
    text: str


def message(principal: Principal, action: str, resource: str, decision: Decision) -> str:
    """AWS's sentence about a refusal."""
    where = "" if resource == "*" else f" on resource: {resource}"
    return f"User: {principal.arn} is not authorized to perform: {action}{where} {decision.reason}"


def refusal(context: RequestContext, text: str, *, key: bool = False) -> CommonServiceException:
    """The error that the called service answers with; `key` where the refused action is one on a key."""
    service = context.service.service_name
    protocol = str(context.service.protocol)
    code = _KEY_CODES.get(service) if key else None
    if code is None:
        code = _CODES.get(service) or ("AccessDeniedException" if "json" in protocol else "AccessDenied")
    return CommonServiceException(
        code=code, message=text, status_code=400 if protocol in _BAD_REQUEST else 403, sender_fault=True
    )
