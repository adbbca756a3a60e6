"""How a run looks while it runs and when it has ended: stages, jobs, statuses, elapsed times."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from rich.live import Live
from rich.table import Table
from rich.text import Text

from landfall.cli.runs import Run
from landfall.cli.terminal import STATUS_STYLES, err, out, say

REFRESH_PER_SECOND = 4


def watch(runs: Iterable[Run]) -> Run:
    """Shows a run until it ends and returns its last state; plain lines where there is no terminal."""
    started = time.monotonic()
    last: Run | None = None
    if err.is_terminal:
        with Live(console=err, refresh_per_second=REFRESH_PER_SECOND, transient=True) as live:
            for last in runs:
                live.update(_job_table(last, elapsed=time.monotonic() - started))
    else:
        shown: dict[str, str] = {}
        for last in runs:
            for job in last.jobs:
                status = str(job["execution_status"])
                if shown.get(str(job["job_id"])) != status:
                    shown[str(job["job_id"])] = status
                    say(
                        f"{time.monotonic() - started:6.1f} s  stage {job.get('stage')}  "
                        f"{job['job_name']}  {status}"
                    )
    if last is None:
        raise AssertionError("a run has at least one state")
    return last


def print_run(run: Run) -> None:
    """The audit records of a run, for people."""
    out.print(_job_table(run))
    record = run.workflow
    rows = [
        ("workflow", record.get("workflow_id")),
        ("execution", record.get("workflow_execution_id")),
        ("status", run.status),
        ("started", record.get("execution_start_ts")),
        ("ended", record.get("execution_end_ts")),
        ("resumed from", record.get("resumed_from")),
        ("rerun of", record.get("rerun_of")),
        ("failed job", record.get("failed_job")),
        ("error", record.get("error_message")),
        ("state transitions", run.state_transitions),
        ("Lambda invocations", run.lambda_invocations),
    ]
    view = Table(box=None, show_header=False, pad_edge=False)
    for name, value in rows:
        if value is not None:
            view.add_row(Text(name, style="dim"), Text(str(value), style=STATUS_STYLES.get(str(value), "")))
    out.print(view)


def _job_table(run: Run, elapsed: float | None = None) -> Table:
    title = f"{run.workflow.get('workflow_execution_id', '')}  {run.status}"
    if elapsed is not None:
        title += f"  {elapsed:.1f} s"
    view = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in ("stage", "job", "kind", "status", "seconds", "error"):
        view.add_column(column, overflow="fold", header_style="bold")
    for job in run.jobs:
        status = str(job["execution_status"])
        view.add_row(
            str(job.get("stage", "")),
            Text(str(job["job_name"])),
            str(job.get("kind", "")),
            Text(status, style=STATUS_STYLES.get(status, "")),
            duration(job),
            Text(str(job.get("error_message", ""))),
        )
    return view


def duration(record: Mapping[str, Any]) -> str:
    """Seconds between a record's timestamps; empty while it runs."""
    start, end = record.get("execution_start_ts"), record.get("execution_end_ts")
    if not start or not end:
        return ""
    return f"{(datetime.fromisoformat(str(end)) - datetime.fromisoformat(str(start))).total_seconds():.1f}"
