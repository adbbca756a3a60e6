"""Pictures of state machines: a scene of panels, one for each scope, and Mermaid text; pure, deterministic.

A state machine is drawn scope by scope: the machine itself, then the inside of each Map. What a Catch leads
to is a line of its own kind, and a Retry is a mark at its state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from landfall.diagram import font
from landfall.diagram.legend import legend
from landfall.diagram.mermaid import label as mermaid_label
from landfall.diagram.place import Size, layered
from landfall.diagram.route import Rect, Router, Wanted
from landfall.diagram.scene import GRID, SIZES, Box, LegendEntry, Line, Mark, Point, Scene, Text, fitted, snap
from workflows.asl.checks import targets
from workflows.asl.machine import StateMachine
from workflows.asl.states import Processor, State

_MARGIN: Final = 40
_TOP: Final = 100
_PAD: Final = 30
_STRIP: Final = 50
_HEIGHT: Final = 50
_WIDEST: Final = 350
_START: Final = "\0start"
OUTERMOST: Final = "The machine"
"""Title of the scope that no Map holds."""
_ACCENTS: Final[Mapping[str, tuple[str, str]]] = {
    "Task": ("database", "Task: calls a service"),
    "Map": ("network", "Map: the panel of its name, for each item"),
    "Choice": ("compute", "Choice"),
    "Wait": ("wait", "Wait"),
    "Pass": ("other", "Pass"),
    "Succeed": ("good", "Succeed"),
    "Fail": ("bad", "Fail"),
}
_DOWN: Final = {"bottom": 0, "left": 6, "right": 6, "top": 14}
_FROM_ABOVE: Final = {"top": 0, "left": 4, "right": 4, "bottom": 14}
_ASIDE: Final = {"right": 0, "left": 1, "bottom": 3, "top": 14}
_BACK: Final = {"right": 0, "left": 0, "bottom": 8, "top": 8}


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A way from one state to another."""

    source: str
    target: str
    caught: bool
    """Whether only a Catch leads there."""


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


def _named(machine: StateMachine, only: str) -> tuple[str, tuple[str, ...], Processor]:
    (found,) = [(name, (), inner) for name, inner in scopes(machine) if (name or OUTERMOST) == only]
    return found


def mermaid(machine: StateMachine, only: str | None = None) -> str:
    """The machine as a Mermaid flowchart; dotted lines are taken when an error is caught."""
    ids = {name: f"s{number}" for number, (name, _) in enumerate(machine.walk())}
    lines = ["flowchart TD"]
    lines += _mermaid_scope(_named(machine, only or OUTERMOST)[2], ids, "  ", "start")
    return "\n".join(lines) + "\n"


def _mermaid_scope(processor: Processor, ids: Mapping[str, str], indent: str, start: str) -> Iterator[str]:
    yield f"{indent}{start}(( )) --> {ids[processor.start_at]}"
    for name, state in processor.states.items():
        kind = state.fields["Type"]
        opening, closing = {"Choice": ("{", "}"), "Fail": ("[[", "]]"), "Wait": ("([", "])")}.get(
            kind, ("[", "]")
        )
        if state.processor is None:
            yield f'{indent}{ids[name]}{opening}"{mermaid_label(name)}"{closing}'
        else:
            yield f'{indent}subgraph {ids[name]} ["{mermaid_label(name)}"]'
            yield from _mermaid_scope(state.processor, ids, indent + "  ", f"{ids[name]}start")
            yield f"{indent}end"
    for edge in edges(processor.states):
        arrow = "-.->" if edge.caught else "-->"
        yield f"{indent}{ids[edge.source]} {arrow} {ids[edge.target]}"


def scope_names(machine: StateMachine) -> list[str]:
    """What `scene` and `mermaid` take as ``only``."""
    return [name or OUTERMOST for name, _ in scopes(machine)]


def scene(machine: StateMachine, title: str, only: str | None = None) -> Scene:
    """The machine as a picture: one panel for each scope, its states from the start downwards.

    Args:
        machine: what to draw.
        title: what stands above it.
        only: draw this scope alone, one of `scope_names`.
    """
    drawn = list(_once(machine)) if only is None else [_named(machine, only)]
    panels = [_panel(name, also, processor) for name, also, processor in drawn]
    places, width, height = _packed([(panel.width + _PAD, panel.height + _PAD) for panel in panels])
    boxes: list[Box] = []
    lines: list[Line] = []
    for panel, (left, top) in zip(panels, places, strict=True):
        boxes += [box.moved(_MARGIN + left, _TOP + top) for box in panel.boxes]
        lines += [_shifted(line, _MARGIN + left, _TOP + top) for line in panel.lines]
    states = list(machine.walk())
    count = sum(1 for _ in scopes(machine))
    part = "" if only is None else f"{only} of "
    subtitle = f"{part}{len(states)} states in {count} scopes · {machine.comment}".rstrip(" ·")
    bottom = _TOP + height + 10
    whole = max(width - _PAD + 2 * _MARGIN, 900)
    used = {state.fields["Type"] for _, _, processor in drawn for state in processor.states.values()}
    entries = [LegendEntry(text=text, accent=a) for kind, (a, text) in _ACCENTS.items() if kind in used]
    entries += [
        LegendEntry(text="next", line="flow"),
        LegendEntry(text="an error that a Catch names", line="caught"),
    ]
    key = legend(entries, _MARGIN, bottom, whole - 2 * _MARGIN)
    return Scene(
        title=title,
        subtitle=subtitle,
        description=f"{title}: {subtitle}. "
        + "; ".join(f"{name or 'the machine'}: {len(p.states)} states" for name, p in scopes(machine)),
        width=whole,
        height=bottom + key.height + 20,
        boxes=tuple(boxes),
        lines=tuple(lines),
        texts=(
            fitted(title, whole - 2 * _MARGIN, x=_MARGIN, y=48, role="title"),
            fitted(subtitle, whole - 2 * _MARGIN, x=_MARGIN, y=74, role="detail"),
            *key.texts,
        ),
        marks=key.marks,
        samples=key.samples,
    )


def _once(machine: StateMachine) -> Iterator[tuple[str, tuple[str, ...], Processor]]:
    """Scopes whose states are the same but for what stands in brackets behind their names, once each.

    Yields the first such scope's name, the names of the others, and its states.
    """
    found: dict[str, tuple[str, Processor]] = {}
    others: dict[str, list[str]] = {}
    for name, processor in scopes(machine):
        body = [
            (_bare(state), inner.fields["Type"], _detail(inner.fields["Type"], inner.fields))
            for state, inner in processor.states.items()
        ]
        ways = [(_bare(edge.source), _bare(edge.target), edge.caught) for edge in edges(processor.states)]
        shape = repr((_bare(name), body, ways))
        if shape in found:
            others.setdefault(shape, []).append(name)
        else:
            found[shape] = (name, processor)
    for shape, (name, processor) in found.items():
        yield name, tuple(others.get(shape, ())), processor


def _bare(name: str) -> str:
    return name.partition(" (")[0]


def _packed(sizes: Sequence[tuple[int, int]]) -> tuple[list[tuple[int, int]], int, int]:
    """Places for rectangles in columns, and the extent of their sheet.

    The highest goes first, each into the shortest column; the first rectangle begins the first column. There
    are as many columns as make the text largest on a screen half as wide again as high.
    """
    sheets = [_columns(sizes, count) for count in range(1, len(sizes) + 1)]
    return min(sheets, key=lambda sheet: (max(sheet[1] / 1.5, sheet[2]), sheet[1]))


def _columns(sizes: Sequence[tuple[int, int]], count: int) -> tuple[list[tuple[int, int]], int, int]:
    columns: list[list[int]] = [[] for _ in range(count)]
    for number in sorted(range(len(sizes)), key=lambda one: -sizes[one][1]):
        min(columns, key=lambda column: sum(sizes[other][1] for other in column)).append(number)
    columns.sort(key=lambda column: 0 not in column)
    places = [(0, 0)] * len(sizes)
    left = height = 0
    for column in columns:
        top = 0
        for number in sorted(column, key=lambda one: (one != 0, -sizes[one][1])):
            places[number] = (left, top)
            top += sizes[number][1]
        left += max(sizes[number][0] for number in column)
        height = max(height, top)
    return places, left, height


@dataclass(frozen=True)
class _Panel:
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    width: int
    height: int


def _shifted(line: Line, x: float, y: float) -> Line:
    def shift(points: tuple[Point, ...]) -> tuple[Point, ...]:
        return tuple((px + x, py + y) for px, py in points)

    return replace(line, points=shift(line.points), joins=shift(line.joins) if line.joins else None)


def _panel(name: str, also: Sequence[str], processor: Processor) -> _Panel:
    drawn = {state: _state(state, body) for state, body in processor.states.items()}
    start = Box(
        key=f"start of {name}",
        kind="card",
        x=0,
        y=0,
        width=60,
        height=20,
        texts=(Text(x=30, y=14, text="Start", role="detail", anchor="middle"),),
    )
    ways = edges(processor.states)
    sizes = {_START: Size(across=60, along=20)}
    sizes |= {state: Size(across=int(box.width), along=_HEIGHT) for state, box in drawn.items()}
    pairs = [(_START, processor.start_at)]
    # What is caught comes after what goes on, so that errors lead to the margins.
    pairs += [(e.source, e.target) for e in ways if not e.caught]
    pairs += [(e.source, e.target) for e in ways if e.caught]
    placed = layered(sizes, pairs, gap=30, rank_gap=40)
    side = 4 * GRID
    boxes = [start.moved(side + placed.at[_START][0], _STRIP + placed.at[_START][1])]
    boxes += [
        box.moved(side + placed.at[state][0], _STRIP + placed.at[state][1]) for state, box in drawn.items()
    ]
    title = name or OUTERMOST
    heading = Text(x=20, y=30, text=title, role="heading")
    mode = "for each item a child execution" if processor.distributed else "for each item"
    mode += f"; the same in {', '.join(also)}" if also else ""
    note = Text(x=20 + heading.width + 12, y=30, text=mode if name else "", role="detail")
    width = max(placed.across + 2 * side, snap(note.left + note.width) + 20)
    height = placed.along + _STRIP + _PAD
    lines = _routed(name, boxes, drawn, ways, processor, (heading, note), width, height)
    frame = Box(
        key=f"scope {name}",
        kind="frame-scope",
        x=-GRID / 2,
        y=-GRID / 2,
        width=width + GRID,
        height=height + GRID,
        texts=(heading, note) if name else (heading,),
    )
    held = [replace(box, parent=frame.key) for box in boxes]
    return _Panel((frame, *held), lines, width, height)


def _routed(
    name: str,
    boxes: Sequence[Box],
    drawn: Mapping[str, Box],
    ways: Sequence[Edge],
    processor: Processor,
    title: Sequence[Text],
    width: int,
    height: int,
) -> tuple[Line, ...]:
    where = {box.key: box for box in boxes}
    clear = [(text.left - 6, 0.0, text.left + text.width + 6, text.bottom + 6) for text in title if text.text]
    # A sheet a little smaller than the panel: lines keep away from its edge.
    router = Router(width - 2 * GRID, height - 2 * GRID, [_rect(box) for box in boxes], clear)
    start = where[f"start of {name}"]
    first = where[drawn[processor.start_at].key]

    def line(source: Box, target: Box, kind: str, wanted: Wanted, tooltip: str = "") -> Line:
        way = router.route(wanted)
        return Line(
            source=source.key,
            target=target.key,
            kind=kind,
            points=way.points,
            joins=way.joins,
            tooltip=tooltip,
        )

    wanted = Wanted(
        source=_rect(start),
        target=_rect(first),
        shares=f"{False} {processor.start_at}",
        leave=_DOWN,
        enter=_FROM_ABOVE,
    )
    lines = [line(start, first, "flow", wanted)]
    for edge in sorted(ways, key=lambda e: (e.caught, _far(where, drawn, e), e.target, e.source)):
        source, target = where[drawn[edge.source].key], where[drawn[edge.target].key]
        back = target.y <= source.y
        wanted = Wanted(
            source=_rect(source),
            target=_rect(target),
            shares=f"{edge.caught} {edge.target}",
            leave=_BACK if back else _ASIDE if edge.caught else _DOWN,
            enter=_BACK if back else _FROM_ABOVE,
        )
        kind = "caught" if edge.caught else "flow"
        lines.append(line(source, target, kind, wanted, _why(processor.states[edge.source], edge)))
    return tuple(lines)


def _far(where: Mapping[str, Box], drawn: Mapping[str, Box], edge: Edge) -> float:
    one, other = where[drawn[edge.source].key], where[drawn[edge.target].key]
    return abs(one.y - other.y) + abs(one.x + one.width / 2 - other.x - other.width / 2)


def _rect(box: Box) -> Rect:
    return box.x, box.y, box.right, box.bottom


def _why(state: State, edge: Edge) -> str:
    if edge.caught:
        errors = [
            error
            for catcher in state.fields.get("Catch", ())
            if catcher["Next"] == edge.target
            for error in catcher["ErrorEquals"]
        ]
        return f"{edge.source} to {edge.target} on {', '.join(dict.fromkeys(errors))}"
    conditions = [
        str(rule.get("Condition", ""))
        for rule in state.fields.get("Choices", ())
        if rule["Next"] == edge.target
    ]
    if state.fields.get("Default") == edge.target:
        conditions.append("otherwise")
    return f"{edge.source} to {edge.target}" + (f" when {' or '.join(conditions)}" if conditions else "")


def _state(name: str, state: State) -> Box:
    fields = state.fields
    kind = str(fields["Type"])
    detail = _detail(kind, fields)
    retries = sum(int(rule.get("MaxAttempts", 3)) for rule in fields.get("Retry", ()))
    marks: list[tuple[str, str]] = []
    if retries:
        marks.append((f"retry {retries}", "wait"))
    if fields.get("End"):
        marks.append(("end", "good"))
    badges = sum(_badge_width(text) + 6 for text, _ in marks)
    wanted = max(
        font.width(name, SIZES["label"], bold=True), font.width(detail, SIZES["detail"]) + badges + 10
    )
    width = min(max(snap(wanted + 30), 120), _WIDEST)
    accent = _ACCENTS[kind][0]
    drawn = [Mark(x=0, y=0, width=6, height=_HEIGHT, accent=accent)]
    texts = [fitted(name, width - 30, x=18, y=21, role="label")]
    texts.append(fitted(detail, width - 30 - badges - 4, x=18, y=38, role="detail"))
    right = width - 10.0
    for text, colour in marks:
        own = _badge_width(text)
        drawn.append(Mark(x=right - own, y=28, width=own, height=14, accent=colour, radius=7))
        texts.append(Text(x=right - own / 2, y=38, text=text, role="on-accent", anchor="middle"))
        right -= own + 6
    return Box(
        key=f"state {name}",
        kind="card",
        x=0,
        y=0,
        width=width,
        height=_HEIGHT,
        texts=tuple(texts),
        marks=tuple(drawn),
        tooltip=f"{name}: {kind}" + (f", {detail}" if detail != kind else ""),
    )


def _badge_width(text: str) -> float:
    return font.width(text, SIZES["on-accent"], bold=True) + 12


def _detail(kind: str, fields: Mapping[str, Any]) -> str:
    if kind == "Task":
        service = str(fields.get("Resource", "")).rpartition(":::")[2]
        return ":".join(service.split(":")[-2:])
    if kind == "Fail":
        error = str(fields.get("Error", ""))
        return error if error and not error.startswith("{%") else kind
    if kind == "Wait" and isinstance(fields.get("Seconds"), int):
        return f"Wait {fields['Seconds']} s"
    return kind
