"""How executions end in the sandbox: stopped at once, told with the service's times, named right."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.sandbox_states import ensure_role, finish, one, run, start

pytestmark = pytest.mark.emulator

Aws = Callable[..., Any]
HEARTBEAT_SECONDS = 30


def waiting(queue: str) -> dict[str, Any]:
    """A machine whose only task waits for its token, in a Map as the platform's jobs do."""
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Arguments": {"QueueUrl": queue, "MessageBody": "{% $states.context.Task.Token %}"},
        "TimeoutSeconds": 60,
        "HeartbeatSeconds": HEARTBEAT_SECONDS,
        "End": True,
    }
    return one(
        {
            "Type": "Map",
            "Items": [1],
            "ItemProcessor": {"StartAt": "Wait", "States": {"Wait": task}},
            "End": True,
        }
    )


def messages(aws: Aws, queue: str) -> list[str]:
    found = aws("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=10, MaxNumberOfMessages=10)
    return [message["Body"] for message in found.get("Messages", ())]


def test_a_stopped_execution_is_aborted_at_once_and_told_with_milliseconds(aws: Aws) -> None:
    sqs, events = aws("sqs"), aws("events")
    name = f"ended-{uuid.uuid4().hex[:8]}"
    tokens = sqs.create_queue(QueueName=f"{name}-tokens")["QueueUrl"]
    told = sqs.create_queue(QueueName=name)["QueueUrl"]
    told_arn = sqs.get_queue_attributes(QueueUrl=told, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    arn = start(aws, waiting(tokens))
    pattern = {"source": ["aws.states"], "detail": {"executionArn": [arn], "status": ["ABORTED"]}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": told_arn}])
    assert messages(aws, tokens)
    began = time.monotonic()
    aws("stepfunctions").stop_execution(executionArn=arn)
    ended = finish(aws, arn)
    assert ended.status == "ABORTED"
    assert time.monotonic() - began < HEARTBEAT_SECONDS / 2
    (event,) = messages(aws, told)
    detail = json.loads(event)["detail"]
    assert isinstance(detail["startDate"], int) and isinstance(detail["stopDate"], int)
    assert abs(detail["stopDate"] / 1000 - time.time()) < 60


def test_an_expression_that_fails_in_a_dynamodb_task_keeps_its_name(aws: Aws) -> None:
    ensure_role(aws, "states")
    machine = one(
        {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:getItem",
            "Arguments": "{% $error('not today') %}",
            "TimeoutSeconds": 10,
            "Catch": [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "Caught"}],
            "End": True,
        }
    )
    machine["States"]["Caught"] = {"Type": "Pass", "Output": "caught", "End": True}
    assert run(aws, machine).output == "caught"


def test_a_heartbeat_for_an_open_token_is_accepted_before_anybody_waits_for_it(aws: Aws) -> None:
    tokens = aws("sqs").create_queue(QueueName=f"early-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    machine = waiting(tokens)
    (state,) = machine["States"].values()
    del state["ItemProcessor"]["States"]["Wait"]["HeartbeatSeconds"]
    arn = start(aws, machine)
    (token,) = messages(aws, tokens)
    states = aws("stepfunctions")
    states.send_task_heartbeat(taskToken=token)
    states.send_task_success(taskToken=token, output="{}")
    assert finish(aws, arn).status == "SUCCEEDED"
