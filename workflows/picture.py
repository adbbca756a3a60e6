"""A workflow as its developer wrote it, as a picture and as Mermaid text: what starts it, its stages, what
each waits for, its jobs and what they depend on. Pure and deterministic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from landfall.config.jobs import EmrServerlessJob, GlueJob, Job, LambdaJob, RsqlJob, SqlJob, StateMachineJob
from landfall.config.preconditions import (
    Precondition,
    S3ObjectPrecondition,
    TableRowsPrecondition,
    TimeWindowPrecondition,
    WorkflowCompletedPrecondition,
)
from landfall.config.workflows import Stage, WorkflowDefinition
from landfall.diagram import font
from landfall.diagram.legend import legend
from landfall.diagram.mermaid import label as mermaid_label
from landfall.diagram.place import Size, layered
from landfall.diagram.route import Rect, Router, Wanted
from landfall.diagram.scene import GRID, SIZES, Box, LegendEntry, Line, Mark, Point, Scene, Text, fitted, snap

_MARGIN: Final = 40
_TOP: Final = 100
_PAD: Final = 20
_STRIP: Final = 60
_CARD: Final = 230
_WIDEST_CARD: Final = 360
"""Cards of a stage are as wide as its longest name, between these."""
_HEIGHT: Final = 50
_GAP: Final = 20
_BETWEEN: Final = 60
"""Room between stages, for their arrow."""
_IN_COLUMN: Final = 8
_WIDEST: Final = 1900
_KINDS: Final = {
    "rsql": ("database", "RSQL script"),
    "sql": ("analytics", "SQL by the Redshift Data API"),
    "lambda": ("compute", "Lambda function"),
    "glue": ("other", "Glue job"),
    "emr_serverless": ("integration", "EMR Serverless Spark job"),
    "state_machine": ("security", "state machine"),
}
_WAITS: Final = ("wait", "precondition: the stage waits for it")
_STARTS: Final = ("good", "what starts the workflow")


def duration(seconds: int) -> str:
    """A time limit in the largest units that fit: `90` is `1 min 30 s`."""
    parts = []
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if count := seconds // size:
            parts.append(f"{count} {unit}")
            seconds -= count * size
    return " ".join(parts) or "0 s"


def starts(definition: WorkflowDefinition) -> list[tuple[str, str]]:
    """What starts a workflow: a title and a detail each."""
    found = []
    if definition.schedule is not None:
        off = "" if definition.schedule.enabled else ", switched off"
        found.append(("Schedule", f"{definition.schedule.expression} {definition.schedule.timezone}{off}"))
    if definition.trigger is not None:
        sources = definition.trigger.pattern.get("source")
        named = ", ".join(map(str, sources)) if isinstance(sources, list) else "a pattern"
        found.append(("Event", f"{named} on bus {definition.trigger.event_bus}"))
    return found or [("By hand", "landfall workflow run")]


def told(condition: Precondition) -> tuple[str, str]:
    """A precondition: a title, and how long it is waited for."""
    match condition:
        case S3ObjectPrecondition():
            title = f"s3://{condition.bucket}/" + (condition.key or f"{condition.prefix}*")
        case TableRowsPrecondition():
            title = f"{condition.table} has {condition.minimum}+ rows"
        case WorkflowCompletedPrecondition():
            title = f"{condition.workflow_id} completed {condition.within}"
        case TimeWindowPrecondition():
            title = f"{condition.start} to {condition.end} {condition.timezone}"
    return (
        title,
        f"at most {duration(condition.timeout_seconds)}, looked at every {duration(condition.poll_seconds)}",
    )


def work(job: Job) -> str:
    """What a job does, in a few words."""
    match job:
        case RsqlJob():
            return job.script
        case SqlJob():
            return job.file or f"{len(job.statements)} SQL statement" + "s" * (len(job.statements) != 1)
        case LambdaJob():
            return job.function
        case GlueJob():
            return job.job
        case EmrServerlessJob():
            return job.entry_point
        case StateMachineJob():
            return job.state_machine


def _limits(job: Job) -> str:
    parts = [duration(job.timeout_seconds)]
    if job.retries.count:
        parts.append("1 retry" if job.retries.count == 1 else f"{job.retries.count} retries")
    return ", ".join(parts)


def _stage_title(number: int, stage: Stage) -> str:
    return f"{number} · {stage.stage_description}" if stage.stage_description else f"Stage {number}"


def _stage_note(stage: Stage) -> str:
    jobs = f"{len(stage.jobs)} job" + "s" * (len(stage.jobs) != 1)
    limit = "" if stage.execution_type == "sequential" else f", at most {stage.max_concurrency} at once"
    return f"{stage.execution_type}, {jobs}{limit}" + ("" if stage.enabled else " · switched off")


def _order(stage: Stage) -> list[tuple[str, str]]:
    """Arrows between the jobs of a stage: the one before, the one after."""
    names = [job.job_name for job in stage.jobs]
    if stage.execution_type == "sequential":
        return list(pairwise(names))
    if stage.execution_type == "graph":
        return [(needed, job.job_name) for job in stage.jobs for needed in job.depends_on]
    return []


# Mermaid


def mermaid(workflow_id: str, definition: WorkflowDefinition) -> str:
    """The workflow as a Mermaid flowchart."""
    lines = ["flowchart LR", f'  start(["{mermaid_label(_started(definition))}"])']
    before = "start"
    for number, stage in enumerate(definition.workflow_stages, 1):
        title = f"{_stage_title(number, stage)} ({_stage_note(stage)})"
        lines.append(f'  subgraph stage{number} ["{mermaid_label(title)}"]')
        lines.append("    direction TB")
        ids = {job.job_name: f"j{number}x{place}" for place, job in enumerate(stage.jobs, 1)}
        for place, condition in enumerate(stage.preconditions, 1):
            lines.append(f'    p{number}x{place}{{{{"{mermaid_label(told(condition)[0])}"}}}}')
        for job in stage.jobs:
            lines.append(f'    {ids[job.job_name]}["{mermaid_label(job.job_name)}<br/>{job.kind}"]')
        lines += [f"    {ids[one]} --> {ids[two]}" for one, two in _order(stage)]
        lines.append("  end")
        lines.append(f"  {before} --> stage{number}")
        before = f"stage{number}"
    lines += [
        f"  style stage{number} stroke-dasharray: 5 4"
        for number, stage in enumerate(definition.workflow_stages, 1)
        if not stage.enabled
    ]
    return "\n".join(lines) + "\n"


def _started(definition: WorkflowDefinition) -> str:
    return "; ".join(f"{title}: {detail}" for title, detail in starts(definition))


# Scene


@dataclass(frozen=True)
class _Block:
    boxes: tuple[Box, ...]
    lines: tuple[tuple[str, str], ...]
    width: int
    height: int


def scene(workflow_id: str, definition: WorkflowDefinition) -> Scene:
    """The workflow as a picture: stages from left to right, in as many rows as they need."""
    blocks = [_beginning(definition)]
    blocks += [_stage(number, stage) for number, stage in enumerate(definition.workflow_stages, 1)]
    boxes: list[Box] = []
    order: list[tuple[str, str]] = []
    frames: list[tuple[Box, int]] = []
    left = top = row = width = rows = 0
    for block in blocks:
        if left and left + block.width > _WIDEST:
            left, top, row, rows = 0, top + row + _BETWEEN, 0, rows + 1
        moved = [box.moved(_MARGIN + left, _TOP + top) for box in block.boxes]
        boxes += moved
        frames.append((moved[0], rows))
        order += block.lines
        left += block.width + _BETWEEN
        width, row = max(width, left - _BETWEEN), max(row, block.height)
    bottom = _TOP + top + row + 30
    whole = float(max(width + 2 * _MARGIN, 700))
    entries = _entries(definition)
    key = legend(entries, _MARGIN, bottom, whole - 2 * _MARGIN)
    jobs = sum(len(stage.jobs) for stage in definition.workflow_stages)
    stages = len(definition.workflow_stages)
    subtitle = (
        f"{stages} stage{'s' * (stages != 1)} · {jobs} job{'s' * (jobs != 1)}"
        f" · at most {duration(definition.timeout_seconds)}"
        + (f" · {definition.workflow_description}" if definition.workflow_description else "")
    )
    return Scene(
        title=workflow_id,
        subtitle=subtitle,
        description=f"Workflow {workflow_id}: {subtitle}. Started by {_started(definition)}. "
        + "; ".join(
            f"stage {number}: {_stage_note(stage)}"
            for number, stage in enumerate(definition.workflow_stages, 1)
        ),
        width=whole,
        height=bottom + key.height + 20,
        boxes=tuple(boxes),
        lines=(*_between(frames), *_inside(boxes, order, whole, bottom)),
        texts=(
            fitted(workflow_id, whole - 2 * _MARGIN, x=_MARGIN, y=48, role="title"),
            fitted(subtitle, whole - 2 * _MARGIN, x=_MARGIN, y=74, role="detail"),
            *key.texts,
        ),
        marks=key.marks,
        samples=key.samples,
    )


def _entries(definition: WorkflowDefinition) -> list[LegendEntry]:
    kinds = {job.kind for stage in definition.workflow_stages for job in stage.jobs}
    entries = [
        LegendEntry(text=text, accent=accent) for kind, (accent, text) in _KINDS.items() if kind in kinds
    ]
    if any(stage.preconditions for stage in definition.workflow_stages):
        entries.append(LegendEntry(text=_WAITS[1], accent=_WAITS[0]))
    entries.append(LegendEntry(text=_STARTS[1], accent=_STARTS[0]))
    entries.append(LegendEntry(text="then", line="flow"))
    return entries


def _beginning(definition: WorkflowDefinition) -> _Block:
    found = starts(definition)
    wide = _wide([(title, detail, "") for title, detail in found])
    cards = [
        _card(f"start {number}", title, detail, "", _STARTS[0], wide)
        for number, (title, detail) in enumerate(found, 1)
    ]
    return _framed("start", "Start", "", _stacked(cards), dashed=False)


def _stage(number: int, stage: Stage) -> _Block:
    waiting = [told(condition) for condition in stage.preconditions]
    working = [(job.job_name, _work(job), _limits(job)) for job in stage.jobs]
    wide = _wide([*((title, detail, "") for title, detail in waiting), *working])
    waits = [
        _card(f"stage {number} precondition {place}", title, detail, "", _WAITS[0], wide, dashed=True)
        for place, (title, detail) in enumerate(waiting, 1)
    ]
    jobs = [
        _card(
            f"stage {number} job {title}",
            title,
            detail,
            right,
            _KINDS[job.kind][0],
            wide,
            dashed=not stage.enabled,
        )
        for job, (title, detail, right) in zip(stage.jobs, working, strict=True)
    ]
    order = tuple((f"stage {number} job {one}", f"stage {number} job {two}") for one, two in _order(stage))
    if stage.execution_type == "graph" and order:
        sizes = {box.key: Size(across=wide, along=_HEIGHT) for box in jobs}
        placed = layered(sizes, order, gap=_GAP, rank_gap=40)
        inner = _Block(
            tuple(box.moved(*placed.at[box.key]) for box in jobs), order, placed.across, placed.along
        )
    else:
        inner = replace(_stacked(jobs, gap=30 if order else _GAP), lines=order)
    if waits:
        above = _stacked(waits)
        inner = _Block(
            (*above.boxes, *(box.moved(0, above.height + 30) for box in inner.boxes)),
            inner.lines,
            max(above.width, inner.width),
            above.height + 30 + inner.height,
        )
    return _framed(
        f"stage {number}", _stage_title(number, stage), _stage_note(stage), inner, dashed=not stage.enabled
    )


def _stacked(boxes: Sequence[Box], gap: int = _GAP) -> _Block:
    """Boxes below one another, in columns of like height."""
    columns = -(-len(boxes) // _IN_COLUMN)
    high = -(-len(boxes) // columns)
    step = int(boxes[0].width) + 2 * _GAP
    placed = [
        box.moved((number // high) * step, (number % high) * (_HEIGHT + gap))
        for number, box in enumerate(boxes)
    ]
    return _Block(tuple(placed), (), columns * step - 2 * _GAP, high * (_HEIGHT + gap) - gap)


def _wide(cards: Sequence[tuple[str, str, str]]) -> int:
    """Width of cards with these titles, details and notes: whole texts where they are not too long."""
    most = 0.0
    for title, detail, right in cards:
        below = font.width(detail, SIZES["detail"])
        if right:
            below += font.width(right, SIZES["detail"]) + 8
        most = max(most, font.width(title, SIZES["label"], bold=True), below)
    return min(max(snap(most + 30), _CARD), _WIDEST_CARD)


def _work(job: Job) -> str:
    done = work(job)
    return done if done != job.job_name else _KINDS[job.kind][1]


def _framed(key: str, title: str, note: str, inner: _Block, *, dashed: bool) -> _Block:
    needed = max(font.width(title, SIZES["label"], bold=True), font.width(note, SIZES["detail"]))
    width = max(inner.width, min(snap(needed), _WIDEST_CARD)) + 2 * _PAD
    height = inner.height + _STRIP + _PAD
    texts = [fitted(title, width - 2 * _PAD, x=_PAD, y=25, role="label")]
    if note:
        texts.append(fitted(note, width - 2 * _PAD, x=_PAD, y=43, role="detail"))
    frame = Box(
        key=key,
        kind="frame-stage",
        x=-GRID / 2,
        y=-GRID / 2,
        width=width + GRID,
        height=height + GRID,
        texts=tuple(texts),
        dashed=dashed,
    )
    held = (replace(box.moved(_PAD, _STRIP), parent=key) for box in inner.boxes)
    return _Block((frame, *held), inner.lines, width, height)


def _card(
    key: str, title: str, detail: str, right: str, accent: str, wide: int, *, dashed: bool = False
) -> Box:
    note = Text(x=wide - 10, y=38, text=right, role="detail", anchor="end")
    room = wide - 28 - (note.width + 8 if right else 0)
    texts = [
        fitted(title, wide - 28, x=18, y=21, role="label"),
        fitted(detail, room, x=18, y=38, role="detail"),
    ]
    return Box(
        key=key,
        kind="card",
        x=0,
        y=0,
        width=wide,
        height=_HEIGHT,
        texts=(*texts, note) if right else tuple(texts),
        marks=(Mark(x=0, y=0, width=6, height=_HEIGHT, accent=accent),),
        tooltip=f"{title}: {detail}",
        dashed=dashed,
    )


def _between(frames: Sequence[tuple[Box, int]]) -> Iterator[Line]:
    """Arrows from stage to stage: straight within a row, around its end to the next one."""
    for (one, row), (other, next_row) in pairwise(frames):
        y, target = one.y + 25, other.y + 25
        points: tuple[Point, ...]
        if row == next_row:
            points = ((one.right, y), (other.x, target))
        else:
            lane = other.y - _BETWEEN / 2
            points = (
                (one.right, y),
                (one.right + _GAP, y),
                (one.right + _GAP, lane),
                (other.x - _GAP, lane),
                (other.x - _GAP, target),
                (other.x, target),
            )
        yield Line(source=one.key, target=other.key, kind="flow", points=points)


def _inside(
    boxes: Sequence[Box], order: Sequence[tuple[str, str]], width: float, height: float
) -> Iterator[Line]:
    where = {box.key: box for box in boxes}
    cards = [_rect(box) for box in boxes if not box.is_frame]
    clear = [
        (text.left - 4, text.top - 4, text.left + text.width + 4, text.bottom + 4)
        for box in boxes
        if box.is_frame
        for text in box.texts
    ]
    router = Router(width, height, cards, clear)
    names = {key: key.partition(" job ")[2] for key in where}
    for source, target in order:
        below = where[target].y > where[source].y
        way = router.route(
            Wanted(
                source=_rect(where[source]),
                target=_rect(where[target]),
                shares=target,
                leave={"bottom": 0, "right": 3, "left": 5, "top": 8} if below else {"right": 0, "bottom": 2},
                enter={"top": 0, "left": 4, "right": 6, "bottom": 9},
            )
        )
        yield Line(
            source=source,
            target=target,
            kind="flow",
            points=way.points,
            joins=way.joins,
            tooltip=f"{names[target]} after {names[source]}",
        )


def _rect(box: Box) -> Rect:
    return box.x, box.y, box.right, box.bottom
