"""A picture before it is written: boxes, lines and texts with their places, in pixels, y downwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from landfall.diagram import font

GRID = 10
"""Boxes begin and end on multiples of it, and lines run on them: lines never touch a box that they pass."""

Anchor = Literal["start", "middle", "end"]
Role = Literal["title", "heading", "label", "detail", "on-accent"]
SIZES: dict[Role, float] = {"title": 26, "heading": 17, "label": 14, "detail": 12, "on-accent": 10}
"""Font size of each role, in pixels."""
BOLD: frozenset[Role] = frozenset({"title", "heading", "label", "on-accent"})


@dataclass(frozen=True, kw_only=True)
class Text:
    """One line of text."""

    x: float
    y: float
    """Of the baseline."""
    text: str
    role: Role
    anchor: Anchor = "start"
    whole: str | None = None
    """What the text says where the room was too small for it; shown as a tooltip."""
    accent: str | None = None
    """Colour class of the text, instead of its role's colour."""

    @property
    def width(self) -> float:
        """Width in pixels."""
        return font.width(self.text, SIZES[self.role], bold=self.role in BOLD)

    @property
    def left(self) -> float:
        """Where the text begins."""
        return self.x - {"start": 0.0, "middle": self.width / 2, "end": self.width}[self.anchor]

    @property
    def top(self) -> float:
        """Above the tallest letter."""
        return self.y - SIZES[self.role] * 0.91

    @property
    def bottom(self) -> float:
        """Below the deepest letter."""
        return self.y + SIZES[self.role] * 0.22


def fitted(
    text: str,
    room: float,
    *,
    x: float,
    y: float,
    role: Role,
    anchor: Anchor = "start",
    accent: str | None = None,
) -> Text:
    """A text that is at most ``room`` wide; a longer one is elided and keeps itself as a tooltip."""
    text = " ".join(text.split())  # as XML shows it
    short = font.fit(text, room, SIZES[role], bold=role in BOLD)
    return Text(
        x=x,
        y=y,
        text=short,
        role=role,
        anchor=anchor,
        whole=text if short != text else None,
        accent=accent,
    )


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A small coloured rectangle: a service's glyph, a badge, the band of a card."""

    x: float
    y: float
    width: float
    height: float
    accent: str
    """Colour class, such as `compute`."""
    radius: float = 3


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle with what is written in it. Frames hold other boxes, cards do not."""

    key: str
    kind: str
    """`frame-…` or `card-…`: how it is drawn."""
    x: float
    y: float
    width: float
    height: float
    parent: str | None = None
    """Key of the frame that it stands in."""
    texts: tuple[Text, ...] = ()
    marks: tuple[Mark, ...] = ()
    tooltip: str = ""
    counts: int = 0
    """Resources that the box itself stands for; frames have none of their own."""
    dashed: bool = False

    @property
    def right(self) -> float:
        """Right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Lower edge."""
        return self.y + self.height

    def moved(self, x: float, y: float) -> Box:
        """The box and what is written in it, moved so far."""
        return replace(
            self,
            x=self.x + x,
            y=self.y + y,
            texts=tuple(replace(text, x=text.x + x, y=text.y + y) for text in self.texts),
            marks=tuple(replace(mark, x=mark.x + x, y=mark.y + y) for mark in self.marks),
        )

    @property
    def is_frame(self) -> bool:
        """Whether it holds other boxes."""
        return self.kind.startswith("frame")


Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A routed connection: a polyline of horizontal and vertical stretches with an arrow at its end."""

    source: str
    target: str
    kind: str
    """How it is drawn: `flow`, `caught`, `uses`, `crosses`, …"""
    points: tuple[Point, ...]
    joins: tuple[Point, ...] | None = None
    """The part of the way up to another line to the same end, which draws the rest."""
    tooltip: str = ""


@dataclass(frozen=True, kw_only=True)
class LegendEntry:
    """One entry of the legend: a colour or a kind of line, and what it means."""

    text: str
    accent: str | None = None
    line: str | None = None


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A whole picture."""

    title: str
    subtitle: str
    description: str
    """What a reader who cannot see the picture is told."""
    width: float
    height: float
    boxes: tuple[Box, ...]
    """Frames before what they hold."""
    lines: tuple[Line, ...] = ()
    texts: tuple[Text, ...] = ()
    """Texts outside boxes: title, subtitle, legend."""
    marks: tuple[Mark, ...] = ()
    samples: tuple[Line, ...] = field(default=())
    """Lines of the legend."""

    def every_text(self) -> Iterator[Text]:
        """All texts."""
        yield from self.texts
        for box in self.boxes:
            yield from box.texts


def snap(length: float) -> int:
    """The next multiple of the grid that is not smaller."""
    return int(-(-length // GRID) * GRID)
