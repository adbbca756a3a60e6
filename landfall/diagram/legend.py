"""The legend of a picture, in as many rows as it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from landfall.diagram.scene import LegendEntry, Line, Mark, Text

_ROW = 22
_SAMPLE = 34


@dataclass(frozen=True)
class Legend:
    """What a legend draws."""

    texts: tuple[Text, ...]
    marks: tuple[Mark, ...]
    samples: tuple[Line, ...]
    height: float


def legend(entries: Sequence[LegendEntry], x: float, y: float, room: float) -> Legend:
    """Places entries from left to right, in rows at most ``room`` wide; lines begin a row of their own."""
    texts: list[Text] = []
    marks: list[Mark] = []
    samples: list[Line] = []
    left, top = x, y
    for number, entry in enumerate(entries):
        head = 16 if entry.accent else _SAMPLE + 10
        text = Text(x=0, y=0, text=entry.text, role="detail")
        starts_lines = entry.line and number and entries[number - 1].line is None
        if left > x and (starts_lines or left + head + text.width > x + room):
            left, top = x, top + _ROW
        if entry.accent:
            marks.append(Mark(x=left, y=top, width=11, height=11, accent=entry.accent))
        if entry.line:
            samples.append(
                Line(
                    source="",
                    target="",
                    kind=entry.line,
                    points=((left, top + 6), (left + _SAMPLE, top + 6)),
                )
            )
        texts.append(Text(x=left + head, y=top + 10, text=entry.text, role="detail"))
        left += head + text.width + 24
    return Legend(tuple(texts), tuple(marks), tuple(samples), top - y + _ROW)
