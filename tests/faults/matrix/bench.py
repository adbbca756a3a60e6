"""The plane on which cases run: the real machine with short times, a host without scripts, the closing code.

Real are the definition (only its times are shorter), the emulator's services, Systems Manager's commands,
the runner's claim, heartbeat and report, and the closing function's logic, fed by the status events of
EventBridge.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import threading
import time
import uuid
import zipfile
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import psycopg
from botocore.exceptions import BotoCoreError, ClientError

from components.orchestration.host_documents import run_job_document
from handlers.close_execution.logic import Services, close
from handlers.close_execution.models import EndedExecution, Settings
from handlers.host.audit import COMPLETED, FAILED, Host, JobAudit
from handlers.host.callback import TaskToken
from handlers.host.clock import Clock
from handlers.host.job import Job, parse
from handlers.host.report import Outcome, report
from handlers.shared.clock import utc_now
from sandbox.launcher import Sandbox
from sandbox.warehouse import DSN_FILE, read_dsn
from tests.faults.matrix.evidence import Ended
from tests.faults.matrix.scenarios import Behaviour
from tests.workflows.plane import Plane
from workflows.etl import EtlSpec
from workflows.etl.records import CALL_SECONDS as REAL_CALL_SECONDS

CALL_SECONDS: Final = 15
"""Time limit of one call of a service; the real machine's is 60."""
TO_CLOSE: Final = ("ABORTED", "FAILED", "TIMED_OUT")
"""Status events that the deployed rule sends to the closing function."""
_JOB = re.compile(r"([A-Za-z0-9+/=]{40,})")
_FUNCTION = """
import json
def handler(event, context):
    if event.get("fail"):
        raise ValueError("as asked")
    with open(event["ledger"], "a") as file:
        file.write(event["line"] + "\\n")
"""


def shortened(states: dict[str, Any]) -> dict[str, Any]:
    """The states with shorter times: calls, the grace of scripts, pauses between retries."""
    for state in states.values():
        if state.get("TimeoutSeconds") == REAL_CALL_SECONDS:
            state["TimeoutSeconds"] = CALL_SECONDS
        elif isinstance(state.get("TimeoutSeconds"), str):
            state["TimeoutSeconds"] = state["TimeoutSeconds"].replace(
                "timeout_seconds + 60", "timeout_seconds + 1"
            )
        for retry in state.get("Retry", ()):
            retry["BackoffRate"] = 1
            retry.pop("MaxDelaySeconds", None)
        if "ItemProcessor" in state:
            shortened(state["ItemProcessor"]["States"])
    return states


class Bench(Plane):
    """A plane for many cases at once. Use it as a context manager."""

    def __init__(self, sandbox: Sandbox, lane: str) -> None:
        tag = uuid.uuid4().hex
        super().__init__(
            sandbox,
            on_hosts=True,
            spec=EtlSpec(
                stack="sandbox",
                tag_key="role",
                tag_value=tag,
                notify_on_success=True,
                inline_events=1 if lane == "large" else 20_000,
            ),
        )
        document = json.loads(self.machine.render(self.placeholders()))
        shortened(document["States"])
        self.states.update_state_machine(stateMachineArn=self.machine_arn, definition=json.dumps(document))
        self.role = f"arn:aws:iam::{self.account}:role/{self.prefix}-etl"
        self.ssm = sandbox.client("ssm", "data")
        self.ssm.create_document(
            Name=f"{self.prefix}-run-job", Content=json.dumps(run_job_document()), DocumentType="Command"
        )
        self.lambda_ = sandbox.client("lambda", "data")
        self.glue = sandbox.client("glue", "data")
        self.emr = sandbox.client("emr-serverless", "data")
        self.s3 = sandbox.client("s3", "data")
        self.closer = Closer(self)
        self.host = ScriptHost(self, tag)
        self.mailroom = Mailroom(self)
        self._world()

    def __enter__(self) -> Bench:
        for part in (self.host, self.closer, self.mailroom):
            part.start()
        return self

    def __exit__(self, *_: object) -> None:
        for part in (self.host, self.closer, self.mailroom):
            part.stop()
        self._database.close()

    # -- what jobs act on -----------------------------------------------------------------------

    def _world(self) -> None:
        dsn = read_dsn(self.sandbox.state_dir / DSN_FILE)
        self._database = psycopg.connect(
            host=dsn.host, port=dsn.port, user=dsn.user, password=dsn.password, dbname=dsn.database,
            autocommit=True,
        )  # fmt: skip
        self._reading = threading.Lock()
        self.ledger, self.filled = f"ledger_{self.prefix}", f"filled_{self.prefix}"
        self._database.execute(f"create table {self.ledger} (workflow text, job text)")
        self._database.execute(f"create table {self.filled} as select 1 as one")
        self.slow = f"slow_{self.prefix}"
        self._database.execute(f"create view {self.slow} as select 1 as one from pg_sleep(3)")
        self._database.execute(f"grant all on {self.ledger}, {self.filled}, {self.slow} to public")
        self.file = Path(self.sandbox.state_dir) / f"{self.prefix}.ledger"
        self.file.touch()
        self.bucket = f"{self.prefix}-bucket"
        self.s3.create_bucket(
            Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": self.region}
        )
        self.s3.put_object(Bucket=self.bucket, Key="ready", Body=b"")
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as written:
            written.writestr("main.py", _FUNCTION)
        self.lambda_.create_function(
            FunctionName=f"{self.prefix}-f",
            Runtime="python3.13",
            Role=self.role,
            Handler="main.handler",
            Code={"ZipFile": archive.getvalue()},
        )
        self.lambda_.get_waiter("function_active_v2").wait(FunctionName=f"{self.prefix}-f")
        child = {"StartAt": "Work", "States": {"Work": {"Type": "Wait", "Seconds": 2, "End": True}}}
        self.child = self.states.create_state_machine(
            name=f"{self.prefix}-child", roleArn=self.role, definition=json.dumps(child)
        )["stateMachineArn"]
        moment = utc_now().strftime("%Y-%m-%dT%H:%M:%S.000Z")
        record = {
            "workflow_execution_id": "completed.1",
            "workflow_id": "completed",
            "execution_start_ts": moment,
            "execution_end_ts": moment,
            "execution_status": "Completed",
        }
        self.dynamodb.put_item(
            TableName=self.workflow_table, Item={name: {"S": value} for name, value in record.items()}
        )

    def names(self, workflow: str) -> dict[str, str]:
        """What stands for the names in a scenario."""
        return {
            "workflow": workflow,
            "ledger": self.ledger,
            "filled": self.filled,
            "slow": self.slow,
            "file": str(self.file),
            "bucket": self.bucket,
            "function": f"{self.prefix}-f",
            "child": self.child,
            "completed": "completed",
            "role": self.role,
        }

    def effects(self, workflow: str, order: tuple[str, ...]) -> Counter[str]:
        """How often each job of a workflow has taken effect."""
        found = Counter({job: self.host.ran[workflow, job] for job in order})
        with self._reading:
            rows = self._database.execute(
                f"select job from {self.ledger} where workflow = %s", (workflow,)
            ).fetchall()
        found.update(row[0] for row in rows)
        found.update(
            line.split()[1] for line in self.file.read_text().splitlines() if line.split()[0] == workflow
        )
        if "glue" in order:
            found["glue"] = len(self.glue.get_job_runs(JobName=f"{workflow}-works")["JobRuns"])
        if "emr_serverless" in order:
            found["emr_serverless"] = len(self.emr.list_job_runs(applicationId=workflow)["jobRuns"])
        if "state_machine" in order:
            found["state_machine"] = self._children(workflow)
        return +found

    def _children(self, workflow: str) -> int:
        pages = self.states.get_paginator("list_executions").paginate(stateMachineArn=self.child)
        return sum(
            json.loads(self.states.describe_execution(executionArn=run["executionArn"])["input"]).get(
                "workflow"
            )
            == workflow
            for page in pages
            for run in page["executions"]
        )

    # -- executions -----------------------------------------------------------------------------

    def ended(self, arn: str, *, refused: bool = False, seconds: float = 240) -> Ended:
        """The execution after its end and after the closing function has dealt with it.

        Its status event tells, so that nothing need be asked of a busy emulator meanwhile.
        """
        eventually(lambda: arn in self.closer.done, seconds, f"no event said that {arn} had ended")
        found: dict[str, Any] = self.states.describe_execution(executionArn=arn)
        request = json.loads(found["input"])
        execution_id = str(request.get("workflow_execution_id") or found["name"])
        workflow = str(request["workflow_id"])
        self.host.settle(workflow)
        return Ended(
            execution_id=execution_id,
            status=found["status"],
            error=f"{found.get('error', '')}: {found.get('cause', '')}"[:200] if "error" in found else "",
            record=self.workflow_record(execution_id),
            jobs=self.job_records(execution_id),
            failures=()
            if refused
            else tuple(self.mailroom.failures(execution_id, found["status"] == "FAILED")),
            refused=refused,
        )

    def close_elsewhere(self, execution_id: str) -> None:
        """Close a workflow's record as an operator's tool would."""
        self.dynamodb.update_item(
            TableName=self.workflow_table,
            Key={"workflow_execution_id": {"S": execution_id}},
            UpdateExpression="SET execution_status = :s, execution_end_ts = :t, closed_by = :who",
            ExpressionAttributeValues={
                ":s": {"S": "Aborted"},
                ":t": {"S": utc_now().strftime("%Y-%m-%dT%H:%M:%S.000Z")},
                ":who": {"S": "somebody else"},
            },
        )

    def record_error(self, execution_id: str) -> None:
        """Write an error into a workflow's record as a failed job does."""
        self.dynamodb.update_item(
            TableName=self.workflow_table,
            Key={"workflow_execution_id": {"S": execution_id}},
            UpdateExpression="SET error_name = :e, error_message = :m",
            ExpressionAttributeValues={":e": {"S": "JobFailed"}, ":m": {"S": "recorded late"}},
        )

    def add_records(self, execution_id: str, workflow: str, count: int) -> None:
        """Records of completed jobs that no workflow names any more."""
        puts = [
            {
                "PutRequest": {
                    "Item": {
                        "workflow_execution_id": {"S": execution_id},
                        "job_id": {"S": f"gone-{number:04d}"},
                        "workflow_id": {"S": workflow},
                        "execution_start_ts": {"S": "2026-01-01T00:00:00.000Z"},
                        "execution_end_ts": {"S": "2026-01-01T00:00:01.000Z"},
                        "execution_status": {"S": "Completed"},
                    }
                }
            }
            for number in range(count)
        ]
        for start in range(0, count, 25):
            self.dynamodb.batch_write_item(RequestItems={self.job_table: puts[start : start + 25]})


def eventually(read: Callable[[], Any], seconds: float, problem: str) -> Any:
    """The first true value of `read`."""
    end = time.monotonic() + seconds
    while not (value := read()):
        if time.monotonic() > end:
            raise AssertionError(f"{problem} within {seconds:g} s")
        time.sleep(0.1)
    return value


class _Loop(ABC):
    """A thread that does one thing again and again."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.round()

    @abstractmethod
    def round(self) -> None:
        """What it does again and again."""


class Closer(_Loop):
    """The closing function's logic, told of ended executions by EventBridge through a queue."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self.done: set[str] = set()
        self._sqs = bench.sqs
        self._queue = bench.sqs.create_queue(QueueName=f"{bench.prefix}-ended")["QueueUrl"]
        arn = bench.sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        events = bench.sandbox.client("events", "data")
        pattern = {
            "source": ["aws.states"],
            "detail-type": ["Step Functions Execution Status Change"],
            "detail": {
                "stateMachineArn": [bench.machine_arn],
                "status": ["SUCCEEDED", *TO_CLOSE],
            },
        }
        events.put_rule(Name=f"{bench.prefix}-ended", EventPattern=json.dumps(pattern))
        events.put_targets(
            Rule=f"{bench.prefix}-ended", Targets=[{"Id": "q", "Arn": arn["Attributes"]["QueueArn"]}]
        )
        self._settings = Settings(
            job_audit_table=bench.job_table,
            workflow_audit_table=bench.workflow_table,
            topic_arn=bench.topic,
            log_group="/logs",
            aws_region=bench.region,
            stack_name="sandbox",
            retention_days=1,
        )
        client = bench.sandbox.client
        self._services = Services(
            dynamodb=bench.dynamodb,
            ssm=client("ssm", "data"),
            redshift_data=client("redshift-data", "data"),
            sns=client("sns", "data"),
        )

    def round(self) -> None:
        messages = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in messages.get("Messages", []):
            detail = json.loads(message["Body"])["detail"]
            if detail["status"] in TO_CLOSE:
                try:
                    close(EndedExecution.model_validate(detail), self._settings, self._services, utc_now)
                except (BotoCoreError, ClientError):
                    continue  # delivered again, as to a function that fails
            self.done.add(detail["executionArn"])
            self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])


class Mailroom(_Loop):
    """Failure notifications as subscribers get them, by execution."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self._bench = bench
        self._letters: dict[str, list[str]] = {}

    def round(self) -> None:
        for message in self._bench.messages(wait=1):
            attributes = {name: value["Value"] for name, value in message["MessageAttributes"].items()}
            if attributes["event"] == "WorkflowFailed":
                self._letters.setdefault(attributes["workflow_execution_id"], []).append(message["Message"])

    def failures(self, execution_id: str, expected: bool) -> list[str]:
        """Texts about an execution; waits for the first where one is expected, then a moment for another."""
        if expected:
            with contextlib.suppress(AssertionError):
                eventually(lambda: self._letters.get(execution_id), 30, "no notification")
        time.sleep(0.5)
        return list(self._letters.get(execution_id, []))


class ScriptHost(_Loop):
    """A host of Systems Manager whose scripts are a counter: the runner's protocol is the real one."""

    def __init__(self, bench: Bench, tag: str) -> None:
        super().__init__()
        self._bench = bench
        self.ran: Counter[tuple[str, str]] = Counter()
        self.behaviours: dict[tuple[str, str], Behaviour] = {}
        self._lock = threading.Lock()
        self._busy: Counter[str] = Counter()
        self._pool = ThreadPoolExecutor(40)
        self._beat = 0.0
        self._folder = bench.sandbox.state_dir / "hosts" / f"i-{uuid.uuid4().hex[:17]}"
        for name in ("inbox", "outbox"):
            (self._folder / name).mkdir(parents=True)
        _write(
            self._folder / "host.json",
            {
                "instance_id": self._folder.name,
                "account": bench.account,
                "region": bench.region,
                "tags": {"role": tag},
                "instance_profile": None,
                "workers": 40,
            },
        )
        self._heartbeat()

    def stop(self) -> None:
        super().stop()
        self._pool.shutdown(wait=False, cancel_futures=True)
        (self._folder / "host.json").unlink()

    def settle(self, workflow: str) -> None:
        """Wait until no script of the workflow runs."""
        eventually(lambda: not self._busy[workflow], 30, f"scripts of {workflow} did not end")

    def round(self) -> None:
        if time.monotonic() - self._beat > 1:
            self._heartbeat()
        for waiting in (self._folder / "inbox").glob("*.json"):
            command = json.loads(waiting.read_text())
            waiting.unlink()
            self._pool.submit(self._command, command)
        time.sleep(0.03)

    def _heartbeat(self) -> None:
        self._beat = time.monotonic()
        _write(self._folder / "agent.json", {"pid": 0, "heartbeat": time.time()})

    def _command(self, command: Mapping[str, Any]) -> None:
        line = " ".join(command["steps"][0]["inputs"]["runCommand"])
        job = parse(max(_JOB.findall(line), key=len))
        with self._lock:
            self._busy[job.workflow_id] += 1
        started = time.time()
        try:
            self._work(job)
        finally:
            with self._lock:
                self._busy[job.workflow_id] -= 1
            answer = {
                "status": "Success",
                "details": "Success",
                "response_code": 0,
                "stdout": "",
                "stderr": "",
                "started": started,
                "ended": time.time(),
            }
            _write(self._folder / "outbox" / f"{command['command_id']}.json", answer)

    def _work(self, job: Job) -> None:
        """As `handlers.host.runner.Runner.execute`, with a counter for a script."""
        bench, clock = self._bench, Clock()
        audit = JobAudit(bench.dynamodb, job, uuid.uuid4().hex, clock)
        token = TaskToken(bench.states, job.task_token, clock)
        behaviour = self.behaviours.get((job.workflow_id, job.script), "ok")
        if not token.heartbeat(bound_seconds=5):
            return
        if behaviour == "refuse":
            token.fail("JobFailed", "the job could not be claimed", bound_seconds=5)
            return
        if not audit.claim(Host(self._folder.name, ""), bound_seconds=5):
            return
        if behaviour == "close":
            bench.close_elsewhere(job.workflow_execution_id)
        elif behaviour == "late":
            bench.record_error(job.workflow_execution_id)
        if behaviour in ("ok", "late", "lost"):
            with self._lock:
                self.ran[job.workflow_id, job.script] += 1
            if behaviour == "lost":
                audit.finish(COMPLETED, "", "", bound_seconds=5)
                return
            report(job, Outcome(COMPLETED, 0), audit, token)
        else:
            report(job, Outcome(FAILED, 1, "JobFailed", "ERROR: as asked"), audit, token)


def _write(path: Path, value: Mapping[str, Any]) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(value))
    part.replace(path)
