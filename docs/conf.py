"""The documentation site: ``make docs`` builds it into ``site/`` with Sphinx, MyST and the theme Furo.

The sources are the Markdown pages as any Git host shows them. The source folder is the repository, so that
README and pages link to one another as they do there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _ext.navigation import with_navigation

project = "Landfall"
author = "the Landfall maintainers"
root_doc = "docs/index"
include_patterns = ["README.md", "docs/*.md", "docs/*/*.md", "examples/README.md"]
exclude_patterns = [".*", "build", "site", "**/__pycache__", "tests", "landfall", "sandbox"]
extensions = ["myst_parser", "_ext.mermaid", "_ext.reachable"]

myst_heading_anchors = 6
myst_url_schemes = ["http", "https", "mailto"]
highlight_language = "text"
nitpicky = True
suppress_warnings = ["misc.highlighting_failure"]  # the pages of errors show YAML that is wrong

html_theme = "furo"
html_title = "Landfall"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_additional_pages = {"index": "to-docs.html"}
templates_path = ["_templates"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_use_index = False


def setup(app: Sphinx) -> None:
    """Puts the navigation into the pages while they are read."""

    def navigate(_: Sphinx, name: str, content: list[str]) -> None:
        content[0] = with_navigation(name, content[0], sorted(app.env.found_docs))

    app.connect("source-read", navigate)
