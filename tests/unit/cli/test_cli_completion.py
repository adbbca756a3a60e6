"""Shell completion: through the protocol that shells speak, and its parts one by one."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from landfall.catalog.kinds import JOB_MODELS, KINDS
from landfall.cli import command_tree, completion
from landfall.cli.command_tree import bare, fingerprint, make, outline, rebuilt
from landfall.cli.completion import Completions
from landfall.cli.main import app, main
from landfall.config.explain import every_key

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def real() -> Any:
    return typer.main.get_command(app)


@pytest.fixture(scope="module")
def facts(real: Any) -> dict[str, Any]:
    return make(real)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tools folder whose outline is up to date."""
    folder = tmp_path_factory.mktemp("tools")
    asked("landfall ", folder)
    assert (
        json.loads((folder / "completion.json").read_text(encoding="utf-8"))["fingerprint"] == fingerprint()
    )
    return folder


def protocol(line: str, tools: Path, shell: str) -> dict[str, str]:
    """The variables by which a shell asks what may follow a command line that ends at the cursor."""
    return {
        "_LANDFALL_COMPLETE": f"complete_{shell}",
        "LANDFALL_TOOLS_DIR": str(tools),
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }


def asked(line: str, tools: Path, shell: str = "bash") -> list[str]:
    """What a shell is told to offer, by the program as the shell starts it."""
    done = subprocess.run(
        [sys.executable, "-m", "landfall.cli"], capture_output=True, text=True, check=True, cwd=ROOT,
        env={**os.environ, **protocol(line, tools, shell)},
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("landfall work", ["workflow"]),
        ("landfall preview ", ["dev", "prod", "sandbox"]),
        ("landfall validate s", ["sandbox"]),
        ("landfall workflow run bl", ["blog_test_workflow"]),
        ("landfall workflow status --stack p", ["prod"]),
        ("landfall explain network.", ["network.etl", "network.recovery", "network.*"]),
        ("landfall explain --stack dev network.", ["network.etl", "network.*"]),
        ("landfall explain LF012", ["LF0120", "LF0121", "LF0122"]),
        ("landfall new wo", ["workflow"]),
        ("landfall new schedule ", ["blog_test_workflow"]),
        ("landfall new network ", []),
        ("landfall catalog net", ["network"]),
        ("landfall guardrails explain log", ["log-retention"]),
        ("landfall validate --format ", ["text", "json", "sarif"]),
        ("landfall preview dev --fail-on h", ["high"]),
        ("landfall preview dev --engine ", ["embedded", "pulumi"]),
        ("landfall new workflow x --sta", ["--stack", "--stage"]),
    ],
)
def test_a_shell_is_offered_what_may_follow(
    line: str,
    offered: list[str],
    tools: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in protocol(line, tools, "bash").items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main([])
    said = capsys.readouterr()
    assert (ended.value.code, said.err) == (0, "")
    assert said.out.split()[: len(offered) or 1] == offered


def test_bash_is_offered_what_may_follow(tools: Path) -> None:
    assert asked("landfall workflow run bl", tools) == ["blog_test_workflow"]


def test_a_completion_imports_no_model_and_no_command(tools: Path) -> None:
    code = (
        "import sys\nfrom landfall.cli.main import main\n"
        "try:\n    main([])\nexcept SystemExit:\n    pass\n"
        "print('loaded', *sorted({name.partition('.')[0] for name in sys.modules}))\n"
        "print('landfall.config' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT,
        env={**os.environ, "_LANDFALL_COMPLETE": "complete_bash", "LANDFALL_TOOLS_DIR": str(tools),
             "COMP_WORDS": "landfall workflow run bl", "COMP_CWORD": "3"},
    )  # fmt: skip
    answer, _, loaded = done.stdout.partition("loaded")
    assert answer.split() == ["blog_test_workflow"]
    assert set(loaded.split()) & {"pulumi", "boto3", "botocore", "grpc"} == set()
    assert loaded.split()[-1] == "False"


def test_other_shells_are_told_the_same(tools: Path) -> None:
    assert "dev" in " ".join(asked("landfall preview ", tools, "zsh"))
    assert "dev" in " ".join(asked("landfall preview ", tools, "fish"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_asks_this_program(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "landfall.cli", "--show-completion", shell], capture_output=True, text=True,
        cwd=ROOT, env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}, check=True,
    )  # fmt: skip
    assert "_LANDFALL_COMPLETE" in done.stdout


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder with ``landfall`` in it, as ``.venv/bin`` is."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "landfall").write_text(
        f'#!/bin/sh\ncd "{ROOT}" && exec "{sys.executable}" -m landfall.cli "$@"\n', encoding="utf-8"
    )
    (folder / "landfall").chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("shell", "installed", "started_by"),
    [
        ("bash", ".bash_completions/landfall.sh", ".bashrc"),
        ("zsh", ".zfunc/_landfall", ".zshrc"),
        ("fish", ".config/fish/completions/landfall.fish", None),
    ],
)
def test_completion_is_installed_in_the_home_folder_alone(
    tmp_path: Path, program: Path, shell: str, installed: str, started_by: str | None
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [program / "landfall", "--install-completion", shell], capture_output=True, text=True, check=True,
        env={**os.environ, "HOME": str(home), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
    )  # fmt: skip
    assert f"{shell} completion installed in {home / installed}" in done.stdout
    assert "_LANDFALL_COMPLETE" in (home / installed).read_text(encoding="utf-8")
    files = {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}
    assert files == {installed, started_by} - {None}


def test_bash_itself_completes(tmp_path: Path, program: Path, tools: Path) -> None:
    script = """
        eval "$(landfall --show-completion bash)"
        COMP_WORDS=(landfall new job x --workflow b); COMP_CWORD=5
        $(complete -p landfall | sed -E 's/.*-F ([^ ]+) .*/\\1/') landfall
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, check=True,
        env={**os.environ, "PATH": f"{program}{os.pathsep}{os.environ['PATH']}",
             "LANDFALL_TOOLS_DIR": str(tools), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
    )  # fmt: skip
    assert done.stdout.split() == ["blog_test_workflow"]
    assert done.stderr == ""


def walk(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from walk(inner, (*words, name))


def test_the_outline_has_every_command_and_parameter(real: Any, facts: dict[str, Any]) -> None:
    def said(root: Any) -> dict[tuple[str, ...], set[tuple[str, ...]]]:
        skipped = ("install_completion", "show_completion", "help")
        return {
            words: {(*p.opts, *p.secondary_opts) for p in command.params if p.name not in skipped}
            for words, command in walk(root)
        }

    outlined = rebuilt(facts["commands"], Completions(facts).chosen)
    assert said(outlined) == said(real)


def test_the_outline_has_keys_kinds_and_rules(facts: dict[str, Any]) -> None:
    assert facts["keys"] == list(every_key())
    assert [name for name, _ in facts["kinds"]] == [kind.name for kind in KINDS]
    assert "log-retention" in facts["rules"]
    assert tuple(JOB_MODELS) == completion.JOB_KINDS


def test_the_outline_is_kept_until_the_code_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = itertools.count(1)
    monkeypatch.setattr(command_tree, "make", lambda real: {"commands": next(times)})
    monkeypatch.setattr(command_tree, "fingerprint", lambda: "one")
    file = tmp_path / "deep" / "completion.json"
    assert [outline(file, "app")["commands"] for _ in range(2)] == [1, 1]
    monkeypatch.setattr(command_tree, "fingerprint", lambda: "two")
    assert outline(file, "app")["commands"] == 2
    file.write_text("no json", encoding="utf-8")
    assert outline(file, "app")["commands"] == 3
    assert sorted(path.name for path in file.parent.iterdir()) == ["completion.json"]


def test_an_outline_that_cannot_be_kept_is_made_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_tree, "make", lambda real: {"commands": 1})
    (tmp_path / "file").touch()
    assert outline(tmp_path / "file" / "completion.json", "app")["commands"] == 1


def test_a_change_of_a_file_changes_the_fingerprint(tmp_path: Path) -> None:
    folder = tmp_path / "landfall/cli"
    folder.mkdir(parents=True)
    empty = fingerprint(tmp_path)
    (folder / "new.py").write_text("a", encoding="utf-8")
    first = fingerprint(tmp_path)
    (folder / "new.py").write_text("ab", encoding="utf-8")
    assert len({empty, first, fingerprint(tmp_path)}) == 3


def test_where_no_outline_can_be_made_commands_are_still_offered(
    real: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(file: Path, real: Any) -> Any:
        raise ImportError("a command is broken")

    monkeypatch.setattr(completion, "outline", broken)
    assert list(completion.command(real).commands) == list(real.commands)
    assert [command["name"] for command in bare(real)["commands"]] == list(real.commands)


@pytest.fixture
def stacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.a.yaml").write_text(
        "config:\n  landfall:network: {etl: {}}\n  landfall:workflows:\n    definitions:\n"
        "      w: {workflow_stages: [{scripts: [x]}]}\n", encoding="utf-8",
    )  # fmt: skip
    for name, text in (("b", "config: ["), ("c", "[1]"), ("d", "config: 1"), ("e", "")):
        (tmp_path / f"Pulumi.{name}.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "Pulumi.f.yaml").write_bytes(b"\xff")
    monkeypatch.setattr(completion, "STACKS", tmp_path)
    return tmp_path


def test_files_that_cannot_be_read_are_left_out(stacks: Path) -> None:
    assert completion.stack_names() == ["a", "b", "c", "d", "e", "f"]
    assert completion.workflow_ids(None) == ["w"]
    assert [completion.workflow_ids(name) for name in "abcdef"] == [["w"], [], [], [], [], []]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("net", ["network"]),
        ("landfall:net", ["landfall:network"]),
        ("network.", ["network.etl", "network.*"]),
        ("network.x.ci", ["network.x.cidr"]),
        ("workflows.definitions.w.workflow_s", ["workflows.definitions.w.workflow_stages"]),
        ("workflows.definitions.*.workflow_stages[0].max",
         ["workflows.definitions.*.workflow_stages[0].max_concurrency"]),
        ("workflows.definitions.w.workflow_stages.scripts.retries.c",
         ["workflows.definitions.w.workflow_stages.scripts.retries.count"]),
        ("nowhere.", []),
        ("platform.name.", []),
    ],
)  # fmt: skip
def test_config_keys_are_offered_one_level_at_a_time(
    stacks: Path, facts: dict[str, Any], typed: str, offered: list[str]
) -> None:
    assert Completions(facts).keys(None, typed) == offered
