"""The site's navigation, from what a reader of the plain Markdown sees: the links of ``docs/index.md``.

A section of the index is a part of the side bar, its links are the pages. A folder with a ``README.md`` is a
page with the folder's other pages below it. A page that the index does not name is put at the end, so that it
is seen; a test of the sources refuses it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence

INDEX = "docs/index"
REST = "More"
"""Caption of the pages that no section names."""

_SECTION = re.compile(r"(?m)^## +(.+?) *$")
_LINK = re.compile(r"\]\(([^)#\s]+\.md)(?:#[^)\s]*)?\)")


def with_navigation(name: str, text: str, known: Sequence[str]) -> str:
    """A page's Markdown with the hidden tables of contents that belong to it.

    ``name`` and ``known`` are pages as Sphinx names them, relative to the repository and without suffix.
    """
    if name == INDEX:
        parts = list(_sections(text, known))
        named = {page for _, pages in parts for page in pages}
        rest = [
            page for page in known if page not in named and page != INDEX and not _in_a_folder(page, known)
        ]
        return text + "".join(_toctree(pages, caption) for caption, pages in [*parts, (REST, rest)] if pages)
    if posixpath.basename(name) == "README" and (folder := posixpath.dirname(name)):
        below = [page for page in known if posixpath.dirname(page) == folder and page != name]
        return text + (_toctree(below) if below else "")
    return text


def _sections(text: str, known: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    pieces = _SECTION.split(text)[1:]
    seen: set[str] = set()
    for caption, body in zip(pieces[::2], pieces[1::2], strict=True):
        found = []
        for target in _LINK.findall(body):
            page = posixpath.normpath(posixpath.join(posixpath.dirname(INDEX), target)).removesuffix(".md")
            if page in known and page not in seen:
                seen.add(page)
                found.append(page)
        yield caption, found


def _in_a_folder(page: str, known: Sequence[str]) -> bool:
    """Whether the page stands below another one, the README of its folder."""
    folder = posixpath.dirname(page)
    return bool(folder) and f"{folder}/README" in known and page != f"{folder}/README"


def _toctree(pages: Iterable[str], caption: str | None = None) -> str:
    options = [":hidden:", *([f":caption: {caption}"] if caption else [])]
    return "\n".join(["", "```{toctree}", *options, "", *(_entry(page) for page in pages), "```", ""])


def _entry(page: str) -> str:
    """A page by its title, but README, whose title is the project's name."""
    return f"Overview </{page}>" if page == "README" else f"/{page}"
