"""The script's output: bytes in, redacted lines out, and the one line that says what went wrong."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

from handlers.host.redaction import Redactor

# CloudWatch Logs takes events of up to 256 KiB; a line beyond this is passed on in pieces.
LONGEST_PIECE = 200_000
LONGEST_ERROR = 1_000

_ERROR_LINE = re.compile(r"\bERROR\b|\bFATAL\b|\berror:")


class Lines:
    """Cuts one stream's bytes into lines and removes secrets before anything else sees them.

    Bytes that are not UTF-8 become U+FFFD. A very long line is emitted in pieces, never cut inside a secret.
    """

    def __init__(self, redactor: Redactor, emit: Callable[[str], None]) -> None:
        self._redactor = redactor
        self._emit = emit
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data: bytes) -> None:
        """Take what the script printed."""
        self._take(self._decoder.decode(data))

    def close(self) -> None:
        """The stream has ended: emit what has no line end."""
        self._take(self._decoder.decode(b"", final=True))
        if self._rest:
            self._line(self._rest)
            self._rest = ""

    def _take(self, text: str) -> None:
        # CloudWatch Logs shows no NUL; taken out before the redaction, so that none can hide in a secret.
        *lines, self._rest = (self._rest + text.replace("\0", "")).split("\n")
        for line in lines:
            self._line(line)
        if len(self._rest) > LONGEST_PIECE:
            clean = self._redactor.redact(self._rest)
            keep = self._redactor.overlap
            head = clean[: len(clean) - keep]
            self._rest = clean[len(head) :]
            self._pieces(head)

    def _line(self, line: str) -> None:
        self._pieces(self._redactor.redact(line.rstrip("\r")))

    def _pieces(self, text: str) -> None:
        for start in range(0, max(len(text), 1), LONGEST_PIECE):
            self._emit(text[start : start + LONGEST_PIECE])


class ErrorLine:
    """Remembers the line that tells a reader why a script failed.

    That is the last line that looks like an error (`ERROR`, `FATAL`, `error:`), else the last line on stderr,
    else the last line at all.
    """

    def __init__(self) -> None:
        self._error = ""
        self._stderr = ""
        self._any = ""

    def see(self, stream: str, line: str) -> None:
        """Take one redacted line of `stdout` or `stderr`."""
        text = line.strip()
        if not text:
            return
        self._any = text[:LONGEST_ERROR]
        if stream == "stderr":
            self._stderr = self._any
        if _ERROR_LINE.search(text):
            self._error = self._any

    def text(self) -> str:
        """The line, at most 1,000 characters; empty when nothing was printed."""
        return self._error or self._stderr or self._any
