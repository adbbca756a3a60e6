"""Each effect on real calls: from outside, from Step Functions, and to Landfall's own providers."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from sandbox.errors import SandboxError
from sandbox.faults import Faults, delay, fail, hang, lose, throttle, twice
from sandbox.faults.model import Match

pytestmark = pytest.mark.emulator


@pytest.fixture
def faults(sandbox: Any) -> Iterator[Faults]:
    found = Faults(sandbox)
    found.clear()
    yield found
    found.clear()


@pytest.fixture
def table(sandbox: Any) -> str:
    name = f"t-{uuid.uuid4().hex[:8]}"
    sandbox.client("dynamodb", "data").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
    )
    return name


def once(sandbox: Any, service: str, account: str = "data") -> Any:
    """A client that asks once."""
    import boto3

    return boto3.session.Session(
        aws_access_key_id=sandbox.account_id(account), aws_secret_access_key="x", region_name="eu-central-1"
    ).client(service, endpoint_url=sandbox.endpoint, config=Config(retries={"total_max_attempts": 1}))


def count(client: Any, table: str) -> int:
    """Add one to the counter and return it."""
    answer = client.update_item(
        TableName=table,
        Key={"k": {"S": "a"}},
        UpdateExpression="ADD n :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
        ReturnValues="ALL_NEW",
    )
    return int(answer["Attributes"]["n"]["N"])


def test_effects_on_a_call(sandbox: Any, faults: Faults, table: str) -> None:
    client = once(sandbox, "dynamodb")
    mine: Match = {"contains": {"TableName": table}}
    assert count(client, table) == 1
    with faults.active(throttle("dynamodb", **mine)), pytest.raises(ClientError) as throttled:
        count(client, table)
    assert throttled.value.response["Error"]["Code"] == "ProvisionedThroughputExceededException"
    with faults.active(fail("dynamodb", "UpdateItem", "ValidationException", "no", 400, **mine)):
        with pytest.raises(ClientError, match="no") as failed:
            count(client, table)
        client.get_item(TableName=table, Key={"k": {"S": "a"}})
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert count(client, table) == 2, "neither was executed"
    with faults.active(twice("dynamodb", "UpdateItem", **mine)):
        assert count(client, table) == 4
    with faults.active(lose("dynamodb", "UpdateItem", **mine)), pytest.raises(ConnectionClosedError):
        count(client, table)
    with (
        faults.active(lose("dynamodb", "UpdateItem", error="InternalServerError", status=500, **mine)),
        pytest.raises(ClientError, match="InternalServerError"),
    ):
        count(client, table)
    began = time.monotonic()
    with faults.active(delay("dynamodb", "UpdateItem", seconds=0.4, **mine)):
        assert count(client, table) == 7, "both lost answers were of executed calls"
    assert time.monotonic() - began >= 0.4
    with (
        faults.active(hang("dynamodb", "UpdateItem", seconds=0.2, **mine)),
        pytest.raises(ConnectionClosedError),
    ):
        count(client, table)
    assert count(client, table) == 8


def test_a_hang_ends_with_its_rule(sandbox: Any, faults: Faults, table: str) -> None:
    client = once(sandbox, "dynamodb")
    [rule] = faults.add(hang("dynamodb", "UpdateItem"))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(count, client, table)
        while not faults.fired(rule.id):
            time.sleep(0.05)
        assert not waiting.done()
        faults.remove(rule.id)
        assert isinstance(waiting.exception(60), ConnectionClosedError)


def test_the_sdk_retries_what_is_throttled_once(sandbox: Any, faults: Faults, table: str) -> None:
    [rule] = faults.add(throttle("dynamodb", "UpdateItem", first=1))
    assert count(sandbox.client("dynamodb", "data"), table) == 1
    assert [(found.seen, found.fired) for found in faults.list()] == [(2, 1)]
    assert faults.fired(rule.id) == 1


@pytest.mark.parametrize(
    ("service", "call", "code"),
    [
        ("ssm", "list_documents", "ThrottlingException"),
        ("redshift-data", "list_statements", "ThrottlingException"),
        ("s3", "list_buckets", "SlowDown"),
        ("sns", "list_topics", "Throttled"),
        ("sqs", "list_queues", "RequestThrottled"),
        ("lambda", "list_functions", "TooManyRequestsException"),
    ],
)
def test_each_service_throttles_in_its_own_words(
    sandbox: Any, faults: Faults, service: str, call: str, code: str
) -> None:
    faults.add(throttle(service))
    with pytest.raises(ClientError) as refused:
        getattr(once(sandbox, service), call)()
    assert refused.value.response["Error"]["Code"] == code


def test_rules_tell_accounts_and_regions_apart(sandbox: Any, faults: Faults) -> None:
    faults.add(throttle("sns", account="ops", region="eu-central-1"))
    once(sandbox, "sns", "data").list_topics()
    sandbox.client("sns", "ops", "us-east-1").list_topics()
    with pytest.raises(ClientError, match="Throttled"):
        once(sandbox, "sns", "ops").list_topics()
    with pytest.raises(SandboxError, match=r'no account "opps".*Did you mean "ops"'):
        faults.add(throttle("sns", account="opps"))


def test_bodies_of_objects_arrive_whole_when_executed_twice(sandbox: Any, faults: Faults) -> None:
    s3 = sandbox.client("s3", "data")
    bucket = f"b-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    with faults.active(twice("s3", "PutObject")):
        s3.put_object(Bucket=bucket, Key="x", Body=b"whole")
    assert s3.get_object(Bucket=bucket, Key="x")["Body"].read() == b"whole"
    assert len(s3.list_object_versions(Bucket=bucket)["Versions"]) == 2


def machine_of(sandbox: Any, definition: dict[str, Any]) -> str:
    name = f"m-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = sandbox.client("iam", "data").create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    arn: str = sandbox.client("stepfunctions", "data").create_state_machine(
        name=name, roleArn=role, definition=json.dumps({"QueryLanguage": "JSONata", **definition})
    )["stateMachineArn"]
    return arn


def ended(states: Any, machine: str) -> dict[str, Any]:
    arn = states.start_execution(stateMachineArn=machine)["executionArn"]
    end = time.monotonic() + 60
    while (found := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
        assert time.monotonic() < end
        time.sleep(0.1)
    return dict(found)


def test_a_call_that_hangs_is_over_with_the_heartbeat_of_its_task(sandbox: Any, faults: Faults) -> None:
    queue = sandbox.client("sqs", "data").create_queue(QueueName=f"q-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sqs:sendMessage.waitForTaskToken",
        "Arguments": {"QueueUrl": queue, "MessageBody": "{% $states.context.Task.Token %}"},
        "TimeoutSeconds": 3600,
        "HeartbeatSeconds": 2,
        "End": True,
    }
    machine = machine_of(sandbox, {"StartAt": "Ask", "States": {"Ask": state}})
    [rule] = faults.add(hang("sqs", "SendMessage", state="Ask", execution=machine.rsplit(":", 1)[1]))
    found = ended(sandbox.client("stepfunctions", "data"), machine)
    assert (found["status"], found["error"]) == ("FAILED", "States.Timeout")
    assert faults.fired(rule.id) == 1


def test_calls_of_a_state_machine_are_matched_by_state_in_distributed_children_too(
    sandbox: Any, faults: Faults, table: str
) -> None:
    def put(then: str | None) -> dict[str, Any]:
        state = {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:putItem",
            "Arguments": {
                "TableName": table,
                "Item": {"k": {"S": "{% $string($states.context.State.Name) %}"}},
            },
            "Catch": [
                {"ErrorEquals": ["States.ALL"], "Next": "Wrong", "Output": "{% $states.errorOutput %}"}
            ],
        }
        return state | ({"Next": then} if then else {"End": True})

    wrong = {"Type": "Fail", "Error": "{% $states.input.Error %}", "Cause": "{% $states.input.Cause %}"}
    inner: dict[str, Any] = {"StartAt": "Inside", "States": {"Inside": put(None), "Wrong": wrong}}
    inner["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    machine = machine_of(
        sandbox,
        {
            "StartAt": "Before",
            "States": {
                "Before": put("Each"),
                "Each": {"Type": "Map", "Items": [1, 2], "ItemProcessor": inner, "MaxConcurrency": 1,
                         "ToleratedFailureCount": 2, "End": True},
                "Wrong": wrong,
            },
        },
    )  # fmt: skip
    states = sandbox.client("stepfunctions", "data")
    [rule] = faults.add(lose("dynamodb", state="Inside", execution=machine.rsplit(":", 1)[1]))
    assert ended(states, machine)["status"] == "SUCCEEDED"
    assert faults.fired(rule.id) == 2
    rows = sandbox.client("dynamodb", "data").scan(TableName=table)["Items"]
    assert sorted(row["k"]["S"] for row in rows) == ["Before", "Inside"], (
        "a lost result is of an executed call"
    )
    faults.clear()
    faults.add(lose("dynamodb", state="Before"))
    found = ended(states, machine)
    assert (found["status"], found["error"]) == ("FAILED", "DynamoDB.SdkClientException")
