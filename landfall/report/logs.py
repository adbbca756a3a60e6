"""Logs of a run: the last lines for the page, the whole of each as a file beside it.

What comes in is what the hosts sent to the log group: secrets were masked before anything left the host.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from landfall.report.model import Line, Log, Span, iso

FOLDER = "logs"
"""Folder of the log files, beside the page."""
KEPT_LINES = 40
"""Last lines of each log that are kept for the page."""
LARGEST_FILE = 4 * 1024 * 1024
"""Bytes of one log file; what comes later is left out of the file and the page says so."""
_FLUSH_BYTES = 256 * 1024
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass
class _Stream:
    job_id: str
    attempt: int
    file: str | None
    tail: deque[Line] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    first: datetime | None = None
    last: datetime | None = None
    total: int = 0
    size: int = 0
    complete: bool = True
    waiting: list[str] = field(default_factory=list)


def stream_prefix(workflow_id: str, execution_id: str) -> str:
    """What the log streams of a run begin with; colons and asterisks are written as underscores.

    (source: CloudWatch Logs API Reference, "CreateLogStream"; `handlers.host.job`)
    """
    return re.sub(r"[:*]", "_", f"{workflow_id}/{execution_id}/")


def file_name(index: int, job_id: str, attempt: int) -> str:
    """A file name for a log: unique by its index, and harmless whatever the job's name is."""
    readable = _UNSAFE.sub("_", job_id).strip("._-")[:100] or "job"
    return f"{FOLDER}/{index:04d}-{readable}-{attempt}.log"


class LogCollector:
    """Takes the lines of a run's log streams as they are read, and keeps little of them in memory."""

    def __init__(self, records: Sequence[Mapping[str, Any]], prefix: str, folder: Path | None) -> None:
        """``folder`` is where the page will be; without it no files are written."""
        self._folder = folder
        self._prefix = prefix
        self._jobs: dict[str, tuple[int, str]] = {}
        for index, record in enumerate(records, 1):
            job_id = str(record.get("job_id", ""))
            self._jobs[re.sub(r"[:*]", "_", job_id)] = (index, job_id)
        self._streams: dict[str, _Stream | None] = {}
        self._pending = 0

    def read(self, lines: Iterable[tuple[str, int, str]]) -> None:
        """Takes (stream, milliseconds since 1970, text) in the order of each stream."""
        for name, milliseconds, text in lines:
            if name not in self._streams:
                self._streams[name] = self._opened(name)
            stream = self._streams[name]
            if stream is not None:
                self._add(stream, datetime.fromtimestamp(milliseconds / 1000, tz=UTC), text.rstrip())
        self._flush()

    def logs(self) -> dict[str, list[Log]]:
        """What was read, by job id, in the order of attempts."""
        found: dict[str, list[Log]] = {}
        for name, stream in sorted(self._streams.items()):
            if stream is not None:
                found.setdefault(stream.job_id, []).append(
                    Log(
                        attempt=stream.attempt,
                        stream=name,
                        lines=tuple(stream.tail),
                        total=stream.total,
                        file=stream.file,
                        complete=stream.complete,
                    )
                )
        return {job: sorted(logs, key=lambda log: log.attempt) for job, logs in found.items()}

    def attempts(self, job_id: str, last: int) -> list[Span]:
        """Failed attempts before the last one and the waits after them, as far as their logs tell."""
        found: list[Span] = []
        streams = sorted(
            (s for s in self._streams.values() if s is not None and s.job_id == job_id),
            key=lambda stream: stream.attempt,
        )
        for index, stream in enumerate(streams):
            if stream.attempt >= last or stream.first is None or stream.last is None:
                continue
            found.append(
                Span(
                    kind="attempt",
                    status="Failed",
                    start=stream.first,
                    end=stream.last,
                    attempt=stream.attempt,
                )
            )
            following = streams[index + 1].first if index + 1 < len(streams) else None
            if following is not None:
                found.append(
                    Span(
                        kind="wait",
                        status="Waiting",
                        start=stream.last,
                        end=following,
                        attempt=stream.attempt,
                    )
                )
        return found

    def _opened(self, name: str) -> _Stream | None:
        job, _, attempt = name.removeprefix(self._prefix).rpartition("/")
        if not name.startswith(self._prefix) or job not in self._jobs or not attempt.isdecimal():
            return None
        index, job_id = self._jobs[job]
        file = file_name(index, job_id, int(attempt)) if self._folder is not None else None
        return _Stream(job_id=job_id, attempt=int(attempt), file=file)

    def _add(self, stream: _Stream, time: datetime, text: str) -> None:
        stream.first = stream.first or time
        stream.last = time
        stream.total += 1
        stream.tail.append(Line(time=time, text=text))
        if self._folder is None or not stream.complete:
            return
        line = f"{iso(time)}  {text}\n"
        stream.size += len(line.encode())
        if stream.size > LARGEST_FILE:
            stream.complete = False
            return
        stream.waiting.append(line)
        self._pending += len(line)
        if self._pending > _FLUSH_BYTES:
            self._flush()

    def _flush(self) -> None:
        for stream in self._streams.values():
            if stream is None or not stream.waiting or stream.file is None or self._folder is None:
                continue
            path = self._folder / stream.file
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8", errors="replace", newline="\n") as file:
                file.writelines(stream.waiting)
            stream.waiting.clear()
        self._pending = 0
