"""A scene as PNG, by resvg, with the bundled font only: the same pixels on every machine."""

from __future__ import annotations

from landfall.diagram.font import FILES
from landfall.diagram.scene import Scene
from landfall.diagram.svg import render
from landfall.diagram.theme import Theme

LARGEST_SIDE = 16_000
"""Most pixels of a side; larger pictures are scaled down to it."""


def png(scene: Scene, chosen: Theme = "light", zoom: float = 2.0) -> bytes:
    """The scene as a PNG file's bytes.

    Args:
        scene: what to draw.
        chosen: its colours.
        zoom: pixels per unit of the scene.
    """
    import resvg_py

    side = max(scene.width, scene.height)
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=render(scene, chosen),
            width=round(scene.width * min(zoom, LARGEST_SIDE / side)),
            skip_system_fonts=True,
            font_files=[str(file) for file in FILES],
            font_family="Arimo",
            sans_serif_family="Arimo",
        )
    )
