"""Attempts and waits of a run, from the history of its execution.

The audit record of a job keeps its last attempt only; the state machine's history has them all. Events are
followed by ``previousEventId``: that alone says which iteration of which Map an event belongs to, since
parallel jobs are interleaved. Children of distributed Maps have histories of their own and are not read.
(source: Step Functions API Reference, "HistoryEvent"; the names of states are those of `workflows.etl`)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from landfall.report.model import Span, Status, one_line

STAGES, JOBS, PRECONDITIONS = "Stages", "Jobs", "Preconditions"
BACKOFF = "Backoff"
LONGEST_CAUSE = 500
"""Characters of an error's cause that a report shows."""

type _Place = tuple[tuple[str, int], ...]
"""The iterations that an event is in, the outermost first: Map's name and index."""


@dataclass(frozen=True)
class Spans:
    """What a history says of the time of jobs (by stage and position) and stages (by number)."""

    jobs: dict[tuple[int, int], list[Span]] = field(default_factory=dict)
    stages: dict[int, list[Span]] = field(default_factory=dict)


@dataclass
class _Attempts:
    """The attempts of one job while its events are read."""

    number: int
    began: datetime
    error: str = ""
    waiting_since: datetime | None = None
    spans: list[Span] = field(default_factory=list)

    def wait(self, now: datetime) -> None:
        self.spans.append(
            Span(
                kind="attempt",
                status="Failed",
                start=self.began,
                end=now,
                attempt=self.number,
                error=self.error,
            )
        )
        self.waiting_since, self.error = now, ""

    def waited(self, until: datetime | None) -> None:
        """Note the wait that has gone on, if there was one; `until` is None where it has not ended."""
        if self.waiting_since is not None:
            self.spans.append(
                Span(
                    kind="wait",
                    status="Waiting",
                    start=self.waiting_since,
                    end=until,
                    attempt=self.number,
                )
            )

    def go_on(self, now: datetime) -> None:
        self.waited(now)
        self.number, self.began, self.waiting_since = self.number + 1, now, None


def spans_of(events: Iterable[Mapping[str, Any]]) -> Spans:
    """Attempts before each job's last one, waits between attempts, and what stages waited for.

    A wait that had not ended when the history was read has no end.
    """
    places: dict[int, _Place] = {0: ()}
    jobs: dict[tuple[int, int], _Attempts] = {}
    gates: dict[tuple[int, int], tuple[datetime, datetime | None, Status, str]] = {}
    for event in events:
        place = _place(event, places.get(int(event.get("previousEventId", 0)), ()))
        places[int(event["id"])] = place
        now = _utc(event["timestamp"])
        iterations = dict(place)
        if STAGES not in iterations:
            continue
        stage = iterations[STAGES] + 1
        if PRECONDITIONS in iterations:
            _read_gate(gates, (stage, iterations[PRECONDITIONS] + 1), event, now)
        elif JOBS in iterations:
            _read_job(jobs, (stage, iterations[JOBS] + 1), event, now)
    found = Spans()
    for where, attempts in sorted(jobs.items()):
        attempts.waited(None)
        if attempts.spans:
            found.jobs[where] = attempts.spans
    for (stage, _), (start, end, status, error) in sorted(gates.items()):
        found.stages.setdefault(stage, []).append(
            Span(kind="precondition", status=status, start=start, end=end, error=error)
        )
    return found


def _place(event: Mapping[str, Any], before: _Place) -> _Place:
    kind = str(event["type"])
    if kind == "MapIterationStarted":
        details = event["mapIterationStartedEventDetails"]
        name = _base(details["name"])
        return (*_outside(before, name), (name, int(details["index"])))
    if kind == "MapStateExited":
        return _outside(before, _base(event["stateExitedEventDetails"]["name"]))
    return before


def _outside(place: _Place, name: str) -> _Place:
    """The place without the iteration of a Map and what is inside it."""
    for depth, (entered, _) in enumerate(place):
        if entered == name:
            return place[:depth]
    return place


def _base(name: Any) -> str:
    """A state's name without its lane: ``Jobs (full)`` is ``Jobs``."""
    return str(name).partition(" (")[0]


def _read_job(
    jobs: dict[tuple[int, int], _Attempts],
    where: tuple[int, int],
    event: Mapping[str, Any],
    now: datetime,
) -> None:
    if event["type"] == "MapIterationStarted":
        jobs[where] = _Attempts(number=1, began=now)
        return
    attempts = jobs.get(where)
    if attempts is None:
        return
    attempts.error = _error(event) or attempts.error
    if event["type"] == "WaitStateEntered" and _base(event["stateEnteredEventDetails"]["name"]) == BACKOFF:
        attempts.wait(now)
    elif event["type"] == "WaitStateExited" and _base(event["stateExitedEventDetails"]["name"]) == BACKOFF:
        attempts.go_on(now)


def _read_gate(
    gates: dict[tuple[int, int], tuple[datetime, datetime | None, Status, str]],
    where: tuple[int, int],
    event: Mapping[str, Any],
    now: datetime,
) -> None:
    start, end, status, error = gates.get(where, (now, None, "Waiting", ""))
    error = _error(event) or error
    match event["type"]:
        case "MapIterationSucceeded":
            end, status, error = now, "Completed", ""
        case "MapIterationFailed":
            end, status = now, "Failed"
        case "MapIterationAborted":
            end, status = now, "Aborted"
    gates[where] = (start, end, status, error)


def _error(event: Mapping[str, Any]) -> str:
    """Error and cause of an event that tells of one, one line; else the empty text."""
    for key in sorted(event):
        details = event[key]
        if key.endswith(("FailedEventDetails", "TimedOutEventDetails")) and isinstance(details, Mapping):
            parts = [one_line(details.get("error")), one_line(details.get("cause"))]
            return ": ".join(part for part in parts if part)[:LONGEST_CAUSE]
    return ""


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
