"""What became of a sandbox whose processes were killed: what happened, and the parts started again in place.

The emulator holds all accounts in memory: without it everything starts anew. The warehouse, a host's agent
and the supervisor hold nothing that is not on disk, so each of them is started again alone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from sandbox import emulator_process, parts, supervisor
from sandbox.endings import told, word
from sandbox.parts import Progress
from sandbox.state import STATE_FILE, ManagedProcess, SandboxState, write_state, write_text

PATIENCE_SECONDS: Final = 20.0
"""How long an emulator that runs may keep silent, as it does on a busy machine, before it is given up."""
_LOSSES: Final = "losses.json"
_KEPT_LOSSES: Final = 20


def abandoned(state: SandboxState) -> bool:
    """Whether the command that owned the sandbox is gone, so that it is ending, or ought to be."""
    return state.owner is not None and not state.owner.identity.alive()


def dead(state: SandboxState) -> list[ManagedProcess]:
    """Processes that ought to run and do not."""
    return [process for process in state.processes if not process.identity.alive()]


def answers(state: SandboxState, *, seconds: float = PATIENCE_SECONDS) -> bool:
    """Whether the emulator runs and answers, at the latest after `seconds`."""
    deadline = time.monotonic() + seconds
    emulator = state.process("emulator")
    while emulator is not None and emulator.identity.alive():
        if emulator_process.health(state.port) is not None:
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.2)
    return False


def mend(
    state_dir: Path, state: SandboxState, client: Callable[[str, str], Any], progress: Progress
) -> SandboxState | None:
    """Start again what is gone beside a live emulator; None where the whole sandbox has to start anew.

    Args:
        state_dir: the sandbox's folder, whose lock the caller holds.
        state: what ought to run.
        client: makes a client of a service in an account.
        progress: takes one sentence for each part.

    Raises:
        SandboxError: a part does not start.
    """
    if not state.ready or abandoned(state) or not answers(state):
        return None
    for gone in dead(state):
        progress(f"{told(state_dir, gone)}; starting it again{_KEPT.get(gone.name, '')}")
        state = state.with_process(_again(gone, state, state_dir, progress))
        write_state(state_dir, state)
        if gone.name == "warehouse":
            # Its port is another one where somebody took the old one meanwhile.
            parts.store_secret(client("secretsmanager", state.spec.warehouse_account), state.spec, state_dir)
    return state


def happened(state_dir: Path, state: SandboxState | None) -> str | None:
    """Why a sandbox that was started has to start anew, in one clause; None after an orderly end."""
    if state is None:
        damaged = (state_dir / STATE_FILE).exists()
        return "the sandbox's state file is damaged" if damaged else word(state_dir)
    if not state.ready:
        return "an earlier start of the sandbox was cut off"
    if state.owner is not None and abandoned(state):
        return f"the command that owned the sandbox (process {state.owner.pid}) ended without stopping it"
    return _emulator_told(state_dir, state)


def _emulator_told(state_dir: Path, state: SandboxState) -> str:
    emulator = state.process("emulator")
    if emulator is not None and emulator.identity.alive():
        return f"the emulator (process {emulator.pid}) does not answer on port {state.port}"
    return told(state_dir, emulator) if emulator is not None else "the emulator is gone"


def remember_loss(state_dir: Path, state: SandboxState) -> None:
    """Keep what became of an emulator and its records, for those who ask for one of them later."""
    known = dict(_losses(state_dir))
    known[state.generation] = _emulator_told(state_dir, state)
    kept = dict(list(known.items())[-_KEPT_LOSSES:])
    write_text(state_dir / _LOSSES, json.dumps(kept, indent=1))


def loss(state_dir: Path, generation: str) -> str:
    """What became of the emulator of that generation."""
    return _losses(state_dir).get(generation, "the emulator was stopped")


def _losses(state_dir: Path) -> Mapping[str, str]:
    try:
        found = json.loads((state_dir / _LOSSES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _again(gone: ManagedProcess, state: SandboxState, state_dir: Path, progress: Progress) -> ManagedProcess:
    """The part, running."""
    if gone.name == "warehouse":
        return parts.start_warehouse(state.spec, state_dir, progress)
    if gone.name == "supervisor":
        return parts.managed("supervisor", supervisor.start(state_dir))
    host = next(host for host in state.spec.hosts if host.instance_id == gone.name)
    return parts.start_host(host, state.spec, state_dir, state.endpoint)


_KEPT: Final = {"warehouse": ", its rows are kept"}
