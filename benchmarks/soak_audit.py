"""Whether the audit of many runs is whole. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

FINAL: Final = ("Completed", "Failed", "Aborted", "Skipped")
RECORDED: Final = {"SUCCEEDED": "Completed", "FAILED": "Failed", "TIMED_OUT": "Failed", "ABORTED": "Aborted"}
"""Status of a workflow's record by that of its execution."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """One run after its end."""

    workflow: str
    execution: str
    status: str
    """Of Step Functions."""
    fault: str = ""
    """``state / fault``; empty for a run without one."""
    shape: str = ""
    jobs: tuple[str, ...] = ()
    """Jobs that leave a row in the ledger."""
    fired: int | None = 0
    """Calls that the fault has met; None where nobody counted."""
    seconds: float = 0.0


@dataclass(kw_only=True)
class Audit:
    """What is wrong with the records, and how many there are."""

    workflow_records: int = 0
    job_records: int = 0
    lost: int = 0
    doubled: int = 0
    running: int = 0
    wrong: int = 0
    """Records that contradict their execution or have no end."""
    workflow_statuses: Counter[str] = field(default_factory=Counter)
    job_statuses: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def verdict(self) -> str:
        """The sentence at the top."""
        return (
            f"{self.lost} audit records lost, {self.doubled} doubled, {self.running} left Running, "
            f"{self.wrong} contradict their execution"
        )


Record = Mapping[str, str]


def audit(
    ran: Sequence[Ran],
    workflows: Sequence[Record],
    jobs: Sequence[Record],
    effects: Mapping[tuple[str, str], int],
    scripts: Mapping[str, int],
) -> Audit:
    """Compare runs with their records and with the rows that their jobs left.

    `effects` are rows by workflow and job; `scripts` are rows by a script that does not say for whom it runs.
    """
    found = Audit(
        workflow_records=len(workflows),
        job_records=len(jobs),
        workflow_statuses=Counter(record.get("execution_status", "none") for record in workflows),
        job_statuses=Counter(record.get("execution_status", "none") for record in jobs),
    )
    by_workflow = _grouped(workflows, "workflow_id")
    jobs_by_workflow = _grouped(jobs, "workflow_id")
    for name, times in scripts.items():
        _script(found, name, times, [record for record in jobs if record.get("job_name") == name])
    for run in ran:
        records = by_workflow.pop(run.workflow, [])
        _workflow(found, run, records)
        _jobs(found, run, jobs_by_workflow.pop(run.workflow, []), effects, scripts)
    for workflow in sorted({*by_workflow, *jobs_by_workflow}):
        found.doubled += 1
        found.problems.append(f"{workflow} has records and never ran")
    return found


def _grouped(records: Sequence[Record], key: str) -> dict[str, list[Record]]:
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record.get(key, ""), []).append(record)
    return groups


def _workflow(found: Audit, run: Ran, records: Sequence[Record]) -> None:
    if not records:
        found.lost += 1
        found.problems.append(f"{run.workflow} ({run.fault or 'no fault'}) has no record")
    if len(records) > 1:
        found.doubled += 1
        found.problems.append(f"{run.workflow} has {len(records)} records")
    for record in records:
        status = record.get("execution_status", "")
        if status == "Running":
            found.running += 1
            found.problems.append(f"{run.workflow} ({run.fault or 'no fault'}) is left Running")
        elif status != RECORDED.get(run.status) or "execution_end_ts" not in record:
            found.wrong += 1
            found.problems.append(f"{run.workflow} ended {run.status}, its record says {status or 'nothing'}")


def _script(found: Audit, name: str, times: int, records: Sequence[Record]) -> None:
    completed = sum(record.get("execution_status") == "Completed" for record in records)
    attempts = sum(int(record.get("attempt", "1")) for record in records)
    if times < completed:
        found.wrong += completed - times
        found.problems.append(f"{name}: {completed} jobs are Completed and left {times} rows")
    if times > attempts:
        found.doubled += times - attempts
        found.problems.append(f"{name}: {attempts} attempts left {times} rows")


def _jobs(
    found: Audit,
    run: Ran,
    records: Sequence[Record],
    effects: Mapping[tuple[str, str], int],
    scripts: Mapping[str, int],
) -> None:
    named = Counter(record.get("job_name", "") for record in records)
    for name, count in named.items():
        if count > 1:
            found.doubled += 1
            found.problems.append(f"{run.workflow}: job {name} has {count} records")
    for record in records:
        name, status = record.get("job_name", ""), record.get("execution_status", "")
        if status == "Running":
            found.running += 1
            found.problems.append(f"{run.workflow}: job {name} ({run.fault or 'no fault'}) is left Running")
        elif status not in FINAL or "execution_end_ts" not in record:
            found.wrong += 1
            found.problems.append(f"{run.workflow}: job {name} ended {status or 'with nothing'}")
        times = effects.get((run.workflow, name), 0)
        counted = name in run.jobs and name not in scripts
        if counted and status == "Completed" and not times:
            found.wrong += 1
            found.problems.append(f"{run.workflow}: job {name} is Completed and left no row")
        if times > int(record.get("attempt", "1")):
            found.doubled += 1
            found.problems.append(f"{run.workflow}: job {name} left {times} rows")
    for name in run.jobs:
        if effects.get((run.workflow, name)) and name not in named:
            found.lost += 1
            found.problems.append(f"{run.workflow}: job {name} left a row and has no record")
        if run.status == "SUCCEEDED" and name not in named:
            found.lost += 1
            found.problems.append(f"{run.workflow} completed, and job {name} has no record")
