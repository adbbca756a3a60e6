"""Run one program in a process group of its own, with a time limit, and read what it prints."""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from handlers.host.clock import Clock
from handlers.host.errors import JobFailed

_PR_SET_PDEATHSIG = 1
_TICK_SECONDS = 0.1
_DRAIN_SECONDS = 1.0
_LIBC = ctypes.CDLL(None, use_errno=True)


class Stop:
    """A request, from any thread or a signal handler, to stop the job; the first reason counts."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.reason = ""

    def request(self, reason: str) -> None:
        """Ask for the stop."""
        if not self._event.is_set():
            self.reason = reason
            self._event.set()

    def requested(self) -> bool:
        """Whether the job is to stop."""
        return self._event.is_set()


@dataclass(frozen=True)
class Ending:
    """How the process ended. `exit_code` is negative for a signal, as in `subprocess`."""

    exit_code: int
    timed_out: bool = False
    stopped: bool = False


def run(
    argv: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    timeout_seconds: float,
    grace_seconds: float,
    stop: Stop,
    in_child: Callable[[int], None],
    on_started: Callable[[], None],
    on_output: Callable[[str, bytes], None],
    clock: Clock,
) -> Ending:
    """Run `argv` to its end and pass what it prints to `on_output("stdout" | "stderr", bytes)`.

    `in_child` gets the process group. It is called in the new process, before the program: who has to know
    the group knows it before the program does anything, even if this process is killed at that moment.
    `on_started` is called here, before any output. At the time limit, or when `stop` is requested, the whole
    group gets SIGTERM and, `grace_seconds` later, SIGKILL. Whatever the program leaves running in its group
    when it ends is killed as well: a job ends with its script.

    Raises JobFailed when the program cannot be started. Call it while the process has one thread only.
    """

    def prepare() -> None:
        # The program is killed when the runner dies (Linux; see prctl(2)).
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        in_child(os.getpid())

    try:
        process = subprocess.Popen(  # noqa: S603 - an argument vector; the path comes from scripts.resolve
            list(argv),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=prepare,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise JobFailed(f"the script could not be started: {_why(error)}") from None
    try:
        on_started()
        return _follow(process, timeout_seconds, grace_seconds, stop, on_output, clock)
    except BaseException:
        _signal_group(process.pid, signal.SIGKILL)
        raise
    finally:
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _follow(
    process: subprocess.Popen[bytes],
    timeout_seconds: float,
    grace_seconds: float,
    stop: Stop,
    on_output: Callable[[str, bytes], None],
    clock: Clock,
) -> Ending:
    started = clock.monotonic()
    with selectors.DefaultSelector() as selector:
        for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
            assert pipe is not None  # noqa: S101 - both were asked for above
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ, name)
        timed_out = stopped = False
        kill_at: float | None = None
        while not _has_exited(process.pid):
            now = clock.monotonic()
            if kill_at is None and (stop.requested() or now - started >= timeout_seconds):
                stopped = stop.requested()
                timed_out = not stopped
                _signal_group(process.pid, signal.SIGTERM)
                kill_at = now + grace_seconds
            elif kill_at is not None and now >= kill_at:
                _signal_group(process.pid, signal.SIGKILL)
            _read(selector, on_output, _TICK_SECONDS)
        # The program is a zombie until wait(): its group's number cannot be taken by anybody else here.
        until = clock.monotonic() + _DRAIN_SECONDS
        _signal_group(process.pid, signal.SIGTERM)
        while selector.get_map() and clock.monotonic() < until:
            _read(selector, on_output, _TICK_SECONDS)
        _signal_group(process.pid, signal.SIGKILL)
        _read(selector, on_output, 0)
    return Ending(process.wait(), timed_out, stopped)


def _has_exited(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _read(
    selector: selectors.BaseSelector, on_output: Callable[[str, bytes], None], wait_seconds: float
) -> None:
    if not selector.get_map():
        threading.Event().wait(wait_seconds)
        return
    for key, _ in selector.select(wait_seconds):
        descriptor = key.fd
        try:
            data = os.read(descriptor, 65_536)
        except BlockingIOError:
            continue
        if data:
            on_output(key.data, data)
        else:
            selector.unregister(key.fileobj)


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == 8:
        return "it has no `#!` line that names its interpreter"
    if isinstance(error, FileNotFoundError):
        return "its interpreter (the `#!` line) does not exist"
    return " ".join(str(error).split())
