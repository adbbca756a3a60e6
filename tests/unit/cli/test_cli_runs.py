"""Runs over stubbed AWS clients: what is asked, and every refusal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from landfall.cli import runs as runs_module
from landfall.cli.exits import CommandError, Exit
from landfall.cli.runs import Runs, new_execution_id
from landfall.etl_names import EtlNames
from landfall.naming import Names

NAMES = EtlNames(names=Names("landfall", "dev"), account_id="111111111111", region="eu-central-1")
STARTED = datetime(2026, 1, 31, 6, 0, 0, tzinfo=UTC)


class Cloud:
    """Stubbed clients; a call that was not announced fails the test."""

    def __init__(self) -> None:
        self.stubs: dict[str, Stubber] = {}
        self._clients: dict[str, Any] = {}
        for service in ("stepfunctions", "dynamodb", "logs"):
            client = boto3.client(
                service, region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x"
            )
            self._clients[service] = client
            self.stubs[service] = Stubber(client)
            self.stubs[service].activate()

    def client(self, service: str, alias: str) -> Any:
        assert alias == "data"
        return self._clients[service]

    def record(self, execution_id: str, **attributes: str) -> None:
        """The next read of a workflow record finds this; nothing where no attribute is given."""
        item = {name: {"S": value} for name, value in attributes.items()}
        self.stubs["dynamodb"].add_response(
            "get_item",
            {"Item": {"workflow_execution_id": {"S": execution_id}, **item}} if item else {},
            {
                "TableName": "landfall-dev-workflow-audit",
                "Key": {"workflow_execution_id": {"S": execution_id}},
                "ConsistentRead": True,
            },
        )

    def execution(self, execution_id: str, status: str, **more: Any) -> None:
        """The next description of an execution says this."""
        arn = NAMES.execution_arn(execution_id)
        stop = {} if status == "RUNNING" else {"stopDate": STARTED + timedelta(seconds=12.5)}
        self.stubs["stepfunctions"].add_response(
            "describe_execution",
            {
                "executionArn": arn,
                "stateMachineArn": NAMES.machine_arn,
                "status": status,
                "startDate": STARTED,
                **stop,
                **more,
            },
            {"executionArn": arn},
        )

    def no_execution(self) -> None:
        self.stubs["stepfunctions"].add_client_error("describe_execution", "ExecutionDoesNotExist")

    def jobs(self, *items: dict[str, Any]) -> None:
        self.stubs["dynamodb"].add_response("query", {"Items": list(items)}, None)


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    made = Cloud()
    yield made
    for stub in made.stubs.values():
        stub.assert_no_pending_responses()


@pytest.fixture
def runs(cloud: Cloud) -> Runs:
    return Runs(NAMES, "data", cloud.client)


def started(cloud: Cloud, name: str, seen: list[dict[str, Any]] | None = None, **expected: str) -> None:
    def check(params: dict[str, Any], **_: Any) -> None:
        document = json.loads(params["input"])
        request = document.pop("request_id")
        assert len(request) == 32
        assert document == {"workflow_execution_id": name, **expected}
        if seen is not None:
            seen.append({"request_id": request})

    cloud.client("stepfunctions", "data").meta.events.register(
        "provide-client-params.stepfunctions.StartExecution", check
    )
    cloud.stubs["stepfunctions"].add_response(
        "start_execution",
        {"executionArn": NAMES.execution_arn(name), "startDate": STARTED},
        {"stateMachineArn": NAMES.machine_arn, "name": name, "input": ANY},
    )


def test_a_start_names_the_execution_and_makes_every_request_unlike(cloud: Cloud, runs: Runs) -> None:
    seen: list[dict[str, Any]] = []
    started(cloud, "demo_test_26", seen, workflow_id="nightly")
    assert runs.start("nightly", "demo_test_26") == NAMES.execution_arn("demo_test_26")
    assert len(seen) == 1


@pytest.mark.parametrize("wrong", ["", "a b", "x" * 81, "a/b", "../x", "ä", "a:b"])
def test_an_id_that_step_functions_would_refuse_asks_nothing_of_aws(runs: Runs, wrong: str) -> None:
    with pytest.raises(CommandError, match="is not an execution id: 1 to 80 letters") as refused:
        runs.start("nightly", wrong)
    assert refused.value.code is Exit.INVALID


def test_ids_that_nobody_chose_are_valid_and_differ() -> None:
    made = {new_execution_id("w" * 64) for _ in range(20)}
    assert len(made) == 20
    assert all(runs_module.EXECUTION_ID.fullmatch(name) for name in made)


def refuse_start(cloud: Cloud, code: str, message: str = "") -> None:
    cloud.stubs["stepfunctions"].add_client_error("start_execution", code, message)


def test_a_second_start_while_the_first_runs(cloud: Cloud, runs: Runs) -> None:
    refuse_start(cloud, "ExecutionAlreadyExists")
    cloud.record("demo_test_26", execution_status="Running")
    with pytest.raises(
        CommandError, match=r"^workflow execution demo_test_26 is already running$"
    ) as refused:
        runs.start("nightly", "demo_test_26")
    assert refused.value.code is Exit.FAILED


def test_a_second_start_before_the_first_wrote_its_record(cloud: Cloud, runs: Runs) -> None:
    refuse_start(cloud, "ExecutionAlreadyExists")
    cloud.record("demo_test_26")
    with pytest.raises(CommandError, match=r"^workflow execution demo_test_26 is already running$"):
        runs.start("nightly", "demo_test_26")


@pytest.mark.parametrize("status", ["Completed", "Failed", "Aborted"])
def test_a_second_start_after_the_end_shows_the_way_on(cloud: Cloud, runs: Runs, status: str) -> None:
    refuse_start(cloud, "ExecutionAlreadyExists")
    cloud.record("demo_test_26", execution_status=status)
    with pytest.raises(CommandError) as refused:
        runs.start("nightly", "demo_test_26")
    assert refused.value.message == (
        f"workflow execution demo_test_26 has already ended ({status}); choose another id, "
        "or: landfall workflow resume demo_test_26"
    )


def test_a_start_without_a_deployed_machine_says_what_to_do(cloud: Cloud, runs: Runs) -> None:
    refuse_start(cloud, "StateMachineDoesNotExist")
    with pytest.raises(
        CommandError, match="landfall-dev-etl does not exist: deploy the stack first"
    ) as refused:
        runs.start("nightly", "a")
    assert refused.value.code is Exit.ENVIRONMENT


def test_another_refusal_of_the_service_is_told_in_its_words(cloud: Cloud, runs: Runs) -> None:
    refuse_start(cloud, "AccessDeniedException", "not authorized to perform states:StartExecution")
    with pytest.raises(CommandError, match=r"^not authorized to perform states:StartExecution$"):
        runs.start("nightly", "a")


@pytest.mark.parametrize(
    ("record", "sentence", "code"),
    [
        ({}, 'no workflow execution "a" is recorded', Exit.INVALID),
        (
            {"execution_status": "Completed"},
            "workflow execution a is Completed: there is nothing to resume",
            Exit.FAILED,
        ),
    ],
)
def test_what_cannot_be_resumed(
    cloud: Cloud, runs: Runs, record: dict[str, str], sentence: str, code: Exit
) -> None:
    cloud.record("a", **record)
    with pytest.raises(CommandError) as refused:
        runs.resume("a", "a-resume-1")
    assert (refused.value.message, refused.value.code) == (sentence, code)


def test_a_run_that_still_runs_cannot_be_resumed(cloud: Cloud, runs: Runs) -> None:
    for _ in range(2):
        cloud.record("a", execution_status="Running", workflow_id="nightly")
    cloud.execution("a", "RUNNING")
    cloud.jobs()
    with pytest.raises(CommandError, match=r"^workflow execution a is still running$"):
        runs.resume("a", "a-resume-1")


@pytest.mark.parametrize("gone", ["ABORTED", "UNKNOWN"])
def test_a_record_that_says_running_of_an_execution_that_is_gone_is_closed_and_resumed(
    cloud: Cloud, runs: Runs, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    monkeypatch.setattr(runs_module, "CLOSING_SECONDS", -1.0)
    for _ in range(2):
        cloud.record("a", execution_status="Running", workflow_id="nightly")
    cloud.no_execution() if gone == "UNKNOWN" else cloud.execution("a", gone)
    open_job = {"workflow_execution_id": {"S": "a"}, "job_id": {"S": "001.0001.x"}}
    closed_job = {**open_job, "job_id": {"S": "001.0002.y"}, "execution_status": {"S": "Completed"}}
    cloud.jobs({**open_job, "execution_status": {"S": "Running"}}, closed_job)
    written: list[tuple[str, Any, str]] = []

    def see(params: dict[str, Any], **_: Any) -> None:
        assert params["ConditionExpression"] == "execution_status = :running"
        status = params["ExpressionAttributeValues"][":aborted"]["S"]
        written.append((params["TableName"], params["Key"], status))

    cloud.client("dynamodb", "data").meta.events.register("provide-client-params.dynamodb.UpdateItem", see)
    cloud.stubs["dynamodb"].add_response("update_item", {}, None)
    # The workflow record was closed by itself in this very moment: that is no error.
    cloud.stubs["dynamodb"].add_client_error("update_item", "ConditionalCheckFailedException")
    started(cloud, "a-resume-1", workflow_id="nightly", resume_from="a")
    assert runs.resume("a", "a-resume-1") == NAMES.execution_arn("a-resume-1")
    assert written == [
        ("landfall-dev-job-audit", open_job, "Aborted"),
        ("landfall-dev-workflow-audit", {"workflow_execution_id": {"S": "a"}}, "Aborted"),
    ]


def test_a_record_whose_execution_is_unknown_is_not_followed_for_ever(
    cloud: Cloud, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs_module, "CLOSING_SECONDS", -1.0)
    cloud.record("a", execution_status="Running")
    cloud.no_execution()
    cloud.jobs()
    with pytest.raises(CommandError, match="landfall workflow resume a closes it"):
        list(runs.follow("a"))


def test_a_resume_starts_the_recorded_workflow_from_the_failed_run(cloud: Cloud, runs: Runs) -> None:
    cloud.record("a", execution_status="Failed", workflow_id="nightly")
    started(cloud, "a-resume-1", workflow_id="nightly", resume_from="a")
    assert runs.resume("a", "a-resume-1") == NAMES.execution_arn("a-resume-1")


@pytest.mark.parametrize(
    ("execution_id", "taken", "expected"),
    [
        ("a", [], "a-resume-1"),
        ("a", ["a-resume-1", "a-resume-2"], "a-resume-3"),
        ("a-resume-2", [], "a-resume-3"),
        ("a-resume-b", [], "a-resume-b-resume-1"),
        ("x" * 80, [], f"{'x' * 69}-resume-1"),
    ],
)
def test_the_next_free_id_of_a_resume(
    cloud: Cloud, runs: Runs, execution_id: str, taken: list[str], expected: str
) -> None:
    for name in taken:
        cloud.record(name, execution_status="Failed")
    cloud.record(expected)
    found = runs.next_resume_id(execution_id)
    assert found == expected
    assert runs_module.EXECUTION_ID.fullmatch(found)


def test_nothing_recorded_and_nothing_known_is_an_unknown_run(cloud: Cloud, runs: Runs) -> None:
    cloud.record("a")
    cloud.no_execution()
    with pytest.raises(CommandError, match='no workflow execution "a" is recorded') as refused:
        runs.get("a")
    assert refused.value.code is Exit.INVALID


def test_a_run_that_has_just_started_is_running(cloud: Cloud, runs: Runs) -> None:
    cloud.record("a")
    cloud.execution("a", "RUNNING")
    cloud.jobs()
    run = runs.get("a", counted=False)
    assert (run.status, run.execution_status, run.ended, run.jobs) == ("Running", "RUNNING", False, ())


def test_an_execution_that_failed_before_its_record_says_why(cloud: Cloud, runs: Runs) -> None:
    cloud.record("a")
    cloud.execution("a", "FAILED", error="WorkflowNotFound", cause='workflow "x" is not configured')
    with pytest.raises(CommandError, match='workflow execution a failed: workflow "x" is not configured'):
        runs.get("a", counted=False)


def test_a_run_counts_transitions_and_functions_from_its_history(cloud: Cloud, runs: Runs) -> None:
    cloud.record("a", execution_status="Completed", workflow_id="nightly")
    cloud.execution("a", "SUCCEEDED")
    events = [
        ("ExecutionStarted", None),
        ("PassStateEntered", "One"),
        ("PassStateExited", "One"),
        ("TaskStateEntered", "Two"),
        ("LambdaFunctionScheduled", None),
        ("TaskStateExited", "Two"),
        ("ExecutionSucceeded", None),
    ]
    cloud.stubs["stepfunctions"].add_response(
        "get_execution_history",
        {
            "events": [
                {
                    "timestamp": STARTED,
                    "type": kind,
                    "id": number,
                    **({"stateEnteredEventDetails": {"name": name}} if kind.endswith("StateEntered") else {}),
                    **({"stateExitedEventDetails": {"name": name}} if kind.endswith("StateExited") else {}),
                    **(
                        {
                            "lambdaFunctionScheduledEventDetails": {
                                "resource": "arn:aws:lambda:eu-central-1:1:f"
                            }
                        }
                        if kind.startswith("Lambda")
                        else {}
                    ),
                }
                for number, (kind, name) in enumerate(events, start=1)
            ]
        },
        {"executionArn": NAMES.execution_arn("a"), "includeExecutionData": False},
    )
    cloud.jobs(
        {
            "workflow_execution_id": {"S": "a"},
            "job_id": {"S": "001.0001.x"},
            "stage": {"N": "1"},
            "attempt": {"N": "1.5"},
            "execution_status": {"S": "Completed"},
        }
    )
    document = runs.get("a").to_json()
    assert document["status"] == "Completed"
    assert document["seconds"] == 12.5
    assert document["lambda_invocations"] == 1
    assert document["state_transitions"] == 2
    (job,) = document["jobs"]
    assert (job["stage"], job["attempt"]) == (1, 1.5)
    json.dumps(document)


def test_following_ends_with_the_record_not_with_the_execution(
    cloud: Cloud, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs_module, "POLL_SECONDS", 0.0)
    for status, execution in (("Running", "RUNNING"), ("Running", "ABORTED"), ("Aborted", "ABORTED")):
        cloud.record("a", execution_status=status)
        cloud.execution("a", execution)
        cloud.jobs()
    cloud.record("a", execution_status="Aborted")
    cloud.execution("a", "ABORTED")
    cloud.stubs["stepfunctions"].add_response("get_execution_history", {"events": []}, None)
    cloud.jobs()
    assert [run.status for run in runs.follow("a")] == ["Running", "Running", "Aborted"]


def test_a_record_that_nobody_closes_is_told(
    cloud: Cloud, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs_module, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(runs_module, "CLOSING_SECONDS", -1.0)
    cloud.record("a", execution_status="Running")
    cloud.execution("a", "ABORTED")
    cloud.jobs()
    with pytest.raises(CommandError, match="look at function close-execution"):
        list(runs.follow("a"))


def test_the_log_of_a_job_that_wrote_none_is_empty(cloud: Cloud, runs: Runs) -> None:
    cloud.stubs["logs"].add_client_error("filter_log_events", "ResourceNotFoundException")
    assert list(runs.log("w/e/j/1")) == []


def test_a_log_is_read_in_its_order(cloud: Cloud, runs: Runs) -> None:
    cloud.stubs["logs"].add_response(
        "filter_log_events",
        {"events": [{"timestamp": 1, "message": "a"}, {"timestamp": 2, "message": "b"}]},
        {"logGroupName": "/ops/landfall-dev-job-logs", "logStreamNames": ["w/e/j/1"]},
    )
    assert list(runs.log("w/e/j/1")) == [(1, "a"), (2, "b")]


def test_definitions_come_sorted_and_plain(cloud: Cloud, runs: Runs) -> None:
    cloud.stubs["dynamodb"].add_response(
        "scan",
        {"Items": [{"workflow_id": {"S": "b"}}, {"workflow_id": {"S": "a"}, "n": {"L": [{"N": "2"}]}}]},
        {"TableName": "landfall-dev-workflow-config"},
    )
    assert runs.definitions() == [{"n": [2], "workflow_id": "a"}, {"workflow_id": "b"}]


def test_an_abort_stops_the_recorded_execution_whatever_its_name(cloud: Cloud, runs: Runs) -> None:
    arn = NAMES.execution_arn("started-by-a-schedule")
    cloud.record("a", workflow_id="nightly", execution_status="Running", execution_arn=arn)
    cloud.stubs["stepfunctions"].add_response(
        "stop_execution",
        {"stopDate": STARTED},
        {"executionArn": arn, "error": "Aborted", "cause": "stopped by landfall"},
    )
    runs.abort("a")


def test_an_abort_stops_the_execution_by_its_own_arn(cloud: Cloud, runs: Runs) -> None:
    cloud.record("a")
    cloud.stubs["stepfunctions"].add_response(
        "stop_execution",
        {"stopDate": STARTED},
        {"executionArn": NAMES.execution_arn("a"), "error": "Aborted", "cause": "stopped by landfall"},
    )
    runs.abort("a")
