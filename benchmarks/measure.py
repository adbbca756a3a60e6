"""How a duration is measured and a comparison printed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

REPEATS = 5


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two ways to do something, in seconds of one run."""

    what: str
    baseline: str
    baseline_seconds: float
    ours: str
    ours_seconds: float

    @property
    def ratio(self) -> float:
        """Ours over the baseline."""
        return self.ours_seconds / self.baseline_seconds

    def row(self) -> str:
        """One row of the table."""
        return (
            f"| {self.what} | {self.baseline}: {self.baseline_seconds:.3f} s | "
            f"{self.ours}: {self.ours_seconds:.3f} s | {self.ratio:.2f} |"
        )


def seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median duration of ``work`` after one run that warms up."""
    work()
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)
