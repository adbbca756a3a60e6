"""Ends a sandbox when its owner dies, even by `kill -9`.

One small process per owned sandbox (and per start in progress, whose owner is the command that starts it).
It sleeps on the owner's process descriptor (pidfd, Linux 5.3) and wakes at once when the owner ends;
elsewhere it looks twice a second. It ends when the sandbox has no owner any more.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Final

from sandbox import processes
from sandbox.endings import leave_word
from sandbox.errors import SandboxError
from sandbox.processes import MARK_VARIABLE, ProcessId, mark_of
from sandbox.state import locked, read_state
from sandbox.teardown import stop

_LOOK_SECONDS: Final = 0.5
_LOCK_SECONDS: Final = 120.0


def start(state_dir: Path) -> ProcessId:
    """Start the supervisor of the sandbox in `state_dir`; the owner is read from the state file."""
    package = Path(__file__).resolve().parents[1]
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(package),
        MARK_VARIABLE: mark_of(state_dir),
    }
    if tools := os.environ.get("LANDFALL_TOOLS_DIR"):
        environment["LANDFALL_TOOLS_DIR"] = tools
    return processes.spawn(
        [sys.executable, "-m", "sandbox.supervisor", str(state_dir)],
        env=environment,
        log=state_dir / "logs" / "supervisor.log",
        cwd=package,
    )


def watch(state_dir: Path) -> None:
    """Wait for the owner's end, then end the sandbox; return early when no owner or no sandbox is left."""
    while True:
        state = read_state(state_dir)
        if state is None or state.owner is None:
            return
        owner = state.owner.identity
        if not owner.alive():
            break
        _sleep_on(owner)
    # The lock is free, or its holder is another command that is ending the sandbox.
    with contextlib.suppress(SandboxError), locked(state_dir, seconds=_LOCK_SECONDS):
        current = read_state(state_dir)
        if current is not None and current.owner is not None and not current.owner.identity.alive():
            what = (
                "an earlier start of the sandbox was cut off"
                if not current.ready
                else (f"the command that owned the sandbox (process {owner.pid}) ended without stopping it")
            )
            stop(state_dir, spare=os.getpid())
            leave_word(state_dir, what)


def _sleep_on(owner: ProcessId) -> None:
    """Sleep until the owner ends, at most a few looks, so that a change of the state file is noticed too."""
    try:
        descriptor = os.pidfd_open(owner.pid)
    except (AttributeError, OSError):
        time.sleep(_LOOK_SECONDS)
        return
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.poll(int(_LOOK_SECONDS * 4000))
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watch(Path(sys.argv[1]))
