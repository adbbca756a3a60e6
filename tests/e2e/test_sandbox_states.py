"""The sandbox's Step Functions does what the service does, where this platform's machines rely on it."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hosts_plane import eventually

from tests.e2e.sandbox_states import ensure_role, finish, one, run, start

pytestmark = pytest.mark.emulator

Aws = Callable[..., Any]
TABLES = "arn:aws:states:::aws-sdk:dynamodb:listTables"
CAUGHT = {"Type": "Pass", "End": True}


def expression(text: str) -> dict[str, Any]:
    """A machine whose output is the expression's value."""
    return one({"Type": "Pass", "Output": {"value": "{% " + text + " %}"}, "End": True})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$partition([1..7], 3)", [[1, 2, 3], [4, 5, 6], [7]]),
        ("$range(0, 10, 5)", [0, 5, 10]),
        ("$hash('landfall', 'SHA-256')", hashlib.sha256(b"landfall").hexdigest()),
        ("$random(7) = $random(7)", True),
        ("$length($uuid())", 36),
        ("$parse('{\"a\": [1, null]}')", {"a": [1, None]}),
        ("$states.input.text & '!'", 'he said "no" \\ $x!'),
        ("$states.input.nothing", None),
        ("$exists($states.input.absent)", False),
        ("$states.context.Execution.Input.text", 'he said "no" \\ $x'),
    ],
)
def test_an_expression_has_the_services_value(aws: Aws, text: str, value: Any) -> None:
    done = run(aws, expression(text), {"text": 'he said "no" \\ $x', "nothing": None})
    assert done.status == "SUCCEEDED", done.cause
    assert done.output["value"] == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("$states.input.absent", "returned nothing (undefined)"),
        ("$error('no such stage')", "no such stage"),
        ("$eval('1')", "$eval is not supported"),
        ("function($x) { $x }", "unsupported result type"),
        ("1 / 0", "Number out of range"),
        ("$noSuchFunction(1)", "non-function"),
    ],
)
def test_a_failing_expression_says_why(aws: Aws, text: str, reason: str) -> None:
    done = run(aws, expression(text))
    assert (done.status, done.error) == ("FAILED", "States.QueryEvaluationError")
    assert reason in (done.cause or "")
    assert text in (done.cause or "")
    assert "'One'" in (done.cause or "")
    assert done.types().count("EvaluationFailed") == 1


@pytest.mark.parametrize("field", ["Arguments", "Assign", "Output"])
def test_an_evaluation_error_of_a_task_can_be_caught(aws: Aws, field: str) -> None:
    state = {
        "Type": "Task", "Resource": TABLES, "Arguments": {}, "Next": "Fine",
        "Catch": [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "Caught",
                   "Output": "{% $states.errorOutput %}"}],
        field: {"bad": "{% $error('kaput') %}"},
    }  # fmt: skip
    done = run(aws, one(state, Fine={"Type": "Fail"}, Caught=CAUGHT))
    assert done.status == "SUCCEEDED", done.cause
    assert done.output["Error"] == "States.QueryEvaluationError"
    assert "kaput" in done.output["Cause"]


def test_a_failing_output_is_retried_from_the_states_input(aws: Aws) -> None:
    state = {
        "Type": "Task", "Resource": TABLES, "End": True, "Arguments": {},
        "Assign": {"seen": "{% $states.context.State.RetryCount %}"},
        "Output": "{% $states.context.State.RetryCount < 1 ? $error('not yet') : $states.input.text %}",
        "Retry": [{"ErrorEquals": ["States.QueryEvaluationError"], "IntervalSeconds": 1, "MaxAttempts": 2,
                   "BackoffRate": 1.5, "MaxDelaySeconds": 2, "JitterStrategy": "FULL"}],
    }  # fmt: skip
    done = run(aws, one(state), {"text": "again"})
    assert (done.status, done.output) == ("SUCCEEDED", "again")
    assert done.types().count("TaskScheduled") == 2


def test_output_sees_the_variables_of_before_the_state(aws: Aws) -> None:
    machine = {
        "StartAt": "Set",
        "States": {
            "Set": {"Type": "Pass", "Assign": {"n": 1}, "Next": "Change"},
            "Change": {"Type": "Pass", "Assign": {"n": "{% $n + 1 %}"}, "Output": {"old": "{% $n %}"},
                       "Next": "Show"},
            "Show": {"Type": "Pass", "Output": "{% $merge([$states.input, {'new': $n}]) %}", "End": True},
        },
    }  # fmt: skip
    assert run(aws, machine).output == {"old": 1, "new": 2}


def test_a_catch_assigns_and_puts_out(aws: Aws) -> None:
    state = {
        "Type": "Task", "Resource": "arn:aws:states:::aws-sdk:dynamodb:getItem", "Next": "Fine",
        "Arguments": {"TableName": "absent", "Key": {"id": {"S": "1"}}},
        "Catch": [{"ErrorEquals": ["DynamoDb.ResourceNotFoundException"], "Next": "Caught",
                   "Assign": {"failed": "{% $states.errorOutput.Error %}"}, "Output": {"kept": True}}],
    }  # fmt: skip
    caught = {
        "Type": "Pass",
        "Output": {"error": "{% $failed %}", "input": "{% $states.input %}"},
        "End": True,
    }
    done = run(aws, one(state, Fine={"Type": "Fail"}, Caught=caught))
    assert done.output == {"error": "DynamoDb.ResourceNotFoundException", "input": {"kept": True}}


def test_an_inline_map_takes_everything_from_jsonata(aws: Aws) -> None:
    machine = {
        "StartAt": "Set",
        "States": {
            "Set": {"Type": "Pass", "Assign": {"prefix": "job-", "limit": 2}, "Next": "Each"},
            "Each": {
                "Type": "Map", "Items": "{% $states.input.jobs %}", "MaxConcurrency": "{% $limit %}",
                "ItemSelector": {"job": "{% $states.context.Map.Item.Value %}",
                                 "at": "{% $states.context.Map.Item.Index %}"},
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "Name",
                    "States": {"Name": {"Type": "Pass", "End": True,
                                        "Output": "{% $prefix & $states.input.job & $states.input.at %}"}},
                },
                "Output": {"names": "{% $states.result %}", "given": "{% $count($states.input.jobs) %}"},
                "End": True,
            },
        },
    }  # fmt: skip
    done = run(aws, machine, {"jobs": ["a", "b", "c"]})
    assert done.output == {"names": ["job-a0", "job-b1", "job-c2"], "given": 3}


def test_the_concurrency_of_a_map_is_kept(aws: Aws) -> None:
    machine = one(
        {
            "Type": "Map", "Items": "{% [1..3] %}", "MaxConcurrency": "{% $states.input.limit %}",
            "End": True,
            "ItemProcessor": {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "End": True}}},
        }
    )  # fmt: skip
    in_turn, together = (run(aws, machine, {"limit": limit}).seconds for limit in (1, 3))
    assert in_turn >= 3
    assert together < in_turn


def test_an_empty_map_has_an_empty_result(aws: Aws) -> None:
    machine = one(
        {
            "Type": "Map", "Items": "{% $states.input.jobs %}", "MaxConcurrency": 1, "End": True,
            "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}},
        }
    )  # fmt: skip
    assert run(aws, machine, {"jobs": []}).output == []


def test_a_service_error_inside_a_map_keeps_its_name(aws: Aws) -> None:
    state = {
        "Type": "Map", "Items": [1], "Next": "Fine",
        "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True,
                                                           "Output": "{% $error('inside') %}"}}},
        "Catch": [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "Caught",
                   "Output": "{% $states.errorOutput.Cause %}"}],
    }  # fmt: skip
    done = run(aws, one(state, Fine={"Type": "Fail"}, Caught=CAUGHT))
    assert done.status == "SUCCEEDED", (done.error, done.cause)
    assert "inside" in done.output


@pytest.mark.parametrize(("tolerated", "status"), [(0, "FAILED"), (40, "SUCCEEDED")])
def test_a_distributed_map_counts_failed_items(aws: Aws, tolerated: int, status: str) -> None:
    state = {
        "Type": "Map", "Items": "{% $states.input.items %}", "MaxConcurrency": 2, "End": True,
        "ToleratedFailurePercentage": tolerated,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "P",
            "States": {"P": {"Type": "Pass", "End": True,
                             "Output": "{% $states.input = 2 ? $error('two') : $states.input * 10 %}"}},
        },
    }  # fmt: skip
    done = run(aws, one(state), {"items": [1, 2, 3]})
    assert done.status == status, done.cause
    if status == "FAILED":
        assert done.error == "States.ExceedToleratedFailureThreshold"
    else:
        assert sorted(item for item in done.output if item) == [10, 30]


def test_timeouts_come_from_jsonata(aws: Aws) -> None:
    state = {
        "Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Arguments": {"QueueUrl": "{% $states.input.queue %}",
                      "MessageBody": "{% $states.context.Task.Token %}"},
        "TimeoutSeconds": "{% $states.input.seconds %}", "HeartbeatSeconds": "{% $states.input.beat %}",
        "End": True,
    }  # fmt: skip
    queue = aws("sqs").create_queue(QueueName="tokens")["QueueUrl"]
    slow = run(aws, one(state), {"queue": queue, "seconds": 2, "beat": 30})
    assert (slow.status, slow.error) == ("FAILED", "States.Timeout")
    assert 2 <= slow.seconds < 30
    silent = run(aws, one(state), {"queue": queue, "seconds": 60, "beat": 1})
    # The emulator's name of a lost heartbeat; the service says States.HeartbeatTimeout (docs/limits.md).
    assert (silent.status, silent.error) == ("FAILED", "States.Timeout")
    assert silent.seconds < 30


def test_a_fail_state_takes_its_texts_from_jsonata(aws: Aws) -> None:
    machine = one({"Type": "Fail", "Error": "{% 'Job' & 'Failed' %}", "Cause": "{% $states.input.why %}"})
    done = run(aws, machine, {"why": 'line 3: "no"'})
    assert (done.status, done.error, done.cause) == ("FAILED", "JobFailed", 'line 3: "no"')


def test_history_shows_assigned_variables_as_json(aws: Aws) -> None:
    machine = one({"Type": "Pass", "Assign": {"text": 'a "b" \\', "list": [1, None]}, "End": True})
    exited = [
        e["stateExitedEventDetails"] for e in run(aws, machine).events if e["type"] == "PassStateExited"
    ]
    assert exited[0]["assignedVariables"] == {"text": '"a \\"b\\" \\\\"', "list": "[1,null]"}


def test_strings_of_a_definition_are_json(aws: Aws) -> None:
    text = 'a "b" \\ / \n \u00e4 \U0001f600'
    machine = one(
        {"Type": "Pass", "Output": {text: text, "length": "{% $length('\U0001f600') %}"}, "End": True}
    )
    assert run(aws, machine).output == {text: text, "length": 1}


GLUE = {
    "Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "TimeoutSeconds": 30, "End": True,
    "Arguments": {"JobName": "{% $states.input.job %}", "Arguments": {"--day": "1"}},
}  # fmt: skip
EMR = {
    "Type": "Task", "Resource": "arn:aws:states:::emr-serverless:startJobRun.sync",
    "TimeoutSeconds": 30, "End": True,
    "Arguments": {
        "ApplicationId": "00abc", "ExecutionRoleArn": "arn:aws:iam::111111111111:role/spark",
        "Name": "{% $states.input.job %}",
        "JobDriver": {"SparkSubmit": {"EntryPoint": "s3://code/job.py", "EntryPointArguments": ["1"]}},
    },
}  # fmt: skip


@pytest.mark.parametrize("state", [GLUE, EMR], ids=["glue", "emr-serverless"])
def test_a_job_of_a_standin_succeeds_or_fails_by_its_name(aws: Aws, state: dict[str, Any]) -> None:
    good = run(aws, one(state), {"job": "load"})
    assert good.status == "SUCCEEDED", good.cause
    bad = run(aws, one(state), {"job": "load-fail"})
    assert (bad.status, bad.error) == ("FAILED", "States.TaskFailed")
    assert "load-fail" in (bad.cause or "")


def test_an_aborted_execution_stops_its_glue_job(aws: Aws) -> None:
    arn = start(aws, one(GLUE), {"job": "hang-1"})
    [run_of] = eventually(lambda: aws("glue").get_job_runs(JobName="hang-1")["JobRuns"], bool)
    aws("stepfunctions").stop_execution(executionArn=arn)
    assert finish(aws, arn).status == "ABORTED"

    def state() -> str:
        return str(aws("glue").get_job_run(JobName="hang-1", RunId=run_of["Id"])["JobRun"]["JobRunState"])

    assert eventually(state, lambda it: it == "STOPPED") == "STOPPED"


def test_an_aborted_execution_stops_the_child_that_it_waits_for(aws: Aws) -> None:
    states = aws("stepfunctions")
    child = states.create_state_machine(
        name=f"child-{uuid.uuid4().hex[:8]}",
        roleArn=ensure_role(aws, "states"),
        definition=json.dumps(
            {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 300, "End": True}}}
        ),
    )["stateMachineArn"]

    def children(status: str) -> list[dict[str, Any]]:
        def listed() -> list[dict[str, Any]]:
            return list(states.list_executions(stateMachineArn=child, statusFilter=status)["executions"])

        found: list[dict[str, Any]] = eventually(listed, bool)
        return found

    waits = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Arguments": {"StateMachineArn": child},
    }
    arn = start(aws, one(waits))
    assert len(children("RUNNING")) == 1
    states.stop_execution(executionArn=arn)
    assert finish(aws, arn).status == "ABORTED"
    assert len(children("ABORTED")) == 1


def test_errors_of_an_aws_sdk_task_carry_the_services_prefix(aws: Aws) -> None:
    state = {
        "Type": "Task", "Resource": "arn:aws:states:::aws-sdk:secretsmanager:getSecretValue", "End": True,
        "Arguments": {"SecretId": "absent"},
    }  # fmt: skip
    assert run(aws, one(state)).error == "SecretsManager.ResourceNotFoundException"
