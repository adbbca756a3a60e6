"""The tutorial is true: every command of ``docs/tutorial.md`` prints what the page says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import tutorial
from must_show import Tree, left_running
from tutorial import Command, Console, Edit, Ended

from sandbox import launcher

NAME = f"tutorial-{os.getpid()}"


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    """A copy of the tree with a sandbox of its own, which ends with the test."""
    try:
        yield tutorial.workplace(tmp_path, NAME)
    finally:
        launcher.down(NAME, discard=True)


@pytest.mark.engine
@pytest.mark.emulator
def test_every_command_of_the_tutorial_prints_what_the_page_says(tree: Tree) -> None:
    done = tutorial.follow(tutorial.PAGE.read_text(encoding="utf-8"), tree)
    found = [said for block, ended in done.items() for said in tutorial.differences(block, ended)]
    assert found == [], "renew the page with: python tests/e2e/tutorial.py --write\n" + "\n\n".join(found)
    assert left_running(NAME) == []


def test_the_tutorial_goes_all_the_way() -> None:
    commands = [
        command.text
        for step in tutorial.steps(tutorial.PAGE.read_text(encoding="utf-8"))
        if isinstance(step, Console)
        for command in step.commands
    ]
    way = ("catalog", "new workflow", "validate", "explain", "preview", "workflow run", "workflow logs")
    way = (*way, "workflow resume", "workflow report", "guardrails explain", "new waiver", "sandbox down")
    assert [verb for verb in way if not any(text.startswith(f"landfall {verb}") for text in commands)] == []


@pytest.mark.parametrize(
    ("expected", "printed", "good"),
    [
        ("done in … s", "done in 3.2 s", True),
        ("done in … s", "done in 3.2 s or so", False),
        ("one\n…\nlast", "one\nlast", True),
        ("one\n…\nlast", "one\ntwo\nthree\nlast", True),
        ("one\n…\nlast", "one\ntwo", False),
        ("a.c", "abc", False),
        ("a … b", "a 1\n2 b", False),
        ("", "anything", False),
        ("", "", True),
    ],
)
def test_a_mark_stands_for_a_part_of_a_line_or_for_lines(expected: str, printed: str, good: bool) -> None:
    assert tutorial.agrees(expected, printed) is good


def test_a_page_is_read_into_commands_and_edits() -> None:
    page = (
        "# T\n```console\n$ one \\\n> two\nout\n$ echo $?\n1\n```\n"
        "```diff\n--- a/f\n+++ b/f\n kept\n-old\n+new\n@@\n+++\n```\n"
    )
    console, edit = tutorial.steps(page)
    assert isinstance(console, Console)
    assert [(c.text, c.expected) for c in console.commands] == [("one \\\ntwo", "out"), ("echo $?", "1")]
    assert edit == Edit("f", (("kept\nold\n", "kept\nnew\n"), ("", "++\n")))


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("```console\nls\n```\n", 'begins with "\\$ "'),
        ("```diff\n-a\n+b\n```\n", "names its file"),
        ("```diff\n+++ b/f\nfree\n```\n", "a line of a diff"),
    ],
)
def test_a_block_that_nobody_could_follow_is_refused(block: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        list(tutorial.steps(block))


def test_commands_share_a_shell_and_their_exit_codes_are_seen(tmp_path: Path) -> None:
    console = next(iter(tutorial.steps("```console\n$ false\n$ echo $?\n1\n$ echo out; echo err >&2\n```\n")))
    assert isinstance(console, Console)
    ended = tutorial.run_console(console, Tree(tmp_path, {"PATH": os.environ["PATH"]}))
    assert ended == [Ended(1, ""), Ended(0, "1"), Ended(0, "out\nerr")]
    assert [said.splitlines()[-2:] for said in tutorial.differences(console, ended)] == [["out", "err"]]


def test_a_failure_that_the_page_does_not_show_is_told() -> None:
    console = Console((Command("$ x", "x", ""),), 0, 0)
    assert "which the page does not show" in next(tutorial.differences(console, [Ended(3, "")]))


def test_a_renewed_page_holds_marks_where_outputs_change() -> None:
    console = Console(
        (Command("$ a", "a", "old"), Command("$ b", "b", "first\n…\nend"), Command("$ c", "c", "kept …")),
        0,
        0,
    )
    ended = [
        Ended(0, "done (12.3 s) at 2026-01-31T06:00:00.1Z"),
        Ended(0, "1\n2\n3\nend!"),
        Ended(0, "kept 7"),
    ]
    text = tutorial.renewed(console, ended)
    assert text == "$ a\ndone (… s) at …\n$ b\n1\n…\nend!\n$ c\nkept …\n"
    again = next(iter(tutorial.steps(f"```console\n{text}```\n")))
    assert isinstance(again, Console)
    assert list(tutorial.differences(again, ended)) == []
