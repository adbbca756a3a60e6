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
    *works: Callable[[], object], repeats: int = REPEATS, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Median duration of each work after a run that warms up.

    They run in turn, each once a round: a minute in which the machine is slow counts for all of them.
    """
    for work in works:
        work()
    rounds = [[_timed(work, clock) for work in works] for _ in range(repeats)]
    return [statistics.median(each) for each in zip(*rounds, strict=True)]


def processor_seconds(*works: Callable[[], object], repeats: int = REPEATS) -> list[float]:
    """Median processor time of each work in this process, all its threads: other load matters less."""
    return seconds(*works, repeats=repeats, clock=time.process_time)


def command_seconds(*commands: Sequence[str], repeats: int = REPEATS) -> list[float]:
    """Median duration of each command in a process of its own; raises ``CalledProcessError``."""
    return seconds(*map(_run, commands), repeats=repeats)


def command_processor_seconds(*commands: Sequence[str], repeats: int = REPEATS) -> list[float]:
    """Median processor time of each command and its children; raises ``CalledProcessError``."""
    return seconds(*map(_run, commands), repeats=repeats, clock=_of_children)


def _run(command: Sequence[str]) -> Callable[[], object]:
    return lambda: subprocess.run(command, check=True, capture_output=True)


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _timed(work: Callable[[], object], clock: Callable[[], float]) -> float:
    began = clock()
    work()
    return clock() - began


def _yes(reached: bool) -> str:
    return "yes" if reached else "**no**"
