"""What was seen of a case, and the invariants that it must keep. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

TERMINAL: Final = frozenset({"Completed", "Failed", "Aborted", "Skipped"})
DELIVERED_TWICE: Final[Mapping[str, str]] = {
    "InvokeFunction": "Lambda takes no idempotency token",
    "RunGlueJob": "Glue takes no idempotency token",
}
"""States whose service has no way to know a repeated request: `answered twice` runs the job a second time."""
REPEATED_MESSAGE: Final = frozenset({"answered twice", "result lost"})
"""Faults after which SNS has delivered a message twice: a standard topic delivers at least once."""

NOT_LEFT: Final = "LeaveNotification"
"""Its faults come on top of a refused publication. Where the machine can neither send the message nor leave
it to the closing function, nobody sends it: two services are out of order at once."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """One execution after its end, its closing function's work included."""

    execution_id: str
    status: str
    """Of Step Functions."""
    error: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)
    jobs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    failures: tuple[str, ...] = ()
    """Texts of the failure notifications that were delivered."""
    refused: bool = False
    """Whether it ended as a duplicate of another execution, whose records it must leave alone."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Everything about one case."""

    state: str
    base: str
    fault: str
    """Empty for a run without one."""
    absorbed: bool
    fails: bool
    order: tuple[str, ...]
    """Jobs with effects, in the order in which they run."""
    faulty: Ended
    earlier: Sequence[Ended] = ()
    resumed: Sequence[Ended] = ()
    resumable: bool = True
    """Whether there was something to resume."""
    fired: int = 0
    effects: Mapping[str, int] = field(default_factory=dict)
    """How often each job took effect until the faulty execution had ended."""
    effects_at_end: Mapping[str, int] = field(default_factory=dict)


def violations(seen: Seen) -> list[str]:
    """Every broken invariant as a sentence."""
    return [
        *_fault_fired(seen),
        *_terminal(seen),
        *_runs_are_recorded(seen),
        *_rows(seen),
        *_notifications(seen),
        *_absorbed(seen),
        *_resumed(seen),
    ]


def _executions(seen: Seen) -> list[Ended]:
    return [*seen.earlier, seen.faulty, *seen.resumed]


def _fault_fired(seen: Seen) -> Iterator[str]:
    if seen.fault and not seen.fired:
        yield "the fault never fired: the state was not reached"


def _terminal(seen: Seen) -> Iterator[str]:
    """Every job and workflow record ends in exactly one terminal status, the execution's own."""
    for run in _executions(seen):
        if run.status not in ("SUCCEEDED", "FAILED"):
            yield f"{run.execution_id} ended {run.status}"
        if run.refused:
            continue
        expected = {"SUCCEEDED": ("Completed",), "FAILED": ("Failed", "Aborted")}.get(run.status, ())
        status = run.record.get("execution_status")
        if status not in expected:
            yield f"{run.execution_id} ended {run.status}, its record says {status}"
        if status and not run.record.get("execution_end_ts"):
            yield f"{run.execution_id}: the record has no end"
        for job_id, job in run.jobs.items():
            if job.get("execution_status") not in TERMINAL:
                yield f"{run.execution_id}: job {job_id} is left {job.get('execution_status')}"
            elif not job.get("execution_end_ts"):
                yield f"{run.execution_id}: job {job_id} has no end"
        if run.status == "SUCCEEDED":
            bad = [job_id for job_id, job in run.jobs.items()
                   if job.get("execution_status") not in ("Completed", "Skipped")]  # fmt: skip
            if bad:
                yield f"{run.execution_id} completed with jobs that did not: {', '.join(bad)}"


def _recorded_attempts(runs: Sequence[Ended]) -> Counter[str]:
    attempts: Counter[str] = Counter()
    for run in runs:
        for job in run.jobs.values():
            if job.get("execution_status") != "Skipped":
                attempts[str(job.get("job_name"))] += int(job.get("attempt", 1))
    return attempts


def _runs_are_recorded(seen: Seen) -> Iterator[str]:
    """No job ran twice without a recorded retry."""
    attempts = _recorded_attempts([run for run in _executions(seen) if not run.refused])
    repeated = seen.fault == "answered twice" and seen.base in DELIVERED_TWICE
    for job, count in seen.effects_at_end.items():
        allowed = attempts[job] + (1 if repeated and job not in ("first.sh", "last.sh") else 0)
        if count > allowed:
            yield f"job {job} took effect {count} times, its records tell of {attempts[job]}"


def _rows(seen: Seen) -> Iterator[str]:
    """Effects are those of a run without faults, or of its prefix; a completed job has taken effect."""
    ran = [seen.effects.get(job, 0) > 0 for job in seen.order]
    if ran != sorted(ran, reverse=True):
        yield f"effects are no prefix: {dict(seen.effects)}"
    for run in _executions(seen):
        for job in run.jobs.values():
            name = job.get("job_name")
            done = job.get("execution_status") == "Completed"
            if done and name in seen.order and not seen.effects_at_end.get(str(name)):
                yield f"job {name} is recorded as Completed and took no effect"


def _notifications(seen: Seen) -> Iterator[str]:
    """Exactly one failure notification for a failed workflow, none for any other end."""
    for run in _executions(seen):
        count = len(run.failures)
        wanted = 1 if run.status == "FAILED" and not run.refused and _own_end(run) else 0
        several = (
            run is seen.faulty
            and seen.base == "NotifyFailure"
            and seen.fault in REPEATED_MESSAGE
            and len(set(run.failures)) == 1
        )
        left_out = run is seen.faulty and seen.base == NOT_LEFT and not seen.absorbed
        if count != wanted and not (several and count == 2) and not (left_out and count == 0):
            yield f"{run.execution_id} ended {run.status} with {count} failure notifications"


def _own_end(run: Ended) -> bool:
    """Whether the execution closed its record, or left that to the closing function."""
    return str(run.record.get("closed_by", "")) != "somebody else"


def _absorbed(seen: Seen) -> Iterator[str]:
    expected = "FAILED" if seen.fails else "SUCCEEDED"
    if seen.fault and not seen.absorbed:
        if seen.fails and seen.faulty.status != "FAILED":
            yield f"it ended {seen.faulty.status}; without the fault it ends FAILED"
        return
    if seen.faulty.status != expected:
        yield f"it ended {seen.faulty.status} ({seen.faulty.error}); without the fault it ends {expected}"


def _resumed(seen: Seen) -> Iterator[str]:
    """`resume` completes what was left, and runs nothing again that is recorded as completed."""
    if seen.faulty.status != "FAILED" or seen.faulty.refused or not seen.resumable:
        return
    if not seen.resumed or seen.resumed[-1].status != "SUCCEEDED":
        yield f"resume ended {seen.resumed[-1].status if seen.resumed else 'not at all'}" + (
            f" ({seen.resumed[-1].error})" if seen.resumed else ""
        )
        return
    missing = [job for job in seen.order if not seen.effects_at_end.get(job)]
    if missing:
        yield f"resumed, and {', '.join(missing)} took no effect"
    completed = {
        str(job.get("job_name"))
        for run in (*seen.earlier, seen.faulty)
        for job in run.jobs.values()
        if job.get("execution_status") == "Completed"
    }
    for job in sorted(completed & set(seen.order)):
        if seen.effects_at_end.get(job, 0) > seen.effects.get(job, 0):
            yield f"resume ran {job} again, which had completed"
