"""One deployment of a sandbox at a time, and what becomes of one whose command or engine was killed.

The engines keep their state at the end of a deployment (Pulumi, without checkpoints) or after each resource
(embedded). A killed Pulumi leaves its lock and a state that does not know what had been made; an engine that
only lost the command that started it goes on to its end, and its state is right.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sandbox import processes
from sandbox.processes import MARK_VARIABLE, ProcessId, mark_of
from sandbox.state import locked, write_text

DEPLOYMENT_VARIABLE: Final = "LANDFALL_DEPLOYMENT"
"""Carried by all processes of a deployment, with the sandbox's mark as its value."""
LOCK_SECONDS: Final = 300.0
"""How long a command waits for another one's deployment."""
ORPHAN_SECONDS: Final = 180.0
"""How long a deployment may go on whose command was killed."""
_JOURNAL: Final = "deploying.json"
_GRACE_SECONDS: Final = 5.0


def marks(state_dir: Path) -> dict[str, str]:
    """Variables by which the processes of a deployment are found, and end with the sandbox."""
    mark = mark_of(state_dir)
    return {MARK_VARIABLE: mark, DEPLOYMENT_VARIABLE: mark}


@contextlib.contextmanager
def alone(state_dir: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of the sandbox's deployments; the kernel frees it when its holder dies.

    Raises:
        SandboxError: another command has been deploying for five minutes.
    """
    with locked(state_dir, seconds=LOCK_SECONDS, lock="deploy.lock", busy="deployed to", on_wait=on_wait):
        yield


def begin(state_dir: Path, stack: str, engine: str) -> None:
    """Note that a deployment begins."""
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    write_text(state_dir / _JOURNAL, json.dumps({"stack": stack, "engine": engine, "at": now}))


def end(state_dir: Path) -> None:
    """Note that it has ended, well or badly, with a state that knows all it has made."""
    (state_dir / _JOURNAL).unlink(missing_ok=True)


def cut_off(state_dir: Path, on_wait: Callable[[], None], *, seconds: float = ORPHAN_SECONDS) -> str | None:
    """What is wrong with the last deployment, in one clause; None where its state can be trusted.

    A deployment whose command was killed is let go on to its end; after `seconds` it is ended. The caller
    holds the lock of deployments.
    """
    _wait_for_orphans(state_dir, on_wait, seconds)
    journal = _read(state_dir / _JOURNAL)
    stale = _stale_lock(state_dir)
    torn = _torn(state_dir)
    if not stale and not torn and (journal is None or journal.get("engine") == "pulumi"):
        end(state_dir)
        return None
    began = f" of stack {journal['stack']} that began at {journal['at']}" if journal else ""
    if torn:
        return f"the state of the last deployment{began} is damaged ({torn.relative_to(state_dir)})"
    return f"the last deployment{began} was cut off{stale}"


def _wait_for_orphans(state_dir: Path, on_wait: Callable[[], None], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    told = False
    while left := processes.carrying(DEPLOYMENT_VARIABLE, mark_of(state_dir)):
        if time.monotonic() >= deadline:
            processes.end(left, grace=_GRACE_SECONDS)
            return
        if not told:
            on_wait()
        told = True
        time.sleep(0.1)


def _stale_lock(state_dir: Path) -> str:
    """Words about a lock of Pulumi whose process is gone; empty without one."""
    for path in sorted((state_dir / "pulumi" / ".pulumi" / "locks").rglob("*.json")):
        holder = (_read(path) or {}).get("pid")
        # A recycled number counts as alive: Pulumi then refuses and says which process it takes it for.
        if not isinstance(holder, int) or not ProcessId(holder).alive():
            return f" (process {holder} of Pulumi was killed)" if holder else " (its lock is damaged)"
    return ""


def _torn(state_dir: Path) -> Path | None:
    """A state file that is not whole."""
    files = [state_dir / "embedded" / "state.json"]
    for kept in (state_dir / "pulumi" / ".pulumi" / "stacks").glob("*/*.json"):
        files += [kept, kept.with_name(f"{kept.name}.attrs")]
    return next((path for path in files if path.exists() and _read(path) is None), None)


def _read(path: Path) -> Mapping[str, Any] | None:
    """A JSON object; None where there is none, or half of one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
