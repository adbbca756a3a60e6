"""Runs of both designs in turn, in one emulator, with one stand-in for the hosts of both."""

from __future__ import annotations

import os
import statistics
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.measure import Comparison
from benchmarks.source_design.plane import Measured, SourcePlane, history, wait
from landfall.config.workflows import WorkflowDefinition
from sandbox import launcher
from sandbox.launcher import Sandbox, SandboxSpec
from tests.workflows.plane import FakeRunner, Outcome, Plane
from workflows.history import lambda_invocations, state_transitions
from workflows.items import to_item

WORKFLOW = "blog_test_workflow"
SCRIPTS = [f"rsql_blog_script_{number}.sh" for number in range(1, 7)]
STAGES: list[dict[str, Any]] = [
    {"execution_flag": "y", "execution_type": kind, "scripts": SCRIPTS[first : first + 2]}
    for first, kind in ((0, "sequential"), (2, "parallel"), (4, "parallel"))
]
"""The sample's item. (source: specs/rsql-orchestration, "Configuration table")"""
ROUNDS = 5
"""Runs of each design in ``make bench``, after a cold one."""
SCRIPT_SECONDS = 0.25
"""How long the stand-in works on a script: the emulator can miss an answer that comes at once."""
CRITICAL_PATH = 4 * SCRIPT_SECONDS
"""What the scripts take by themselves: two in sequence, then two stages of two at once."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """The runs of one design, in the order in which they were made."""

    runs: Sequence[Measured]

    @property
    def warm(self) -> list[float]:
        """Seconds of all runs but the first, which finds everything cold."""
        return [run.seconds for run in self.runs[1:]]

    @property
    def seconds(self) -> float:
        """Median of the warm runs."""
        return statistics.median(self.warm)

    @property
    def overhead(self) -> float:
        """Seconds that the orchestration adds to the scripts."""
        return self.seconds - CRITICAL_PATH

    def count(self, what: str) -> int:
        """A count, the same in all runs; raises ``ValueError`` where they differ."""
        (found,) = {int(getattr(run, what)) for run in self.runs}
        return found


class OurPlane:
    """Our one machine, as the tests deploy it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.plane = Plane(sandbox)
        definition = WorkflowDefinition.model_validate({"workflow_stages": STAGES})
        self.plane.put(WORKFLOW, to_item(WORKFLOW, definition)["workflow_stages"])

    def run(self) -> Measured:
        """Starts the machine and waits for its end; raises `NotCompleted`."""
        request = {"workflow_id": WORKFLOW, "workflow_execution_id": f"run-{uuid.uuid4().hex}"}
        began = time.perf_counter()
        execution = self.plane.start(request)
        wait(self.plane.states, execution)
        seconds = time.perf_counter() - began
        events = history(self.plane.states, execution)
        return Measured(
            executions=1,
            state_transitions=state_transitions(events),
            lambda_invocations=lambda_invocations(events),
            seconds=seconds,
        )


@contextmanager
def both(sandbox: Sandbox) -> Iterator[tuple[SourcePlane, OurPlane]]:
    """Both designs, deployed, each with the stand-in."""
    source, ours = SourcePlane(sandbox), OurPlane(sandbox)
    source.put(WORKFLOW, STAGES)
    outcomes = dict.fromkeys(SCRIPTS, Outcome(seconds=SCRIPT_SECONDS))
    with FakeRunner(source, outcomes), FakeRunner(ours.plane, outcomes):
        yield source, ours


def compare(sandbox: Sandbox, rounds: int) -> tuple[Side, Side]:
    """The source's design and ours, run in turn, ``rounds`` times after one cold run each."""
    theirs, own = [], []
    with both(sandbox) as (source, ours):
        for _ in range(rounds + 1):
            theirs.append(source.run(WORKFLOW))
            own.append(ours.run())
    return Side(runs=theirs), Side(runs=own)


def in_a_sandbox(rounds: int) -> tuple[Side, Side]:
    """As `compare`, in a sandbox of its own, of which nothing is left."""
    own = launcher.up(SandboxSpec(), f"source-design-{os.getpid()}", owner_pid=os.getpid(), discard=True)
    try:
        return compare(own, rounds)
    finally:
        own.down(discard=True)


def comparisons() -> list[Comparison]:
    """The row of ``make bench``; ``python -m benchmarks.source_design`` tells more."""
    source, ours = in_a_sandbox(ROUNDS)
    return [
        Comparison(
            what="the sample workflow, orchestrated",
            baseline=_told("the source's design", source),
            baseline_seconds=source.seconds,
            ours=_told("one machine", ours),
            ours_seconds=ours.seconds,
            most_ratio=1,
        )
    ]


def _told(name: str, side: Side) -> str:
    transitions, invocations = side.count("state_transitions"), side.count("lambda_invocations")
    return f"{name}, {transitions} transitions, {invocations} Lambda invocations"
