"""The hook in the handler chain: every call of a role, a user or a service is judged before it is served.

An account's own access key is its root user, which nothing restricts here. LocalEmu's calls to itself, which
stand for nobody, pass.
"""

from __future__ import annotations

import os
from typing import Any, Final

from localemu import config, constants
from localemu.aws.api import CommonServiceException, RequestContext
from localemu.services.iam_enforcement import enforcer
from moto.logs.models import logs_backends

from landfall_emulator.iam_enforcement import decisions, delegated, principals, resource_policies, trust
from landfall_emulator.iam_enforcement.dependents import dependents
from landfall_emulator.iam_enforcement.evaluation import Principal
from landfall_emulator.iam_enforcement.judge import first_refusal
from landfall_emulator.iam_enforcement.refusals import message, refusal
from landfall_emulator.iam_enforcement.requests import Call, needs

SWITCH: Final = "IAM_ENFORCEMENT"
_OF_SERVICES: Final = frozenset(
    {("lambda", "Invoke"), ("sqs", "SendMessage"), ("sns", "Publish"), ("events", "PutEvents")}
)
"""Calls that one service makes for another as itself, judged by the policy of the called resource."""
_INVALID: Final = "The security token included in the request is invalid"


def install() -> None:
    """Take LocalEmu's place in the chain, where enforcement is switched on."""
    if os.environ.get(SWITCH) != "1":
        return
    enforcer.IAMEnforcementHandler.__call__ = _enforce
    decisions.install()
    delegated.install()
    trust.install()


def _enforce(self: Any, chain: Any, context: RequestContext, response: Any) -> None:
    """Judge one request; raises the service's error where it is refused."""
    if not context.service or not context.operation:
        return
    call = Call(
        service=context.service.service_name,
        operation=context.operation.name,
        account=context.account_id,
        region=context.region,
        parameters=context.service_request or {},
    )
    principal, source_arn = _principal(context, call)
    if principal is not None:
        context.landfall_user_id = principal.unique_id
        _judge(context, call, principal, source_arn)
    _note(call, principal)
    if (refused := trust.refusal(call) or delegated.refusal_of_role(call)) is not None:
        raise CommonServiceException(code=refused.code, message=refused.text, sender_fault=True)


def _judge(context: RequestContext, call: Call, principal: Principal, source_arn: str | None) -> None:
    if (call.service, call.operation) in _EXEMPT:
        return
    refused = first_refusal(
        principal, [*needs(call, principal), *dependents(call)], call, source_arn=source_arn
    )
    if refused is not None:
        text = message(principal, refused.need.action, refused.need.resource, refused.decision)
        raise refusal(context, text, key=refused.need.action.startswith("kms:") and call.service != "kms")


def _principal(context: RequestContext, call: Call) -> tuple[Principal | None, str | None]:
    """Who calls, and for which resource; None for an account's root user and for the emulator itself."""
    key = enforcer._extract_access_key(context)
    internal = dict(context.internal_request_params or {})
    service, source = internal.get("service_principal"), internal.get("source_arn")
    account = str(source).split(":")[4] if source else call.account
    if context.is_internal_call and not key.startswith(("ASIA", "LSIA")):
        if service and (call.service, call.operation) in _OF_SERVICES:
            return principals.of_service(str(service), account), source
        return None, None
    if context.is_internal_call and (call.service, call.operation) == ("logs", "CreateLogGroup"):
        # LocalEmu asks for the group of a log before each new stream; Lambda only for a missing one.
        group = call.text("logGroupName")
        if group in logs_backends[call.account][call.region].groups:
            return None, None
    if key in (constants.INTERNAL_AWS_ACCESS_KEY_ID, config.INTERNAL_RESOURCE_ACCOUNT):
        return None, None
    try:
        return principals.of_key(key, call.account, call.region), source
    except LookupError:
        raise CommonServiceException(
            code="InvalidClientTokenId", message=_INVALID, status_code=403, sender_fault=True
        ) from None


_EXEMPT: Final = frozenset(tuple(name.split(":")) for name in enforcer._EXEMPT_ACTIONS)


def _note(call: Call, principal: Principal | None) -> None:
    """Keep what later decisions need and the emulator drops."""
    given = call.parameters
    if call.service == "stepfunctions" and call.operation in ("CreateStateMachine", "UpdateStateMachine"):
        encryption: Any = given.get("encryptionConfiguration") or {}
        tracing: Any = given.get("tracingConfiguration") or {}
        resource_policies.declare(
            call.machine(),
            key=encryption.get("kmsKeyId") or ("" if encryption else None),
            tracing=tracing.get("enabled"),
        )
    elif call.service == "lambda" and call.operation in ("CreateFunction", "UpdateFunctionConfiguration"):
        resource_policies.declare(call.function(), key=given.get("KMSKeyArn"))
    elif call.service == "scheduler" and call.operation in ("CreateSchedule", "UpdateSchedule"):
        arn = call.arn("scheduler", f"schedule/{call.schedule_group()}/{call.text('Name')}")
        resource_policies.declare(arn, key=given.get("KmsKeyArn"))
