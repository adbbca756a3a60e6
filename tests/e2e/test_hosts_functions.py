"""The functions as Lambda runs them: the real archive, its environment, an event, the records."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from landfall.archives import function_archive
from landfall.powertools import powertools_layer

pytestmark = pytest.mark.emulator

ROOT = Path(__file__).resolve().parents[2]
ROLE = "arn:aws:iam::111111111111:role/any"


def deployed(
    aws: Callable[..., Any], name: str, variables: Mapping[str, str]
) -> Callable[[Any], dict[str, Any]]:
    """The function `name`, made from its archive; calling it gives the answer of one invocation."""
    archive = function_archive(name, ROOT)
    functions = aws("lambda")
    physical = f"{name}-{uuid.uuid4().hex[:8]}"
    made = functions.create_function(
        FunctionName=physical,
        Runtime="python3.13",
        Role=ROLE,
        Handler=f"handlers.{name}.handler.handler",
        Code={"ZipFile": archive.path.read_bytes()},
        Environment={"Variables": {"POWERTOOLS_SERVICE_NAME": name, **variables}},
        Layers=[powertools_layer("eu-central-1")],
        Timeout=60,
        MemorySize=256,
    )
    assert made["CodeSha256"] == archive.sha256_base64
    functions.get_waiter("function_active_v2").wait(FunctionName=physical)

    def invoke(event: Any) -> dict[str, Any]:
        answer = functions.invoke(FunctionName=physical, Payload=json.dumps(event))
        payload: dict[str, Any] = json.loads(answer["Payload"].read())
        assert ("errorType" in payload) == ("FunctionError" in answer)
        return payload

    return invoke


def table(aws: Callable[..., Any], *keys: str) -> str:
    """A table with these keys."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    aws("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": key, "KeyType": kind}
            for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
    )
    return name


def test_start_workflow_starts_once_and_refuses_what_is_unknown(aws: Callable[..., Any]) -> None:
    config = table(aws, "workflow_id")
    aws("dynamodb").put_item(TableName=config, Item={"workflow_id": {"S": "nightly"}})
    definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}}
    machine = aws("stepfunctions").create_state_machine(
        name=f"m-{uuid.uuid4().hex[:8]}", definition=json.dumps(definition), roleArn=ROLE
    )["stateMachineArn"]
    invoke = deployed(aws, "start_workflow", {"STATE_MACHINE_ARN": machine, "CONFIG_TABLE": config})
    event = {"id": str(uuid.uuid4()), "detail-type": "x", "detail": {"workflow_id": "nightly"}}

    first, again = invoke(event), invoke(event)

    assert (first["status"], again["status"]) == ("started", "already running")
    listed = aws("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    assert [each["name"] for each in listed] == [first["workflow_execution_id"]]
    refused = invoke({"workflow_id": "other", "workflow_execution_id": "x"})
    assert refused["errorType"] == "InvalidRequest"
    assert refused["errorMessage"] == "workflow 'other' is not configured"
    assert invoke({})["errorMessage"] == "workflow_id: Field required"


def test_close_execution_closes_records_and_notifies(aws: Callable[..., Any]) -> None:
    jobs, workflows = table(aws, "workflow_execution_id", "job_id"), table(aws, "workflow_execution_id")
    topic = aws("sns", "ops").create_topic(Name=f"topic-{uuid.uuid4().hex[:8]}")["TopicArn"]
    execution = f"run-{uuid.uuid4().hex[:8]}"
    aws("dynamodb").put_item(
        TableName=jobs,
        Item={
            "workflow_execution_id": {"S": execution},
            "job_id": {"S": "001.0001.a"},
            "job_name": {"S": "a"},
            "execution_status": {"S": "Running"},
        },
    )
    invoke = deployed(
        aws,
        "close_execution",
        {
            "JOB_AUDIT_TABLE": jobs,
            "WORKFLOW_AUDIT_TABLE": workflows,
            "TOPIC_ARN": topic,
            "LOG_GROUP": "/ops/jobs",
            "STACK_NAME": "sandbox",
            "RETENTION_DAYS": "400",
        },
    )
    arn = f"arn:aws:states:eu-central-1:111111111111:execution:etl:{execution}"
    detail = {"executionArn": arn, "name": execution, "status": "TIMED_OUT", "startDate": 1_769_839_200_000}

    answer = invoke({"detail-type": "Step Functions Execution Status Change", "detail": detail})

    assert answer == {
        "workflow_execution_id": execution,
        "workflow_closed": True,
        "jobs_closed": 1,
        "commands_cancelled": 0,
        "notified": True,
        "failures": [],
    }
    record = aws("dynamodb").get_item(TableName=workflows, Key={"workflow_execution_id": {"S": execution}})
    assert record["Item"]["execution_status"] == {"S": "Failed"}
    refused = invoke({"detail": {**detail, "status": "SUCCEEDED"}})
    assert refused["errorType"] == "InvalidRequest"
