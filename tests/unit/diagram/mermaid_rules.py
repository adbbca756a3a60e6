"""The part of Mermaid's flowchart grammar that our texts use, read strictly.

(source: mermaid-js/mermaid, `flow.jison`: https://mermaid.js.org/syntax/flowchart.html)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_ID = r"[a-z][a-z0-9]*"
_LABEL = r'"(?:[^"<>&`;\\#\x00-\x1f]|#(?:\d+|amp|quot|lt|gt);|<br/>|</?b>)*"'
_SHAPES = (
    (r"\[", r"\]"),
    (r"\{", r"\}"),
    (r"\[\[", r"\]\]"),
    (r"\(\[", r"\]\)"),
    (r"\{\{", r"\}\}"),
)
_NODE = re.compile(f"({_ID})(?:" + "|".join(f"{one}{_LABEL}{two}" for one, two in _SHAPES) + ")")
_EDGE = re.compile(rf"({_ID})(?:\(\( \)\))? (?:-->|-\.->|==>) ({_ID})")
_FRAME = re.compile(f"subgraph ({_ID}) \\[{_LABEL}\\]")
_CLASS = re.compile(rf"class ({_ID}(?:,{_ID})*) ({_ID})")
_DEFINED = re.compile(rf"classDef ({_ID}) (?:[a-z-]+:[#\w ]+)(?:,[a-z-]+:[#\w ]+)*")
_STYLE = re.compile(rf"style ({_ID}) [a-z-]+:[#\w ]+")
_RESERVED = {"end", "graph", "subgraph", "flowchart", "style", "class", "click", "default", "linkStyle"}


def problems(text: str) -> list[str]:
    """Every line that is none of a flowchart, and every name that nothing stands for."""
    return list(_problems(text))


def _problems(text: str) -> Iterator[str]:
    lines = text.split("\n")
    if lines.pop() != "":
        yield "the last line does not end"
    if lines[:1] == ["---"]:
        if not re.fullmatch(f"title: {_LABEL}", lines[1]) or lines[2] != "---":
            yield f"the title is {lines[1]!r}"
        lines = lines[3:]
    if lines[0] not in ("flowchart LR", "flowchart TD"):
        yield f"it begins with {lines[0]!r}"
    made: list[str] = []
    used: set[str] = set()
    classes: set[str] = set()
    open_frames = 0
    for line in (line.strip(" ") for line in lines[1:]):
        if found := _FRAME.fullmatch(line):
            open_frames += 1
            made.append(found[1])
        elif line == "end":
            open_frames -= 1
            if open_frames < 0:
                yield "an end too many"
        elif found := _NODE.fullmatch(line):
            made.append(found[1])
        elif found := _EDGE.fullmatch(line):
            used.add(found[2])
            if "(( ))" in line:
                made.append(found[1])
            else:
                used.add(found[1])
        elif found := _DEFINED.fullmatch(line):
            classes.add(found[1])
        elif found := _CLASS.fullmatch(line):
            used.update(found[1].split(","))
            if found[2] not in classes:
                yield f"class {found[2]} is not defined"
        elif found := _STYLE.fullmatch(line):
            used.add(found[1])
        elif line != "direction TB":
            yield f"no line of a flowchart: {line!r}"
    if open_frames:
        yield f"{open_frames} subgraphs do not end"
    yield from (f"{name} is made twice" for name in sorted({n for n in made if made.count(n) > 1}))
    yield from (f"nothing is {name}" for name in sorted(used - set(made)))
    yield from (f"{name} is a word of Mermaid" for name in sorted(_RESERVED.intersection(made)))
