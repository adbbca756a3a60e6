"""States of the Amazon States Language as small records, JSONata throughout.

Each builder returns a `State`: its ASL fields, the processor inside a Map, and the names of the
resources that a call acts on where its arguments do not say so literally. Every Task gets a timeout,
the shared transient Retry and, from its caller, a Catch; `workflows.asl.checks` refuses a machine
whose Tasks lack one. (source: DESIGN section 6; Step Functions Developer Guide, "Using Amazon States
Language to define workflows" and "Transforming data with JSONata")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Fields = Mapping[str, Any]

TRANSIENT_ERRORS: tuple[str, ...] = (
    "DynamoDB.InternalServerErrorException",
    "DynamoDB.ProvisionedThroughputExceededException",
    "DynamoDB.RequestLimitExceededException",
    "DynamoDB.SdkClientException",
    "DynamoDB.ThrottlingException",
    "DynamoDb.InternalServerErrorException",
    "DynamoDb.ProvisionedThroughputExceededException",
    "DynamoDb.RequestLimitExceededException",
    "DynamoDb.SdkClientException",
    "DynamoDb.ThrottlingException",
    "EMRServerless.ThrottlingException",
    "Glue.ThrottlingException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "RedshiftData.ActiveStatementsExceededException",
    "RedshiftData.InternalServerException",
    "RedshiftData.RedshiftDataException",
    "RedshiftData.SdkClientException",
    "RedshiftData.ThrottlingException",
    "S3.S3Exception",
    "S3.SdkClientException",
    "S3.SlowDownException",
    "SNS.InternalErrorException",
    "SNS.SdkClientException",
    "SNS.ThrottledException",
    "Ssm.InternalServerErrorException",
    "Ssm.SdkClientException",
    "Ssm.ThrottlingException",
    "StepFunctions.AWSStepFunctionsException",
    "StepFunctions.SdkClientException",
    "StepFunctions.ThrottlingException",
)
"""Errors that say nothing about the request: throttling, and failures on the service's or the network's
side. Services whose API model names no throttling exception (Redshift Data, S3, Step Functions) throttle
under their general one; what else comes under that name is asked again in vain, half a minute long."""

REFUSED_ERRORS: tuple[str, ...] = tuple(
    error
    for error in TRANSIENT_ERRORS
    if any(word in error for word in ("Throttl", "TooManyRequests", "LimitExceeded", "SlowDown"))
)
"""Those after which the request has certainly not been executed."""

TRANSIENT_RETRY: Fields = {
    "ErrorEquals": list(TRANSIENT_ERRORS),
    "IntervalSeconds": 1,
    "MaxAttempts": 5,
    "BackoffRate": 2,
    "MaxDelaySeconds": 20,
    "JitterStrategy": "FULL",
}
"""The one Retry of every Task: about half a minute of waiting in all, with jitter."""

REFUSED_RETRY: Fields = {**TRANSIENT_RETRY, "ErrorEquals": list(REFUSED_ERRORS)}
"""The Retry of a Task whose service does not know a repeated request: a lost answer must not run it twice."""


@dataclass(frozen=True, kw_only=True)
class Processor:
    """The states inside a Map."""

    start_at: str
    states: Mapping[str, State]
    distributed: bool = False
    """Whether each item is a child execution with a history of its own."""


@dataclass(frozen=True, kw_only=True)
class State:
    """One state: its ASL fields without what `processor` adds."""

    fields: Fields
    processor: Processor | None = None
    acts_on: Mapping[str, str] | None = None
    """Argument name to the name of a resource (or of a set of resources) where the argument is data at run
    time."""

    def asl(self) -> dict[str, Any]:
        """The state as an ASL object."""
        body = dict(self.fields)
        if self.processor is not None:
            mode = (
                {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
                if self.processor.distributed
                else {"Mode": "INLINE"}
            )
            body["ItemProcessor"] = {
                "ProcessorConfig": mode,
                "StartAt": self.processor.start_at,
                "States": {name: state.asl() for name, state in self.processor.states.items()},
            }
        return body


def expr(source: str) -> str:
    """A JSONata expression as the value of an ASL field."""
    return "{% " + " ".join(line.strip() for line in source.strip().splitlines()) + " %}"


def catch(
    errors: Sequence[str], then: str, *, output: Any = None, assign: Fields | None = None
) -> dict[str, Any]:
    """One catcher: these errors lead to the state ``then``."""
    catcher: dict[str, Any] = {"ErrorEquals": list(errors), "Next": then}
    if output is not None:
        catcher["Output"] = output
    if assign is not None:
        catcher["Assign"] = dict(assign)
    return catcher


def _ending(fields: dict[str, Any], then: str | None) -> dict[str, Any]:
    if then is None:
        fields["End"] = True
    else:
        fields["Next"] = then
    return fields


def _optional(fields: dict[str, Any], **values: Any) -> dict[str, Any]:
    return fields | {name: value for name, value in values.items() if value is not None}


def task(
    resource: str,
    arguments: Any,
    *,
    timeout: int | str,
    catches: Sequence[Fields],
    then: str | None,
    heartbeat: int | str | None = None,
    output: Any = None,
    assign: Fields | None = None,
    acts_on: Mapping[str, str] | None = None,
    repeatable: bool = True,
    comment: str | None = None,
) -> State:
    """A call of a service integration. ``timeout`` and ``heartbeat`` are seconds, or JSONata for seconds.

    ``then`` is ``None`` at the end of the branch. Not ``repeatable`` is a call that would do its work again
    where only the answer to the first was lost.
    """
    fields: dict[str, Any] = {
        "Type": "Task",
        "Resource": resource,
        "Arguments": arguments,
        "TimeoutSeconds": timeout,
        "Retry": [dict(TRANSIENT_RETRY if repeatable else REFUSED_RETRY)],
        "Catch": [dict(catcher) for catcher in catches],
    }
    fields = _optional(fields, HeartbeatSeconds=heartbeat, Output=output, Assign=assign, Comment=comment)
    return State(fields=_ending(fields, then), acts_on=acts_on)


def map_(
    items: str,
    processor: Processor,
    *,
    selector: Any,
    concurrency: int | str,
    then: str | None,
    catches: Sequence[Fields] = (),
    output: Any = None,
    assign: Fields | None = None,
    label: str | None = None,
    comment: str | None = None,
) -> State:
    """A Map over the array that ``items`` evaluates to. ``label`` names the runs of a distributed one."""
    fields: dict[str, Any] = {
        "Type": "Map",
        "Items": items,
        "ItemSelector": selector,
        "MaxConcurrency": concurrency,
    }
    fields = _optional(
        fields,
        Catch=[dict(catcher) for catcher in catches] or None,
        Output=output,
        Assign=assign,
        Label=label,
        Comment=comment,
    )
    return State(fields=_ending(fields, then), processor=processor)


def choice(rules: Sequence[tuple[str, str]], *, default: str, comment: str | None = None) -> State:
    """A Choice: the first condition (JSONata) that holds names the next state."""
    fields: dict[str, Any] = {
        "Type": "Choice",
        "Choices": [{"Condition": condition, "Next": then} for condition, then in rules],
        "Default": default,
    }
    return State(fields=_optional(fields, Comment=comment))


def pass_(
    *, then: str | None, output: Any = None, assign: Fields | None = None, comment: str | None = None
) -> State:
    """A Pass: shapes data, calls nothing."""
    return State(
        fields=_ending(_optional({"Type": "Pass"}, Output=output, Assign=assign, Comment=comment), then)
    )


def wait(seconds: int | str, *, then: str, output: Any = None, comment: str | None = None) -> State:
    """A Wait of ``seconds``, a number or JSONata for one."""
    return State(
        fields=_optional({"Type": "Wait", "Seconds": seconds, "Next": then}, Output=output, Comment=comment)
    )


def fail(error: str, cause: str, *, comment: str | None = None) -> State:
    """A Fail with an error name and a cause, each a literal or JSONata."""
    return State(fields=_optional({"Type": "Fail", "Error": error, "Cause": cause}, Comment=comment))
