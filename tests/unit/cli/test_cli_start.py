"""The command line starts quickly: commands are imported when they are used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from landfall import __version__
from landfall.cli.lazy import Lazy, LazyGroup
from landfall.cli.main import COMMANDS, app, main

ROOT = Path(__file__).resolve().parents[3]
HEAVY = ("pulumi", "pulumi_aws", "boto3", "botocore", "grpc", "pydantic", "ruamel", "sandbox", "workflows")


def modules_after(statement: str) -> set[str]:
    """Top-level packages that a fresh interpreter has imported after a statement."""
    code = f"{statement}\nimport sys\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split("\n")[-2].split())


def test_the_list_of_commands_imports_nothing_heavy() -> None:
    loaded = modules_after("from landfall.cli.main import main\nmain(['--help'])")
    assert "typer" in loaded
    assert loaded & set(HEAVY) == set()


@pytest.mark.parametrize("commands", ["workflow_commands", "sandbox_commands"])
def test_what_deploys_nothing_does_not_load_the_pulumi_sdk(commands: str) -> None:
    loaded = modules_after(f"import landfall.cli.{commands}, landfall.cli.session")
    assert "boto3" in loaded
    assert loaded & {"pulumi", "pulumi_aws", "grpc"} == set()


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"landfall {__version__}\n"


def test_a_python_without_what_it_needs_is_told_so_in_one_sentence() -> None:
    """As ``python3 -m landfall.cli`` with a Python that is not the tree's."""
    done = subprocess.run(
        [sys.executable, "-S", "-m", "landfall.cli", "validate"], capture_output=True, text=True, cwd=ROOT
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "the Python module typer is missing; install what is missing with: make setup\n"


@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("ruamel", ["workflow", "list"]),
        ("boto3", ["workflow", "list"]),
        ("pydantic", ["workflow", "list"]),
        ("pulumi", ["preview", "dev"]),
    ],
)
def test_a_missing_module_is_told_whatever_else_needs_it(module: str, command: list[str]) -> None:
    code = (
        f"import sys\nfrom landfall.cli.main import main\nsys.modules[{module!r}] = None\n"
        f"sys.exit(main({command!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"the Python module {module}")
    assert len(done.stderr.splitlines()) == 1


def test_an_old_python_is_told_which_it_needs() -> None:
    code = (
        "import runpy, sys\nsys.version_info = (3, 9, 2, 'final', 0)\n"
        "runpy.run_module('landfall.cli', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 3
    assert done.stderr == "landfall needs Python 3.12 or later; `make setup` makes .venv with one\n"


def test_the_package_itself_imports_nothing_heavy() -> None:
    assert modules_after("import landfall") & {*HEAVY, "typer", "rich"} == set()


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_the_summary_of_a_command_is_the_first_line_of_its_own_help(entry: Lazy) -> None:
    command = entry.load()
    assert command.name == entry.name
    assert (command.help or "").strip().splitlines()[0] == entry.summary


def test_no_command_is_listed_twice() -> None:
    names = [entry.name for entry in COMMANDS]
    assert len(names) == len(set(names))


def test_names_are_listed_without_loading_and_commands_are_loaded_once() -> None:
    group: Any = typer.main.get_command(app)
    assert isinstance(group, LazyGroup)
    assert list(group.commands) == [entry.name for entry in COMMANDS]
    assert group.commands["validate"] is group.commands["validate"]
    assert group.commands.get("nope") is None
    assert {name for name, _ in group.commands.items()} == set(group.commands)


def test_commands_registered_as_usual_stand_beside_the_table() -> None:
    class Group(LazyGroup):
        table = COMMANDS[:1]

    other = typer.Typer(cls=Group)
    other.callback()(lambda: None)
    other.command("plain")(lambda: None)
    group: Any = typer.main.get_command(other)
    assert list(group.commands) == [COMMANDS[0].name, "plain"]
    assert group.commands["plain"].name == "plain"


def test_a_command_that_is_nowhere_is_an_error_when_it_is_used() -> None:
    with pytest.raises(AttributeError):
        Lazy("x", "landfall.cli.validate:nothing", "").load()
