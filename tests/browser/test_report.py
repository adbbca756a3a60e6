"""The run report in a real browser: every width and theme, the keyboard, contrast, and no script needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Dialog, Page

from tests.browser.conftest import Open

SAMPLES = ["completed", "failed", "running", "hostile", "folded"]
COLOURFUL = ["failed", "hostile"]
"""Samples that together have every colour: all statuses of a job, findings of guardrails, rows."""
WIDTHS = [1280, 768, 390, 320]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
LARGEST_IMAGE = 200_000
OVERFLOW = """() => [...document.querySelectorAll('body *')]
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1
    && !e.closest('.scroll, .tall, .filter, .sections, .names, .unseen, pre'))
  .map(e => `${e.tagName}.${e.getAttribute('class')}`).slice(0, 5)"""
FOCUSED = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const shown = e.matches('.switch input') ? e.nextElementSibling
    : e.matches('.node') ? e.querySelector('.box') : e;
  const style = getComputedStyle(shown), box = shown.getBoundingClientRect();
  const marked = e.matches('.node') ? parseFloat(style.strokeWidth) >= 2 : style.outlineStyle !== 'none'
    && parseFloat(style.outlineWidth) >= 2;
  window.walked = window.walked || [];
  const known = window.walked.includes(e);
  window.walked.push(e);
  const name = e.getAttribute('aria-label') || e.textContent.trim() || e.id;
  return {known, marked, tag: e.tagName.toLowerCase(), name: name.slice(0, 40),
    seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight};
}"""
REACHABLE = """() => [...document.querySelectorAll(
    'a[href], button, input, summary, [tabindex="0"]')]
  .filter(e => e.checkVisibility({contentVisibilityAuto: false}) && !(e.type === 'radio' && !e.checked))
  .filter(e => !window.walked.includes(e))
  .map(e => `${e.tagName} ${e.getAttribute('aria-label') || e.textContent.trim() || e.id}`.slice(0, 60))"""


@pytest.mark.parametrize("name", SAMPLES)
def test_the_page_never_scrolls_sideways(open_report: Open, name: str) -> None:
    page = open_report(name)
    for opened in (False, True):
        if opened:
            expand(page)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(OVERFLOW) == [], width


@pytest.mark.parametrize("name", SAMPLES)
def test_axe_finds_no_fault_in_structure_or_contrast(open_report: Open, name: str) -> None:
    page = open_report(name, width=390 if name == "failed" else 1280)
    expand(page, "details.more" if name == "folded" else "details")
    assert axe(page, {"type": "tag", "values": RULES}, contrast=name in COLOURFUL) == []


@pytest.mark.parametrize("name", COLOURFUL)
def test_axe_finds_no_fault_in_the_contrast_of_the_dark_theme(open_report: Open, name: str) -> None:
    page = open_report(name, scheme="dark")
    expand(page)
    assert axe(page, {"type": "rule", "values": ["color-contrast"]}) == []


@pytest.mark.parametrize("name", ["completed", "failed"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_keyboard_reaches_every_control_and_the_focus_is_seen(
    open_report: Open, name: str, width: int
) -> None:
    page = open_report(name, width=width)
    walked = []
    for _ in range(200):
        page.keyboard.press("Tab")
        here = page.evaluate(FOCUSED)
        if here is None or here["known"]:
            break
        walked.append(here)
    assert walked[0]["name"] == "Skip to the report"
    assert [step for step in walked if not (step["marked"] and step["seen"])] == []
    assert page.evaluate(REACHABLE) == []


def test_the_skip_link_leads_past_the_header(open_report: Open) -> None:
    page = open_report("completed")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize("scripts", [True, False])
def test_the_switch_overrides_the_systems_theme(open_report: Open, scripts: bool) -> None:
    page = open_report("completed", scheme="light", scripts=scripts)
    colours = []
    for theme in ("Light", "Dark", "Light"):
        page.get_by_text(theme, exact=True).click()
        colours.append(page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor"))
    assert colours == ["rgb(247, 248, 250)", "rgb(13, 15, 19)", "rgb(247, 248, 250)"]


def test_the_switch_is_remembered(open_report: Open) -> None:
    page = open_report("completed")
    page.get_by_text("Dark", exact=True).click()

    def chosen_after_reload() -> bool:
        page.reload()
        return page.locator("#theme-dark").is_checked()

    # On a busy machine Chromium may read the stored choice for a new page before it has written it.
    assert any(chosen_after_reload() for _ in range(5))


def test_everything_can_be_read_without_scripts(open_report: Open) -> None:
    page = open_report("failed", scripts=False)
    assert page.get_by_text("landfall workflow resume nightly_sales-2 --stack sandbox").is_visible()
    assert page.locator(".js:visible").count() == 0, "no control that would do nothing"
    page.locator("#job-1-1").locator("xpath=..").locator("summary").click()
    assert page.get_by_text("[landfall] Completed, exit code 0").first.is_visible()
    page.get_by_text("The timeline as a table").click()
    assert page.get_by_role("cell", name="wait before attempt 2").is_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_jobs_are_filtered_by_status(open_report: Open, scripts: bool) -> None:
    page = open_report("failed", scripts=scripts)
    page.locator("label[for=show-failed]").click()
    assert page.locator("details.job:visible").count() == 1
    assert page.locator("#jobs .group:visible").count() == 1
    page.locator("label[for=show-all]").click()
    assert page.locator("details.job:visible").count() == 7


@pytest.mark.parametrize("width", [1280, 390])
def test_a_link_from_the_graph_to_a_job_opens_it(open_report: Open, width: int) -> None:
    page = open_report("completed", width=width)
    page.locator("#graph a[href='#job-2-1']:visible").click()
    assert page.locator("#job-2-1").is_visible()
    assert "[landfall] Completed, exit code 0" in page.locator("#job-2-1 pre").inner_text()


def test_a_link_into_the_folded_part_of_a_large_stage_opens_it(open_report: Open) -> None:
    page = open_report("folded")
    assert not page.locator("#job-2-7").is_visible()
    page.evaluate("location.hash = '#job-2-7'")
    page.locator("#job-2-7").wait_for(state="visible")


def test_a_job_among_many_is_found_by_name(open_report: Open) -> None:
    page = open_report("folded")
    page.get_by_label("Find a job by its name").fill("PARTITION_01")
    assert page.locator("details.job:visible").count() == 10
    page.get_by_label("Find a job by its name").fill("nothing like it")
    assert page.get_by_text("No job has this in its name.").is_visible()


def test_a_page_of_three_hundred_jobs_stays_short_and_shows_the_failed_one(open_report: Open) -> None:
    page = open_report("large")
    assert page.evaluate("document.body.scrollHeight") < 5 * 900
    assert page.locator("#job-2-217").is_visible()
    assert page.locator(".failure").get_by_text("load_partition_217.sh").is_visible()


def test_the_resume_command_is_copied(open_report: Open) -> None:
    page = open_report("failed")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = page.get_by_role("button", name="Copy the command")
    button.click()
    page.wait_for_function("document.querySelector('.copy').textContent.match(/^(Copied|Selected)/)")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "landfall workflow resume nightly_sales-2 --stack sandbox"


def test_hostile_texts_run_nothing(open_report: Open) -> None:
    page = open_report("hostile")
    dialogs: list[str] = []

    def closed(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", closed)
    expand(page)
    for summary in page.locator("summary:visible").all():
        summary.hover()
    assert dialogs == []
    assert page.locator("h1").inner_text() == "nightly_sales"
    assert page.get_by_text("<script>alert('name')</script>").first.is_visible()


def test_nothing_moves_for_those_who_asked_for_it(open_report: Open) -> None:
    page = open_report("completed")
    moving = page.evaluate(
        """() => [...document.querySelectorAll('*')].filter(e => {
          const s = getComputedStyle(e);
          return s.scrollBehavior === 'smooth' || s.animationName !== 'none'
            || parseFloat(s.transitionDuration) > 0;
        }).length"""
    )
    assert moving == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_screenshots_show_a_page_and_not_an_empty_sheet(
    open_report: Open, tmp_path: Path, width: int, scheme: str
) -> None:
    page = open_report("failed", width=width, scheme=scheme)
    image = tmp_path / "page.png"
    page.screenshot(path=image)
    assert 15_000 < image.stat().st_size < LARGEST_IMAGE
    bars = page.locator("#timeline .b:visible")
    assert all(box is not None and box["width"] >= 1 for box in (bar.bounding_box() for bar in bars.all()))
    assert bars.count() > 10


def expand(page: Page, what: str = "details") -> None:
    """Opens everything that can be opened, or what is named."""
    page.evaluate("what => { for (const d of document.querySelectorAll(what)) d.open = true }", what)


def axe(page: Page, rules: dict[str, Any], *, contrast: bool = True) -> list[tuple[str, Any, str]]:
    """What axe-core finds wrong by these rules: rule, element, reason. Contrast is its slowest rule."""
    options = {
        "runOnly": rules,
        "rules": {"color-contrast": {"enabled": contrast}},
        "resultTypes": ["violations", "passes"],
    }
    found = Axe().run(page, options=options).response
    assert ("color-contrast" in {rule["id"] for rule in found["passes"]}) == contrast
    return [
        (fault["id"], node["target"], node["failureSummary"])
        for fault in found["violations"]
        for node in fault["nodes"]
    ]
