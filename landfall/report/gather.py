"""Puts a report together from what a plane answers: records, history, logs, definition."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from landfall.config.workflows import WorkflowDefinition
from landfall.report.history import spans_of
from landfall.report.logs import LogCollector, stream_prefix
from landfall.report.model import (
    BAD,
    ENDED,
    SOURCE_DESIGN,
    Guardrails,
    PlannedJob,
    PlannedStage,
    Report,
    Rows,
    Span,
    build_stages,
    moment,
    one_line,
    seconds_between,
    status_of,
)
from workflows.items import waves


class RecordedRun(Protocol):
    """What is recorded of an execution, as `landfall.cli.runs.Run` has it."""

    @property
    def workflow(self) -> Mapping[str, Any]:
        """The run's audit record."""

    @property
    def jobs(self) -> Sequence[Mapping[str, Any]]:
        """The audit records of its jobs."""

    @property
    def events(self) -> Sequence[Mapping[str, Any]]:
        """Its history; empty where it is no longer kept."""

    @property
    def status(self) -> str:
        """Status of the audit record."""

    @property
    def execution_status(self) -> str:
        """Step Functions' status."""

    @property
    def state_transitions(self) -> int:
        """Number of states entered."""

    @property
    def lambda_invocations(self) -> int:
        """Number of functions invoked."""


class LogReader(Protocol):
    """Reads log lines, as `landfall.cli.runs.Runs` does."""

    def log_lines(self, stream_prefix: str) -> Iterator[tuple[str, int, str]]:
        """Stream, milliseconds since 1970 and text of each line of all streams that begin so."""


def planned_stages(definition: WorkflowDefinition | None) -> tuple[PlannedStage, ...]:
    """The stages that the state machine sees: a graph's waves are stages of their own."""
    if definition is None:
        return ()
    found: list[PlannedStage] = []
    for stage in definition.workflow_stages:
        is_graph = stage.execution_type == "graph"
        split = waves(stage.jobs) if is_graph else (stage.jobs,)
        for number, jobs in enumerate(split, 1):
            found.append(
                PlannedStage(
                    title=stage.stage_description,
                    wave=f"wave {number} of {len(split)}" if len(split) > 1 else "",
                    execution_type=stage.execution_type,
                    jobs=tuple(
                        PlannedJob(name=job.job_name, kind=job.kind, depends_on=tuple(job.depends_on))
                        for job in jobs
                    ),
                )
            )
    return tuple(found)


def gather(
    run: RecordedRun,
    *,
    stack: str,
    environment: str,
    account_id: str,
    region: str,
    execution_id: str,
    definition: WorkflowDefinition | None,
    logs: LogReader,
    folder: Path | None,
    now: datetime,
    rows: Sequence[Rows] = (),
    guardrails: Guardrails | None = None,
) -> Report:
    """The report of a run.

    ``definition`` is the workflow as the stack file has it now; it names stages and tells of jobs that never
    began. ``folder`` takes the log files; None writes none. ``now`` is only used of a run that has not ended.
    """
    record = run.workflow
    workflow_id = str(record.get("workflow_id") or "")
    collector = LogCollector(run.jobs, stream_prefix(workflow_id, execution_id), folder)
    if workflow_id:
        collector.read(logs.log_lines(stream_prefix(workflow_id, execution_id)))
    spans = spans_of(run.events)
    status = status_of(run.status)
    stages = build_stages(
        run.jobs,
        planned_stages(definition),
        run_status=status,
        job_spans=_job_spans(run, spans.jobs, collector),
        stage_spans=spans.stages,
        logs=collector.logs(),
    )
    where = f"{shlex.quote(execution_id)} --stack {shlex.quote(stack)}"
    start, end = moment(record.get("execution_start_ts")), moment(record.get("execution_end_ts"))
    failed = status in BAD
    whole = status == "Completed" and all(job.status == "Completed" for stage in stages for job in stage.jobs)
    return Report(
        execution_id=execution_id,
        workflow_id=workflow_id or "(not known)",
        description=definition.workflow_description if definition else "",
        stack=stack,
        environment=environment,
        account_id=account_id,
        region=region,
        status=status,
        execution_status=run.execution_status,
        start=start,
        end=end,
        as_of=None if status in ENDED else now,
        seconds=seconds_between(start, end if status in ENDED else now),
        state_transitions=run.state_transitions,
        lambda_invocations=run.lambda_invocations,
        stages=stages,
        record=dict(record),
        error_name=one_line(record.get("error_name")) if failed else "",
        error_message=str(record.get("error_message") or "").strip() if failed else "",
        failed_job=str(record.get("failed_job") or "") if failed else "",
        resume_command=f"landfall workflow resume {where}" if failed else "",
        logs_command=f"landfall workflow logs {where}",
        report_command=f"landfall workflow report {where}",
        source_design=SOURCE_DESIGN.get(workflow_id) if whole else None,
        rows=tuple(rows),
        guardrails=guardrails,
    )


def _job_spans(
    run: RecordedRun, known: Mapping[tuple[int, int], list[Span]], collector: LogCollector
) -> dict[tuple[int, int], list[Span]]:
    """Spans by stage and position: from the history, else from the logs of earlier attempts."""
    found = dict(known)
    for record in run.jobs:
        stage, _, rest = str(record.get("job_id", "")).partition(".")
        position = rest.partition(".")[0]
        attempt = str(record.get("attempt", 1))
        if stage.isdecimal() and position.isdecimal() and attempt.isdecimal() and int(attempt) > 1:
            place = (int(stage), int(position))
            if place not in found:
                found[place] = collector.attempts(str(record.get("job_id")), int(attempt))
    return found
