"""The documentation as a site: its navigation, the check of its links, and a build without a warning."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs_pages import DOCS, ROOT, links, prose

KNOWN = ["README", "docs/a", "docs/b", "docs/errors/E1", "docs/errors/README", "docs/index", "docs/late"]
INDEX = "# T\n\n## First\n\n- [r](../README.md#x) [b](b.md) [b](b.md)\n\n## Second\n\n[e](errors/README.md)\n"


@pytest.fixture
def extensions(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The site's own modules, which live with the pages."""
    monkeypatch.syspath_prepend(str(DOCS))
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "_ext"]:
        del sys.modules[name]


@pytest.mark.usefixtures("extensions")
def test_the_side_bar_is_what_the_index_links_in_its_order() -> None:
    from _ext.navigation import with_navigation

    made = with_navigation("docs/index", INDEX, KNOWN)
    assert made.startswith(INDEX)
    parts = made.removeprefix(INDEX).replace("```", "").split("{toctree}")[1:]
    assert [part.split() for part in parts] == [
        [":hidden:", ":caption:", "First", "Overview", "</README>", "/docs/b"],
        [":hidden:", ":caption:", "Second", "/docs/errors/README"],
        [":hidden:", ":caption:", "More", "/docs/a", "/docs/late"],
    ]


@pytest.mark.usefixtures("extensions")
def test_pages_of_a_folder_stand_below_its_readme() -> None:
    from _ext.navigation import with_navigation

    assert with_navigation("docs/errors/README", "# E\n", KNOWN).endswith(
        ":hidden:\n\n/docs/errors/E1\n```\n"
    )
    assert with_navigation("docs/a", "# A\n", KNOWN) == "# A\n"
    assert with_navigation("README", "# R\n", KNOWN) == "# R\n"


def test_the_index_names_every_page_of_the_documentation() -> None:
    named = {(DOCS / target.partition("#")[0]).resolve() for target in links(DOCS / "index.md")}
    pages = {page for folder in (DOCS, DOCS / "howto") for page in folder.glob("*.md")}
    assert {page.name for page in pages - named} == {"index.md"}


def test_links_to_the_outside_are_addresses() -> None:
    wrong = [
        target
        for page in [ROOT / "README.md", *DOCS.rglob("*.md")]
        for target in links(page)
        if ":" in target and not target.startswith(("https://", "mailto:"))
    ]
    assert wrong == []
    assert "](https://" in prose(ROOT / "README.md")


PAGE = """<html><body id="top"><a href="{link}">x</a><img src="p.svg"></body></html>"""


@pytest.mark.usefixtures("extensions")
@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("b.html#here", None),
        ("#top", None),
        ("sub/", None),
        ("https://aws.amazon.com/x", None),
        ("mailto:a@example.com", None),
        ("b.html#there", "b.html#there: the page has no such anchor"),
        ("#bottom", "#bottom: the page has no such anchor"),
        ("c.html", "c.html leads nowhere"),
        ("../outside.html", "../outside.html leads out of the site"),
        ("https://nowhere", "https://nowhere is no address of the web"),
        ("ftp://example.com/x", "ftp://example.com/x is no address of the web"),
    ],
)
def test_a_link_that_leads_nowhere_is_found(tmp_path: Path, link: str, said: str | None) -> None:
    from _ext.check_site import problems

    site = tmp_path / "site"
    (site / "sub").mkdir(parents=True)
    (site / "a.html").write_text(PAGE.format(link=link), encoding="utf-8")
    (site / "b.html").write_text('<p id="here">', encoding="utf-8")
    (site / "sub" / "index.html").write_text("<p>", encoding="utf-8")
    (site / "p.svg").write_text("<svg/>", encoding="utf-8")
    (tmp_path / "outside.html").write_text("<p>", encoding="utf-8")
    assert list(problems(site)) == ([f"a.html: {said}"] if said else [])


@pytest.mark.usefixtures("extensions")
def test_a_page_that_needs_something_from_outside_is_refused(tmp_path: Path) -> None:
    from _ext.check_site import main, problems

    assert list(problems(tmp_path)) == [f"{tmp_path} holds no page"]
    (tmp_path / "a.html").write_text(
        '<script src="https://cdn.example.com/x.js"></script><link rel="stylesheet" href="gone.css">', "utf-8"
    )
    (tmp_path / "s.css").write_text(
        "@import 'https://fonts.example.com/f'; a { background: url(b.png) }", "utf-8"
    )
    assert list(problems(tmp_path)) == [
        "a.html: needs https://cdn.example.com/x.js, which is outside the site",
        "a.html: gone.css leads nowhere",
        "s.css: needs https://fonts.example.com/f, which is outside the site",
    ]
    assert main([str(tmp_path)]) == 1


def test_the_site_builds_without_a_warning_and_every_link_of_it_leads_somewhere(tmp_path: Path) -> None:
    options = [
        "--quiet",
        "--fail-on-warning",
        "--keep-going",
        "--nitpicky",
        "--fresh-env",
        "--builder",
        "html",
    ]
    where = ["--conf-dir", "docs", "--doctree-dir", str(tmp_path / "doctrees"), ".", str(tmp_path / "site")]
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, *where],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (built.returncode, built.stdout + built.stderr) == (0, "")
    checked = subprocess.run(
        [sys.executable, str(DOCS / "_ext" / "check_site.py"), str(tmp_path / "site")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr.strip().endswith(" 0 problems")) == (0, True), checked.stderr
    page = (tmp_path / "site" / "docs" / "workflows.html").read_text(encoding="utf-8")
    assert '<div class="mermaid-drawing" role="img"' in page and "<svg" in page
    assert '<pre tabindex="0">' in page and "<pre>" not in page
    assert page.count('role="heading"') == page.count('role="heading" aria-level="2"') > 3
