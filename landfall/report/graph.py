"""The run's graph: stages as columns, jobs as nodes with their status, placed in pixels.

A large stage shows the jobs that need attention and says how many more there are: a graph of 300 nodes tells
nothing that the list does not tell better.
"""

from __future__ import annotations

from dataclasses import dataclass

from landfall.report.gantt import length
from landfall.report.model import Job, Report, Stage, Status

NODE_WIDTH, NODE_HEIGHT = 216, 46
GAP = 10
"""Between two nodes of a column."""
ARROW = 22
"""Between two nodes that run one after another."""
PADDING = 12
HEAD = 54
"""Height of a column's title."""
CHANNEL, STACK_CHANNEL = 44, 30
"""Between two columns, side by side and one below the other."""
MOST_NODES = 8
"""Nodes of one column; a larger stage is shown in part."""
NAME_CHARACTERS, TITLE_CHARACTERS = 24, 31
_URGENCY: dict[str, int] = {"Failed": 0, "Aborted": 1, "Running": 2, "Unknown": 3, "Completed": 4}


@dataclass(frozen=True, kw_only=True)
class Node:
    """A job, or what a column has no room for."""

    x: int
    y: int
    name: str
    """Short enough for the node."""
    full_name: str
    detail: str
    status: Status
    target: str
    """Fragment of the page that tells more."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A stage."""

    x: int
    y: int
    height: int
    width: int
    heading: str
    title: str
    full_title: str
    status: Status
    nodes: tuple[Node, ...]


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A line with an arrow head: the path's ``d`` attribute."""

    path: str


@dataclass(frozen=True, kw_only=True)
class Graph:
    """The drawing: its size and what is on it."""

    stacked: bool
    width: int
    height: int
    columns: tuple[Column, ...]
    edges: tuple[Edge, ...]


def layout(report: Report, *, stacked: bool = False) -> Graph:
    """Places the stages of a run from left to right, or for a narrow page one below the other."""
    columns: list[Column] = []
    edges: list[Edge] = []
    places: dict[tuple[int, str], tuple[int, int]] = {}
    x, y = 1, 1
    for stage in report.stages:
        column = _column(stage, x, y)
        edges += _inside(stage, column)
        if columns:
            edges += [_down(column)] if stacked else _between(stage, columns[-1], column, places)
        for node in column.nodes:
            places.setdefault((stage.number, node.full_name), (node.x, node.y))
        columns.append(column)
        if stacked:
            y += column.height + STACK_CHANNEL
        else:
            x += column.width + CHANNEL
    return Graph(
        stacked=stacked,
        width=max((column.x + column.width for column in columns), default=0) + 1,
        height=max((column.y + column.height for column in columns), default=0) + 1,
        columns=tuple(columns),
        edges=tuple(edges),
    )


def _column(stage: Stage, x: int, top: int) -> Column:
    shown, rest = _shown(stage)
    step = NODE_HEIGHT + (ARROW if _in_sequence(stage) else GAP)
    nodes = [
        Node(
            x=x + PADDING,
            y=top + HEAD + index * step,
            name=shortened(job.name, NAME_CHARACTERS),
            full_name=job.name,
            detail=_detail(job),
            status=job.status,
            target=job.anchor,
        )
        for index, job in enumerate(shown)
    ]
    if rest:
        nodes.append(
            Node(
                x=x + PADDING,
                y=top + HEAD + len(shown) * step,
                name=f"{len(rest)} more jobs" if len(rest) > 1 else "1 more job",
                full_name="",
                detail=_summary(rest),
                status=_worst(rest),
                target=f"stage-{stage.number}",
            )
        )
    bottom = nodes[-1].y + NODE_HEIGHT if nodes else top + HEAD
    return Column(
        x=x,
        y=top,
        width=NODE_WIDTH + 2 * PADDING,
        height=bottom + PADDING - top,
        heading=f"Stage {stage.number}" + (f" · {stage.wave}" if stage.wave else ""),
        title=cut(stage.title, TITLE_CHARACTERS),
        full_title=stage.title,
        status=stage.status,
        nodes=tuple(nodes),
    )


def _shown(stage: Stage) -> tuple[list[Job], list[Job]]:
    """The jobs that a column shows, in their own order, and the others."""
    if len(stage.jobs) <= MOST_NODES:
        return list(stage.jobs), []
    urgent = sorted(stage.jobs, key=lambda job: (_URGENCY.get(job.status, 5), job.attempt < 2, job.position))
    chosen = {job.position for job in urgent[: MOST_NODES - 1]}
    return (
        [job for job in stage.jobs if job.position in chosen],
        [job for job in stage.jobs if job.position not in chosen],
    )


def _detail(job: Job) -> str:
    parts = [job.kind, job.status if job.seconds is None or job.status == "Skipped" else length(job.seconds)]
    if job.attempt > 1:
        parts.append(f"{job.attempt} attempts")
    return " · ".join(part for part in parts if part)


def _summary(jobs: list[Job]) -> str:
    counts: dict[str, int] = {}
    for job in jobs:
        counts[job.status] = counts.get(job.status, 0) + 1
    return cut(" · ".join(f"{count} {status}" for status, count in sorted(counts.items())), 34)


def _worst(jobs: list[Job]) -> Status:
    return min((job.status for job in jobs), key=lambda status: _URGENCY.get(status, 5))


def _in_sequence(stage: Stage) -> bool:
    return stage.execution_type == "sequential" and len(stage.jobs) <= MOST_NODES


def _inside(stage: Stage, column: Column) -> list[Edge]:
    """Arrows from job to job of a stage that runs them one after another."""
    if not _in_sequence(stage):
        return []
    middle = column.x + PADDING + NODE_WIDTH // 2
    return [
        Edge(path=f"M{middle} {above.y + NODE_HEIGHT} V{below.y - 3}")
        for above, below in zip(column.nodes, column.nodes[1:], strict=False)
    ]


def _between(
    stage: Stage, before: Column, column: Column, places: dict[tuple[int, str], tuple[int, int]]
) -> list[Edge]:
    """Arrows to a stage: from the jobs that its jobs depend on where they are known, else from the stage."""
    wanted = [
        (places.get((stage.number - 1, name)), node)
        for job, node in _pairs(stage, column)
        for name in job.depends_on
    ]
    known = [(start, node) for start, node in wanted if start is not None]
    if known:
        return [Edge(path=_curve(start, (node.x, node.y))) for start, node in known]
    y = column.y + HEAD + NODE_HEIGHT // 2
    return [Edge(path=f"M{before.x + before.width} {y} H{column.x - 3}")]


def _down(column: Column) -> Edge:
    """The arrow to a stage from the one above it."""
    return Edge(path=f"M{column.x + column.width // 2} {column.y - STACK_CHANNEL} V{column.y - 3}")


def _pairs(stage: Stage, column: Column) -> list[tuple[Job, Node]]:
    by_anchor = {job.anchor: job for job in stage.jobs}
    return [(by_anchor[node.target], node) for node in column.nodes if node.target in by_anchor]


def _curve(start: tuple[int, int], end: tuple[int, int]) -> str:
    x1, y1 = start[0] + NODE_WIDTH, start[1] + NODE_HEIGHT // 2
    x2, y2 = end[0] - 3, end[1] + NODE_HEIGHT // 2
    middle = (x1 + x2) // 2
    return f"M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}"


def cut(text: str, characters: int) -> str:
    """The text, its end left out where it is longer."""
    return text if len(text) <= characters else f"{text[: characters - 1].rstrip()}…"


def shortened(text: str, characters: int) -> str:
    """The text, its middle left out where it is longer: names differ at their beginnings and ends."""
    if len(text) <= characters:
        return text
    tail = characters // 3
    return f"{text[: characters - tail - 1]}…{text[-tail:]}"
