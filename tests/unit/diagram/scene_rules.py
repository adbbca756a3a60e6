"""What every picture keeps, whatever it shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations, pairwise
from xml.etree import ElementTree

from landfall.diagram import svg
from landfall.diagram.scene import Box, Line, Scene, Text

SLACK = 0.01


def problems(scene: Scene) -> list[str]:
    """Every broken rule, as a sentence."""
    return [*_boxes(scene), *_texts(scene), *_lines(scene)]


def _boxes(scene: Scene) -> Iterator[str]:
    by_key = {box.key: box for box in scene.boxes}
    if len(by_key) != len(scene.boxes):
        yield "two boxes have one key"
    families: dict[str | None, list[Box]] = {}
    for box in scene.boxes:
        families.setdefault(box.parent, []).append(box)
        holder = by_key.get(box.parent or "")
        if box.parent is not None and holder is None:
            yield f"{box.key} stands in {box.parent}, which is not there"
        left, top, right, bottom = (
            (holder.x, holder.y, holder.right, holder.bottom) if holder else (0, 0, scene.width, scene.height)
        )
        if box.x < left or box.y < top or box.right > right or box.bottom > bottom:
            yield f"{box.key} stands out of {box.parent or 'the page'}"
    for family in families.values():
        for one, other in combinations(family, 2):
            if one.x < other.right and other.x < one.right and one.y < other.bottom and other.y < one.bottom:
                yield f"{one.key} overlaps {other.key}"


def _rect(text: Text) -> tuple[float, float, float, float]:
    return text.left, text.top, text.left + text.width, text.bottom


def _texts(scene: Scene) -> Iterator[str]:
    for box in scene.boxes:
        for text in box.texts:
            left, top, right, bottom = _rect(text)
            inside = box.x <= left + SLACK and right <= box.right + SLACK
            if not inside or top < box.y - SLACK or bottom > box.bottom + SLACK:
                yield f"{text.text!r} stands out of {box.key}"
    for text in scene.texts:
        left, top, right, bottom = _rect(text)
        if left < -SLACK or top < 0 or right > scene.width + SLACK or bottom > scene.height:
            yield f"{text.text!r} stands out of the page"
    drawn = [text for text in scene.every_text() if text.text]
    placed = [(text, _rect(text)) for text in sorted(drawn, key=lambda text: text.top)]
    for number, (one, a) in enumerate(placed):
        for other, b in placed[number + 1 :]:
            if b[1] >= a[3] - SLACK:
                break  # this one and all after it begin below
            if a[0] < b[2] - SLACK and b[0] < a[2] - SLACK and a[1] < b[3] - SLACK:
                yield f"{one.text!r} overlaps {other.text!r}"
    cards = [box for box in scene.boxes if not box.is_frame]
    for box in scene.boxes:
        for text in box.texts if box.is_frame else ():
            left, top, right, bottom = _rect(text)
            if any(c.x < right and left < c.right and c.y < bottom and top < c.bottom for c in cards):
                yield f"a card covers {text.text!r}"


def _lines(scene: Scene) -> Iterator[str]:
    boxes = {box.key: box for box in scene.boxes}
    cards = [box for box in scene.boxes if not box.is_frame]
    titles = [
        (text.text, _rect(text)) for box in scene.boxes if box.is_frame for text in box.texts if text.text
    ]
    for line in scene.lines:
        if len(line.points) < 2:
            yield f"there is no way from {line.source} to {line.target}"
            continue
        if not _on_border(boxes[line.source], line.points[0]):
            yield f"the line from {line.source} to {line.target} begins elsewhere"
        if not _on_border(boxes[line.target], line.points[-1]):
            yield f"the line from {line.source} to {line.target} ends elsewhere"
        for (x1, y1), (x2, y2) in pairwise(line.points):
            if x1 != x2 and y1 != y2:
                yield f"the line from {line.source} to {line.target} slants"
            low_x, high_x, low_y, high_y = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
            for card in cards:
                if low_x < card.right and card.x < high_x and low_y < card.bottom and card.y < high_y:
                    yield f"the line from {line.source} to {line.target} runs through {card.key}"
                if (
                    low_x == high_x
                    and card.x < low_x < card.right
                    and low_y < card.bottom
                    and card.y < high_y
                ):
                    yield f"the line from {line.source} to {line.target} runs through {card.key}"
                if (
                    low_y == high_y
                    and card.y < low_y < card.bottom
                    and low_x < card.right
                    and card.x < high_x
                ):
                    yield f"the line from {line.source} to {line.target} runs through {card.key}"
            for title, (left, top, right, bottom) in titles:
                if low_x < right and left < high_x + SLACK and low_y < bottom and top < high_y + SLACK:
                    yield f"the line from {line.source} to {line.target} runs over {title!r}"
    yield from _shared(scene.lines)


def _on_border(box: Box, point: tuple[float, float]) -> bool:
    x, y = point
    across = x in (box.x, box.right) and box.y <= y <= box.bottom
    return across or (y in (box.y, box.bottom) and box.x <= x <= box.right)


def _shared(lines: tuple[Line, ...]) -> Iterator[str]:
    """Lines to different ends, or of different kinds, never lie on one another."""
    owners: dict[tuple[float, float, float, float], Line] = {}
    for line in lines:
        for (x1, y1), (x2, y2) in pairwise(line.points):
            steps = int(max(abs(x2 - x1), abs(y2 - y1)) // 10)
            for step in range(steps):
                a = (x1 + (x2 - x1) * step / steps, y1 + (y2 - y1) * step / steps)
                b = (x1 + (x2 - x1) * (step + 1) / steps, y1 + (y2 - y1) * (step + 1) / steps)
                key = (*min(a, b), *max(a, b))
                other = owners.setdefault(key, line)
                if (other.target, other.kind) != (line.target, line.kind):
                    yield (
                        f"the lines {line.source} to {line.target} and"
                        f" {other.source} to {other.target} lie on one another"
                    )
                    return


def document(scene: Scene) -> ElementTree.Element:
    """The SVG of a scene, parsed; asserts that it refers to nothing outside itself."""
    text = svg.render(scene)
    assert not re.findall(r'(?:href|src)="(?!#)', text)
    assert "<script" not in text
    assert text == svg.render(scene)
    return ElementTree.fromstring(text)
