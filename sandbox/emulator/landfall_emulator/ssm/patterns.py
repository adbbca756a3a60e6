"""Patterns that somebody else wrote, matched in a bounded time, whatever they are."""

from __future__ import annotations

import time
from typing import Final

import regex

_SECONDS: Final = 1.0


def matches(pattern: str, text: str) -> bool:
    """Whether a text has a pattern from end to end.

    Raises TimeoutError when finding that out takes this thread more than a second of processor time. The time
    that `regex` bounds is the whole process's, all threads together: what others have used up is given back.
    """
    began = time.thread_time()
    while True:
        try:
            return regex.fullmatch(pattern, text, timeout=_SECONDS) is not None
        except TimeoutError:
            if time.thread_time() - began >= _SECONDS:
                raise
