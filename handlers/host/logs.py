"""The script's log: one CloudWatch Logs stream per run, and a file that becomes the archive."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from handlers.host.clock import Clock, timestamp
from handlers.host.retry import error_code, persistently, summary

# Limits of PutLogEvents:
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
BATCH_BYTES = 1_048_576
BATCH_EVENTS = 10_000
EVENT_OVERHEAD = 26
EVENT_BYTES = 262_144 - EVENT_OVERHEAD
# What may wait for a CloudWatch Logs that does not answer; beyond it the archive alone has the lines.
WAITING_BYTES = 32 * BATCH_BYTES


class LogStream:
    """Sends lines to one log stream from a thread of its own, in order, in batches.

    A service that does not answer never holds the script up: lines wait in memory, and past 32 MiB the oldest
    are dropped and counted in a line of their own.
    """

    def __init__(
        self, logs: Any, group: str, stream: str, clock: Clock, *, flush_seconds: float = 1.0
    ) -> None:
        self._logs = logs
        self._group = group
        self._stream = stream
        self._clock = clock
        self._flush_seconds = flush_seconds
        self._waiting: deque[tuple[int, str, int]] = deque()
        self._bytes = 0
        self._dropped = 0
        self._last_ms = 0
        self._lock = threading.Lock()
        self._more = threading.Event()
        self._closing = False
        self._deadline = float("inf")
        self.problem = ""
        """Why lines are missing in the stream; empty when none are."""
        self._thread = threading.Thread(target=self._ship, name="logs", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def put(self, line: str) -> None:
        """Queue one line, with the present time."""
        for message in split_event(line):
            size = len(message.encode("utf-8", "replace")) + EVENT_OVERHEAD
            with self._lock:
                # Events of a batch must be in time order, whatever the host's clock does.
                self._last_ms = max(self._last_ms, int(self._clock.now() * 1000))
                self._waiting.append((self._last_ms, message, size))
                self._bytes += size
                while self._bytes > WAITING_BYTES and len(self._waiting) > 1:
                    self._bytes -= self._waiting.popleft()[2]
                    self._dropped += 1
                full = self._bytes >= BATCH_BYTES // 2
            if full:
                self._more.set()

    def close(self, *, bound_seconds: float) -> None:
        """Send what waits, for at most `bound_seconds`."""
        self._deadline = self._clock.monotonic() + bound_seconds
        self._closing = True
        self._more.set()
        self._thread.join(bound_seconds + 30)
        with self._lock:
            if self._waiting and not self.problem:
                self.problem = "CloudWatch Logs did not take all lines in time"

    def _ship(self) -> None:
        created = False
        while True:
            self._more.wait(self._flush_seconds)
            self._more.clear()
            closing = self._closing
            while True:
                batch = self._next_batch()
                if not batch:
                    break
                try:
                    if not created:
                        self._create()
                        created = True
                    self._send(batch)
                except (BotoCoreError, ClientError, OSError) as error:
                    self.problem = f"lines are missing in the log stream: {summary(error)}"
            if closing:
                return

    def _next_batch(self) -> list[dict[str, Any]]:
        batch: list[dict[str, Any]] = []
        size = 0
        with self._lock:
            if self._dropped:
                note = f"[landfall] {self._dropped} lines were not sent in time; the archive has them"
                at = self._waiting[0][0] if self._waiting else self._last_ms
                batch.append({"timestamp": at, "message": note})
                size += len(note) + EVENT_OVERHEAD
                self._dropped = 0
            while self._waiting and len(batch) < BATCH_EVENTS:
                at, message, weight = self._waiting[0]
                if size + weight > BATCH_BYTES:
                    break
                self._waiting.popleft()
                self._bytes -= weight
                size += weight
                batch.append({"timestamp": at, "message": message})
        return batch

    def _create(self) -> None:
        try:
            self._persist(
                lambda: self._logs.create_log_stream(logGroupName=self._group, logStreamName=self._stream)
            )
        except ClientError as error:
            if error_code(error) != "ResourceAlreadyExistsException":
                raise

    def _send(self, batch: list[dict[str, Any]]) -> None:
        answer = self._persist(
            lambda: self._logs.put_log_events(
                logGroupName=self._group, logStreamName=self._stream, logEvents=batch
            )
        )
        if answer and answer.get("rejectedLogEventsInfo"):
            self.problem = "CloudWatch Logs rejected lines because of their time: check the host's clock"

    def _persist(self, call: Any) -> Any:
        bound = max(0.0, min(60.0, self._deadline - self._clock.monotonic()))
        return persistently(call, bound_seconds=bound, clock=self._clock, longest_pause=5.0)


def split_event(line: str) -> list[str]:
    """`line` as messages that CloudWatch Logs takes: not empty, at most 256 KiB with their overhead."""
    if not line:
        return [" "]
    raw = line.encode("utf-8", "replace")
    if len(raw) <= EVENT_BYTES:
        return [line]
    pieces = []
    start = 0
    while start < len(raw):
        end = min(start + EVENT_BYTES, len(raw))
        while end < len(raw) and (raw[end] & 0xC0) == 0x80:
            end -= 1
        pieces.append(raw[start:end].decode("utf-8"))
        start = end
    return pieces


class LogFile:
    """The whole redacted log on the host's disk, until it is archived; readable by its owner only."""

    def __init__(self, clock: Clock) -> None:
        descriptor, name = tempfile.mkstemp(prefix="landfall-", suffix=".log")
        self.path = Path(name)
        self._clock = clock
        self._file = os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="\n")
        self.problem = ""
        """Why lines are missing in the archive; empty when none are."""

    def put(self, line: str) -> None:
        """Append one line with its time."""
        try:
            self._file.write(f"{timestamp(self._clock.now())} {line}\n")
        except OSError as error:
            # A full disk must not stop the job.
            self.problem = f"lines are missing in the archive: {error.strerror}"

    def close(self) -> None:
        """Write what is buffered."""
        try:
            self._file.close()
        except OSError as error:
            self.problem = f"lines are missing in the archive: {error.strerror}"

    def remove(self) -> None:
        """Delete the file."""
        with contextlib.suppress(OSError):
            self.path.unlink()
