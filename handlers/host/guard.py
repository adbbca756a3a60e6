"""A second process that outlives the runner, so that a killed runner leaves nothing behind.

Systems Manager ends a cancelled command with SIGKILL to its process group (amazon-ssm-agent,
`agent/executers/executers_unix.go`), and the kernel does the same when memory runs out: the runner cannot
clean up after that. The guard is forked before the script starts, leaves the command's process group, and
reads a pipe whose other end only the runner holds. When the pipe closes without a farewell, the runner is
dead: the guard kills the script's process group and reports the job, with the outcome that the runner had
reached if it had one, else as aborted. A runner that died before the guard stood is reported by the command
itself, which starts another one for that (`LOST_ARGUMENT`).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict

from handlers.host.audit import ABORTED
from handlers.host.report import Outcome

LOST_ARGUMENT = "lost"
"""Second argument of a runner that only reports the one before it, which was killed."""

LOST = Outcome(
    ABORTED,
    error_name="JobAborted",
    error_message="the job's runner was killed before it could report: its command was cancelled, "
    "or the host ran out of memory",
)


class Guard:
    """The runner's end of the pipe."""

    def __init__(self, on_death: Callable[[Outcome, bool], object]) -> None:
        """Fork the guard. Call it while the process has one thread only.

        `on_death` runs in the guard, with the outcome to report and whether the runner had told that the job
        is its own; it must make its own network clients.
        """
        reader, writer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(writer)
                _become_guard(reader)
                _watch(reader, on_death)
            finally:
                os._exit(0)
        os.close(reader)
        self._pipe = writer

    def owns(self) -> None:
        """The job is this runner's."""
        self._tell({"owned": True})

    def watch(self, process_group: int) -> None:
        """From now on, kill this process group when the runner dies. The group's first process tells it."""
        self._tell({"process_group": process_group})

    def decided(self, outcome: Outcome) -> None:
        """The script has ended, with this outcome; report it if the runner dies before it has done so."""
        self._tell({"outcome": asdict(outcome)})

    def dismiss(self) -> None:
        """All is reported; the guard ends."""
        self._tell({"done": True})
        with contextlib.suppress(OSError):
            os.close(self._pipe)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)

    def _tell(self, message: dict[str, object]) -> None:
        with contextlib.suppress(OSError):
            os.write(self._pipe, json.dumps(message).encode() + b"\n")


def _become_guard(reader: int) -> None:
    os.setpgid(0, 0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    # Connections of the runner are not to be used, nor kept open, by two processes.
    limit = os.sysconf("SC_OPEN_MAX")
    os.closerange(3, reader)
    os.closerange(reader + 1, min(limit, 65_536))
    sys.stdin = sys.stdout = sys.stderr = open(os.devnull, "r+")  # noqa: SIM115, PTH123


def _watch(reader: int, on_death: Callable[[Outcome, bool], object]) -> None:
    group = 0
    outcome = LOST
    owned = False
    with os.fdopen(reader, encoding="utf-8") as messages:
        for line in messages:
            message = json.loads(line)
            if "done" in message:
                return
            group = int(message.get("process_group", group))
            owned = owned or "owned" in message
            if "outcome" in message:
                outcome = Outcome(**message["outcome"])
                group = 0  # all its processes have ended: the number may be somebody else's by now
    if group > 1:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)
    on_death(outcome, owned)
