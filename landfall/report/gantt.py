"""Where the bars of the timeline stand: percentages of one time scale, for every stage and job.

Percentages, not pixels: the page gives them to SVG elements as attributes, so the chart follows the width of
the window without a script.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from landfall.report.model import Job, Report, Span, Stage, Status

STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200)
"""Distances of ticks, in seconds; whole days beyond."""
MOST_TICKS = 8
NARROWEST = 0.5
"""Percent: a bar stays visible however short its time was."""
DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A line of the time axis."""

    percent: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A bar: where it begins and how wide it is, in percent, and what it says."""

    left: str
    width: str
    kind: str
    status: Status
    text: str
    """What it shows, in words: for the tooltip and the table."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A line of the timeline's table: one span of one stage or job."""

    stage: int
    job: str
    anchor: str
    what: str
    status: Status
    begins: str
    ends: str
    seconds: str
    error: str


class Scale:
    """The run's time, from its start to its last moment."""

    def __init__(self, start: datetime, end: datetime) -> None:
        self.start = start
        self.seconds = max((end - start).total_seconds(), 0.001)

    def percent(self, time: datetime) -> float:
        """Where a moment stands, between 0 and 100."""
        return min(100.0, max(0.0, (time - self.start).total_seconds() / self.seconds * 100))

    def since(self, time: datetime) -> float:
        """Seconds since the start; moments before it count as the start."""
        return max(0.0, (time - self.start).total_seconds())

    def ticks(self) -> tuple[Tick, ...]:
        """Lines at round times, at most `MOST_TICKS`, none so near to the end that its label would be cut."""
        step = next((step for step in STEPS if self.seconds / step <= MOST_TICKS), None)
        if step is None:
            step = DAY * -(-self.seconds // (DAY * MOST_TICKS))
        count = int(self.seconds / step + 1e-9)
        return tuple(
            Tick(percent=_percent(number * step / self.seconds * 100), label=tick_label(number * step, step))
            for number in range(count + 1)
            if number * step / self.seconds <= 0.97
        )

    def bar(self, span: Span, job: Job | None) -> Bar:
        """The bar of a span; one without an end reaches to the scale's end."""
        end = span.end or self.start + timedelta(seconds=self.seconds)
        left = self.percent(span.start)
        width = max(NARROWEST, self.percent(end) - left)
        left = min(left, 100 - width)
        return Bar(
            left=_percent(left),
            width=_percent(width),
            kind=span.kind,
            status=span.status,
            text=f"{what(span, job)}, {span.status}, {length((end - span.start).total_seconds())}",
        )

    def whole(self, stage: Stage) -> Bar | None:
        """The bar of a stage, from its first to its last moment."""
        if stage.start is None:
            return None
        span = Span(kind="attempt", status=stage.status, start=stage.start, end=stage.end)
        bar = self.bar(span, None)
        end = stage.end or self.start + timedelta(seconds=self.seconds)
        seconds = length((end - stage.start).total_seconds())
        return Bar(
            left=bar.left,
            width=bar.width,
            kind="stage",
            status=stage.status,
            text=f"stage {stage.number}, {stage.status}, {seconds}",
        )


def scale_of(report: Report) -> Scale | None:
    """The time scale of a run; None where nothing of it has a time."""
    starts = [report.start] if report.start else []
    ends = [time for time in (report.end, report.as_of) if time]
    for stage in report.stages:
        for span in (*stage.spans, *(span for job in stage.jobs for span in job.spans)):
            starts.append(span.start)
            ends += [span.end] if span.end else []
    if not starts:
        return None
    return Scale(min(starts), max([*ends, *starts]))


def entries(report: Report, scale: Scale) -> tuple[Entry, ...]:
    """Every span of the run as a line of a table, stage by stage."""
    return tuple(
        entry
        for stage in report.stages
        for entry in (
            *(_entry(scale, stage.number, None, span) for span in stage.spans),
            *(_entry(scale, stage.number, job, span) for job in stage.jobs for span in job.spans),
        )
    )


def _entry(scale: Scale, stage: int, job: Job | None, span: Span) -> Entry:
    return Entry(
        stage=stage,
        job=job.name if job else "",
        anchor=job.anchor if job else "",
        what=what(span, job),
        status=span.status,
        begins=f"{scale.since(span.start):.1f}",
        ends=f"{scale.since(span.end):.1f}" if span.end else "",
        seconds=f"{(span.end - span.start).total_seconds():.1f}" if span.end else "",
        error=span.error,
    )


def what(span: Span, job: Job | None) -> str:
    """What a span is, in words."""
    if span.kind == "precondition":
        return "precondition"
    if span.kind == "wait":
        return f"wait before attempt {span.attempt + 1}"
    return f"attempt {span.attempt}" if job is None or job.attempt > 1 else "run"


def length(seconds: float | None) -> str:
    """A length of time as people read it: ``0.4 s``, ``1 min 05 s``, ``2 h 03 min``; empty for none."""
    if seconds is None:
        return ""
    if seconds < 59.95:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes // (24 * 60)} d {minutes % (24 * 60) // 60} h"


def tick_label(seconds: float, step: float) -> str:
    """The label of a tick, as exact as the distance of the ticks."""
    if step < 1:
        return f"{seconds:.1f} s" if seconds else "0 s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    if step < DAY:
        return f"{whole // 3600}:{whole % 3600 // 60:02d} h"
    return f"{whole // DAY} d"


def _percent(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") + "%"
