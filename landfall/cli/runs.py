"""Workflow runs: start, resume, follow, status and logs, over the AWS APIs of the plane's accounts.

The same code serves an AWS account and the sandbox: only the clients differ.
(source: specs/rsql-orchestration "Ours" 3, 4 and 7)
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from landfall.cli import stale_runs
from landfall.cli.exits import CommandError, Exit
from landfall.config.errors import show
from landfall.etl_names import EtlNames
from workflows.history import lambda_invocations, state_transitions

Clients = Callable[[str, str], Any]
"""Client of a service in an account: ``clients("dynamodb", "data")``."""

TERMINAL = frozenset({"Completed", "Failed", "Aborted"})
EXECUTION_ENDED = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"})
UNKNOWN = "UNKNOWN"
"""Status of an execution that Step Functions no longer keeps."""
EXECUTION_ID = re.compile(r"[A-Za-z0-9._-]{1,80}")
POLL_SECONDS = 0.5
CLOSING_SECONDS = 30.0
"""How long the closing function may take to close the records of an aborted execution."""


_DESERIALIZER = TypeDeserializer()


@dataclass(frozen=True, kw_only=True)
class Run:
    """What is recorded of one execution."""

    workflow: Mapping[str, Any]
    jobs: tuple[Mapping[str, Any], ...]
    execution_status: str
    """Step Functions' own status, or ``UNKNOWN`` where the execution is no longer kept."""
    state_transitions: int = 0
    lambda_invocations: int = 0
    seconds: float | None = None
    events: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    """The execution's history, where it was counted."""

    @property
    def status(self) -> str:
        """Status of the workflow record."""
        return str(self.workflow.get("execution_status", "Running"))

    @property
    def ended(self) -> bool:
        """Whether nothing of the run can change any more."""
        return self.status in TERMINAL and self.execution_status in (*EXECUTION_ENDED, UNKNOWN)

    def to_json(self) -> dict[str, Any]:
        """The run as ``--json`` prints it."""
        return {
            "workflow_execution_id": self.workflow.get("workflow_execution_id"),
            "workflow_id": self.workflow.get("workflow_id"),
            "status": self.status,
            "execution_status": self.execution_status,
            "seconds": self.seconds,
            "state_transitions": self.state_transitions,
            "lambda_invocations": self.lambda_invocations,
            "workflow": dict(self.workflow),
            "jobs": [dict(job) for job in self.jobs],
        }


def new_execution_id(workflow_id: str) -> str:
    """An id for a run that nobody named: workflow, time in UTC and four random characters."""
    stamp = datetime.now(tz=UTC).strftime("%Y%m%dT%H%M%S")
    return f"{workflow_id[:58]}-{stamp}-{uuid.uuid4().hex[:4]}"


def check_execution_id(text: str) -> None:
    """Raises ``CommandError`` for a text that cannot be the id of a run: nothing is asked of AWS then."""
    if not EXECUTION_ID.fullmatch(text):
        raise CommandError(
            f"{show(text)} is not an execution id: 1 to 80 letters, digits, dots, hyphens and underscores",
            Exit.INVALID,
        )


class Runs:
    """The runs of one ETL plane."""

    def __init__(self, names: EtlNames, account: str, clients: Clients) -> None:
        self._names = names
        self._account = account
        self._clients = clients

    def _client(self, service: str) -> Any:
        return self._clients(service, self._account)

    def definitions(self) -> list[dict[str, Any]]:
        """The deployed workflow definitions, by id."""
        items = [
            _plain_item(item)
            for item in self._pages("dynamodb", "scan", "Items", TableName=self._names.config_table)
        ]
        return sorted(items, key=lambda item: str(item["workflow_id"]))

    def start(self, workflow_id: str, execution_id: str, **more: str) -> str:
        """Starts an execution and returns its ARN.

        Raises ``CommandError`` where an execution of that id runs or has run: nothing is changed then.
        """
        for name in (execution_id, *more.values()):
            check_execution_id(name)
        request = {
            "workflow_id": workflow_id,
            "workflow_execution_id": execution_id,
            # Step Functions takes a second start with the same name and input as the first one's
            # repetition; a request id of its own makes it the refusal that the caller must see.
            "request_id": uuid.uuid4().hex,
            **more,
        }
        try:
            answer = self._client("stepfunctions").start_execution(
                stateMachineArn=self._names.machine_arn, name=execution_id, input=json.dumps(request)
            )
        except ClientError as error:
            raise self._start_refused(error, execution_id) from error
        return str(answer["executionArn"])

    def _start_refused(self, error: ClientError, execution_id: str) -> CommandError:
        code = error.response["Error"]["Code"]
        if code == "ExecutionAlreadyExists":
            record = self._workflow_record(execution_id)
            status = str(record.get("execution_status", "Running")) if record else "Running"
            if status in TERMINAL:
                return CommandError(
                    f"workflow execution {execution_id} has already ended ({status}); choose another id, "
                    f"or: landfall workflow resume {execution_id}"
                )
            return CommandError(f"workflow execution {execution_id} is already running")
        if code == "StateMachineDoesNotExist":
            return CommandError(
                f"state machine {self._names.machine} does not exist: deploy the stack first",
                Exit.ENVIRONMENT,
            )
        return CommandError(f"{error.response['Error'].get('Message') or error}")

    def resume(self, execution_id: str, new_id: str) -> str:
        """Starts an execution that runs only what ``execution_id`` did not complete."""
        record = self._workflow_record(execution_id)
        if record is None:
            raise CommandError(f'no workflow execution "{execution_id}" is recorded', Exit.INVALID)
        status = str(record["execution_status"])
        if status == "Running":
            self._close_stale(execution_id)
        if status == "Completed":
            raise CommandError(f"workflow execution {execution_id} is Completed: there is nothing to resume")
        return self.start(str(record["workflow_id"]), new_id, resume_from=execution_id)

    def _close_stale(self, execution_id: str) -> None:
        """Closes a record that says Running where its execution is gone; raises where it runs."""
        deadline = time.monotonic() + CLOSING_SECONDS
        while (run := self.get(execution_id, counted=False)).status not in TERMINAL:
            if run.execution_status not in (*EXECUTION_ENDED, UNKNOWN):
                raise CommandError(f"workflow execution {execution_id} is still running")
            if time.monotonic() > deadline:
                why = (
                    "its execution is no longer known"
                    if run.execution_status == UNKNOWN
                    else f"its execution ended as {run.execution_status}, and nothing closed its records"
                )
                stale_runs.close(self._client("dynamodb"), self._names, execution_id, run.jobs, why)
                return
            time.sleep(POLL_SECONDS)

    def next_resume_id(self, execution_id: str) -> str:
        """First free id of the form ``<id>-resume-<n>``."""
        base, _, number = execution_id.rpartition("-resume-")
        stem, counter = (base, int(number)) if base and number.isdigit() else (execution_id, 0)
        while True:
            counter += 1
            candidate = f"{stem[:69]}-resume-{counter}"
            if self._workflow_record(candidate) is None:
                return candidate

    def recorded(self, execution_id: str) -> bool:
        """Whether anything is recorded of a run."""
        return self._workflow_record(execution_id) is not None

    def workflow_of(self, execution_id: str) -> str:
        """The workflow of a recorded run; empty where nothing is recorded."""
        return str((self._workflow_record(execution_id) or {}).get("workflow_id", ""))

    def abort(self, execution_id: str) -> None:
        """Stops an execution; the closing function marks its jobs Aborted."""
        record = self._workflow_record(execution_id) or {}
        arn = str(record.get("execution_arn") or self._names.execution_arn(execution_id))
        self._client("stepfunctions").stop_execution(
            executionArn=arn, error="Aborted", cause="stopped by landfall"
        )

    def get(self, execution_id: str, *, counted: bool = True) -> Run:
        """Everything recorded of an execution; raises ``CommandError`` where nothing is.

        ``counted`` reads the execution's history too, which grows with the run.
        """
        record = self._workflow_record(execution_id)
        arn = str(record["execution_arn"]) if record and record.get("execution_arn") else None
        arn = arn or self._names.execution_arn(execution_id)
        execution = self._execution(arn)
        if record is None and execution is None:
            raise CommandError(f'no workflow execution "{execution_id}" is recorded', Exit.INVALID)
        events = self._events(arn) if execution and counted else []
        if record is None and execution is not None and execution["status"] == "RUNNING":
            record = {"workflow_execution_id": execution_id, "execution_status": "Running"}
        elif record is None and execution is not None:
            raise CommandError(_cause_of(execution, execution_id), Exit.FAILED)
        seconds = None
        if execution and execution.get("stopDate"):
            seconds = round((execution["stopDate"] - execution["startDate"]).total_seconds(), 3)
        return Run(
            workflow=record or {},
            jobs=tuple(self.jobs(execution_id)),
            execution_status=str(execution["status"]) if execution else UNKNOWN,
            state_transitions=state_transitions(events),
            lambda_invocations=lambda_invocations(events),
            seconds=seconds,
            events=tuple(events),
        )

    def follow(self, execution_id: str) -> Iterator[Run]:
        """The run again and again until it has ended; the last one is final."""
        ended_at: float | None = None
        while True:
            run = self.get(execution_id, counted=False)
            if run.ended:
                yield self.get(execution_id)
                return
            yield run
            if run.execution_status in (*EXECUTION_ENDED, UNKNOWN):
                ended_at = ended_at or time.monotonic()
                if time.monotonic() - ended_at > CLOSING_SECONDS:
                    raise CommandError(
                        f"workflow execution {execution_id} ended as {run.execution_status}, "
                        f"but its record is still {run.status} after {CLOSING_SECONDS:.0f} s: look at "
                        f"function close-execution; landfall workflow resume {execution_id} closes it"
                    )
            time.sleep(POLL_SECONDS)

    def recent(self, workflow_id: str, limit: int = 20) -> list[dict[str, Any]]:
        """The last runs of a workflow, newest first."""
        answer = self._client("dynamodb").query(
            TableName=self._names.workflow_audit_table,
            IndexName="by_workflow",
            KeyConditionExpression="workflow_id = :w",
            ExpressionAttributeValues={":w": {"S": workflow_id}},
            ScanIndexForward=False,
            Limit=limit,
        )
        return [_plain_item(item) for item in answer["Items"]]

    def jobs(self, execution_id: str) -> list[dict[str, Any]]:
        """Job records of an execution, in the order of stages and positions."""
        check_execution_id(execution_id)
        items = self._pages(
            "dynamodb",
            "query",
            "Items",
            TableName=self._names.job_audit_table,
            KeyConditionExpression="workflow_execution_id = :e",
            ExpressionAttributeValues={":e": {"S": execution_id}},
            ConsistentRead=True,
        )
        return [_plain_item(item) for item in items]

    def log(self, log_stream: str) -> Iterator[tuple[int, str]]:
        """Time in milliseconds and text of each line of one script run."""
        for event in self._log_events(logStreamNames=[log_stream]):
            yield int(event["timestamp"]), str(event["message"])

    def log_lines(self, stream_prefix: str) -> Iterator[tuple[str, int, str]]:
        """Stream, time in milliseconds and text of each line of all streams that begin so."""
        for event in self._log_events(logStreamNamePrefix=stream_prefix):
            yield str(event["logStreamName"]), int(event["timestamp"]), str(event["message"])

    def _log_events(self, **streams: Any) -> Iterator[dict[str, Any]]:
        """Events of these streams of the runners' log group; none where there is no such stream yet."""
        try:
            yield from self._pages(
                "logs", "filter_log_events", "events", logGroupName=self._names.log_group, **streams
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise

    def _workflow_record(self, execution_id: str) -> dict[str, Any] | None:
        check_execution_id(execution_id)
        answer = self._client("dynamodb").get_item(
            TableName=self._names.workflow_audit_table,
            Key={"workflow_execution_id": {"S": execution_id}},
            ConsistentRead=True,
        )
        return _plain_item(answer["Item"]) if "Item" in answer else None

    def _execution(self, arn: str) -> dict[str, Any] | None:
        try:
            execution: dict[str, Any] = self._client("stepfunctions").describe_execution(executionArn=arn)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("ExecutionDoesNotExist", "InvalidArn"):
                return None
            raise
        return execution

    def _events(self, arn: str) -> list[dict[str, Any]]:
        return list(
            self._pages(
                "stepfunctions",
                "get_execution_history",
                "events",
                executionArn=arn,
                includeExecutionData=False,
            )
        )

    def _pages(self, service: str, operation: str, key: str, **arguments: Any) -> Iterator[Any]:
        for page in self._client(service).get_paginator(operation).paginate(**arguments):
            yield from page[key]


def _plain_item(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _without_decimals(_DESERIALIZER.deserialize(value)) for name, value in sorted(item.items())}


def _without_decimals(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: _without_decimals(inner) for key, inner in sorted(value.items())}
    if isinstance(value, list):
        return [_without_decimals(inner) for inner in value]
    return value


def _cause_of(execution: Mapping[str, Any], execution_id: str) -> str:
    cause = execution.get("cause") or execution.get("error") or "no cause is recorded"
    return f"workflow execution {execution_id} {str(execution['status']).lower()}: {cause}"
