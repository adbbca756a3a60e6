"""Whether a service may take a role: the role's trust policy, asked whenever the service works with the role.

LocalEmu looks at the principal alone, once for each session. Here the statement's conditions count as well,
and a trust policy that was changed counts at once; on AWS a session goes on until it expires.
(sources: IAM User Guide, "The confused deputy problem"; Step Functions Developer Guide, "Creating an IAM role
for your state machine in Step Functions"; EventBridge Scheduler User Guide, "Confused deputy prevention"; VPC
User Guide, "IAM role for publishing flow logs to CloudWatch Logs")
"""

from __future__ import annotations

import functools
import uuid
from typing import Any, Final

from botocore.exceptions import ClientError
from localemu.services.sts import provider as sts

from landfall_emulator.iam_enforcement import principals
from landfall_emulator.iam_enforcement.judge import Refused, first_refusal
from landfall_emulator.iam_enforcement.refusals import RoleRefused, message
from landfall_emulator.iam_enforcement.requests import Call, Need

STATES: Final = "states"
LAMBDA: Final = "lambda"
SCHEDULER: Final = "scheduler"
EC2: Final = "ec2"
FLOW_LOGS: Final = "vpc-flow-logs"


def install() -> None:
    """Leave the roles of functions to this module: LocalEmu starts no worker that it refuses a role."""
    original = sts._evaluate_trust_policy

    @functools.wraps(original)
    def evaluate(*arguments: Any, service_principal: str | None = None, **options: Any) -> bool:
        if service_principal == LAMBDA:
            return True
        return bool(original(*arguments, service_principal=service_principal, **options))

    sts._evaluate_trust_policy = evaluate


def refused(role_arn: str, service: str, source_arn: str | None, call: Call) -> Refused | None:
    """Why a service may not take a role for the resource that it works for; None where it may.

    `source_arn` is what the service sends as ``aws:SourceArn``: nothing in the case of EC2.
    """
    account = role_arn.split(":")[4]
    need = Need(action="sts:AssumeRole", resource=role_arn)
    taker = principals.of_service(service, account)
    return first_refusal(taker, [need], call, source_arn=source_arn, why=f"{service} takes a role")


def refuse_task(role_arn: str, execution_arn: str, call: Call) -> None:
    """Raises ``ClientError`` where Step Functions may not take the role of an execution's task."""
    found = refused(role_arn, STATES, machine_of(execution_arn), call)
    if found is not None:
        taker = principals.of_service(STATES, call.account)
        text = message(taker, found.need.action, role_arn, found.decision)
        answer: Any = {
            "Error": {"Code": "AccessDeniedException", "Message": text},
            "ResponseMetadata": {"RequestId": str(uuid.uuid4()), "HTTPStatusCode": 403},
        }
        raise ClientError(answer, "AssumeRole")


def machine_of(execution_arn: str) -> str:
    """ARN of the state machine of an execution, be it a child of a Map Run."""
    parts = execution_arn.split(":")
    return ":".join([*parts[:5], "stateMachine", parts[6].partition("/")[0]])


def group_of(schedule_arn: str) -> str:
    """ARN of a schedule's group, which Scheduler sends as its source."""
    return schedule_arn.replace(":schedule/", ":schedule-group/", 1).rpartition("/")[0]


def refusal(call: Call) -> RoleRefused | None:
    """The error of a call that gives a service a role which it may not take."""
    operation, text = call.operation, call.text
    if call.service == "stepfunctions" and operation in ("CreateStateMachine", "UpdateStateMachine"):
        return _NO_STATES if _lacks(text("roleArn"), STATES, call.machine(), call) else None
    if call.service == "lambda" and operation in ("CreateFunction", "UpdateFunctionConfiguration"):
        return NO_LAMBDA if _lacks(text("Role"), LAMBDA, call.function(), call) else None
    if call.service == "scheduler" and operation in ("CreateSchedule", "UpdateSchedule"):
        group = call.arn("scheduler", f"schedule-group/{call.schedule_group()}")
        target: Any = call.parameters.get("Target") or {}
        return _NO_SCHEDULER if _lacks(target.get("RoleArn"), SCHEDULER, group, call) else None
    return None


def _lacks(role_arn: str | None, service: str, source_arn: str, call: Call) -> bool:
    """Whether a call names a role that the service may not take; one that names none changes nothing."""
    return bool(role_arn) and refused(str(role_arn), service, source_arn, call) is not None


_NO_STATES: Final = RoleRefused(
    "AccessDeniedException",
    "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume "
    "the provided role.",
)
NO_LAMBDA: Final = RoleRefused(
    "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."
)
_NO_SCHEDULER: Final = RoleRefused(
    "ValidationException",
    "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
)
