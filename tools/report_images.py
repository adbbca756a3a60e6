"""The images of docs/report.md, from a report: ``python tools/report_images.py FOLDER NAME``.

Writes ``docs/images/report-NAME-{1280,390}-{light,dark}.png``: the upper part of the page, as a browser
without a window shows it. Needs Chromium (tools/chromium.sh).
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
HEIGHTS = {1280: 1500, 390: 2400}
"""Pixels of the page that an image shows, by its width."""


def main(folder: Path, name: str) -> None:
    """Opens the report in each width and theme; raises ``playwright.sync_api.Error`` where it cannot."""
    program = os.environ.get("LANDFALL_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for width, height in HEIGHTS.items():
            page = browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                page.goto((folder / "index.html").resolve().as_uri())
                page.screenshot(path=IMAGES / f"report-{name}-{width}-{scheme}.png")
        browser.close()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2])
