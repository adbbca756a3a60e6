"""The pages of ``docs/`` that are made from code: ``python -m landfall.cli.reference --write`` renews them.

A page is either made as a whole (config reference, command line, guardrails, error pages, pictures)
or in a marked part of it (the emulator's gaps in ``limits.md``). ``--check`` says which are stale and ends
with 1. (source: DESIGN section 4, "reference docs are generated")
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

from landfall.cli import command_reference
from landfall.cli.main import app
from landfall.cli.stacks import ROOT, load_stack
from landfall.config import code_pages
from landfall.config.schema import EVERY_KIND, TOP_LEVEL, Row, reference, section_title
from landfall.diagram import architecture, svg
from landfall.diagram.scene import Scene
from policy_packs.guardrails import reference as guardrails
from sandbox.engines import embedded
from sandbox.provisioners.gaps import KNOWN_GAPS, Gap
from workflows import picture
from workflows.asl import draw
from workflows.etl import EtlSpec, definition

DOCS: Final = ROOT / "docs"
SAMPLE: Final = "blog_test_workflow"
COMMAND: Final = "python -m landfall.cli.reference --write"

_OF_KIND: Final = re.compile(r"(?P<stem>.*?)\((?P<kind>\w+)\)(?P<rest>.*)")
_GAPS: Final = re.compile(r"(?s)(?<=<!-- gaps: made by the command below -->\n).*?(?=<!-- gaps: end -->)")

_INTRODUCTION: Final = f"""\
# Config reference

<!-- Made by `{COMMAND}`; do not edit. -->

Every key of a stack file's `config:`, from the models that check it. `<key>` stands for a key of your choice,
`[]` for an entry of a list; **required** keys have no default. What is not listed here is refused
([LF0101](errors/LF0101.md)). The same models give [`stacks/schema.json`](../stacks/schema.json), which
editors read through the first line of a stack file.
"""


def config_reference(rows: Iterable[Row] | None = None) -> str:
    """The page of all config keys, one table for each mapping."""
    groups: dict[str, list[Row]] = {}
    for row in _common(tuple(rows if rows is not None else reference())):
        groups.setdefault(_parent(row.key), []).append(row)
    parts = [_INTRODUCTION]
    for parent, members in groups.items():
        parts += [
            f"## {section_title(parent)}",
            "",
            "| key | type | default | meaning |",
            "|---|---|---|---|",
        ]
        parts += [_line(row) for row in members]
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def gaps_table(gaps: Sequence[Gap] = KNOWN_GAPS) -> str:
    """The table of the differences between the emulator and AWS that provisioners meet."""
    lines = ["| service | AWS | emulator | what is done about it |", "|---|---|---|---|"]
    lines += [
        f"| {_cell(gap.service)} | {_cell(gap.aws)} | {_cell(gap.emulator)} | {_cell(gap.handling)} |"
        for gap in gaps
    ]
    return "\n".join(lines) + "\n"


def with_gaps(page: str) -> str:
    """The text of ``limits.md`` with its marked part renewed; raises ``ValueError`` without the marks."""
    if not _GAPS.search(page):
        raise ValueError("docs/limits.md has lost the marks of its generated table")
    return _GAPS.sub(lambda _: f"\n{gaps_table()}\n", page)


def pages(docs: Path = DOCS) -> Mapping[Path, str]:
    """What each generated page must hold; error pages are `landfall.config.code_pages`' own."""
    limits = docs / "limits.md"
    return {
        docs / "cli-reference.md": command_reference.render(app),
        docs / "config-reference.md": config_reference(),
        docs / "guardrails.md": guardrails.render(),
        **{docs / "images" / name: svg.render(scene) for name, scene in pictures().items()},
        limits: with_gaps(limits.read_text(encoding="utf-8")),
    }


@cache
def pictures() -> Mapping[str, Scene]:
    """The pictures of ``docs/images``, as `landfall diagram` and `landfall workflow draw` make them."""
    workflows = load_stack("prod").workflows
    sample = workflows.definitions[SAMPLE] if workflows is not None else None
    machine = definition(EtlSpec(stack="prod"))
    plan = embedded.plan(ROOT, "prod").to_json()
    drawn = {
        "prod.svg": architecture.draw(plan),
        "prod-overview.svg": architecture.draw(plan, depth=1),
        "etl-machine.svg": draw.scene(machine, "ETL state machine"),
        "etl-machine-outermost.svg": draw.scene(machine, "ETL state machine", draw.OUTERMOST),
    }
    return drawn if sample is None else {**drawn, "sample-workflow.svg": picture.scene(SAMPLE, sample)}


def stale(docs: Path = DOCS) -> tuple[str, ...]:
    """Names of the pages that are not what the code says, relative to ``docs``."""
    found = [
        str(path.relative_to(docs))
        for path, text in pages(docs).items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    return tuple(sorted([*found, *(f"errors/{name}" for name in code_pages.stale_pages(docs / "errors"))]))


def write(docs: Path = DOCS) -> None:
    """Write every generated page."""
    for path, text in pages(docs).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    code_pages.write_pages(docs / "errors")


def main(arguments: Sequence[str] | None = None) -> int:
    """``--write`` renews the pages, ``--check`` names the stale ones; 0 when done or up to date."""
    wanted = list(sys.argv[1:] if arguments is None else arguments)
    if wanted == ["--write"]:
        write()
        sys.stderr.write("wrote the generated pages of docs/\n")
        return 0
    if wanted == ["--check"]:
        old = stale()
        for name in old:
            sys.stderr.write(f"docs/{name} is stale; renew it with: {COMMAND}\n")
        return 1 if old else 0
    sys.stderr.write("usage: python -m landfall.cli.reference --write | --check\n")
    return 2


def _common(rows: Sequence[Row]) -> list[Row]:
    """The rows with what all kinds of a union share told once, before what each kind has of its own."""
    kinds: dict[str, list[str]] = {}
    same: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if match := _OF_KIND.fullmatch(row.key):
            known = kinds.setdefault(match["stem"], [])
            if match["kind"] not in known:
                known.append(match["kind"])
            same.setdefault((match["stem"], match["rest"]), []).append(row)
    shared = {
        place
        for place, members in same.items()
        if len(members) == len(kinds[place[0]]) > 1 and len({replace(row, key="") for row in members}) == 1
    }
    result: list[Row] = []
    told: set[str] = set()
    for row in rows:
        match = _OF_KIND.fullmatch(row.key)
        if match is None:
            result.append(row)
            continue
        stem = match["stem"]
        if stem not in told:
            told.add(stem)
            result += [
                replace(members[0], key=f"{stem}({EVERY_KIND}){rest}")
                for (of, rest), members in same.items()
                if of == stem and (of, rest) in shared
            ]
        if (stem, match["rest"]) not in shared:
            result.append(row)
    return result


def _parent(key: str) -> str:
    return key.rpartition(".")[0] or TOP_LEVEL


def _line(row: Row) -> str:
    default = "**required**" if row.required else f"`{row.default}`" if row.default != "null" else "none"
    name = row.key.rpartition(".")[2]
    return f"| `{name}` | {_cell(row.type)} | {default} | {_cell(row.description)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
