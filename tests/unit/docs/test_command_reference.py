"""The reference of the command line: whole, true to the commands, and with an example that can be typed."""

from __future__ import annotations

import re
import shlex
from enum import Enum
from typing import Annotated, Any

import pytest
import typer

from landfall.cli import command_reference
from landfall.cli.main import app

COMMAND: Any = typer.main.get_command(app)
LEAVES = {
    " ".join(words): command
    for words, command in command_reference.commands(COMMAND)
    if not hasattr(command, "commands")
}
PAGE = command_reference.render(app)


def section(words: str) -> str:
    """The part of the page that is about one command."""
    return re.split(rf"(?m)^#+ landfall {words}$", PAGE)[1].partition("\n#")[0]


def test_how_every_command_ends_is_told_and_of_no_other() -> None:
    assert set(command_reference.ENDINGS) == set(LEAVES)
    assert [words for words, said in command_reference.ENDINGS.items() if not said.startswith("0 ")] == []


@pytest.mark.parametrize("words", LEAVES)
def test_every_argument_and_option_of_a_command_is_told(words: str) -> None:
    told = section(words)
    for parameter in LEAVES[words].params:
        if parameter.name == "help":
            continue
        argument = parameter.param_type_name == "argument"
        names = [parameter.name.replace("_", "-").upper()] if argument else parameter.opts
        assert [name for name in names if f"`{name}`" not in told] == []
        assert parameter.help


@pytest.mark.parametrize("words", LEAVES)
def test_every_example_is_a_command_line_of_its_command(words: str) -> None:
    examples = section(words).partition("Example")[2].split("```")[1].strip().splitlines()
    assert examples
    for example in examples:
        typed = shlex.split(re.sub(r'^eval "\$\((.*)\)"$', r"\1", example).partition(" > ")[0])
        assert typed[: 1 + len(words.split())] == ["landfall", *words.split()]
        # Parses the line without running the command.
        LEAVES[words].make_context(words, typed[1 + len(words.split()) :])


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


def made(epilog: str | None) -> typer.Typer:
    """A command line of one command."""
    small = typer.Typer()
    small.callback()(lambda: None)

    @small.command(epilog=epilog)
    def paint(
        names: Annotated[list[str], typer.Argument(help="What to paint | colour.")],
        colour: Annotated[Colour, typer.Option(help="Which colour.")] = Colour.RED,
        twice: Annotated[bool, typer.Option("--twice/--once", help="How often.")] = True,
        coats: Annotated[int | None, typer.Option(help="Coats; * for all.")] = None,
    ) -> None:
        """Paint things.

        Until they are painted.
        """

    return small


def test_a_command_is_told_from_its_signature() -> None:
    page = command_reference.render(made("Examples: landfall paint a · landfall paint b"), {"paint": "0 dry"})
    assert "landfall paint NAMES… [options]" in page
    assert "| `NAMES` | text, repeatable | **required** | What to paint \\| colour. |" in page
    assert "| `--colour` | `red`, `blue` | `red` | Which colour. |" in page
    assert "| `--twice`, `--once` | nothing | `--twice` | How often. |" in page
    assert "| `--coats` | whole number | none | Coats; \\* for all. |" in page
    assert "Paint things. Until they are painted." in page
    assert "```\nlandfall paint a\nlandfall paint b\n```" in page
    assert "Ends with: 0 dry." in page


def test_a_command_without_an_example_or_an_ending_is_refused() -> None:
    with pytest.raises(ValueError, match="epilog"):
        command_reference.render(made(None), {"paint": "0 dry"})
    with pytest.raises(KeyError, match="paint"):
        command_reference.render(made("Example: landfall paint a"), {})
