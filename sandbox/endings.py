"""How a process of the sandbox ended, as its parent noted it, and in what words that is told."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sandbox.state import ManagedProcess, write_text

_FOLDER: Final = "endings"
_WORD: Final = "ended"
# The note of a process that ended in this very moment is still being written.
_NOTE_SECONDS: Final = 0.3


@dataclass(frozen=True)
class Ending:
    """The end of one process."""

    pid: int
    code: int
    """Exit code; negative for a signal, as in `subprocess`."""
    at: float
    """Seconds since the epoch."""

    def __str__(self) -> str:
        how = f"signal {-self.code}" if self.code < 0 else f"exit code {self.code}"
        moment = datetime.fromtimestamp(self.at, UTC).isoformat(timespec="seconds")
        return f"({how}) at {moment.replace('+00:00', 'Z')}"


def note_of(state_dir: Path, name: str) -> Path:
    """The file in which the parent of the process called `name` notes its end."""
    return state_dir / _FOLDER / f"{name}.json"


def ending_of(state_dir: Path, process: ManagedProcess, *, seconds: float = _NOTE_SECONDS) -> Ending | None:
    """How the process ended; None where nobody saw it, or where the note is about a namesake."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            data = json.loads(note_of(state_dir, process.name).read_text(encoding="utf-8"))
            ending = Ending(pid=int(data["pid"]), code=int(data["code"]), at=float(data["at"]))
        except (OSError, ValueError, TypeError, KeyError):
            ending = None
        if ending is not None and ending.pid == process.pid:
            return ending
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.02)


def told(state_dir: Path, process: ManagedProcess) -> str:
    """What happened to a process that is gone: "the emulator ended unexpectedly (signal 9) at ..."."""
    title = _TITLES.get(process.name, f"the agent of host {process.name}")
    ending = ending_of(state_dir, process)
    return f"{title} ended unexpectedly {ending}" if ending else f"{title} (process {process.pid}) is gone"


def leave_word(state_dir: Path, clause: str) -> None:
    """Keep why a sandbox was ended that nobody told to end; nothing is kept of a discarded one."""
    if state_dir.exists():
        write_text(state_dir / _WORD, clause)


def word(state_dir: Path) -> str | None:
    """The clause that `leave_word` kept."""
    try:
        return (state_dir / _WORD).read_text(encoding="utf-8") or None
    except OSError:
        return None


def forget_word(state_dir: Path) -> None:
    """It has been told, or the sandbox was ended by a command."""
    (state_dir / _WORD).unlink(missing_ok=True)


_TITLES: Final = {
    "emulator": "the emulator",
    "warehouse": "the warehouse's PostgreSQL server",
    "supervisor": "the supervisor",
}
