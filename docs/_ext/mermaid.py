"""Mermaid blocks as drawings: made when the site is built, so that a page needs no script and no network.

Mermaid itself draws them, in an interpreter that a Python package brings; a drawing is kept under ``build/``
by what it was made from, because one takes four seconds.
"""

from __future__ import annotations

import hashlib
import html
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

_THEME = "neutral"


class Drawings(SphinxTransform):
    """Replaces each block by its drawing; what it says can be read by a screen reader as its source."""

    default_priority = 400

    def apply(self, **kwargs: Any) -> None:
        """Draws every block of the page."""
        for block in list(self.document.findall(nodes.literal_block)):
            if block.get("language") == "mermaid":
                svg = drawing(block.astext(), Path(self.app.srcdir) / "build" / "mermaid")
                label = html.escape(" ".join(block.astext().split()), quote=True)
                figure = f'<div class="mermaid-drawing" role="img" aria-label="{label}">{svg}</div>'
                block.replace_self(nodes.raw("", figure, format="html"))


def drawing(source: str, kept: Path) -> str:
    """The SVG of a Mermaid text; raises what Mermaid raises of a text that it cannot read."""
    digest = hashlib.sha256(f"{version('mermaidx')}\0{_THEME}\0{source}".encode()).hexdigest()[:16]
    file = kept / f"{digest}.svg"
    if not file.is_file():
        import mermaidx

        svg = str(mermaidx.render(source, theme=_THEME).svg())
        kept.mkdir(parents=True, exist_ok=True)
        # Every drawing calls itself by the same name, which would not do twice on one page.
        file.write_text(re.sub(r"\bmy-svg\b", f"drawing-{digest}", svg), encoding="utf-8")
    return file.read_text(encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_transform(Drawings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
