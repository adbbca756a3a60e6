"""The source's design in an emulator: its tables, functions and machines, and runs of them counted."""

from __future__ import annotations

import io
import json
import time
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.source_design import machines
from sandbox.launcher import Sandbox
from workflows.history import lambda_invocations, state_transitions
from workflows.items import marshal

FUNCTIONS = (
    "master_iterator",
    "payload_generator",
    "sequential_iterator",
    "rsql_invoke",
    "parallel_load_check",
    "update_audit",
)
"""All but the trigger, which is made last: it knows the master machine."""
TRIGGER = "workflow_trigger"
POLL_SECONDS = 0.02
PATIENCE_SECONDS = 120.0
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


class NotCompleted(Exception):
    """A run that did not end as it should; one sentence."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one run cost, by the histories of its executions and by the clock."""

    executions: int
    state_transitions: int
    lambda_invocations: int
    """The trigger's own included, where there is one."""
    seconds: float
    """From the request to the moment when the outermost execution is seen to have ended."""


class SourcePlane:
    """One isolated plane of the source's design; the stand-in runner reads ``jobs_queue``."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.prefix = f"s{uuid.uuid4().hex[:8]}"
        self.sqs = sandbox.client("sqs", "data")
        self.states = sandbox.client("stepfunctions", "data")
        self.dynamodb = sandbox.client("dynamodb", "data")
        self.logs = sandbox.client("logs", "data")
        self._lambda = sandbox.client("lambda", "data")
        self._iam = sandbox.client("iam", "data")
        self.jobs_queue = self.sqs.create_queue(QueueName=f"{self.prefix}-jobs")["QueueUrl"]
        self.config_table = self._table("config", "workflow_id")
        self.workflow_table = self._table("workflow-audit", "workflow_execution_id")
        self.job_table = self._table("job-audit", "workflow_execution_id", "job_id")
        self._role = self._make_role()
        self._archive = _archive()
        functions = {name: self._function(name) for name in FUNCTIONS}
        sequential = self._machine("sequential", machines.sequential(functions))
        parallel = self._machine("parallel", machines.parallel(functions))
        master = self._machine("master", machines.master(functions, sequential, parallel))
        self._function(TRIGGER, MASTER_MACHINE=master)

    def put(self, workflow_id: str, stages: list[dict[str, Any]]) -> None:
        """The configuration item of a workflow, as the source has it."""
        item = marshal({"workflow_id": workflow_id, "workflow_stages": stages})
        self.dynamodb.put_item(TableName=self.config_table, Item=item)

    def run(self, workflow_id: str) -> Measured:
        """Calls the trigger and follows what it started; raises `NotCompleted`."""
        request = {"workflow_id": workflow_id, "workflow_execution_id": f"run-{uuid.uuid4().hex}"}
        began = time.perf_counter()
        answer = self._lambda.invoke(FunctionName=self._named(TRIGGER), Payload=json.dumps(request))
        told = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise NotCompleted(f"the trigger failed: {told}")
        master = told["executionArn"]
        wait(self.states, master)
        seconds = time.perf_counter() - began
        histories = [history(self.states, master)]
        histories += [history(self.states, child) for child in _children(histories[0])]
        return Measured(
            executions=len(histories),
            state_transitions=sum(map(state_transitions, histories)),
            lambda_invocations=1 + sum(map(lambda_invocations, histories)),
            seconds=seconds,
        )

    def invocations_logged(self) -> int:
        """Invocations of all functions since they were made, by their logs."""
        found = 0
        for name in (*FUNCTIONS, TRIGGER):
            pages = self.logs.get_paginator("filter_log_events").paginate(
                logGroupName=f"/aws/lambda/{self._named(name)}", filterPattern='"START RequestId"'
            )
            found += sum(event["message"].startswith("START ") for page in pages for event in page["events"])
        return found

    def job_statuses(self) -> list[str]:
        """Status of every job record of this plane."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.job_table)
        return [item["execution_status"]["S"] for page in pages for item in page["Items"]]

    def _named(self, what: str) -> str:
        return f"{self.prefix}-{what.replace('_', '-')}"

    def _table(self, name: str, *keys: str) -> str:
        table = f"{self.prefix}-{name}"
        self.dynamodb.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        )
        return table

    def _make_role(self) -> str:
        services = ["states.amazonaws.com", "lambda.amazonaws.com"]
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
            ],
        }
        made = self._iam.create_role(
            RoleName=f"{self.prefix}-role", AssumeRolePolicyDocument=json.dumps(trust)
        )
        return str(made["Role"]["Arn"])

    def _function(self, name: str, **environment: str) -> str:
        variables = {
            "CONFIG_TABLE": self.config_table,
            "WORKFLOW_TABLE": self.workflow_table,
            "JOBS_QUEUE": self.jobs_queue,
            **environment,
        }
        made = self._lambda.create_function(
            FunctionName=self._named(name),
            Runtime="python3.13",
            Architectures=["arm64"],
            Handler=f"functions.{name}",
            Role=self._role,
            Code={"ZipFile": self._archive},
            Timeout=300,
            MemorySize=256,
            Environment={"Variables": variables},
        )
        self._lambda.get_waiter("function_active_v2").wait(FunctionName=self._named(name))
        return str(made["FunctionArn"])

    def _machine(self, name: str, definition: Mapping[str, Any]) -> str:
        made = self.states.create_state_machine(
            name=f"{self.prefix}-{name}", roleArn=self._role, definition=json.dumps(definition)
        )
        return str(made["stateMachineArn"])


def wait(states: Any, execution: str) -> None:
    """Until an execution has succeeded; raises `NotCompleted`."""
    end = time.monotonic() + PATIENCE_SECONDS
    while (found := states.describe_execution(executionArn=execution))["status"] not in ENDED:
        if time.monotonic() > end:
            raise NotCompleted(f"{execution} still runs after {PATIENCE_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)
    if found["status"] != "SUCCEEDED":
        raise NotCompleted(f"{execution} {found['status']}: {found.get('error')} {found.get('cause')}")


def history(states: Any, execution: str) -> list[dict[str, Any]]:
    """All events of an execution."""
    pages = states.get_paginator("get_execution_history").paginate(executionArn=execution)
    return [event for page in pages for event in page["events"]]


def _children(events: list[dict[str, Any]]) -> list[str]:
    """ARNs of the executions that an execution started and waited for."""
    submitted = (event["taskSubmittedEventDetails"] for event in events if event["type"] == "TaskSubmitted")
    return [
        str(json.loads(details["output"])["ExecutionArn"])
        for details in submitted
        if details["resourceType"] == "states"
    ]


def _archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(Path(__file__).with_name("functions.py"), "functions.py")
    return buffer.getvalue()
