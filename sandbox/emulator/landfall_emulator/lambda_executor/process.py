"""One worker process, seen from the executor: start, talk, watch, end."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from landfall_emulator.lambda_executor.worker import LOG_END

_WORKER: Final = Path(__file__).with_name("worker.py")
_WATCH_SECONDS: Final = 0.02
# More address space than memory: Python maps more than it touches. The watchdog is the limit, this the wall.
_SPARE_ADDRESS_SPACE: Final = 4 << 30
_LOG_LIMIT: Final = 4 << 20


class WorkerEnded(Exception):
    """The process ended before it answered."""


class WorkerTimedOut(Exception):
    """No answer in time; the process has been killed."""


class WorkerOutOfMemory(Exception):
    """The process took more memory than it may, and has been killed."""


class Worker:
    """A running worker. Not for use by two threads at once, except `stop`."""

    def __init__(
        self, env: Mapping[str, str], *, memory_mb: int, layers: list[str], powertools: bool, cwd: Path
    ) -> None:
        self.memory_mb = memory_mb
        self.peak_mb = 0
        child_requests, self._requests = os.pipe()
        self._responses, child_responses = os.pipe()
        child_lifeline, self._lifeline = os.pipe()
        arguments = {
            "requests": child_requests,
            "responses": child_responses,
            "lifeline": child_lifeline,
            "layers": layers,
            "powertools": powertools,
            "address_space": (memory_mb << 20) + _SPARE_ADDRESS_SPACE,
        }
        given = (child_requests, child_responses, child_lifeline)
        try:
            self._process = subprocess.Popen(
                [sys.executable, str(_WORKER), json.dumps(arguments)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                env=dict(env), cwd=cwd, pass_fds=given, start_new_session=True,
            )  # fmt: skip
        finally:
            for descriptor in given:
                os.close(descriptor)
        assert self._process.stdout is not None  # noqa: S101 - asked for a pipe above
        self._log = _LogReader(self._process.stdout.fileno())
        self._pending = b""
        self._closed = False
        self._lock = threading.Lock()

    @property
    def pid(self) -> int:
        """Process id, also that of its group."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def ready(self, seconds: float) -> dict[str, Any]:
        """Wait until the function is loaded; raises as `call` does."""
        return self._answer("init", seconds)

    def call(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises:
            WorkerTimedOut: no answer within `seconds`.
            WorkerOutOfMemory: the process grew over its limit.
            WorkerEnded: the process ended.
        """
        try:
            with os.fdopen(os.dup(self._requests), "wb") as channel:
                channel.write(json.dumps(request).encode() + b"\n")
        except OSError as gone:
            raise WorkerEnded from gone
        return self._answer(str(request["request_id"]), seconds)

    def log(self, request_id: str, seconds: float = 1.0) -> str:
        """The function's output up to the end of this request, or all of it after the process's end."""
        return self._log.until(request_id, seconds if self.alive() else 0.2)

    def exit_code(self) -> int | None:
        """Exit code of an ended process, negative for a signal."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout=2.0)
        return None

    def stop(self) -> None:
        """Kill the process and all that it started, and free everything."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._kill()
        self._log.close()
        for descriptor in (self._requests, self._responses, self._lifeline):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _answer(self, request_id: str, seconds: float) -> dict[str, Any]:
        """Read answers until that of `request_id`, watching time and memory."""
        deadline = time.monotonic() + seconds
        while True:
            line, found, rest = self._pending.partition(b"\n")
            if found:
                self._pending = rest
                document: dict[str, Any] = json.loads(line)
                self.peak_mb = max(self.peak_mb, int(document["peak_mb"]))
                if self.peak_mb > self.memory_mb:
                    self._kill()
                    raise WorkerOutOfMemory
                if document["request_id"] == request_id:
                    return document
                continue
            left = deadline - time.monotonic()
            if left <= 0:
                self._kill()
                raise WorkerTimedOut
            if select.select([self._responses], [], [], min(left, _WATCH_SECONDS))[0]:
                chunk = os.read(self._responses, 1 << 16)
                if not chunk:
                    self._process.wait(timeout=5.0)
                    raise WorkerEnded
                self._pending += chunk
            elif self._resident_mb() > self.memory_mb:
                self._kill()
                raise WorkerOutOfMemory

    def _resident_mb(self) -> int:
        """Memory that the process has in use now."""
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        except (OSError, ValueError, IndexError):
            return 0
        used = pages * os.sysconf("SC_PAGE_SIZE") >> 20
        self.peak_mb = max(self.peak_mb, used)
        return used

    def _kill(self) -> None:
        """Kill the whole process group and reap the worker."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5.0)


class _LogReader:
    """Reads a worker's output all the time, so that it never blocks on a full pipe."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._text = b""
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._read, name="lambda-log", daemon=True)
        self._thread.start()

    def until(self, request_id: str, seconds: float) -> str:
        """Take the text before the marker of `request_id`; without it, all there is after `seconds`."""
        marker = f"{LOG_END}{request_id}\n".encode()
        deadline = time.monotonic() + seconds
        with self._changed:
            while marker not in self._text and not self._ended and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            text, _, self._text = self._text.partition(marker)
        return text.decode(errors="replace")

    def close(self) -> None:
        """Wait for the reader to see the end."""
        self._thread.join(timeout=0.5)

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._descriptor, 1 << 16)
            except OSError:
                chunk = b""
            with self._changed:
                if chunk:
                    self._text = (self._text + chunk)[-_LOG_LIMIT:]
                else:
                    self._ended = True
                self._changed.notify_all()
            if not chunk:
                return
