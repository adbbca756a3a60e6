"""What a state machine's role must be allowed to do, derived from its definition.

Each service integration of the table below names its IAM actions and the argument that says what it
acts on. A literal ``${Placeholder}`` there names the resource; where the argument is data at run time,
the Task names a set of resources (``acts_on``). An integration that the table does not know is refused:
nothing is ever widened to a wildcard.
(source: Step Functions Developer Guide, "How Step Functions generates IAM policies for integrated services")
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from workflows.asl.machine import PLACEHOLDER, DefinitionError, StateMachine
from workflows.asl.states import State

Conditions = Mapping[str, Mapping[str, str]]

SELF = "StateMachine"
"""Resource name of the machine itself, which starts children where a Map is distributed."""
SELF_EXECUTIONS = "StateMachineExecutions"
"""Resource name of the child executions of the machine's distributed Maps."""
ANY = "*"
"""For calls that have no resource in IAM; always with a condition."""


@dataclass(frozen=True, kw_only=True, order=True)
class Permission:
    """Leave to do ``actions`` on one named resource.

    ``resource`` is the name of a placeholder, of a resource set of the definition, of a rule that Step
    Functions manages, or `SELF`, `SELF_EXECUTIONS`, `ANY`. ``suffix`` is appended to the resource's ARN.
    """

    resource: str
    suffix: str = ""
    actions: tuple[str, ...]
    conditions: Conditions = field(default_factory=dict, compare=False)


@dataclass(frozen=True, kw_only=True)
class _Need:
    actions: tuple[str, ...]
    argument: str | None = None
    """Dotted path of the argument that names the resource."""
    fixed: str | None = None
    """Resource name that does not depend on the arguments."""
    suffix: str = ""
    index: str | None = None
    """Argument with the name of an index of the table."""
    conditions: Conditions = field(default_factory=dict)
    optional: bool = False
    """Whether the argument may be absent."""


def _managed_rule(name: str) -> _Need:
    return _Need(actions=("events:DescribeRule", "events:PutRule", "events:PutTargets"), fixed=name)


_OWN_STATEMENT: Conditions = {
    "StringEquals": {"redshift-data:statement-owner-iam-userid": "${aws:userid}"},
}


def _data_api(action: str) -> tuple[_Need, ...]:
    return (
        _Need(actions=(action,), argument="WorkgroupName", optional=True),
        _Need(actions=(action,), argument="ClusterIdentifier", optional=True),
        _Need(actions=("secretsmanager:GetSecretValue",), argument="SecretArn", optional=True),
    )


INTEGRATIONS: Mapping[str, tuple[_Need, ...]] = {
    "dynamodb:getItem": (_Need(actions=("dynamodb:GetItem",), argument="TableName"),),
    "dynamodb:putItem": (_Need(actions=("dynamodb:PutItem",), argument="TableName"),),
    "dynamodb:updateItem": (_Need(actions=("dynamodb:UpdateItem",), argument="TableName"),),
    "aws-sdk:dynamodb:putItem": (_Need(actions=("dynamodb:PutItem",), argument="TableName"),),
    "aws-sdk:dynamodb:query": (_Need(actions=("dynamodb:Query",), argument="TableName", index="IndexName"),),
    "sns:publish": (_Need(actions=("sns:Publish",), argument="TopicArn"),),
    "aws-sdk:ssm:sendCommand.waitForTaskToken": (
        _Need(actions=("ssm:SendCommand",), argument="DocumentName"),
        _Need(actions=("ssm:SendCommand",), fixed="Hosts"),
    ),
    "sqs:sendMessage.waitForTaskToken": (_Need(actions=("sqs:SendMessage",), argument="QueueUrl"),),
    "aws-sdk:redshiftdata:executeStatement": _data_api("redshift-data:ExecuteStatement"),
    "aws-sdk:redshiftdata:batchExecuteStatement": _data_api("redshift-data:BatchExecuteStatement"),
    "aws-sdk:redshiftdata:describeStatement": (
        _Need(actions=("redshift-data:DescribeStatement",), fixed=ANY, conditions=_OWN_STATEMENT),
    ),
    "aws-sdk:redshiftdata:getStatementResult": (
        _Need(actions=("redshift-data:GetStatementResult",), fixed=ANY, conditions=_OWN_STATEMENT),
    ),
    "aws-sdk:redshiftdata:cancelStatement": (
        _Need(actions=("redshift-data:CancelStatement",), fixed=ANY, conditions=_OWN_STATEMENT),
    ),
    "aws-sdk:s3:listObjectsV2": (_Need(actions=("s3:ListBucket",), argument="Bucket"),),
    "lambda:invoke": (_Need(actions=("lambda:InvokeFunction",), argument="FunctionName"),),
    "glue:startJobRun.sync": (
        _Need(
            actions=("glue:BatchStopJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:StartJobRun"),
            argument="JobName",
        ),
    ),
    "emr-serverless:startJobRun.sync": (
        _Need(actions=("emr-serverless:StartJobRun",), argument="ApplicationId"),
        _Need(
            actions=("emr-serverless:CancelJobRun", "emr-serverless:GetJobRun"),
            argument="ApplicationId",
            suffix="/jobruns/*",
        ),
        _Need(
            actions=("iam:PassRole",),
            argument="ExecutionRoleArn",
            conditions={"StringEquals": {"iam:PassedToService": "emr-serverless.amazonaws.com"}},
        ),
        _managed_rule("StepFunctionsGetEventsForEMRServerlessJobRule"),
    ),
    "states:startExecution.sync:2": (
        _Need(actions=("states:StartExecution",), argument="StateMachineArn"),
        _Need(
            actions=("states:DescribeExecution", "states:StopExecution"),
            argument="StateMachineArn",
            suffix=":executions",
        ),
        _managed_rule("StepFunctionsGetEventsForStepFunctionsExecutionRule"),
    ),
}
"""What each service integration needs, by its name in the Task's ``Resource``."""

_RESOURCE = re.compile(r"arn:aws:states:::(.+)")


def permissions(machine: StateMachine) -> tuple[Permission, ...]:
    """The role's permissions, sorted, one for each resource and kind of condition.

    A suffix of ``:executions`` stands for the executions of the named state machines, whose ARN differs
    from the machine's in the word ``execution`` and ends in ``:*``. Raises `DefinitionError` for an
    integration that is not in the table, and where the resource is data and the Task names none.
    """
    found: dict[tuple[str, str, str], tuple[set[str], Conditions]] = {}

    def add(resource: str, suffix: str, actions: tuple[str, ...], conditions: Conditions) -> None:
        granted, _ = found.setdefault((resource, suffix, repr(conditions)), (set(), conditions))
        granted.update(actions)

    for name, state in machine.walk():
        if state.processor is not None and state.processor.distributed:
            add(SELF, "", ("states:StartExecution",), {})
            add(SELF_EXECUTIONS, "", ("states:DescribeExecution", "states:StopExecution"), {})
        if state.fields["Type"] != "Task":
            continue
        matched = _RESOURCE.fullmatch(str(state.fields["Resource"]))
        needs = INTEGRATIONS.get(matched[1]) if matched else None
        if needs is None:
            raise DefinitionError(
                f'state "{name}": the service integration {state.fields["Resource"]} has no known permissions'
            )
        for need in needs:
            resource = need.fixed or _resource(name, state, need)
            if resource is not None:
                add(resource, need.suffix + _index(state, need), need.actions, need.conditions)
    return tuple(
        Permission(resource=resource, suffix=suffix, actions=tuple(sorted(actions)), conditions=conditions)
        for (resource, suffix, _), (actions, conditions) in sorted(found.items())
    )


def _argument(state: State, name: str) -> object:
    arguments = state.fields["Arguments"]
    return arguments.get(name) if isinstance(arguments, Mapping) else None


def _resource(name: str, state: State, need: _Need) -> str | None:
    argument = str(need.argument)
    if state.acts_on is not None and argument in state.acts_on:
        return state.acts_on[argument]
    value = _argument(state, argument)
    if value is None and need.optional:
        return None
    literal = PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
    if literal is None:
        raise DefinitionError(f'state "{name}": what {argument} names is not known; name it in acts_on')
    return literal[1]


def _index(state: State, need: _Need) -> str:
    index = _argument(state, need.index) if need.index else None
    return f"/index/{index}" if index else ""
