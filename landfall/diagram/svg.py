"""A scene as SVG: light, and dark where the viewer prefers it; no scripts, no outside references."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import escape

from landfall.diagram import theme
from landfall.diagram.font import FAMILY
from landfall.diagram.scene import BOLD, SIZES, Box, Line, Mark, Point, Scene, Text
from landfall.diagram.theme import ACCENTS, LINES, SURFACES, Theme

_NOT_XML: Final = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CORNER: Final = 6.0
_TIP: Final = "M0 0 8 4 0 8 2 4z"


def render(scene: Scene, only: Theme | None = None) -> str:
    """The scene as an SVG document.

    Args:
        scene: what to draw.
        only: this theme whatever the viewer prefers; both, chosen by the viewer, when not given.
    """
    return "\n".join(_document(scene, only)) + "\n"


def _document(scene: Scene, only: Theme | None) -> Iterator[str]:
    width, height = _number(scene.width), _number(scene.height)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" role="img" aria-labelledby="title description">'
    )
    yield f'<title id="title">{_text(scene.title)}</title>'
    yield f'<desc id="description">{_text(scene.description)}</desc>'
    yield "<style>"
    yield from _shapes()
    yield from _colours(only or "light")
    if only is None:
        yield "@media (prefers-color-scheme: dark) {"
        yield from _colours("dark")
        yield "}"
    yield "</style>"
    kinds = sorted({line.kind for line in (*scene.lines, *scene.samples)})
    if kinds:
        yield "<defs>"
        for kind in kinds:
            yield (
                f'<marker id="tip-{kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9"'
                f' markerHeight="9" markerUnits="userSpaceOnUse" orient="auto">'
                f'<path class="t-{kind}" d="{_TIP}"/></marker>'
            )
        yield "</defs>"
    yield f'<rect class="page" width="{width}" height="{height}"/>'
    for box in scene.boxes:
        if box.is_frame:
            yield from _box(box)
    for line in (*scene.lines, *scene.samples):
        yield from _line(line)
    for box in scene.boxes:
        if not box.is_frame:
            yield from _box(box)
    for mark in scene.marks:
        yield _mark(mark)
    for text in scene.texts:
        yield _label(text)
    yield "</svg>"


def _shapes() -> Iterator[str]:
    yield f"text {{ font-family: {FAMILY}; font-kerning: none; }}"
    for role, size in SIZES.items():
        weight = "bold" if role in BOLD else "normal"
        yield f".{role} {{ font-size: {_number(size)}px; font-weight: {weight}; }}"
    for kind, (_, thickness, dashes) in LINES.items():
        dash = f" stroke-dasharray: {dashes};" if dashes else ""
        yield f".l-{kind} {{ fill: none; stroke-width: {_number(thickness)}px;{dash} }}"
    yield ".off { stroke-dasharray: 5 4; }"


def _colours(chosen: Theme) -> Iterator[str]:
    def colour(name: str) -> str:
        return theme.of(SURFACES[name], chosen)

    yield f".page {{ fill: {colour('page')}; }}"
    for kind in ("frame-account", "frame-region", "frame-plane", "frame-scope", "frame-stage", "card"):
        strong = kind in ("frame-account", "frame-scope")
        border = colour("border-strong" if strong else "border")
        yield f".{kind} {{ fill: {colour(kind)}; stroke: {border}; stroke-width: {1.5 if strong else 1}px; }}"
    for role in SIZES:
        yield f".{role} {{ fill: {colour(role)}; }}"
    for name, pair in ACCENTS.items():
        yield f".a-{name} {{ fill: {theme.of(pair, chosen)}; }}"
    for kind, (pair, _, _) in LINES.items():
        yield f".l-{kind} {{ stroke: {theme.of(pair, chosen)}; }}"
        yield f".t-{kind} {{ fill: {theme.of(pair, chosen)}; }}"


def _box(box: Box) -> Iterator[str]:
    style = "card" if not box.is_frame else box.kind
    radius = {"frame-account": 14, "frame-scope": 14, "frame-region": 12, "frame-plane": 10}.get(box.kind, 8)
    off = " off" if box.dashed else ""
    tooltip = f"<title>{_text(box.tooltip)}</title>" if box.tooltip else ""
    yield f"<g>{tooltip}" + (
        f'<rect class="{style}{off}" x="{_number(box.x)}" y="{_number(box.y)}" width="{_number(box.width)}"'
        f' height="{_number(box.height)}" rx="{radius}"/>'
    )
    for mark in box.marks:
        yield _mark(mark)
    for text in box.texts:
        yield _label(text)
    yield "</g>"


def _mark(mark: Mark) -> str:
    return (
        f'<rect class="a-{mark.accent}" x="{_number(mark.x)}" y="{_number(mark.y)}"'
        f' width="{_number(mark.width)}" height="{_number(mark.height)}" rx="{_number(mark.radius)}"/>'
    )


def _label(text: Text) -> str:
    anchor = "" if text.anchor == "start" else f' text-anchor="{text.anchor}"'
    accent = f" a-{text.accent}" if text.accent else ""
    whole = f"<title>{_text(text.whole)}</title>" if text.whole else ""
    # textLength makes the text as wide as it was measured, in whatever font the viewer has.
    length = f' textLength="{_number(text.width)}" lengthAdjust="spacingAndGlyphs"' if text.text else ""
    return (
        f'<text class="{text.role}{accent}" x="{_number(text.x)}" y="{_number(text.y)}"{anchor}{length}>'
        f"{whole}{_text(text.text)}</text>"
    )


def _line(line: Line) -> Iterator[str]:
    if len(line.points) < 2:
        return
    tooltip = f"<title>{_text(line.tooltip)}</title>" if line.tooltip else ""
    shown = line.joins or line.points
    tip = "" if line.joins else f' marker-end="url(#tip-{line.kind})"'
    yield f'<path class="l-{line.kind}" d="{path(shown)}"{tip}>{tooltip}</path>'


def path(points: tuple[Point, ...]) -> str:
    """Path data of a polyline with rounded corners."""
    parts = [f"M{_number(points[0][0])} {_number(points[0][1])}"]
    for number, (x, y) in enumerate(points[1:-1], 1):
        before, after = points[number - 1], points[number + 1]
        near = _towards((x, y), before, _CORNER)
        beyond = _towards((x, y), after, _CORNER)
        parts.append(
            f"L{_number(near[0])} {_number(near[1])}Q{_number(x)} {_number(y)}"
            f" {_number(beyond[0])} {_number(beyond[1])}"
        )
    parts.append(f"L{_number(points[-1][0])} {_number(points[-1][1])}")
    return "".join(parts)


def _towards(corner: Point, other: Point, distance: float) -> Point:
    across, down = other[0] - corner[0], other[1] - corner[1]
    reach = abs(across) + abs(down)
    part = min(distance, reach / 2) / reach if reach else 0.0
    return corner[0] + across * part, corner[1] + down * part


def _number(value: float) -> str:
    return f"{round(value, 2):g}" if abs(value) < 100_000 else f"{value:.0f}"


def _text(text: str) -> str:
    """Text as XML content; characters that XML 1.0 does not have become the replacement character."""
    clean = _NOT_XML.sub("\ufffd", text)
    return escape(clean)
