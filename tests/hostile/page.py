"""The page of hostile inputs, made from what the cases got: each input with the literal text of its error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from .cases import CASES
from .doors import DOORS, ROOT, Ended

PATH: Final = ROOT / "docs" / "hostile-inputs.md"
COMMAND: Final = "python -m tests.hostile --write"

_HEAD: Final = f"""\
# Hostile inputs

<!-- Made by `{COMMAND}`; do not edit. -->

{{count}} inputs that are meant to hurt, where each comes in, and literally what it gets. The table is made by
sending every input through its door; a test repeats that and fails when an answer is another one. For each it
also checks that nothing was run or written that was not named (`canary` is a file that must not appear), that
no Python traceback and no character that a terminal would obey is shown, and that time and memory are
bounded.

Left out here: the line of the file that a report shows under each error with a mark below the place, and the
count at its end. `<project>` is the project's folder, `<sha256>` a hash. A number is the exit code of a
command, a word the name of the error that a function or a service answers with.
"""
_EXCERPT: Final = re.compile(r" +\d* \| .*")
_LONGEST: Final = 240


def page(met: Mapping[str, Ended]) -> str:
    """The page, from what each case got, by its id."""
    parts = [_HEAD.replace("{count}", str(len(CASES)))]
    for topic in dict.fromkeys(case.topic for case in CASES):
        parts += [
            f"## {topic}",
            "",
            "| case | input | comes in at | ends | what the user gets |",
            "|---|---|---|---|---|",
        ]
        parts += [
            f"| {case.name} | {_escaped(case.shown)} | {DOORS[case.door].title} | {met[case.id].how} |"
            f" {'<br>'.join(map(_code, said(met[case.id].text)))} |"
            for case in CASES
            if case.topic == topic
        ]
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def said(text: str) -> list[str]:
    """The lines of an answer that the page shows: those of the first error, and how many more there are."""
    text = re.sub(r"\b[0-9a-f]{64}\b", "<sha256>", text)
    counted = re.search(r"(?m)^(\d+) errors? in \d+ file", text)
    if counted:
        text = text.partition("\n\n")[0] if int(counted[1]) > 1 else text[: counted.start()]
    kept = [line.strip() for line in text.splitlines() if not _EXCERPT.fullmatch(line)]
    lines = [line for line in kept if line and not re.match(r"landfall explain LF\d+ says more", line)]
    if counted and int(counted[1]) > 1:
        lines.append(f"… {int(counted[1]) - 1} more of the kind")
    return [line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…" for line in lines]


def _code(line: str) -> str:
    mark = "``" if "`" in line else "`"
    pad = " " if mark == "``" else ""
    return f"{mark}{pad}{_escaped(line)}{pad}{mark}"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
