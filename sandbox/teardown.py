"""End a sandbox completely, whatever is left of it."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path
from typing import Final

from sandbox import processes
from sandbox.endings import forget_word
from sandbox.state import STATE_FILE, read_state

_GRACE_SECONDS: Final = 4.0
# The emulator keeps its state in memory only: an orderly end would save nothing and takes seconds.
_EMULATOR_GRACE_SECONDS: Final = 0.2


def stop(state_dir: Path, *, discard: bool = False, spare: int | None = None) -> bool:
    """End every process of the sandbox; True when there was one.

    Found are the processes in the state file, those that carry the sandbox's mark, and the warehouse by its
    data folder: a missing or damaged state file leaves nothing behind. Data is kept unless `discard` is set,
    here or when the sandbox was started. `spare` is a process that may live (the supervisor that calls
    this).
    """
    state = read_state(state_dir)
    known = {process.pid for process in state.processes if process.identity.alive()} if state else set()
    found = (known | processes.marked(processes.mark_of(state_dir))) - {spare}
    emulator = state.process("emulator") if state else None
    if emulator is not None and emulator.identity.alive():
        processes.end([emulator.pid], grace=_EMULATOR_GRACE_SECONDS)
    stopped_warehouse = _stop_warehouse(state_dir)
    # PostgreSQL's own tools run in an environment without the mark; they name the data folder.
    data = state_dir / "pg" / "data"
    found |= processes.with_argument(str(data)) | processes.working_in(data.resolve())
    processes.end(found, grace=_GRACE_SECONDS)
    # What a process started while it was being ended carries the mark as well.
    processes.end(processes.marked(processes.mark_of(state_dir)) - {spare}, grace=0.0)
    (state_dir / STATE_FILE).unlink(missing_ok=True)
    forget_word(state_dir)
    for unfinished in state_dir.glob(f"{STATE_FILE}.*"):
        unfinished.unlink(missing_ok=True)
    if discard or (state is not None and state.discard):
        shutil.rmtree(state_dir, ignore_errors=True)
    return bool(found) or stopped_warehouse


def _stop_warehouse(state_dir: Path) -> bool:
    """Stop PostgreSQL the way it wants to be stopped, so that its data needs no recovery."""
    if not (state_dir / "pg").exists():
        return False
    return bool(importlib.import_module("sandbox.warehouse").stop_postgres(state_dir))
