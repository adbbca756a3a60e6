"""Widths of texts in the font that pictures are drawn in: Arimo, which has Arial's widths.

Viewers without Arimo show Arial, Helvetica or Liberation Sans, whose letters are as wide, so a text that fits
here fits there. The widths are read from the font files themselves. (source: OpenType specification, tables
`cmap` format 4, `head`, `hhea`, `hmtx`)
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

FAMILY: Final = "Arimo, Arial, 'Liberation Sans', Helvetica, sans-serif"
FOLDER: Final = Path(__file__).with_name("fonts")
FILES: Final = (FOLDER / "Arimo-Regular.ttf", FOLDER / "Arimo-Bold.ttf")
"""Regular and bold; the licence stands beside them."""
ELLIPSIS: Final = "…"
_UNKNOWN_WIDTH: Final = 1.0
"""A letter that the font lacks is drawn from another one: no letter of a script is wider than an em."""


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Width of a line of text, in pixels, at a font size in pixels."""
    table = _widths(bold)
    return sum(table.get(ord(letter), _UNKNOWN_WIDTH) for letter in text) * size


def has(letter: str, *, bold: bool = False) -> bool:
    """Whether the font can draw a letter."""
    return ord(letter) in _widths(bold)


def fit(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """The text, or as much of its beginning and end as the room has place for, with an ellipsis between.

    Names differ at their ends (`…_script_1.sh`, `…-eu-west-1`), so the middle goes.
    """
    if width(text, size, bold=bold) <= room:
        return text
    for kept in range(len(text) - 1, 0, -1):
        head = (kept + 1) // 2
        shorter = text[:head].rstrip() + ELLIPSIS + text[len(text) - (kept - head) :].lstrip()
        if width(shorter, size, bold=bold) <= room:
            return shorter
    return ELLIPSIS if width(ELLIPSIS, size, bold=bold) <= room else ""


@cache
def _widths(bold: bool) -> Mapping[int, float]:
    """Advance widths in ems by code point."""
    data = FILES[bold].read_bytes()
    tables = {
        data[at : at + 4]: struct.unpack_from(">LL", data, at + 8)
        for at in range(12, 12 + 16 * struct.unpack_from(">H", data, 4)[0], 16)
    }
    (units,) = struct.unpack_from(">H", data, tables[b"head"][0] + 18)
    (measured,) = struct.unpack_from(">H", data, tables[b"hhea"][0] + 34)
    metrics = tables[b"hmtx"][0]

    def advance(glyph: int) -> float:
        (found,) = struct.unpack_from(">H", data, metrics + 4 * min(glyph, measured - 1))
        return float(found) / float(units)

    return {code: advance(glyph) for code, glyph in _glyphs(data, tables[b"cmap"][0]).items()}


def _glyphs(data: bytes, cmap: int) -> dict[int, int]:
    (count,) = struct.unpack_from(">H", data, cmap + 2)
    for number in range(count):
        platform, _, offset = struct.unpack_from(">HHL", data, cmap + 4 + 8 * number)
        start = cmap + offset
        if platform in (0, 3) and struct.unpack_from(">H", data, start)[0] == 4:
            return _segments(data, start)
    raise ValueError("the font has no character map of format 4")


def _segments(data: bytes, start: int) -> dict[int, int]:
    (doubled,) = struct.unpack_from(">H", data, start + 6)
    ends, starts = start + 14, start + 16 + doubled
    deltas, offsets = starts + doubled, starts + 2 * doubled
    found: dict[int, int] = {}
    for at in range(0, doubled, 2):
        (last,) = struct.unpack_from(">H", data, ends + at)
        (first,) = struct.unpack_from(">H", data, starts + at)
        (delta,) = struct.unpack_from(">H", data, deltas + at)
        (offset,) = struct.unpack_from(">H", data, offsets + at)
        for code in range(first, min(last, 0xFFFE) + 1):
            if offset:
                (glyph,) = struct.unpack_from(">H", data, offsets + at + offset + 2 * (code - first))
                glyph = (glyph + delta) % 65_536 if glyph else 0
            else:
                glyph = (code + delta) % 65_536
            if glyph:
                found[code] = glyph
    return found
