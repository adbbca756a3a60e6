"""Checks the built site: every link, anchor, picture and style leads somewhere inside it.

Usage: ``python docs/_ext/check_site.py site``. There is no network here, so that a link to the outside
is checked for its form; a page that *needs* something from the outside (script, style, picture, font) is
refused.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_NEEDED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data", "embed": "src"}
_CSS_URL = re.compile(r"(?:url\(\s*|@import\s+)['\"]?((?:https?:)?//[^'\")\s]+)")
_RELATIONS_THAT_LOAD = {"stylesheet", "icon", "preload", "modulepreload", "manifest", "preconnect"}


@dataclass
class Page(HTMLParser):
    """The references of one page and the places in it that one may link to."""

    links: list[str] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)
    places: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Takes what an element refers to."""
        given = {name: value or "" for name, value in attrs}
        self.places |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag in ("a", "area") and "href" in given:
            self.links.append(given["href"])
        if tag in _NEEDED and _NEEDED[tag] in given:
            self.needs.append(given[_NEEDED[tag]])
        if tag == "link" and "href" in given:
            loads = _RELATIONS_THAT_LOAD & set(given.get("rel", "").split())
            (self.needs if loads else self.links).append(given["href"])


def problems(site: Path) -> Iterator[str]:
    """What is wrong, a sentence each."""
    pages = sorted(site.rglob("*.html"))
    if not pages:
        yield f"{site} holds no page"
    for path in pages:
        page = _read(path)
        where = path.relative_to(site)
        for target in page.needs:
            if urlsplit(target).scheme in ("http", "https") or target.startswith("//"):
                yield f"{where}: needs {target}, which is outside the site"
            elif said := _problem(site, path, target):
                yield f"{where}: {said}"
        for target in page.links:
            if said := _problem(site, path, target):
                yield f"{where}: {said}"
    for style in sorted(site.rglob("*.css")):
        for target in _CSS_URL.findall(style.read_text(encoding="utf-8")):
            yield f"{style.relative_to(site)}: needs {target}, which is outside the site"


def _problem(site: Path, path: Path, target: str) -> str | None:
    parts = urlsplit(target)
    if parts.scheme in ("data", "mailto"):
        return None
    if parts.scheme or parts.netloc:
        good = parts.scheme in ("http", "https") and re.fullmatch(r"(?:[a-z0-9-]+\.)+[a-z]{2,}", parts.netloc)
        return None if good else f"{target} is no address of the web"
    there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if there.is_dir():
        there = there / "index.html"
    if not there.is_file():
        return f"{target} leads nowhere"
    if not there.is_relative_to(site.resolve()):
        return f"{target} leads out of the site"
    if parts.fragment and there.suffix == ".html" and unquote(parts.fragment) not in _read(there).places:
        return f"{target}: the page has no such anchor"
    return None


@cache
def _read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def main(arguments: Sequence[str]) -> int:
    """Says what is wrong; 1 when anything is."""
    site = Path(arguments[0] if arguments else "site").resolve()
    found = list(problems(site))
    for line in found:
        sys.stderr.write(f"{line}\n")
    pages = sorted(site.rglob("*.html"))
    links = sum(len(_read(page).links) + len(_read(page).needs) for page in pages)
    sys.stderr.write(f"{len(pages)} pages, {links} references, {len(found)} problems\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
