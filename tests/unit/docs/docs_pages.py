"""The documentation as tests read it: pages, links, fenced blocks and command lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"(?ms)^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```[ ]*$")
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\((?P<target>[^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, what the fence says, and its text."""

    page: Path
    info: str
    body: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.body.splitlines()[0][:40] if self.body else ''}"


def pages() -> list[Path]:
    """README and every Markdown page that ships."""
    return sorted([ROOT / "README.md", ROOT / "examples" / "README.md", *DOCS.rglob("*.md")])


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, without the indentation of their fence."""
    for match in _FENCE.finditer(page.read_text(encoding="utf-8")):
        lines = match["body"].splitlines()
        body = "\n".join(line.removeprefix(match["indent"]) for line in lines)
        yield Block(page, match["info"].strip(), body)


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    """Targets of the links of a page."""
    return [match["target"] for match in _LINK.finditer(prose(page))]


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"(?m)^#{1,6} +(.+?) *$", prose(page))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def command_lines(page: Path) -> Iterator[str]:
    """What a reader would type: inline code, and lines of blocks without a language."""
    yield from re.findall(r"`([^`\n]+)`", prose(page))
    for block in blocks(page):
        if block.info in ("", "bash", "sh"):
            for line in block.body.splitlines():
                yield line.removeprefix("$ ").partition("  #")[0].strip()
