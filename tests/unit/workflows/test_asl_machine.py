"""Canonical bytes, placeholders, permissions and pictures of state machines."""

from __future__ import annotations

import json

import pytest

from workflows.asl.draw import edges, mermaid, scopes
from workflows.asl.machine import DefinitionError, StateMachine
from workflows.asl.permissions import ANY, SELF, SELF_EXECUTIONS, Permission, permissions
from workflows.asl.states import REFUSED_ERRORS, TRANSIENT_ERRORS, State, catch, fail, pass_, task
from workflows.etl import PLACEHOLDERS, RESOURCE_SETS, EtlSpec, definition
from workflows.history import lambda_invocations, state_transitions, states_entered

ETL = definition(EtlSpec(stack="sandbox"))
VALUES = {name: f"the-{name.lower()}" for name in PLACEHOLDERS}


def machine(state: State) -> StateMachine:
    return StateMachine(
        start_at="Call",
        states={"Call": state, "Bad": fail("Bad", "bad"), "Good": pass_(then=None)},
        comment="",
        timeout_seconds=60,
    )


def call(resource: str, arguments: object, **more: object) -> StateMachine:
    return machine(
        task(resource, arguments, timeout=1, catches=[catch(["States.ALL"], "Bad")], then="Good", **more)  # type: ignore[arg-type]
    )


def test_equal_specs_give_equal_bytes() -> None:
    assert ETL.canonical() == definition(EtlSpec(stack="sandbox")).canonical()
    assert json.loads(ETL.canonical())["QueryLanguage"] == "JSONata"
    assert len(ETL.canonical()) < 300_000


def test_the_placeholders_are_the_ones_that_are_documented() -> None:
    assert ETL.placeholders == set(PLACEHOLDERS)


def test_rendering_fills_every_placeholder() -> None:
    rendered = ETL.render(VALUES)
    assert "${" not in rendered
    assert json.loads(rendered)["States"]["NotifyFailure"]["Arguments"]["TopicArn"] == "the-topic"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "no value for the placeholders ArchiveBucket"),
        (VALUES | {"Other": "x"}, "the definition has no placeholders Other"),
        (VALUES | {"Topic": "x'; $error("}, "the value of the placeholder Topic has a character"),
        (VALUES | {"Topic": "{% x %}"}, "the value of the placeholder Topic has a character"),
        (VALUES | {"Topic": "a\nb"}, "the value of the placeholder Topic has a character"),
    ],
)
def test_rendering_refuses_what_would_not_stay_a_value(values: dict[str, str], message: str) -> None:
    with pytest.raises(DefinitionError, match=message.replace("(", r"\(")):
        ETL.render(values)


def test_every_task_of_the_etl_machine_has_the_shared_retry() -> None:
    tasks = [state for _, state in ETL.walk() if state.fields["Type"] == "Task"]
    assert len(tasks) > 20
    for state in tasks:
        [retry] = state.fields["Retry"]
        runs_again = str(state.fields["Resource"]).endswith((":lambda:invoke", ":glue:startJobRun.sync"))
        assert retry["ErrorEquals"] == list(REFUSED_ERRORS if runs_again else TRANSIENT_ERRORS)
        assert retry["JitterStrategy"] == "FULL"


def test_what_no_service_knows_as_repeated_is_repeated_only_when_it_was_refused() -> None:
    assert "Lambda.TooManyRequestsException" in REFUSED_ERRORS
    assert set(REFUSED_ERRORS) < set(TRANSIENT_ERRORS)
    ambiguous = ("SdkClient", "InternalServer", "InternalError", "ServiceException", "ExecutionTimeout")
    assert not [error for error in REFUSED_ERRORS if any(word in error for word in ambiguous)]


def test_the_role_may_do_what_the_definition_calls_and_nothing_else() -> None:
    found = {(permission.resource, permission.suffix): permission for permission in permissions(ETL)}
    assert found["ConfigTable", ""].actions == ("dynamodb:GetItem",)
    assert found["Topic", ""].actions == ("sns:Publish",)
    assert found["WorkflowAuditTable", "/index/by_workflow"].actions == ("dynamodb:Query",)
    assert found["RunJobDocument", ""].actions == found["Hosts", ""].actions == ("ssm:SendCommand",)
    assert found["WarehouseSecret", ""].actions == ("secretsmanager:GetSecretValue",)
    assert found[SELF, ""].actions == ("states:StartExecution",)
    assert found[SELF_EXECUTIONS, ""].actions == ("states:DescribeExecution", "states:StopExecution")
    assert found["EmrExecutionRoles", ""].conditions == {
        "StringEquals": {"iam:PassedToService": "emr-serverless.amazonaws.com"}
    }
    named = {resource for resource, _ in found}
    rules = {name for name in named if name.startswith("StepFunctionsGetEventsFor")}
    assert named - rules == {
        "ConfigTable", "Hosts", "JobAuditTable", "RunJobDocument", "Topic", "Warehouse", "WarehouseSecret",
        "WorkflowAuditTable", SELF, SELF_EXECUTIONS, ANY, *RESOURCE_SETS,
    }  # fmt: skip
    for permission in found.values():
        assert all("*" not in action for action in permission.actions)
        assert permission.resource != ANY or permission.conditions


def test_an_unknown_integration_is_refused_and_never_widened() -> None:
    with pytest.raises(DefinitionError, match=r'state "Call": the service integration .*ec2.* has no known'):
        permissions(call("arn:aws:states:::aws-sdk:ec2:runInstances", {}))
    with pytest.raises(DefinitionError, match="has no known permissions"):
        permissions(call("arn:aws:lambda:eu-central-1:111111111111:function:f", {}))


def test_a_resource_that_is_data_must_be_named() -> None:
    arguments = {"FunctionName": "{% $states.input.f %}"}
    with pytest.raises(DefinitionError, match="what FunctionName names is not known; name it in acts_on"):
        permissions(call("arn:aws:states:::lambda:invoke", arguments))
    named = call("arn:aws:states:::lambda:invoke", arguments, acts_on={"FunctionName": "Functions"})
    assert permissions(named) == (Permission(resource="Functions", actions=("lambda:InvokeFunction",)),)


def test_the_machine_is_told_in_mermaid_with_every_state() -> None:
    text = mermaid(ETL)
    for name, _ in ETL.walk():
        assert f'"{name}"' in text
    assert "-.->" in text
    total = sum(len(edges(processor.states)) for _, processor in scopes(ETL))
    assert text.count("-->") + text.count("-.->") == total + sum(1 for _ in scopes(ETL))


def test_a_history_tells_transitions_and_invocations() -> None:
    events = [
        {"type": "ExecutionStarted"},
        {"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "A"}},
        {"type": "TaskScheduled", "taskScheduledEventDetails": {"resourceType": "lambda"}},
        {"type": "TaskScheduled", "taskScheduledEventDetails": {"resourceType": "dynamodb"}},
        {"type": "LambdaFunctionScheduled"},
        {"type": "TaskStateExited"},
        {"type": "MapStateEntered", "stateEnteredEventDetails": {"name": "B"}},
        {"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "A"}},
    ]
    assert state_transitions(events) == 3
    assert states_entered(events) == {"A": 2, "B": 1}
    assert lambda_invocations(events) == 2
