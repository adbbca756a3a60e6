"""What a run report says: plain values, made of the audit records and what else is known of the run.

Nothing here reads anything: the same records give the same report, and `to_json` is all that the page shows.
(source: specs/rsql-orchestration, "Contract" of the audit tables)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

type Status = Literal[
    "Running", "Completed", "Failed", "Skipped", "Aborted", "Waiting", "Not started", "Unknown"
]
RECORDED: tuple[Status, ...] = ("Running", "Completed", "Failed", "Skipped", "Aborted")
"""Statuses that audit records have."""
BAD: frozenset[str] = frozenset({"Failed", "Aborted"})
ENDED: frozenset[str] = frozenset({"Completed", "Failed", "Aborted"})

SpanKind = Literal["attempt", "wait", "precondition"]


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of time of a job or a stage: an attempt, the wait before the next one, a precondition."""

    kind: SpanKind
    status: Status
    start: datetime
    end: datetime | None
    """None while it lasts."""
    attempt: int = 0
    error: str = ""
    """Name and cause of the error that ended it, one line."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a log."""

    time: datetime
    text: str


@dataclass(frozen=True, kw_only=True)
class Log:
    """What one attempt of a job wrote: its last lines, and the file beside the page that has all of it."""

    attempt: int
    stream: str
    """Log stream in the plane's log group."""
    lines: tuple[Line, ...]
    total: int
    """Number of lines of the whole log."""
    file: str | None = None
    """Path relative to the page; None where no files are written."""
    complete: bool = True
    """False where the file was cut because the log is very long."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job of the run, as its record and its definition have it."""

    id: str
    name: str
    kind: str
    stage: int
    position: int
    status: Status
    attempt: int
    start: datetime | None = None
    end: datetime | None = None
    seconds: float | None = None
    """From first start to last end, waits included; None while it runs."""
    error_name: str = ""
    error_message: str = ""
    depends_on: tuple[str, ...] = ()
    """Names of jobs of earlier waves that it waits for, where the definition is a graph."""
    completed_in: str = ""
    """The run that had completed the job, where a resumed run skipped it."""
    spans: tuple[Span, ...] = ()
    logs: tuple[Log, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)
    """The audit record as it is; empty for a job that was never started."""

    @property
    def anchor(self) -> str:
        """Id of its place on the page; letters, digits and hyphens only."""
        return f"job-{self.stage}-{self.position}"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage of the run; each wave of a graph is one."""

    number: int
    title: str
    wave: str
    """Which wave of a graph it is: ``wave 2 of 3``; else empty."""
    execution_type: str
    status: Status
    start: datetime | None
    end: datetime | None
    jobs: tuple[Job, ...]
    spans: tuple[Span, ...] = ()
    """What the stage waited for before its jobs began."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One resource that a guardrail objects to."""

    resource: str
    message: str
    level: str
    waived: bool = False


@dataclass(frozen=True, kw_only=True)
class Guardrail:
    """One rule and what it says of the stack."""

    name: str
    severity: str
    level: str
    description: str
    findings: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> str:
        """`Holds`, `Violated`, `Advised` or `Waived`: the worst of its findings."""
        if any(finding.level == "mandatory" for finding in self.findings):
            return "Violated"
        if any(not finding.waived for finding in self.findings):
            return "Advised"
        return "Waived" if self.findings else "Holds"


@dataclass(frozen=True, kw_only=True)
class Guardrails:
    """The verdicts of all rules on one stack."""

    basis: str
    """What was judged, as a phrase: `the deployed stack sandbox`."""
    resources: int
    rules: tuple[Guardrail, ...]
    notes: tuple[str, ...] = ()
    """What the frame itself has to say, for instance of an unused waiver."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows that a query gave after the run."""

    title: str
    query: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class SourceDesign:
    """What the same workflow costs in the design that it comes from.

    (source: specs/rsql-orchestration, "Measured")
    """

    state_transitions: int
    lambda_invocations: int


SOURCE_DESIGN: Mapping[str, SourceDesign] = {
    "blog_test_workflow": SourceDesign(state_transitions=41, lambda_invocations=19)
}
"""By workflow id, for a run that does every job."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that a report page says."""

    execution_id: str
    workflow_id: str
    description: str
    stack: str
    environment: str
    account_id: str
    region: str
    status: Status
    execution_status: str
    """Step Functions' own word for it."""
    start: datetime | None
    end: datetime | None
    as_of: datetime | None
    """The moment that the records were read, for a run that had not ended; None otherwise."""
    seconds: float | None
    state_transitions: int
    lambda_invocations: int
    stages: tuple[Stage, ...]
    record: Mapping[str, Any]
    """The run's own audit record as it is."""
    error_name: str = ""
    error_message: str = ""
    failed_job: str = ""
    resume_command: str = ""
    """The command that does what is left; empty where nothing is."""
    logs_command: str = ""
    report_command: str = ""
    source_design: SourceDesign | None = None
    rows: tuple[Rows, ...] = ()
    guardrails: Guardrails | None = None

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs of all stages, in order."""
        return tuple(job for stage in self.stages for job in stage.jobs)

    @property
    def first_failed_job(self) -> Job | None:
        """The job whose failure ended the run, else the failed job that ended first."""
        failed = sorted(
            (job for job in self.jobs if job.status in BAD),
            key=lambda job: (job.status != "Failed", job.end or datetime.max.replace(tzinfo=UTC), job.id),
        )
        named = [job for job in failed if job.name == self.failed_job]
        return next(iter([*named, *failed]), None)

    def count(self, status: str) -> int:
        """Number of jobs of a status."""
        return sum(job.status == status for job in self.jobs)

    def to_json(self) -> dict[str, Any]:
        """The report as plain values; times in UTC with milliseconds."""
        plain: dict[str, Any] = _plain(self)
        return plain


@dataclass(frozen=True, kw_only=True)
class PlannedJob:
    """A job as its definition has it."""

    name: str
    kind: str
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PlannedStage:
    """A stage as its definition has it, a graph's wave as a stage of its own."""

    title: str
    execution_type: str
    jobs: tuple[PlannedJob, ...]
    wave: str = ""


def moment(text: Any) -> datetime | None:
    """A record's timestamp; None where there is none or it cannot be read."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def status_of(text: Any) -> Status:
    """A record's status; `Unknown` for anything that is none."""
    return next((status for status in RECORDED if status == text), "Unknown")


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """Seconds from one moment to another, to the millisecond; None where one is missing."""
    return None if start is None or end is None else round((end - start).total_seconds(), 3)


def one_line(text: Any) -> str:
    """Text with every run of white space as one space."""
    return " ".join(str(text or "").split())


def build_stages(
    records: Sequence[Mapping[str, Any]],
    planned: Sequence[PlannedStage],
    *,
    run_status: str,
    job_spans: Mapping[tuple[int, int], Sequence[Span]],
    stage_spans: Mapping[int, Sequence[Span]],
    logs: Mapping[str, Sequence[Log]],
) -> tuple[Stage, ...]:
    """The stages of a run: what is recorded, and what was planned and never began.

    ``job_spans`` are by stage and position, ``stage_spans`` by stage, ``logs`` by job id. Jobs that only the
    definition knows are left out of a completed run: it did all that its definition then had.
    """
    jobs: dict[tuple[int, int], Job] = {}
    for index, record in enumerate(records, 1):
        stage, position = _place(record, index)
        jobs[stage, position] = _recorded_job(
            record,
            stage,
            position,
            planned=_planned_job(planned, stage, position, str(record.get("job_name", ""))),
            spans=job_spans.get((stage, position), ()),
            logs=logs.get(str(record.get("job_id", "")), ()),
        )
    if run_status != "Completed":
        for number, plan in enumerate(planned, 1):
            for position, job in enumerate(plan.jobs, 1):
                jobs.setdefault((number, position), _not_started(job, number, position))
    numbers = sorted({stage for stage, _ in jobs})
    return tuple(
        _stage(
            number,
            [job for place, job in sorted(jobs.items()) if place[0] == number],
            planned[number - 1] if 0 < number <= len(planned) else None,
            tuple(stage_spans.get(number, ())),
            run_status,
        )
        for number in numbers
    )


def _place(record: Mapping[str, Any], index: int) -> tuple[int, int]:
    """Stage and position of a job from its id, else its stage and where it stands among the records."""
    stage, _, rest = str(record.get("job_id", "")).partition(".")
    position = rest.partition(".")[0]
    if stage.isdecimal() and position.isdecimal():
        return int(stage), int(position)
    number = str(record.get("stage", ""))
    return (int(number) if number.isdecimal() else 0), 100_000 + index


def _planned_job(planned: Sequence[PlannedStage], stage: int, position: int, name: str) -> PlannedJob | None:
    if 0 < stage <= len(planned) and 0 < position <= len(planned[stage - 1].jobs):
        job = planned[stage - 1].jobs[position - 1]
        return job if job.name == name else None
    return None


def _recorded_job(
    record: Mapping[str, Any],
    stage: int,
    position: int,
    *,
    planned: PlannedJob | None,
    spans: Sequence[Span],
    logs: Sequence[Log],
) -> Job:
    status = status_of(record.get("execution_status"))
    attempt = int(str(record.get("attempt", 1))) if str(record.get("attempt", 1)).isdecimal() else 1
    start, end = moment(record.get("execution_start_ts")), moment(record.get("execution_end_ts"))
    all_spans = _with_last_attempt(spans, status, attempt, start, end, _error_of(record))
    first = min((span.start for span in all_spans), default=start)
    return Job(
        id=str(record.get("job_id", "")),
        name=str(record.get("job_name") or record.get("job_id") or "(no name)"),
        kind=str(record.get("kind", "")),
        stage=stage,
        position=position,
        status=status,
        attempt=attempt,
        start=first,
        end=end,
        seconds=seconds_between(first, end),
        error_name=str(record.get("error_name") or "") if status in BAD else "",
        error_message=str(record.get("error_message") or "") if status in BAD else "",
        depends_on=planned.depends_on if planned else (),
        completed_in=str(record.get("completed_in") or ""),
        spans=all_spans,
        logs=tuple(logs),
        record=record,
    )


def _error_of(record: Mapping[str, Any]) -> str:
    name, message = one_line(record.get("error_name")), one_line(record.get("error_message"))
    return ": ".join(part for part in (name, message) if part)


def _with_last_attempt(
    spans: Sequence[Span],
    status: Status,
    attempt: int,
    start: datetime | None,
    end: datetime | None,
    error: str,
) -> tuple[Span, ...]:
    """Earlier attempts and waits, then the attempt that the record is of."""
    earlier = [span for span in spans if span.attempt < attempt]
    if start is None or status == "Skipped":
        return tuple(earlier)
    # The record keeps the first start where the state machine wrote it, so the waits tell where the last
    # attempt began.
    begun = max([start, *(span.end for span in earlier if span.end is not None)])
    last = Span(
        kind="attempt",
        status=status,
        start=begun if end is None else min(begun, end),
        end=end,
        attempt=attempt,
        error=error if status in BAD else "",
    )
    # A job that waits for another attempt: its record is that of the attempt that failed.
    waiting = [span for span in spans if span.kind == "wait" and span.end is None and span.attempt == attempt]
    return (*sorted(earlier, key=lambda span: (span.start, span.attempt)), last, *waiting)


def _not_started(job: PlannedJob, stage: int, position: int) -> Job:
    return Job(
        id=f"{stage:03d}.{position:04d}.{job.name}",
        name=job.name,
        kind=job.kind,
        stage=stage,
        position=position,
        status="Not started",
        attempt=0,
        depends_on=job.depends_on,
    )


def _stage(
    number: int,
    jobs: Sequence[Job],
    planned: PlannedStage | None,
    spans: tuple[Span, ...],
    run_status: str,
) -> Stage:
    starts = [found for found in (*(job.start for job in jobs), *(span.start for span in spans)) if found]
    ends = [found for found in (*(job.end for job in jobs), *(span.end for span in spans)) if found]
    status = _stage_status(jobs, spans, run_status)
    return Stage(
        number=number,
        title=planned.title if planned else "",
        wave=planned.wave if planned else "",
        execution_type=planned.execution_type if planned else "",
        status=status,
        start=min(starts, default=None),
        end=max(ends, default=None) if status != "Running" else None,
        jobs=tuple(jobs),
        spans=spans,
    )


def _stage_status(jobs: Iterable[Job], spans: Iterable[Span], run_status: str) -> Status:
    found = {job.status for job in jobs}
    waited = {span.status for span in spans}
    for status in ("Failed", "Aborted"):
        if status in found or status in waited:
            return "Failed" if status == "Failed" else "Aborted"
    if found == {"Not started"}:
        return "Running" if "Waiting" in waited and run_status == "Running" else "Not started"
    if "Running" in found or ("Not started" in found and run_status == "Running"):
        return "Running"
    if found == {"Skipped"}:
        return "Skipped"
    return "Completed" if found <= {"Completed", "Skipped"} else "Unknown"


def iso(time: datetime) -> str:
    """A moment as the audit records write it: UTC, milliseconds, ``Z``."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        plain = {entry.name: _plain(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
        if isinstance(value, Guardrail):
            plain["verdict"] = value.verdict
        return plain
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in sorted(value.items())}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
