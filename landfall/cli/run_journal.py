"""Runs that were started in a sandbox, kept outside its emulator, whose memory holds their records.

When the emulator was killed, nothing in it knows the run any more; this does, so that a command can say what
became of it, and run it again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from sandbox import recovery
from sandbox.state import write_text

KEPT = 200
"""Runs of which a sandbox keeps word; the oldest are forgotten."""


@dataclass(frozen=True)
class LostRun:
    """A run whose records went with their emulator."""

    execution_id: str
    workflow_id: str
    why: str
    """What became of the emulator, as a clause."""

    def __str__(self) -> str:
        return (
            f"workflow execution {self.execution_id} of {self.workflow_id} is lost: "
            f"{self.why}, and held its records"
        )


class RunJournal:
    """The word that a sandbox keeps of its runs."""

    def __init__(self, state_dir: Path, generation: str) -> None:
        self._folder = state_dir / "runs"
        self._state_dir = state_dir
        self._generation = generation

    def note(self, execution_id: str, workflow_id: str) -> None:
        """Keep word of a run that is about to start."""
        self._folder.mkdir(parents=True, exist_ok=True)
        word = {"workflow_id": workflow_id, "generation": self._generation}
        write_text(self._folder / f"{execution_id}.json", json.dumps(word))
        known = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        for old in known[:-KEPT]:
            old.unlink(missing_ok=True)

    def lost(self, execution_id: str) -> LostRun | None:
        """The run, if it was started here and its emulator is gone."""
        try:
            word = json.loads((self._folder / f"{execution_id}.json").read_text(encoding="utf-8"))
            workflow_id, generation = str(word["workflow_id"]), str(word["generation"])
        except (OSError, ValueError, TypeError, KeyError):
            return None
        if generation == self._generation:
            return None
        return LostRun(execution_id, workflow_id, recovery.loss(self._state_dir, generation))
