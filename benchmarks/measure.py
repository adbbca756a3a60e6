"""How a duration is measured and a comparison printed."""

from __future__ import annotations

import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

REPEATS = 5


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two ways to do something, in seconds of one run, and what was aimed at."""

    what: str
    baseline: str
    baseline_seconds: float
    ours: str
    ours_seconds: float
    most_ratio: float | None = None
    """Largest ratio that was aimed at."""
    most_seconds: float | None = None
    """Longest time of ours that was aimed at."""

    @property
    def ratio(self) -> float:
        """Ours over the baseline."""
        return self.ours_seconds / self.baseline_seconds

    @property
    def goal(self) -> str:
        """What was aimed at, and whether it was reached."""
        if self.most_ratio is not None:
            return f"ratio ≤ {self.most_ratio:g}: {_yes(self.ratio <= self.most_ratio)}"
        if self.most_seconds is not None:
            return f"≤ {self.most_seconds:g} s: {_yes(self.ours_seconds <= self.most_seconds)}"
        return ""

    def row(self) -> str:
        """One row of the table."""
        return (
            f"| {self.what} | {self.baseline}: {self.baseline_seconds:.3f} s | "
            f"{self.ours}: {self.ours_seconds:.3f} s | {self.ratio:.2f} | {self.goal} |"
        )


def seconds(
    work: Callable[[], object], repeats: int = REPEATS, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Median duration of ``work`` after one run that warms up."""
    work()
    return statistics.median(_timed(work, clock) for _ in range(repeats))


def processor_seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median processor time of ``work`` in this process, all its threads: other load matters less."""
    return seconds(work, repeats, time.process_time)


def command_seconds(command: Sequence[str], repeats: int = REPEATS) -> float:
    """Median duration of a command in a process of its own; raises ``CalledProcessError``."""
    return seconds(lambda: subprocess.run(command, check=True, capture_output=True), repeats)


def command_processor_seconds(command: Sequence[str], repeats: int = REPEATS) -> float:
    """Median processor time of a command and its children; raises ``CalledProcessError``."""
    return seconds(lambda: subprocess.run(command, check=True, capture_output=True), repeats, _of_children)


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _timed(work: Callable[[], object], clock: Callable[[], float]) -> float:
    began = clock()
    work()
    return clock() - began


def _yes(reached: bool) -> str:
    return "yes" if reached else "**no**"
