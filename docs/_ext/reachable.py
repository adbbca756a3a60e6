"""What the theme leaves out for readers without a mouse or without eyes; found by axe on the built pages."""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx

_MENDED = {
    # A block that scrolls must be reachable by keyboard (WCAG 2.1.1).
    "<pre>": '<pre tabindex="0">',
    # A heading by role needs its level (WAI-ARIA 1.2, heading).
    'class="caption" role="heading">': 'class="caption" role="heading" aria-level="2">',
}


def mended(page: str) -> str:
    """A page's HTML with it."""
    for wrong, right in _MENDED.items():
        page = page.replace(wrong, right)
    return page


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""

    def mend(app: Sphinx, failed: Exception | None) -> None:
        for file in Path(app.outdir).rglob("*.html"):
            text = file.read_text(encoding="utf-8")
            if (better := mended(text)) != text:
                file.write_text(better, encoding="utf-8")

    app.connect("build-finished", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
