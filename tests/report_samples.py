"""Runs as a plane would answer them, for tests of the report: records, history, logs, definition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from landfall.config.workflows import WorkflowDefinition
from landfall.report.gather import gather
from landfall.report.model import Finding, Guardrail, Guardrails, Report, Rows, iso

START = datetime(2026, 11, 21, 14, 0, 0, tzinfo=UTC)
NOW = START + timedelta(seconds=90)
HOST = "i-0a1b2c3d4e5f60001"
HOSTILE = "<script>alert('name')</script>"
HOSTILE_LINE = "</script><img src=x onerror=alert(1)> \x1b[31mred\x1b[0m \u202eevil\u202c \x00 & done"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def job(
    execution_id: str,
    stage: int,
    position: int,
    name: str,
    start: float,
    end: float | None,
    *,
    status: str = "Completed",
    kind: str = "rsql",
    attempt: int = 1,
    **more: Any,
) -> dict[str, Any]:
    """An audit record of a job."""
    job_id = f"{stage:03d}.{position:04d}.{name}"
    record: dict[str, Any] = {
        "workflow_execution_id": execution_id,
        "workflow_id": "nightly_sales",
        "job_id": job_id,
        "job_name": name,
        "kind": kind,
        "stage": stage,
        "attempt": attempt,
        "execution_status": status,
        "execution_start_ts": iso(at(start)),
        **more,
    }
    if end is not None:
        record["execution_end_ts"] = iso(at(end))
    if kind == "rsql":
        record |= {"instance_id": HOST, "log_stream": f"nightly_sales/{execution_id}/{job_id}/{attempt}"}
    return record


@dataclass(frozen=True, kw_only=True)
class SampleRun:
    """A run as `landfall.cli.runs.Run` has it."""

    workflow: Mapping[str, Any]
    jobs: Sequence[Mapping[str, Any]]
    events: Sequence[Mapping[str, Any]] = ()
    execution_status: str = "SUCCEEDED"
    state_transitions: int = 13
    lambda_invocations: int = 0

    @property
    def status(self) -> str:
        return str(self.workflow["execution_status"])


@dataclass
class SampleLogs:
    """Logs by stream; lines in the order given."""

    lines: list[tuple[str, int, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def add(self, stream: str, texts: Iterable[str], start: float) -> None:
        for number, text in enumerate(texts):
            moment = at(start) + timedelta(milliseconds=120 * number)
            self.lines.append((stream, round(moment.timestamp() * 1000), text))

    def log_lines(self, stream_prefix: str) -> Iterator[tuple[str, int, str]]:
        self.asked.append(stream_prefix)
        return iter(line for line in self.lines if line[0].startswith(stream_prefix))


class History:
    """Events of one execution, each with the event that it follows."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def add(self, kind: str, seconds: float, after: int, **details: Any) -> int:
        number = len(self.events) + 1
        event: dict[str, Any] = {
            "id": number,
            "previousEventId": after,
            "type": kind,
            "timestamp": at(seconds),
        }
        if details:
            key = "stateEntered" if kind.endswith("StateEntered") else kind[0].lower() + kind[1:]
            event[("stateExited" if kind.endswith("StateExited") else key) + "EventDetails"] = details
        self.events.append(event)
        return number


DEFINITION = WorkflowDefinition.model_validate(
    {
        "workflow_description": "Facts and dimensions of the day's sales",
        "workflow_stages": [
            {
                "execution_type": "sequential",
                "stage_description": "Schema and landing tables",
                "scripts": ["create_schema.sh", "create_tables.sh"],
            },
            {
                "execution_type": "graph",
                "stage_description": "Dimensions, then facts",
                "scripts": [
                    "customers.sh",
                    "products.sh",
                    {
                        "kind": "sql",
                        "name": "orders",
                        "sql": "select 1",
                        "retries": {"count": 1},
                        "depends_on": ["customers.sh", "products.sh"],
                    },
                ],
            },
            {
                "execution_type": "parallel",
                "stage_description": "Publish",
                "scripts": ["refresh_dashboard.sh", "tell_partners.sh"],
            },
        ],
    }
)


def guardrails(*findings: Finding) -> Guardrails:
    return Guardrails(
        basis="the deployed stack sandbox",
        resources=114,
        rules=(
            Guardrail(
                name="bucket-tls-only",
                severity="high",
                level="mandatory",
                description="Every bucket has a policy that denies requests without TLS.",
                findings=findings,
            ),
            Guardrail(
                name="kms-key-rotation",
                severity="medium",
                level="advisory",
                description="Customer managed symmetric KMS keys rotate automatically.",
            ),
        ),
    )


def made(
    run: SampleRun,
    logs: SampleLogs,
    *,
    definition: WorkflowDefinition | None = DEFINITION,
    folder: Path | None = None,
    rows: Sequence[Rows] = (),
    verdicts: Guardrails | None = None,
) -> Report:
    return gather(
        run,
        stack="sandbox",
        environment="sandbox",
        account_id="111111111111",
        region="eu-central-1",
        execution_id=str(run.workflow["workflow_execution_id"]),
        definition=definition,
        logs=logs,
        folder=folder,
        now=NOW,
        rows=rows,
        guardrails=verdicts,
    )


def workflow_record(execution_id: str, status: str, end: float | None, **more: Any) -> dict[str, Any]:
    record: dict[str, Any] = {
        "workflow_execution_id": execution_id,
        "workflow_id": "nightly_sales",
        "execution_status": status,
        "execution_start_ts": iso(START),
        "execution_arn": f"arn:aws:states:eu-central-1:111111111111:execution:etl:{execution_id}",
        **more,
    }
    if end is not None:
        record["execution_end_ts"] = iso(at(end))
    return record


def completed(folder: Path | None = None) -> Report:
    """A completed run with logs, rows and verdicts."""
    execution = "nightly_sales-1"
    places = [
        (1, 1, "create_schema.sh", 0.7, 2.0),
        (1, 2, "create_tables.sh", 2.6, 3.2),
        (2, 1, "customers.sh", 3.9, 6.4),
        (2, 2, "products.sh", 4.0, 5.2),
        (3, 1, "orders", 6.9, 9.4),
        (4, 1, "refresh_dashboard.sh", 9.9, 10.8),
        (4, 2, "tell_partners.sh", 10.0, 11.9),
    ]
    jobs = [job(execution, *place, kind="sql" if place[2] == "orders" else "rsql") for place in places]
    logs = SampleLogs()
    for record, place in zip(jobs, places, strict=True):
        if record["kind"] == "rsql":
            lines = [f"step {number} of {place[2]}" for number in range(1, 21)]
            logs.add(record["log_stream"], [*lines, "[landfall] Completed, exit code 0"], place[3])
    run = SampleRun(workflow=workflow_record(execution, "Completed", 12.3), jobs=jobs)
    table = Rows(
        title="sales.orders",
        query="select * from sales.orders order by 1",
        columns=("id", "item", "placed"),
        rows=tuple((str(n), "chair", "2026-11-21 14:00:09") for n in range(1, 5)),
    )
    return made(run, logs, folder=folder, rows=[table], verdicts=guardrails())


def failed(folder: Path | None = None) -> Report:
    """A run whose fact table failed twice, with the wait between; the last stage never began."""
    execution = "nightly_sales-2"
    error = 'ERROR: relation "sales.ordrs" does not exist'
    jobs = [
        job(execution, 1, 1, "create_schema.sh", 0.7, 2.0),
        job(execution, 1, 2, "create_tables.sh", 2.6, 3.2),
        job(execution, 2, 1, "customers.sh", 3.9, 6.4),
        job(execution, 2, 2, "products.sh", 4.0, 5.2),
        job(
            execution,
            3,
            1,
            "orders",
            17.2,
            18.9,
            status="Failed",
            kind="sql",
            attempt=2,
            error_name="StatementFailed",
            error_message=error,
            statement_id="7fa1b2c3-0000-4000-8000-000000000001",
        ),
    ]
    logs = SampleLogs()
    for record in jobs[:4]:
        logs.add(record["log_stream"], ["begins", "[landfall] Completed, exit code 0"], 4)
    run = SampleRun(
        workflow=workflow_record(
            execution,
            "Failed",
            19.4,
            error_name="StatementFailed",
            error_message=error,
            failed_job="orders",
        ),
        jobs=jobs,
        events=retried_history().events,
        execution_status="FAILED",
        state_transitions=61,
    )
    return made(run, logs, folder=folder, verdicts=guardrails())


def retried_history() -> History:
    """Stage 1 waits for a precondition; job 3.1 fails, waits and fails again, beside job 3.2."""
    h = History()
    first = h.add("ExecutionStarted", 0, 0)
    stages = h.add("MapStateEntered", 0.1, first, name="Stages (full)")
    one = h.add("MapIterationStarted", 0.1, stages, name="Stages (full)", index=0)
    gate = h.add("MapStateEntered", 0.2, one, name="Preconditions (full)")
    gate = h.add("MapIterationStarted", 0.2, gate, name="Preconditions (full)", index=0)
    gate = h.add("MapIterationSucceeded", 0.6, gate, name="Preconditions (full)", index=0)
    gate = h.add("MapStateExited", 0.6, gate, name="Preconditions (full)")
    done = h.add("MapIterationSucceeded", 3.4, gate, name="Stages (full)", index=0)
    three = h.add("MapIterationStarted", 6.8, done, name="Stages (full)", index=2)
    jobs = h.add("MapStateEntered", 6.8, three, name="Jobs (full)")
    left = h.add("MapIterationStarted", 6.9, jobs, name="Jobs (full)", index=0)
    right = h.add("MapIterationStarted", 6.9, jobs, name="Jobs (full)", index=1)
    left = h.add("TaskStateEntered", 6.9, left, name="ExecuteStatement (full)")
    right = h.add("TaskStateEntered", 6.9, right, name="RunScript (full)")
    left = h.add("TaskFailed", 8.0, left, error="StatementFailed", cause="no\n  such table")
    right = h.add("TaskStateExited", 8.1, right, name="RunScript (full)")
    left = h.add("WaitStateEntered", 8.2, left, name="Backoff (full)")
    right = h.add("MapIterationSucceeded", 8.3, right, name="Jobs (full)", index=1)
    left = h.add("WaitStateExited", 17.2, left, name="Backoff (full)")
    left = h.add("TaskFailed", 18.8, left, error="StatementFailed", cause="no such table")
    h.add("MapIterationFailed", 18.9, left, name="Jobs (full)", index=0)
    return h


def running() -> Report:
    """A run whose second job has not ended."""
    execution = "nightly_sales-3"
    jobs = [
        job(execution, 1, 1, "create_schema.sh", 0.7, 2.0),
        job(execution, 1, 2, "create_tables.sh", 2.6, None, status="Running"),
    ]
    run = SampleRun(
        workflow=workflow_record(execution, "Running", None), jobs=jobs, execution_status="RUNNING"
    )
    return made(run, SampleLogs())


def hostile(folder: Path | None = None) -> Report:
    """A run whose names, errors, logs and rows try to leave their place."""
    execution = "nightly_sales-4"
    jobs = [
        job(
            execution,
            1,
            1,
            HOSTILE,
            0.5,
            2,
            status="Failed",
            error_name='"><svg onload=alert(2)>',
            error_message=HOSTILE_LINE,
        ),
        job(execution, 1, 2, "../../../etc/passwd", 2, 3),
        job(execution, 1, 3, 'a" onmouseover="alert(3)', 3, 4),
        job(execution, 1, 4, "A" * 400, 4, 5),
    ]
    logs = SampleLogs()
    for record in jobs:
        logs.add(record["log_stream"], [HOSTILE_LINE, "x" * 3000], 1)
    run = SampleRun(
        workflow=workflow_record(
            execution,
            "Failed",
            5,
            error_name="RuntimeError",
            error_message=HOSTILE_LINE,
            failed_job=HOSTILE,
            rerun_of="{{ 7 * 7 }}",
        ),
        jobs=jobs,
        execution_status="FAILED",
    )
    table = Rows(
        title=HOSTILE,
        query=f"select '{HOSTILE}'",
        columns=(HOSTILE, "javascript:alert(4)"),
        rows=((HOSTILE, "'\""),),
    )
    finding = Finding(resource=HOSTILE, message=HOSTILE_LINE, level="mandatory")
    return made(run, logs, definition=None, folder=folder, rows=[table], verdicts=guardrails(finding))


def large(jobs: int = 300, failing: int = 217, folder: Path | None = None) -> Report:
    """A stage of many parallel jobs of which one failed."""
    execution = "nightly_sales-5"
    records = [job(execution, 1, 1, "prepare.sh", 0.5, 2)]
    logs = SampleLogs()
    for n in range(1, jobs):
        start = 2 + (n // 40) * 4 + n % 7 * 0.2
        bad = n == failing
        error = {"error_name": "ScriptFailed", "error_message": "ERROR: disk full"} if bad else {}
        name, status = f"load_partition_{n:03d}.sh", "Failed" if bad else "Completed"
        records.append(job(execution, 2, n, name, start, start + 3, status=status) | error)
        text = "ERROR: disk full" if bad else "COPY 1000"
        logs.add(records[-1]["log_stream"], ["loading", *[f"row group {i}" for i in range(8)], text], start)
    run = SampleRun(
        workflow=workflow_record(
            execution,
            "Failed",
            60,
            error_name="ScriptFailed",
            error_message="ERROR: disk full",
            failed_job=f"load_partition_{failing:03d}.sh",
        ),
        jobs=records,
        execution_status="FAILED",
        state_transitions=306,
    )
    return made(run, logs, definition=None, folder=folder)
