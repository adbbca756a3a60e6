"""The state file of a sandbox: what runs, where, and for whom."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final, TextIO

from sandbox.engines.recorded import Ledger
from sandbox.errors import SandboxError
from sandbox.processes import ProcessId
from sandbox.spec import SandboxSpec

STATE_FILE: Final = "state.json"
RECORD_FOLDER: Final = "recorded"
_VERSION: Final = 1


@dataclass(frozen=True, kw_only=True)
class ManagedProcess:
    """One process of the sandbox."""

    name: str
    pid: int
    started: int | None
    port: int | None = None
    log: str | None = None

    @property
    def identity(self) -> ProcessId:
        """The process for good."""
        return ProcessId(self.pid, self.started)


@dataclass(frozen=True, kw_only=True)
class SandboxState:
    """Everything that another command needs to use, watch or end the sandbox."""

    name: str
    spec: SandboxSpec
    port: int
    generation: str
    """New at each start of the emulator, whose state is in memory: do old resources still exist?"""
    ready: bool = False
    discard: bool = False
    """Whether `down` removes the state directory too."""
    owner: ManagedProcess | None = None
    """The process with which the sandbox dies, if any."""
    processes: tuple[ManagedProcess, ...] = field(default=())

    @property
    def endpoint(self) -> str:
        """Address of the emulator."""
        return f"http://127.0.0.1:{self.port}"

    def process(self, name: str) -> ManagedProcess | None:
        """The process called `name`."""
        return next((process for process in self.processes if process.name == name), None)

    def with_process(self, process: ManagedProcess) -> SandboxState:
        """The same state with this process added, or put in the place of its namesake."""
        others = tuple(known for known in self.processes if known.name != process.name)
        return replace(self, processes=(*others, process))


def write_state(state_dir: Path, state: SandboxState) -> None:
    """Write the state file whole or not at all, readable by its owner only."""
    document = {"version": _VERSION, "endpoint": state.endpoint, **asdict(state)}
    write_text(state_dir / STATE_FILE, json.dumps(document, indent=1))


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all, whenever this process is killed; readable by its owner only."""
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    partial.replace(path)


def read_state(state_dir: Path) -> SandboxState | None:
    """The state file's content; None where there is no file or it cannot be used."""
    try:
        data = json.loads((state_dir / STATE_FILE).read_text())
        if data.pop("version") != _VERSION:
            return None
        data.pop("endpoint")
        owner = data.pop("owner")
        return SandboxState(
            **{
                **data,
                "spec": SandboxSpec.from_json(data["spec"]),
                "owner": ManagedProcess(**owner) if owner else None,
                "processes": tuple(ManagedProcess(**process) for process in data["processes"]),
            }
        )
    except (OSError, ValueError, TypeError, KeyError, SandboxError):
        return None


def read_records(state_dir: Path) -> Mapping[str, int]:
    """Resource types without a provisioner that deployments recorded here, with their counts."""
    entries = Ledger(state_dir / RECORD_FOLDER).entries()
    return dict(sorted(Counter(entry["type"] for entry in entries).items()))


@contextlib.contextmanager
def locked(
    state_dir: Path,
    *,
    seconds: float,
    lock: str = "lock",
    busy: str = "started or stopped",
    on_wait: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Hold a lock of the sandbox: one start or stop at a time. The kernel frees it when its holder dies.

    Args:
        state_dir: the sandbox's folder.
        seconds: how long to wait for another holder.
        lock: name of the lock's file; each file is a lock of its own.
        busy: what the holder does to the sandbox, for the error.
        on_wait: called once where there is another holder.

    Raises:
        SandboxError: somebody else held it for `seconds`.
    """
    deadline = time.monotonic() + seconds
    waited = False
    while (file := _taken(state_dir / lock)) is None:
        if time.monotonic() > deadline:
            raise SandboxError(f"the sandbox {state_dir.name} is being {busy} by another command")
        if not waited:
            on_wait()
        waited = True
        time.sleep(0.05)
    with file:
        yield


def _taken(path: Path) -> TextIO | None:
    """The lock's file, locked; None while somebody else has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A holder that discarded the sandbox has removed the file: its lock would hold nobody off.
        if os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
    except (BlockingIOError, FileNotFoundError):
        pass
    file.close()
    return None
