"""Job runs that pass through states by the clock: the common part of the Glue and EMR Serverless stand-ins.

A stand-in answers as the service does and runs no code. What becomes of a run is told by a word in the name
of its job or entry point: `fail` fails, `hang` never ends, `missing` is not found; everything else succeeds.
How long a run takes is `LANDFALL_STANDIN_SECONDS` (default 1).
"""

from __future__ import annotations

import datetime
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_DEFAULT_SECONDS: Final = 1.0


def run_seconds() -> float:
    """Length of a run in seconds."""
    try:
        return max(0.0, float(os.environ.get("LANDFALL_STANDIN_SECONDS", "")))
    except ValueError:
        return _DEFAULT_SECONDS


@dataclass
class Run:
    """One job run. Times are seconds since the epoch."""

    id: str
    account: str
    region: str
    subject: str
    """Text whose words decide the outcome."""
    request: Mapping[str, Any]
    started: float = field(default_factory=time.time)
    seconds: float = field(default_factory=run_seconds)
    stopped: float | None = None

    def phase(self) -> str:
        """`starting`, `running`, `succeeded`, `failed` or `stopped`, by the clock."""
        if self.stopped is not None:
            return "stopped"
        age = time.time() - self.started
        if age < self.seconds * 0.3:
            return "starting"
        if "hang" in self.subject or age < self.seconds:
            return "running"
        return "failed" if "fail" in self.subject else "succeeded"

    def ended(self) -> float | None:
        """When the run ended, None while it goes on."""
        phase = self.phase()
        if phase == "stopped":
            return self.stopped
        return self.started + self.seconds if phase in ("succeeded", "failed") else None

    def stop(self) -> bool:
        """Stop the run; False when it had ended already."""
        if self.ended() is not None:
            return False
        self.stopped = time.time()
        return True


class Runs:
    """All runs of one service, by account, Region and id."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: dict[tuple[str, str, str], Run] = {}

    def add(self, run: Run) -> Run:
        """Keep a run."""
        with self._lock:
            self._runs[run.account, run.region, run.id] = run
        return run

    def get(self, account: str, region: str, id: str) -> Run | None:
        """The run, if the account has it in the Region."""
        with self._lock:
            return self._runs.get((account, region, id))

    def of(self, account: str, region: str) -> list[Run]:
        """All runs of an account in a Region, oldest first."""
        with self._lock:
            found = [run for key, run in self._runs.items() if key[:2] == (account, region)]
        return sorted(found, key=lambda run: run.started)


def moment(seconds: float) -> datetime.datetime:
    """A time for a response."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
