"""A scene as PNG, by resvg, with the bundled font only: the same pixels on every machine."""

from __future__ import annotations

from dataclasses import replace

from landfall.diagram.font import FILES, has
from landfall.diagram.scene import BOLD, Scene, Text
from landfall.diagram.svg import render
from landfall.diagram.theme import Theme

LARGEST_SIDE = 16_000
"""Most pixels of a side; larger pictures are scaled down to it."""
MOST_PIXELS = 64_000_000
"""Most pixels in all, 256 MB while they are drawn; larger pictures are scaled down to it."""


UNDRAWABLE = "?"
"""Stands for a letter that the bundled font lacks; an SVG has the letter itself."""


def png(scene: Scene, chosen: Theme = "light", zoom: float = 2.0) -> bytes:
    """The scene as a PNG file's bytes.

    Args:
        scene: what to draw.
        chosen: its colours.
        zoom: pixels per unit of the scene.
    """
    import resvg_py

    scene = drawable(scene)
    side, area = max(scene.width, scene.height), scene.width * scene.height
    most = min(zoom, LARGEST_SIDE / side, (MOST_PIXELS / area) ** 0.5)
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=render(scene, chosen),
            width=max(1, int(scene.width * most)),
            skip_system_fonts=True,
            font_files=[str(file) for file in FILES],
            font_family="Arimo",
            sans_serif_family="Arimo",
        )
    )


def drawable(scene: Scene) -> Scene:
    """The scene with a question mark for every letter that the bundled font lacks."""

    def known(text: Text) -> Text:
        letters = (one if has(one, bold=text.role in BOLD) else UNDRAWABLE for one in text.text)
        return replace(text, text="".join(letters))

    boxes = tuple(replace(box, texts=tuple(map(known, box.texts))) for box in scene.boxes)
    return replace(scene, boxes=boxes, texts=tuple(map(known, scene.texts)))
