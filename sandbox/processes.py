"""Start, recognise and end the sandbox's processes.

A process is known by its id **and** its start time, so a recycled id is never mistaken for it. Every process
of a sandbox carries the sandbox's mark in its environment (`LANDFALL_SANDBOX_MARK`), inherited by whatever
it starts: this is how leftovers are found when no file names them. Process tables are read from `/proc`;
where it is missing (not Linux), only what the state file names can be found.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandbox.errors import SandboxError

MARK_VARIABLE: Final = "LANDFALL_SANDBOX_MARK"
_PROC: Final = Path("/proc")
_WAITER: Final = Path(__file__).with_name("waiter.py")


@dataclass(frozen=True)
class ProcessId:
    """One process for good: its id and the clock ticks at which it started."""

    pid: int
    started: int | None = None

    @classmethod
    def of(cls, pid: int) -> ProcessId:
        """The process that has `pid` now."""
        stat = _stat(pid)
        return cls(pid, int(stat[19]) if stat else None)

    def alive(self) -> bool:
        """Whether exactly this process runs; a zombie does not."""
        if not _PROC.joinpath("self").exists():
            with contextlib.suppress(OSError):
                os.kill(self.pid, 0)
                return True
            return False
        stat = _stat(self.pid)
        return stat is not None and stat[0] not in "ZX" and self.started in (None, int(stat[19]))


def mark_of(state_dir: Path) -> str:
    """The mark of the sandbox in `state_dir`: the same at every start, so a lost state file loses nothing."""
    return hashlib.sha256(str(state_dir.resolve()).encode()).hexdigest()[:24]


def spawn(
    command: list[str], *, env: Mapping[str, str], log: Path, cwd: Path, note: Path | None = None
) -> ProcessId:
    """Start a daemon in a session of its own with its output in `log`.

    With `note` a small parent waits for its end and writes there how it ended (`sandbox.endings` reads it).

    Raises:
        SandboxError: the machine has no room for another process.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    reader, writer = os.pipe()
    whole = command
    if note is not None:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.unlink(missing_ok=True)
        whole = [sys.executable, "-I", "-S", str(_WAITER), str(note), str(writer), *command]
    try:
        with log.open("ab") as output:
            process = subprocess.Popen(
                whole, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=cwd, env=dict(env),
                start_new_session=True, pass_fds=(writer,) if note is not None else (),
            )  # fmt: skip
    finally:
        os.close(writer)
        with os.fdopen(reader, "rb") as report:
            told = report.read() if note is not None else b""
    _CHILDREN[process.pid] = process
    if note is not None and not told:
        raise SandboxError(f"{Path(command[0]).name} could not be started; see {log}")
    return ProcessId.of(int(told) if note is not None else process.pid)


def marked(mark: str) -> set[int]:
    """Ids of all live processes that carry the mark, the caller excepted."""
    return carrying(MARK_VARIABLE, mark)


def carrying(variable: str, value: str) -> set[int]:
    """Ids of all live processes that were started with this variable, the caller excepted."""
    wanted = f"{variable}={value}".encode()
    found = set()
    for entry in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            pid = int(entry.name)
            if pid != os.getpid() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                stat = _stat(pid)
                if stat is not None and stat[0] not in "ZX":
                    found.add(pid)
    return found


def listed() -> Iterator[tuple[int, str, str]]:
    """Id, command line and working directory of every process that has them, kernel threads excepted."""
    for entry in _PROC.glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            place = str((entry / "cwd").readlink())
        except OSError:
            continue
        if command:
            yield int(entry.name), command, place


def with_argument(argument: str) -> set[int]:
    """Ids of all live processes with exactly this command-line argument, the caller excepted."""
    wanted = argument.encode()
    found = set()
    for entry in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            pid = int(entry.name)
            if pid != os.getpid() and wanted in (entry / "cmdline").read_bytes().split(b"\0"):
                found.add(pid)
    return found


def working_in(folder: Path) -> set[int]:
    """Ids of all live processes whose working directory is `folder`, the caller excepted.

    Finds what hides its environment and its arguments, as the sessions of a PostgreSQL server do.
    """
    found = set()
    for entry in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            pid = int(entry.name)
            if pid != os.getpid() and (entry / "cwd").readlink() == folder:
                found.add(pid)
    return found


def end(pids: Iterable[int], *, grace: float) -> None:
    """Ask the processes to end (SIGTERM) and kill what is left after `grace` seconds."""
    waiting = [ProcessId.of(pid) for pid in pids if pid != os.getpid()]
    for sent, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        waiting = [process for process in waiting if _running(process)]
        for process in waiting:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, sent)
        deadline = time.monotonic() + seconds
        while waiting and time.monotonic() < deadline:
            waiting = [process for process in waiting if _running(process)]
            if waiting:
                time.sleep(0.02)


def exit_code(pid: int) -> int | None:
    """Exit code of a daemon that this process started, once it has ended."""
    child = _CHILDREN.get(pid)
    return child.poll() if child else None


def uptime(process: ProcessId) -> float | None:
    """Seconds since the process started."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        if process.started is not None:
            since_boot = float((_PROC / "uptime").read_text().split()[0])
            return max(0.0, since_boot - process.started / os.sysconf("SC_CLK_TCK"))
    return None


# Daemons started by this very process, kept so that they can be reaped.
_CHILDREN: Final[dict[int, subprocess.Popen[bytes]]] = {}


def _running(process: ProcessId) -> bool:
    """Alive after reaping, where it is our own child."""
    exit_code(process.pid)
    return process.alive()


def _stat(pid: int) -> list[str] | None:
    """Fields of `/proc/<pid>/stat` from the state on (proc(5): the start time is index 19)."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
