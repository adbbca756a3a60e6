"""The line of a stack file under an error, with a mark under the place: never a secret, always one line.

A line may hold anything: tabs, wide letters, escape sequences, a password. What is shown has none of the
control characters (a terminal would obey them), no value that may be a secret, and at most `WIDEST` cells.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from landfall.config.secrets import hides_its_value, secret_start

WIDEST: Final = 100
"""Cells of a terminal that a shown line takes at most."""
TAB: Final = "    "
CUT: Final = "…"
_LONGEST: Final = 2000
"""Characters of the longest line that is shown at all."""
_FARTHEST: Final = 400
"""Lines that are looked at for the key above a line; what is farther in may belong to a secret."""
_BEFORE: Final = 40
"""Cells that stay in front of the mark where a line is cut."""

# The line breaks that the YAML reader counts.
_BREAK: Final = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_PAIR: Final = re.compile(r"""(?:(?P<plain>[\w.-]+)\s*:(?=\s|$)|(?P<quoted>"[^"]*"|'[^']*')\s*:)\s*""")
_COLON: Final = re.compile(r"\s*:\s?")
_TOKEN: Final = re.compile(
    r"""(?x)
    "(?:[^"\\]|\\.)*"                                # in double quotes
    | '(?:[^']|'')*'                                 # in single quotes
    | [^\s\[\]{},\#] .*? (?= \s*[,\]}] | \s*:\s | \s*:$ | \s+\# | \s*$ )   # plain
    | .                                              # a bracket
    """
)
_NAMES_OF_SECRETS: Final = ("password", "passphrase", "token", "credentials", "apikey", "accesskey", "secret")


@dataclass(frozen=True)
class Excerpt:
    """One line as it is shown, and which cells of it the error means."""

    text: str
    start: int
    """Cells before the mark."""
    length: int
    """Cells under the mark, at least one."""


def lines_of(text: str) -> Sequence[str]:
    """The lines of a text as the YAML reader counts them."""
    return _BREAK.split(text)


def excerpt(
    lines: Sequence[str], line: int, column: int, hidden: Mapping[int, int] | None = None
) -> Excerpt | None:
    """The excerpt for a place (line and column count from 1); None where there is nothing to show.

    `hidden` has, by line, the column after which something stands that is never shown.
    """
    if not (0 < line <= len(lines) and 0 < column <= len(lines[line - 1]) + 1):
        return None
    text = lines[line - 1]
    if not text.strip() or len(text) > _LONGEST or _inside_secret(lines, line - 1):
        return None
    at = column - 1
    token = _TOKEN.match(text, at)
    end = token.end() if token else at + 1
    cells = _masked(text, (hidden or {}).get(line))
    before = sum(_width(cell) for cell in cells[:at])
    length = max(1, sum(_width(cell) for cell in cells[at:end]))
    return _windowed("".join(cells).rstrip(), before, length)


def key_end(lines: Sequence[str], line: int, column: int) -> int:
    """The column behind the key (and its colon) that stands at a place."""
    if not 0 < line <= len(lines):
        return column
    text = lines[line - 1][:_LONGEST]
    token = _TOKEN.match(text, column - 1)
    end = token.end() if token else column
    colon = _COLON.match(text, end)
    return (colon.end() if colon else end) + 1


def _masked(text: str, cut: int | None) -> list[str]:
    """For each character what is shown for it: itself, nothing, or the sign that something is left out."""
    cells = [_shown(character) for character in text]

    def hide(start: int, end: int) -> None:
        for index in range(start, end):
            cells[index] = CUT if index == start else ""

    for pair in _PAIR.finditer(text):
        if _hides(_key(pair)) and pair.end() < len(text):
            value = _TOKEN.match(text, pair.end())
            hide(pair.end(), value.end() if value and text[pair.end()] not in "{[&*|>!" else len(text))
    start = secret_start(text)
    if cut is not None:
        start = min(cut - 1, len(text) if start is None else start)
    if start is not None:
        hide(start, len(text))
    return cells


def _key(pair: re.Match[str]) -> str:
    return (pair["plain"] or pair["quoted"]).strip("\"'")


@lru_cache(maxsize=1024)
def _hides(key: str) -> bool:
    """Whether what stands under a key may be a secret: by its name, also by a misspelt one."""
    return hides_its_value(key) or bool(
        difflib.get_close_matches(key.lower().replace("_", ""), _NAMES_OF_SECRETS, n=1, cutoff=0.8)
    )


def _inside_secret(lines: Sequence[str], index: int) -> bool:
    """Whether a line belongs to a text of several lines that starts under a key which hides its value."""
    indentation = _indentation(lines[index])
    for number in range(index - 1, -1, -1):
        above = lines[number]
        if indentation == 0:
            break
        if index - number > _FARTHEST or len(above) > _LONGEST:
            return True
        if not above.strip() or _indentation(above) >= indentation:
            continue
        keys = [_key(pair) for pair in _PAIR.finditer(above)]
        if keys and _hides(keys[-1]):
            return True
        indentation = _indentation(above)
    return False


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def _windowed(text: str, before: int, length: int) -> Excerpt:
    """The part of a long line around the mark."""
    total = sum(_width(character) for character in text)
    if total <= WIDEST:
        return Excerpt(text, before, min(length, max(1, total - before)))
    first = max(0, min(before - _BEFORE, total - WIDEST))
    shown, at, position = "", None, 0
    for character in text:
        if position >= first:
            at = position if at is None else at
            if position - at + _width(character) > WIDEST:
                break
            shown += character
        position += _width(character)
    skipped = at or 0
    lead = CUT if skipped else ""
    tail = CUT if position < total else ""
    start = before - skipped + len(lead)
    return Excerpt(f"{lead}{shown}{tail}", start, max(1, min(length, WIDEST - start)))


def _shown(character: str) -> str:
    if character == "\t":
        return TAB
    # Control, format (also the ones that turn the direction of writing), surrogate, private, unassigned.
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character).startswith("C") else character


def _width(text: str) -> int:
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )
