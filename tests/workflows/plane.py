"""An ETL plane made with boto3 from the pure definitions, and what tests ask of it."""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Protocol

from botocore.exceptions import ClientError

from workflows.asl.machine import StateMachine
from workflows.etl import EtlSpec, definition
from workflows.history import states_entered
from workflows.items import marshal

SEND_COMMAND = "arn:aws:states:::aws-sdk:ssm:sendCommand.waitForTaskToken"
SEND_MESSAGE = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
_NO_JOB = "wakes a receiver that waits"
_MOMENT_SECONDS = 0.3

COVERED: Counter[str] = Counter()
"""States entered by all executions of the test session, by name without its lane."""


@dataclass(frozen=True)
class Outcome:
    """How a fake script ends: ok, fail, silent (never answers) or lost (its answer is lost)."""

    how: str = "ok"
    error: str = "JobFailed"
    message: str = "ERROR: it went wrong"
    seconds: float = 0.25
    """How long it works. The emulator can miss an answer that comes before it begins to listen."""
    records: bool = True
    """Whether the runner writes its audit records."""


Behaviour = Callable[[Mapping[str, Any]], Outcome]


@dataclass
class Run:
    """A finished execution and its records."""

    status: str
    output: Any
    error: str | None
    cause: str | None
    events: list[dict[str, Any]]
    record: dict[str, Any]
    jobs: dict[str, dict[str, Any]]
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def entered(self) -> Counter[str]:
        return states_entered(self.events)


def plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """A DynamoDB item as plain values."""
    return {name: _plain(value) for name, value in item.items()}


def _plain(value: Mapping[str, Any]) -> Any:
    kind, inner = next(iter(value.items()))
    if kind == "N":
        return float(inner) if "." in inner else int(inner)
    if kind == "L":
        return [_plain(entry) for entry in inner]
    if kind == "M":
        return plain(inner)
    return None if kind == "NULL" else inner


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def all_states() -> set[str]:
    """The states of the machine, each without its lane."""
    return {name.split(" (")[0] for name, _ in definition(EtlSpec(stack="sandbox")).walk()}


class Plane:
    """One isolated ETL plane: its own tables, topic, queue and machine in the shared sandbox."""

    def __init__(self, sandbox: Any, *, on_hosts: bool = False, spec: EtlSpec | None = None) -> None:
        self.spec = spec or EtlSpec(stack="sandbox")
        self.prefix = f"t{uuid.uuid4().hex[:8]}"
        self.sandbox = sandbox
        self.dynamodb = sandbox.client("dynamodb", "data")
        self.states = sandbox.client("stepfunctions", "data")
        self.sqs = sandbox.client("sqs", "data")
        self.on_hosts = on_hosts
        self.account = sandbox.account_id("data")
        self.region = "eu-central-1"
        self._tables()
        self._topic()
        self.jobs_queue = self.sqs.create_queue(QueueName=f"{self.prefix}-jobs")["QueueUrl"]
        self.machine = definition(self.spec)
        self.machine_arn = self._machine(self.machine)

    # -- making it ------------------------------------------------------------------------------

    def _table(self, name: str, *keys: str, by_workflow: bool) -> None:
        attributes = [*keys, *(["workflow_id", "execution_start_ts"] if by_workflow else [])]
        arguments: dict[str, Any] = {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            "AttributeDefinitions": [
                {"AttributeName": attribute, "AttributeType": "S"} for attribute in dict.fromkeys(attributes)
            ],
        }
        if by_workflow:
            arguments["GlobalSecondaryIndexes"] = [
                {
                    "IndexName": "by_workflow",
                    "KeySchema": [
                        {"AttributeName": "workflow_id", "KeyType": "HASH"},
                        {"AttributeName": "execution_start_ts", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ]
        self.dynamodb.create_table(**arguments)

    def _tables(self) -> None:
        self.config_table = f"{self.prefix}-workflow-config"
        self.job_table = f"{self.prefix}-job-audit"
        self.workflow_table = f"{self.prefix}-workflow-audit"
        self._table(self.config_table, "workflow_id", by_workflow=False)
        self._table(self.job_table, "workflow_execution_id", "job_id", by_workflow=True)
        self._table(self.workflow_table, "workflow_execution_id", by_workflow=True)

    def _topic(self) -> None:
        sns = self.sandbox.client("sns", "ops")
        sqs = self.sandbox.client("sqs", "ops")
        self.topic = sns.create_topic(Name=f"{self.prefix}-notifications")["TopicArn"]
        self.mailbox = sqs.create_queue(QueueName=f"{self.prefix}-mailbox")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self.mailbox, AttributeNames=["QueueArn"])
        sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])
        self._ops_sqs = sqs

    def placeholders(self) -> dict[str, str]:
        return {
            "ArchiveBucket": f"{self.prefix}-archive",
            "ConfigTable": self.config_table,
            "Database": "dev",
            "HostBundle": "",
            "JobAuditTable": self.job_table,
            "LogGroup": f"/ops/{self.prefix}-job-logs",
            "Region": self.region,
            "RunJobDocument": f"{self.prefix}-run-job",
            "Topic": self.topic,
            "Warehouse": "etl",
            "WarehouseSecret": self.secret_arn,
            "WorkflowAuditTable": self.workflow_table,
        }

    @property
    def secret_arn(self) -> str:
        found: str = self.sandbox.client("secretsmanager", "data").describe_secret(
            SecretId="landfall/sandbox/warehouse"
        )["ARN"]
        return found

    def _machine(self, machine: StateMachine) -> str:
        document = json.loads(machine.render(self.placeholders()))
        if not self.on_hosts:
            self._through_queue(document["States"])
        role = self.sandbox.client("iam", "data").create_role(
            RoleName=f"{self.prefix}-etl",
            AssumeRolePolicyDocument=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": ["states.amazonaws.com", "lambda.amazonaws.com"]},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                }
            ),
        )["Role"]["Arn"]
        arn: str = self.states.create_state_machine(
            name=f"{self.prefix}-etl", roleArn=role, definition=json.dumps(document)
        )["stateMachineArn"]
        return arn

    def _through_queue(self, states: dict[str, Any]) -> None:
        for state in states.values():
            if state.get("Resource") == SEND_COMMAND:
                job = state["Arguments"]["Parameters"]["Job"][0]
                state["Resource"] = SEND_MESSAGE
                state["Arguments"] = {"QueueUrl": self.jobs_queue, "MessageBody": job}
            if "ItemProcessor" in state:
                self._through_queue(state["ItemProcessor"]["States"])

    # -- using it -------------------------------------------------------------------------------

    def put(self, workflow_id: str, stages: Sequence[Mapping[str, Any]], **more: Any) -> None:
        item = {"workflow_id": workflow_id, "workflow_stages": list(stages), **more}
        self.dynamodb.put_item(TableName=self.config_table, Item=marshal(item))

    def start(self, request: Mapping[str, Any], name: str | None = None) -> str:
        name = name or str(request.get("workflow_execution_id") or uuid.uuid4().hex)
        arn: str = self.states.start_execution(
            stateMachineArn=self.machine_arn, name=name, input=json.dumps(request)
        )["executionArn"]
        return arn

    def wait(self, arn: str, seconds: float = 60) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found: dict[str, Any] = self.states.describe_execution(executionArn=arn)
            if found["status"] != "RUNNING":
                return found
            time.sleep(0.1)
        raise AssertionError(f"{arn} still runs after {seconds} s: {self.entered(arn)}")

    def events(self, arn: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for page in self.states.get_paginator("get_execution_history").paginate(executionArn=arn):
            found.extend(page["events"])
        return found

    def entered(self, arn: str) -> Counter[str]:
        return states_entered(self.events(arn))

    def job_records(self, execution_id: str) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for page in self.dynamodb.get_paginator("query").paginate(
            TableName=self.job_table,
            KeyConditionExpression="workflow_execution_id = :id",
            ExpressionAttributeValues={":id": {"S": execution_id}},
        ):
            for item in page["Items"]:
                found[item["job_id"]["S"]] = plain(item)
        return found

    def workflow_record(self, execution_id: str) -> dict[str, Any]:
        found = self.dynamodb.get_item(
            TableName=self.workflow_table, Key={"workflow_execution_id": {"S": execution_id}}
        )
        return plain(found.get("Item", {}))

    def messages(self, *, wait: int) -> list[dict[str, Any]]:
        """Notifications since the last call: waits `wait` seconds for one, then a moment for another."""
        found: list[dict[str, Any]] = []
        while True:
            if found:
                time.sleep(_MOMENT_SECONDS)
            got = self._ops_sqs.receive_message(
                QueueUrl=self.mailbox, MaxNumberOfMessages=10, WaitTimeSeconds=0 if found else wait
            ).get("Messages", [])
            if not got:
                return found
            for message in got:
                found.append(json.loads(message["Body"]))
                self._ops_sqs.delete_message(QueueUrl=self.mailbox, ReceiptHandle=message["ReceiptHandle"])

    def finish(self, arn: str, seconds: float = 60) -> Run:
        ended = self.wait(arn, seconds)
        events = self.events(arn)
        entered = states_entered(events)
        COVERED.update({name.split(" (")[0]: count for name, count in entered.items()})
        told = (
            "NotifyFailure" in entered or "NotifySuccess" in entered
        ) and "LeaveNotification" not in entered
        request = json.loads(ended["input"])
        execution_id = str(request.get("workflow_execution_id") or ended["name"])
        return Run(
            status=ended["status"],
            output=json.loads(ended["output"]) if "output" in ended else None,
            error=ended.get("error"),
            cause=ended.get("cause"),
            events=events,
            record=self.workflow_record(execution_id),
            jobs=self.job_records(execution_id),
            messages=self.messages(wait=20 if told else 1 if ended["status"] == "FAILED" else 0),
        )

    def run(self, workflow_id: str, execution_id: str, seconds: float = 60, **more: Any) -> Run:
        arn = self.start({"workflow_id": workflow_id, "workflow_execution_id": execution_id, **more})
        return self.finish(arn, seconds)


class Jobs(Protocol):
    """What a fake runner needs of a plane: the queue of its jobs, and where to answer and to record them."""

    sqs: Any
    states: Any
    dynamodb: Any
    jobs_queue: str
    job_table: str


class FakeRunner:
    """Answers the machine's jobs from a queue as a host runner would, by a behaviour for each script."""

    _claimed: ClassVar[set[str]] = set()
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, plane: Jobs, behaviours: Mapping[str, Behaviour | Outcome] | None = None) -> None:
        self.plane = plane
        self.behaviours = dict(behaviours or {})
        self.seen: list[dict[str, Any]] = []
        self.spans: dict[str, tuple[float, float]] = {}
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(40)
        self._receivers = [threading.Thread(target=self._receive, daemon=True) for _ in range(4)]

    def __enter__(self) -> FakeRunner:
        for receiver in self._receivers:
            receiver.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for _ in self._receivers:  # each waits in a long poll
            self.plane.sqs.send_message(QueueUrl=self.plane.jobs_queue, MessageBody=_NO_JOB)
        for receiver in self._receivers:
            receiver.join(5)
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def scripts(self) -> list[str]:
        return [job["script"] for job in self.seen]

    def _receive(self) -> None:
        while not self._stop.is_set():
            messages = self.plane.sqs.receive_message(
                QueueUrl=self.plane.jobs_queue, MaxNumberOfMessages=10, WaitTimeSeconds=1
            ).get("Messages", [])
            for message in messages:
                if message["Body"] != _NO_JOB:
                    self._take(message["Body"])
                self.plane.sqs.delete_message(
                    QueueUrl=self.plane.jobs_queue, ReceiptHandle=message["ReceiptHandle"]
                )

    def _take(self, body: str) -> None:
        job = json.loads(base64.b64decode(body).decode("ascii"))
        if self._claim(job):
            self.seen.append(job)
            self._pool.submit(self._work, job)

    @classmethod
    def _claim(cls, job: Mapping[str, Any]) -> bool:
        """Whether nobody has this job yet: a queue may deliver twice, and a runner claims its record."""
        token = str(job["task_token"])  # each attempt has its own
        with cls._lock:
            if token in cls._claimed:
                return False
            cls._claimed.add(token)
            return True

    def _work(self, job: dict[str, Any]) -> None:
        began = time.monotonic()
        behaviour = self.behaviours.get(job["script"], Outcome())
        outcome = behaviour if isinstance(behaviour, Outcome) else behaviour(job)
        if outcome.records:
            self._record(job, "Running")
        time.sleep(outcome.seconds)
        self.spans[job["job_id"]] = (began, time.monotonic())
        if outcome.how == "silent":
            return
        if outcome.records:
            self._record(job, "Failed" if outcome.how == "fail" else "Completed", outcome)
        if outcome.how == "lost":
            return
        try:
            if outcome.how == "fail":
                self.plane.states.send_task_failure(
                    taskToken=job["task_token"], error=outcome.error, cause=outcome.message
                )
            else:
                self.plane.states.send_task_success(
                    taskToken=job["task_token"],
                    output=json.dumps({"job_id": job["job_id"], "status": "Completed"}),
                )
        except ClientError as refused:
            if refused.response["Error"]["Code"] not in ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken"):
                raise

    def _record(self, job: dict[str, Any], status: str, outcome: Outcome | None = None) -> None:
        values: dict[str, Any] = {
            ":name": {"S": job["job_name"]},
            ":workflow": {"S": job["workflow_id"]},
            ":status": {"S": status},
            ":attempt": {"N": str(job["attempt"])},
            ":now": {"S": now()},
        }
        change = (
            "SET job_name = :name, workflow_id = :workflow, execution_status = :status, attempt = :attempt, "
        )
        change += "execution_start_ts = :now" if status == "Running" else "execution_end_ts = :now"
        if outcome is not None and status == "Failed":
            change += ", error_name = :error, error_message = :message"
            values |= {":error": {"S": outcome.error}, ":message": {"S": outcome.message}}
        self.plane.dynamodb.update_item(
            TableName=self.plane.job_table,
            Key={
                "workflow_execution_id": {"S": job["workflow_execution_id"]},
                "job_id": {"S": job["job_id"]},
            },
            UpdateExpression=change,
            ExpressionAttributeValues=values,
        )
