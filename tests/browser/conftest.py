"""Chromium without a window, and reports as files that it opens."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from landfall.report.folder import write
from tests import report_samples

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
FLAGS = (
    "--no-sandbox",  # the tests may run as root, in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
Open = Callable[..., Page]


def chromium() -> str:
    """The browser, as `tools/chromium.sh` finds it; a test without one fails and says so."""
    found = os.environ.get("LANDFALL_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and Path(MAC).exists():
        found = MAC
    if found is None:
        pytest.fail("no Chromium: run tools/chromium.sh")
    return found


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a report of each sample."""
    folder = tmp_path_factory.mktemp("reports")
    for make in (report_samples.completed, report_samples.failed, report_samples.hostile):
        write(folder / make.__name__, make)
    write(folder / "running", lambda _: report_samples.running())
    write(folder / "folded", lambda made: report_samples.large(29, 20, folder=made))
    write(folder / "large", lambda made: report_samples.large(folder=made))
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser with a profile of its own for all tests."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=[*FLAGS])
        yield started
        started.close()


@pytest.fixture
def open_report(browser: Browser, reports: Path) -> Iterator[Open]:
    """``open_report("failed", width=390)``; console errors and outside requests fail the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_(name: str, *, width: int = 1280, scheme: str = "light", scripts: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
            java_script_enabled=scripts,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: _inside(request.url, reports, complaints))
        page.goto((reports / name / "index.html").as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def _inside(url: str, reports: Path, complaints: list[str]) -> None:
    if not url.startswith((reports.as_uri(), "data:")):
        complaints.append(f"outside request: {url}")
