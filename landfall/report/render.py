"""The page: one HTML file with its style and its small script inside, which asks for nothing from outside.

Everything that comes from a run is escaped by the templates; control characters are made visible.
A Content-Security-Policy admits only the style and the script of the page, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from landfall.report import gantt, graph
from landfall.report.model import BAD, Job, Report, Stage

TEMPLATES = Path(__file__).parent / "templates"
GENERATOR = "landfall workflow report"
"""Marks a page as ours, so that an earlier report may be replaced and nothing else."""
RECORD_FILE = "run.json"
PAGE = "index.html"
OPEN_JOBS = 24
"""Jobs of a stage that the timeline lists at once; of a larger stage only those that need attention."""
EXCERPT_LINES, LARGE_EXCERPT_LINES = 12, 4
"""Last lines of a job's log on the page; fewer for each Completed job of a large run."""
LARGE_RUN = 60
"""Jobs from which on a run is a large one."""

# Terminal colours, then what a page must not hold or must not obey: controls but tab, directions, BOM.
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)


def render(report: Report) -> str:
    """The page of a report; the same report gives the same bytes."""
    environment = _environment()
    style, script = _asset("report.css"), _asset("report.js")
    scale = gantt.scale_of(report)
    page = environment.get_template("report.html.j2").render(
        r=report,
        style=Markup(style),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        csp=_policy(style, script),
        graphs=(graph.layout(report), graph.layout(report, stacked=True)),
        size=graph,
        scale=scale,
        ticks=scale.ticks() if scale else (),
        entries=gantt.entries(report, scale) if scale else (),
        failed=report.first_failed_job,
        statuses=[
            status
            for status in ("Failed", "Aborted", "Running", "Completed", "Skipped", "Not started", "Unknown")
            if report.count(status)
        ],
        large=len(report.jobs) > LARGE_RUN,
        generator=GENERATOR,
        record_file=RECORD_FILE,
    )
    return page if page.endswith("\n") else page + "\n"


def record_json(report: Report) -> str:
    """The data that the page is made from, as the JSON file beside it."""
    return json.dumps(report.to_json(), indent=2, ensure_ascii=True, default=str) + "\n"


def visible(text: Any) -> str:
    """Text that shows what it is: no terminal colours, no control or direction characters."""
    return _HIDDEN.sub("\ufffd", _ANSI.sub("", str(text)))


def attention(stage: Stage) -> list[Job]:
    """The jobs of a stage that are always listed: all of a small stage, else what is not simply done."""
    if len(stage.jobs) <= OPEN_JOBS:
        return list(stage.jobs)
    found = [job for job in stage.jobs if job.status in (*BAD, "Running", "Unknown") or job.attempt > 1]
    return found[:OPEN_JOBS]


def others(stage: Stage) -> list[Job]:
    """The jobs of a stage that `attention` leaves out."""
    listed = {job.position for job in attention(stage)}
    return [job for job in stage.jobs if job.position not in listed]


def last_word(job: Job) -> str:
    """The line that says most of a job: its error, else what it wrote last, the runner's own lines aside."""
    if job.error_message:
        return job.error_message.strip().partition("\n")[0]
    lines = job.logs[-1].lines if job.logs else ()
    said = (line.text.strip() for line in reversed(lines) if not line.text.startswith("[landfall]"))
    return next(filter(None, said), "")


def clock(time: datetime | None) -> str:
    """A moment for people: ``21 Nov 2026, 14:55:58 UTC``."""
    if time is None:
        return "—"
    utc = time.astimezone(UTC)
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[
        utc.month - 1
    ]
    return f"{utc.day} {month} {utc.year}, {utc:%H:%M:%S} UTC"


def counted(number: int, noun: str) -> str:
    """``1 job``, ``2 jobs``, ``12,000 jobs``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def pretty(value: Mapping[str, Any]) -> str:
    """A record as indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str, sort_keys=True)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        finalize=_finalize,
    )
    environment.filters.update(
        duration=gantt.length,
        bar_of=lambda span, scale, job: scale.bar(span, job),
        clock=clock,
        iso=_iso,
        last_word=last_word,
        pretty=pretty,
        slug=lambda text: text.lower().replace(" ", "-"),
    )
    environment.globals.update(
        attention=attention,
        others=others,
        counted=counted,
        excerpt_lines=EXCERPT_LINES,
        large_excerpt_lines=LARGE_EXCERPT_LINES,
        BAD=BAD,
    )
    return environment


def _finalize(value: Any) -> Any:
    """Every text that a template prints goes through `visible`, then through autoescape."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else visible(value)


def _iso(time: datetime | None) -> str:
    return (
        "" if time is None else time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


@cache
def _asset(name: str) -> str:
    return "\n" + (TEMPLATES / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
