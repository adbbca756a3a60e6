"""``docs/tutorial.md`` as a program: its commands are run, its edits made, its outputs compared.

The page is Markdown as any host shows it. Of its fenced blocks

* ``console`` holds commands after ``$ `` (a longer one goes on after ``> ``), each with what it prints,
  standard output and standard error as they come. A command whose exit code is not 0 is followed by
  ``$ echo $?``.
* ``diff`` is an edit: of the file after ``+++ b/``, lines with ``-`` become lines with ``+``. ``@@`` parts
  two places.

In an output ``…`` stands for any text within a line, and a line of nothing else for any lines: times, ids,
ports, and what would only be long.

``python tests/e2e/tutorial.py --write`` runs the page and puts the outputs that differ into it, with marks
where they are known to change from run to run; without it, it only says what differs.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from must_show import ROOT, SECONDS, Tree, copy_of_tree

from sandbox import launcher

PAGE = ROOT / "docs" / "tutorial.md"
ANY = "…"
"""Any text within a line; alone in its line, any lines."""
_FENCE = re.compile(r"(?ms)^```(?P<info>console|diff)\n(?P<body>.*?)^```$")
_END = "\x1e"
"""Parts the outputs of a block's commands (ASCII record separator); no command prints it."""
_CHANGING = (
    (re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?)?"), ANY),
    (re.compile(r"^ *\d+\.\d s(?=  )"), ANY),
    (re.compile(r"\b\d+\.\d s\b"), f"{ANY} s"),
    (re.compile(r"(?<=127\.0\.0\.1:)\d+"), ANY),
    (re.compile(r"(?<=Completed )( +)\d+\.\d.*|(?<=Failed )( +)\d+\.\d(?=  )"), rf"\1\2{ANY}"),
    (re.compile(rf"(?<=  {ANY})( +)\d+\.\d(?=  |$)"), ""),
    (re.compile(r"(?<=sandbox )tutorial-\d+"), ANY),
    (re.compile(r"(?<=Pulumi )\d+\.\d+\.\d+"), ANY),
    (re.compile(r"(?:/[\w.@+-]+)+(?=/report/)"), ANY),
)
"""What changes from run to run, and what the page has instead."""


@dataclass(frozen=True)
class Command:
    """A command of the page and what it is said to print."""

    shown: str
    """The lines with ``$`` and ``>``, as they stand on the page."""
    text: str
    expected: str


@dataclass(frozen=True)
class Console:
    """A block of commands, with its place on the page."""

    commands: Sequence[Command]
    start: int
    end: int


@dataclass(frozen=True)
class Edit:
    """A block that changes a file."""

    file: str
    places: Sequence[tuple[str, str]]
    """What stood there, and what stands there then."""


@dataclass(frozen=True)
class Ended:
    """A command that was run."""

    code: int
    printed: str


def steps(text: str) -> Iterator[Console | Edit]:
    """The page's blocks in order. Raises ``ValueError`` for a block that is no session and no edit."""
    for match in _FENCE.finditer(text):
        if match["info"] == "diff":
            yield _edit(match["body"])
        else:
            yield Console(tuple(_commands(match["body"])), match.start("body"), match.end("body"))


def _commands(body: str) -> Iterator[Command]:
    for piece in re.split(r"(?m)^(?=\$ )", body):
        if not piece:
            continue
        lines = piece.splitlines()
        if not lines[0].startswith("$ "):
            raise ValueError(f'a console block begins with "$ ", found "{lines[0]}"')
        count = 1
        while count < len(lines) and lines[count].startswith("> "):
            count += 1
        text = "\n".join(line[2:] for line in lines[:count])
        yield Command("\n".join(lines[:count]), text, "\n".join(lines[count:]))


def _edit(body: str) -> Edit:
    file = re.search(r"(?m)^\+\+\+ b/(\S+)$", body)
    if file is None:
        raise ValueError("a diff block names its file after +++ b/")
    places = []
    for place in re.split(r"(?m)^@@.*\n", body[file.end() + 1 :]):
        lines = place.splitlines()
        if wrong := [line for line in lines if line[:1] not in (" ", "-", "+")]:
            raise ValueError(f'a line of a diff begins with " ", "-" or "+", found "{wrong[0]}"')
        old = [line[1:] for line in lines if line[0] in " -"]
        new = [line[1:] for line in lines if line[0] in " +"]
        if lines:
            places.append(("".join(f"{line}\n" for line in old), "".join(f"{line}\n" for line in new)))
    return Edit(file[1], tuple(places))


def agrees(expected: str, printed: str) -> bool:
    """Whether an output is what the page says."""
    pattern = "".join(
        r"(?:[^\n]*\n)*?" if line == ANY else re.escape(line).replace(re.escape(ANY), r"[^\n]*?") + r"\n"
        for line in expected.splitlines()
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in printed.splitlines())) is not None


def marked(expected: str, printed: str) -> str:
    """A new output for the page: changing parts marked, and left out in the middle where the page did so."""
    lines = []
    for line in printed.splitlines():
        for pattern, mark in _CHANGING:
            line = pattern.sub(mark, line)
        lines.append(line)
    before = expected.splitlines()
    if before.count(ANY) >= 1:
        head, tail = before.index(ANY), before[::-1].index(ANY)
        if head + tail < len(lines):
            lines = [*lines[:head], ANY, *(lines[-tail:] if tail else [])]
    return "\n".join(lines)


def run_console(block: Console, tree: Tree) -> list[Ended]:
    """Runs a block's commands in one shell, each as a reader would type it."""
    script = ["code=0"]
    for command in block.commands:
        script += ["(exit $code)", "{", command.text, "}", "code=$?", f"printf '{_END}%s\\n' $code"]
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=tree.root,
        env=dict(tree.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    pieces = re.split(rf"{_END}(\d+)\n", done.stdout)
    return [
        Ended(int(code), "\n".join(line.rstrip() for line in printed.strip("\n").splitlines()))
        for printed, code in zip(pieces[::2], pieces[1::2], strict=False)
    ]


def apply(edit: Edit, tree: Tree) -> None:
    """Makes an edit; the passage must stand exactly once in the file."""
    for old, new in edit.places:
        tree.edit(edit.file, old, new)


def differences(block: Console, ended: Sequence[Ended]) -> Iterator[str]:
    """What the page says otherwise than it was, a report each."""
    for position, (command, was) in enumerate(zip(block.commands, ended, strict=True)):
        following = block.commands[position + 1].text if position + 1 < len(block.commands) else ""
        if was.code != 0 and following != "echo $?":
            yield f"{command.shown}\nended with {was.code}, which the page does not show:\n{was.printed}"
        elif "Traceback" in was.printed or not agrees(command.expected, was.printed):
            yield f"{command.shown}\nis said to print\n{command.expected}\nand printed\n{was.printed}"


def renewed(block: Console, ended: Sequence[Ended]) -> str:
    """The block's text with outputs that hold."""
    parts = []
    for command, was in zip(block.commands, ended, strict=True):
        good = agrees(command.expected, was.printed)
        output = command.expected if good else marked(command.expected, was.printed)
        parts.append(f"{command.shown}\n{output}\n" if output else f"{command.shown}\n")
    return "".join(parts)


def workplace(folder: Path, sandbox: str) -> Tree:
    """A copy of the tree with ``landfall`` on the path and a sandbox of its own."""
    programs = folder / "bin"
    programs.mkdir()
    program = programs / "landfall"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m landfall.cli "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    (folder / "tree").mkdir()
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return copy_of_tree(
        folder / "tree", PATH=path, PYTHONUNBUFFERED="1", LANDFALL_SANDBOX_NAME=sandbox, LC_ALL="C.UTF-8"
    )


def follow(text: str, tree: Tree) -> Mapping[Console, list[Ended]]:
    """Does everything that the page tells its reader to do."""
    done: dict[Console, list[Ended]] = {}
    for step in steps(text):
        if isinstance(step, Edit):
            apply(step, tree)
        else:
            done[step] = run_console(step, tree)
    return done


def main() -> int:
    """Runs the page; 1 when it differs and was not written."""
    parser = argparse.ArgumentParser(description="Runs docs/tutorial.md in a copy of the tree.")
    parser.add_argument("--write", action="store_true", help="put the outputs that differ into the page")
    parser.add_argument("page", nargs="?", type=Path, default=PAGE, help="another page of this kind")
    options = parser.parse_args()
    page: Path = options.page
    text = page.read_text(encoding="utf-8")
    name = f"tutorial-{os.getpid()}"
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = follow(text, workplace(Path(folder), name))
        finally:
            launcher.down(name, discard=True)
    found = [said for block, ended in done.items() for said in differences(block, ended)]
    for said in found:
        sys.stderr.write(f"{said}\n\n")
    if options.write:
        for block, ended in reversed(list(done.items())):
            text = text[: block.start] + renewed(block, ended) + text[block.end :]
        page.write_text(text, encoding="utf-8")
    return 1 if found and not options.write else 0


if __name__ == "__main__":
    sys.exit(main())
