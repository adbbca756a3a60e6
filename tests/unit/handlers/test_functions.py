"""The Lambda functions: what they accept, what they refuse, and the names of their errors."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from handlers.close_execution.logic import ending, log_link, message
from handlers.close_execution.models import EndedExecution, Settings
from handlers.host import errors as host_errors
from handlers.shared import clients
from handlers.shared import errors as shared_errors
from handlers.shared.environment import settings
from handlers.shared.errors import InvalidRequest
from handlers.start_workflow import handler as start_handler
from handlers.start_workflow.logic import execution_name, start
from handlers.start_workflow.models import EXECUTION_NAME, StartRequest, request_of

ROOT = Path(__file__).resolve().parents[3]
EVENT_ID = "0d079340-135a-c8c6-95c2-41fb8f496c53"


class ExecutionAlreadyExists(Exception):
    """Step Functions' refusal of a name."""


class FakeStates:
    exceptions = SimpleNamespace(ExecutionAlreadyExists=ExecutionAlreadyExists)

    def __init__(self) -> None:
        self.started: dict[str, dict[str, Any]] = {}

    def start_execution(self, **request: Any) -> dict[str, str]:
        if request["name"] in self.started:
            raise ExecutionAlreadyExists
        self.started[request["name"]] = request
        return {"executionArn": f"arn:{request['name']}"}


class FakeTable:
    """A configuration table that knows one workflow."""

    def get_item(self, *, Key: dict[str, Any], **_: Any) -> dict[str, Any]:
        known = Key == {"workflow_id": {"S": "nightly"}}
        return {"Item": Key} if known else {}


def begin(states: FakeStates, request_id: str = "r1", **request: str) -> Any:
    return start(
        StartRequest.model_validate(request),
        request_id=request_id,
        state_machine_arn="arn:machine",
        config_table="config",
        dynamodb=FakeTable(),
        states=states,
    )


# --- start_workflow -------------------------------------------------------------------------------


def test_a_start_names_the_execution_after_the_request() -> None:
    states = FakeStates()
    result = begin(states, workflow_id="nightly", workflow_execution_id="demo_test_26")
    assert (result.status, result.execution_arn) == ("started", "arn:demo_test_26")
    assert json.loads(states.started["demo_test_26"]["input"]) == {
        "workflow_id": "nightly",
        "workflow_execution_id": "demo_test_26",
        "request_id": "r1",
    }


def test_an_event_delivered_twice_starts_one_execution() -> None:
    states = FakeStates()
    first = begin(states, "r1", workflow_id="nightly", event_id=EVENT_ID)
    again = begin(states, "r2", workflow_id="nightly", event_id=EVENT_ID)
    assert (first.status, again.status) == ("started", "already running")
    assert first.workflow_execution_id == again.workflow_execution_id
    assert len(states.started) == 1
    assert begin(states, workflow_id="nightly", event_id="another").status == "started"


def test_an_unknown_workflow_starts_nothing() -> None:
    states = FakeStates()
    with pytest.raises(InvalidRequest, match="workflow 'none' is not configured"):
        begin(states, workflow_id="none", event_id=EVENT_ID)
    assert not states.started


def test_a_request_without_any_identity_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="neither workflow_execution_id nor an id"):
        begin(FakeStates(), workflow_id="nightly")


@given(st.text(min_size=1, max_size=255), st.text(min_size=1, max_size=1024))
def test_derived_names_are_names_of_executions(workflow_id: str, event_id: str) -> None:
    request = StartRequest(workflow_id=workflow_id, event_id=event_id)
    name = execution_name(request)
    assert re.fullmatch(EXECUTION_NAME, name)
    assert name == execution_name(request)
    assert name != execution_name(StartRequest(workflow_id=workflow_id, event_id=event_id + "x"))


@pytest.mark.parametrize(
    ("event", "request_"),
    [
        (
            {"workflow_id": "w", "workflow_execution_id": "e"},
            {"workflow_id": "w", "workflow_execution_id": "e"},
        ),
        ({"workflow_id": "w", "event_id": "i"}, {"workflow_id": "w", "event_id": "i"}),
        (
            {"id": "i", "detail-type": "x", "detail": {"workflow_id": "w", "bucket": "b"}},
            {"workflow_id": "w", "event_id": "i"},
        ),
        ({"id": "i", "detail": "text"}, {"event_id": "i"}),
    ],
)
def test_requests_are_found_in_events(event: dict[str, Any], request_: dict[str, Any]) -> None:
    assert request_of(event) == request_


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({}, "workflow_id: Field required"),
        ({"workflow_id": 1}, "workflow_id: Input should be a valid string"),
        ({"workflow_id": "w", "workflow_execution_id": "a b"}, "workflow_execution_id: String should match"),
        ({"workflow_id": "w", "workflow_execution_id": "a\n"}, "workflow_execution_id: String should match"),
        ({"workflow_id": "w", "x": 1}, "x: Extra inputs are not permitted"),
    ],
)
@pytest.mark.filterwarnings("ignore:No application metrics to publish")
def test_malformed_requests_are_refused_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, event: dict[str, Any], error: str
) -> None:
    monkeypatch.setenv("STATE_MACHINE_ARN", "arn")
    monkeypatch.setenv("CONFIG_TABLE", "config")
    context = SimpleNamespace(
        function_name="f", memory_limit_in_mb=1, invoked_function_arn="arn", aws_request_id="r"
    )
    with pytest.raises(InvalidRequest, match=re.escape(error)) as caught:
        start_handler.handler(event, context)
    assert "\n" not in str(caught.value)


# --- close_execution ------------------------------------------------------------------------------

SETTINGS = Settings(
    job_audit_table="jobs",
    workflow_audit_table="workflows",
    topic_arn="arn:aws:sns:eu-central-1:222222222222:topic",
    log_group="/ops/jobs",
    aws_region="eu-central-1",
    stack_name="dev",
    retention_days=400,
)


def ended(**changes: Any) -> EndedExecution:
    return EndedExecution.model_validate(
        {
            "executionArn": "arn:aws:states:eu-central-1:111111111111:execution:etl:demo",
            "name": "demo",
            "status": "ABORTED",
            "startDate": 1_769_839_200_000,
            **changes,
        }
    )


def test_the_id_of_the_records_is_the_inputs_or_the_executions_name() -> None:
    assert ended().workflow_execution_id == "demo"
    assert ended(input='{"workflow_execution_id": "other"}').workflow_execution_id == "other"
    for broken in ("not json", "[]", '{"workflow_execution_id": 1}', '{"workflow_execution_id": ""}'):
        assert ended(input=broken).workflow_execution_id == "demo"


def test_only_ends_without_success_are_taken() -> None:
    with pytest.raises(ValidationError):
        ended(status="SUCCEEDED")


@pytest.mark.parametrize(
    ("status", "recorded", "error"),
    [
        ("ABORTED", "Aborted", "Aborted"),
        ("TIMED_OUT", "Failed", "States.Timeout"),
        ("FAILED", "Failed", "ExecutionFailed"),
    ],
)
def test_every_end_has_its_status_and_error(status: str, recorded: str, error: str) -> None:
    how = ending(ended(status=status))
    assert (how.status, how.error_name) == (recorded, error)


def test_the_notification_names_the_first_error_the_log_and_the_resume_command() -> None:
    record = {
        "workflow_id": {"S": "nightly"},
        "error_name": {"S": "States.Timeout"},
        "error_message": {"S": "the execution ran into its time limit"},
        "failed_job": {"S": "load.sh"},
        "failed_log_stream": {"S": "nightly/demo/001.0001.load.sh/1"},
    }
    assert message(ended(), record, "", SETTINGS).splitlines() == [
        "Workflow: nightly",
        "Execution: demo",
        "Failed job: load.sh",
        "Error: States.Timeout",
        "the execution ran into its time limit",
        "",
        "Log: https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#logsV2:log-groups/"
        "log-group/$252Fops$252Fjobs/log-events/nightly$252Fdemo$252F001.0001.load.sh$252F1",
        "Resume: landfall workflow resume demo --stack dev",
    ]
    assert log_link(SETTINGS, "a b").endswith("/a$2520b")


# --- both -----------------------------------------------------------------------------------------


def test_settings_come_from_variables_in_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {name.upper(): str(value) for name, value in SETTINGS.model_dump().items()}
    assert settings(Settings, variables) == SETTINGS
    with pytest.raises(ValidationError, match="topic_arn"):
        settings(Settings, {key: value for key, value in variables.items() if key != "TOPIC_ARN"})


def test_clients_are_not_made_at_import() -> None:
    clients.client.cache_clear()
    for name in ("start_workflow", "close_execution"):
        importlib.reload(importlib.import_module(f"handlers.{name}.handler"))
    assert clients.client.cache_info().currsize == 0


def errors_of(module: Any) -> set[str]:
    return {
        name
        for name, value in inspect.getmembers(module, inspect.isclass)
        if issubclass(value, Exception) and value.__module__ == module.__name__
    }


def test_the_error_names_are_the_workflows() -> None:
    """A workflow matches these names; renaming a class breaks it."""
    assert errors_of(shared_errors) == {"InvalidRequest"}
    assert errors_of(host_errors) == {
        "JobError",
        "JobFailed",
        "JobTimedOut",
        "JobAborted",
        "ScriptRefused",
        "InvalidJob",
    }
    definition = "".join(path.read_text() for path in sorted((ROOT / "workflows" / "etl").glob("*.py")))
    used = set(re.findall(r"\b(?:Job(?:Failed|TimedOut|Aborted)|ScriptRefused)\b", definition))
    assert used <= errors_of(host_errors)
    assert used
