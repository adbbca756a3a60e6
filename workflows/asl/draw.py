"""Pictures of state machines and of workflows: Mermaid text and SVG, both pure and deterministic.

A state machine is drawn scope by scope: the machine itself, then the inside of each Map. A workflow is drawn
as its stages from left to right, with a stage's jobs below one another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any

from workflows.asl.checks import targets
from workflows.asl.machine import StateMachine
from workflows.asl.states import Processor, State

BOX_HEIGHT = 34
ROW = 70
COLUMN_GAP = 40
CHARACTER = 7.2
MARGIN = 24
_FILL = {
    "Task": "#dbeafe",
    "Map": "#ede9fe",
    "Choice": "#fef3c7",
    "Wait": "#e0f2fe",
    "Pass": "#f1f5f9",
    "Fail": "#fee2e2",
    "Succeed": "#dcfce7",
}
_KIND_FILL = {
    "rsql": "#dbeafe",
    "sql": "#dcfce7",
    "lambda": "#ffedd5",
    "glue": "#ede9fe",
    "emr_serverless": "#fce7f3",
    "state_machine": "#fef3c7",
}


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A way from one state to another."""

    source: str
    target: str
    caught: bool
    """Whether a Catch leads there."""


def edges(states: Mapping[str, State]) -> tuple[Edge, ...]:
    """All ways between the states of a scope, each once, in the order of the states."""
    found: dict[Edge, None] = {}
    for name, state in states.items():
        caught = {catcher["Next"] for catcher in state.fields.get("Catch", ())}
        plain = {rule["Next"] for rule in state.fields.get("Choices", ())}
        plain |= {state.fields[key] for key in ("Next", "Default") if key in state.fields}
        for target, _ in targets(state):
            found[Edge(source=name, target=target, caught=target in caught and target not in plain)] = None
    return tuple(found)


def scopes(machine: StateMachine) -> Iterator[tuple[str, Processor]]:
    """The scopes of a machine with their titles, outer ones first."""
    yield "", Processor(start_at=machine.start_at, states=machine.states)
    for name, state in machine.walk():
        if state.processor is not None:
            yield name, state.processor


# Mermaid


def mermaid(machine: StateMachine) -> str:
    """The machine as a Mermaid flowchart; dotted lines are taken when an error is caught."""
    ids = {name: f"s{number}" for number, (name, _) in enumerate(machine.walk())}
    lines = ["flowchart TD"]
    lines += _mermaid_scope(Processor(start_at=machine.start_at, states=machine.states), ids, "  ", "start")
    return "\n".join(lines) + "\n"


def _label(text: str) -> str:
    return text.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")


def _mermaid_scope(processor: Processor, ids: Mapping[str, str], indent: str, start: str) -> Iterator[str]:
    yield f"{indent}{start}(( )) --> {ids[processor.start_at]}"
    for name, state in processor.states.items():
        kind = state.fields["Type"]
        opening, closing = {"Choice": ("{", "}"), "Fail": ("[[", "]]"), "Wait": ("([", "])")}.get(
            kind, ("[", "]")
        )
        if state.processor is None:
            yield f'{indent}{ids[name]}{opening}"{_label(name)}"{closing}'
        else:
            yield f'{indent}subgraph {ids[name]} ["{_label(name)}"]'
            yield from _mermaid_scope(state.processor, ids, indent + "  ", f"{ids[name]}start")
            yield f"{indent}end"
    for edge in edges(processor.states):
        arrow = "-.->" if edge.caught else "-->"
        yield f"{indent}{ids[edge.source]} {arrow} {ids[edge.target]}"


def workflow_mermaid(item: Mapping[str, Any]) -> str:
    """A workflow (its configuration item) as a Mermaid flowchart."""
    lines = ["flowchart LR"]
    for number, stage in enumerate(item["workflow_stages"], 1):
        lines.append(f'  subgraph stage{number} ["{_label(_stage_title(number, stage))}"]')
        lines.append(f"    direction {'TB' if stage['execution_type'] == 'sequential' else 'LR'}")
        names = [f"j{number}x{position}" for position in range(1, len(stage["scripts"]) + 1)]
        lines += [
            f'    {name}["{_label(_job_title(job))}"]'
            for name, job in zip(names, stage["scripts"], strict=True)
        ]
        if stage["execution_type"] == "sequential":
            lines += [f"    {before} --> {after}" for before, after in pairwise(names)]
        lines.append("  end")
        if number > 1:
            lines.append(f"  stage{number - 1} --> stage{number}")
    return "\n".join(lines) + "\n"


# SVG


@dataclass(frozen=True, kw_only=True)
class _Box:
    text: str
    fill: str
    x: float
    y: float
    width: float
    dashed: bool = False

    def svg(self) -> str:
        dash = ' stroke-dasharray="4 3"' if self.dashed else ""
        return (
            f'<rect x="{self.x:g}" y="{self.y:g}" width="{self.width:g}" height="{BOX_HEIGHT}" rx="6"'
            f' fill="{self.fill}" stroke="#475569"{dash}/>'
            f'<text x="{self.x + self.width / 2:g}" y="{self.y + BOX_HEIGHT / 2 + 4:g}"'
            f' text-anchor="middle">{escape(self.text)}</text>'
        )


def _width(text: str) -> float:
    return max(60.0, round(len(text) * CHARACTER + 20, 1))


def _page(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}"'
        f' viewBox="0 0 {width:g} {height:g}" role="img" font-family="system-ui, sans-serif" font-size="12">'
        f"<title>{escape(title)}</title>"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
        ' orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#475569"/></marker></defs>'
        f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>' + "".join(parts) + "</svg>\n"
    )


def svg(machine: StateMachine, title: str = "State machine") -> str:
    """The machine as an SVG: one panel for each scope, states in ranks by their distance from the start."""
    parts: list[str] = []
    width, top = 0.0, float(MARGIN)
    for name, processor in scopes(machine):
        panel, panel_width, panel_height = _panel(name or title, processor, top)
        parts += panel
        width = max(width, panel_width)
        top += panel_height + MARGIN
    return _page(width + MARGIN, top, title, parts)


def _ranks(processor: Processor) -> dict[str, int]:
    ranks = {processor.start_at: 0}
    waiting = [processor.start_at]
    while waiting:
        name = waiting.pop(0)
        for target, _ in targets(processor.states[name]):
            if target not in ranks:
                ranks[target] = ranks[name] + 1
                waiting.append(target)
    return ranks


def _panel(title: str, processor: Processor, top: float) -> tuple[list[str], float, float]:
    ranks = _ranks(processor)
    boxes: dict[str, _Box] = {}
    width = _width(title)
    for rank in range(max(ranks.values()) + 1):
        x = float(2 * MARGIN)
        for name in (name for name in processor.states if ranks.get(name) == rank):
            fill = _FILL[processor.states[name].fields["Type"]]
            boxes[name] = _Box(text=name, fill=fill, x=x, y=top + 40 + rank * ROW, width=_width(name))
            x += boxes[name].width + COLUMN_GAP
        width = max(width, x)
    height = 40.0 + (max(ranks.values()) + 1) * ROW
    parts = [
        f'<rect x="{MARGIN}" y="{top:g}" width="{width - MARGIN:g}" height="{height:g}" rx="10"'
        ' fill="#f8fafc" stroke="#cbd5e1"/>',
        f'<text x="{2 * MARGIN}" y="{top + 22:g}" font-weight="600">{escape(title)}</text>',
    ]
    for edge in edges(processor.states):
        parts.append(_line(boxes[edge.source], boxes[edge.target], dashed=edge.caught))
    parts += [box.svg() for box in boxes.values()]
    return parts, width, height


def _line(source: _Box, target: _Box, *, dashed: bool) -> str:
    dash = ' stroke-dasharray="4 3"' if dashed else ""
    x1, x2 = source.x + source.width / 2, target.x + target.width / 2
    if source.y < target.y:
        y1, y2 = source.y + BOX_HEIGHT, target.y
        bend = (y1 + y2) / 2
        path = f"M{x1:g} {y1:g}C{x1:g} {bend:g} {x2:g} {bend:g} {x2:g} {y2:g}"
    else:
        y1, y2 = source.y + BOX_HEIGHT / 2, target.y + BOX_HEIGHT / 2
        out = max(source.x + source.width, target.x + target.width) + COLUMN_GAP / 2
        left, right = source.x + source.width, target.x + target.width
        path = f"M{left:g} {y1:g}C{out:g} {y1:g} {out:g} {y2:g} {right:g} {y2:g}"
    return f'<path d="{path}" fill="none" stroke="#475569" marker-end="url(#tip)"{dash}/>'


def _stage_title(number: int, stage: Mapping[str, Any]) -> str:
    description = stage.get("stage_description") or f"Stage {number}"
    off = "" if stage.get("execution_flag", "y") == "y" else ", off"
    return f"{number}. {description} ({stage['execution_type']}{off})"


def _job_title(job: str | Mapping[str, Any]) -> str:
    return job if isinstance(job, str) else str(job.get("name") or job.get("script") or job["kind"])


def _job_fill(job: str | Mapping[str, Any]) -> str:
    return _KIND_FILL["rsql" if isinstance(job, str) else str(job.get("kind", "rsql"))]


def workflow_svg(item: Mapping[str, Any]) -> str:
    """A workflow (its configuration item) as an SVG; stages that are switched off are dashed."""
    parts: list[str] = []
    x, height = float(MARGIN), 0.0
    stages: Sequence[Mapping[str, Any]] = item["workflow_stages"]
    for number, stage in enumerate(stages, 1):
        title = _stage_title(number, stage)
        off = stage.get("execution_flag", "y") != "y"
        inner = max([_width(title), *(_width(_job_title(job)) for job in stage["scripts"])])
        gap = ROW if stage["execution_type"] == "sequential" else BOX_HEIGHT + 12
        boxes = [
            _Box(
                text=_job_title(job),
                fill=_job_fill(job),
                x=x + 12,
                y=MARGIN + 44 + index * gap,
                width=inner,
                dashed=off,
            )
            for index, job in enumerate(stage["scripts"])
        ]
        bottom = boxes[-1].y + BOX_HEIGHT + 12 if boxes else MARGIN + 56
        parts.append(
            f'<rect x="{x:g}" y="{MARGIN}" width="{inner + 24:g}" height="{bottom - MARGIN:g}" rx="10"'
            f' fill="#f8fafc" stroke="#cbd5e1"/>'
            f'<text x="{x + 12:g}" y="{MARGIN + 24}" font-weight="600">{escape(title)}</text>'
        )
        if stage["execution_type"] == "sequential":
            parts += [_line(above, below, dashed=off) for above, below in pairwise(boxes)]
        parts += [box.svg() for box in boxes]
        if number < len(stages):
            parts.append(
                f'<path d="M{x + inner + 24:g} {MARGIN + 20}h{COLUMN_GAP}" stroke="#475569"'
                ' marker-end="url(#tip)"/>'
            )
        x += inner + 24 + COLUMN_GAP
        height = max(height, bottom)
    return _page(x - COLUMN_GAP + MARGIN, height + MARGIN, str(item.get("workflow_id", "workflow")), parts)
