"""Errors that no command has foreseen: one line, the right exit code, a report without secrets."""

from __future__ import annotations

import errno
import inspect
import io
import re
import stat
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
import typer
from botocore.exceptions import ClientError, NoCredentialsError

from landfall import crash
from landfall.cli import main as entry
from landfall.cli.exits import CommandError
from landfall.config import ConfigError, load
from sandbox.engines.errors import CliMissing, EngineError
from sandbox.errors import SandboxError

Landfall = Callable[..., Any]

REFUSED = ClientError(
    {"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}, "StartExecution"
)


def invalid() -> ConfigError:
    try:
        load({"platform": 1})
    except ConfigError as error:
        return error
    raise AssertionError("that is no config")


ERRORS: list[tuple[BaseException, int, str]] = [
    (RuntimeError("boom\n  at last"), 1, "RuntimeError: boom at last (full report: "),
    (AssertionError(), 1, "AssertionError (full report: "),
    (KeyError("x"), 1, "KeyError: 'x' (full report: "),
    (RecursionError("too deep"), 1, "RecursionError: too deep"),
    (OSError(errno.ENOSPC, "No space left on device", "/x/y"), 3, "No space left on device: '/x/y'"),
    (PermissionError(errno.EACCES, "Permission denied", "/x"), 3, "Permission denied: '/x'"),
    (MemoryError(), 3, "MemoryError"),
    (ModuleNotFoundError("No module named 'boto9'", name="boto9"), 3, "boto9 is missing; install"),
    (ImportError("cannot import x", name="landfall.config"), 1, "ImportError: cannot import x"),
    (SandboxError("port 4566 is taken"), 3, "port 4566 is taken"),
    (CliMissing("there is no Pulumi CLI"), 3, "there is no Pulumi CLI"),
    (EngineError("the engine ended"), 3, "the engine ended"),
    (REFUSED, 1, "AccessDeniedException) when calling the StartExecution operation: not authorized"),
    (NoCredentialsError(), 3, "Unable to locate credentials"),
    (invalid(), 2, "LF0102  landfall:platform"),
    (KeyboardInterrupt(), 130, "interrupted"),
]


def leaves() -> Iterator[tuple[str, ...]]:
    """Every command, by its words."""

    def below(words: tuple[str, ...], command: Any) -> Iterator[tuple[str, ...]]:
        for name, inner in getattr(command, "commands", {}).items():
            if getattr(inner, "commands", None):
                yield from below((*words, name), inner)
            else:
                yield (*words, name)

    yield from below((), typer.main.get_command(entry.app))


def failing(function: Callable[..., Any], error: BaseException) -> Callable[..., Any]:
    """The function with the same parameters, that does nothing but fail."""

    def fail(*_: Any, **__: Any) -> None:
        raise error

    fail.__signature__ = inspect.signature(function, eval_str=True)  # type: ignore[attr-defined]
    fail.__name__, fail.__doc__ = function.__name__, function.__doc__
    fail.__annotations__ = inspect.get_annotations(function, eval_str=True)
    return fail


def break_command(words: tuple[str, ...], error: BaseException, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Makes a command fail as soon as it is called; gives arguments that it takes."""
    import importlib

    entries = {one.name: one for one in entry.COMMANDS}
    module_name, _, attribute = entries[words[0]].where.partition(":")
    module = importlib.import_module(module_name)
    found = getattr(module, attribute)
    if isinstance(found, typer.Typer):
        for name in words[1:-1]:
            group = next(one for one in found.registered_groups if one.name == name)
            assert group.typer_instance is not None
            found = group.typer_instance
        command = next(
            one
            for one in found.registered_commands
            if one.callback and (one.name or one.callback.__name__.replace("_", "-")) == words[-1]
        )
        assert command.callback is not None
        monkeypatch.setattr(command, "callback", failing(command.callback, error))
    else:
        monkeypatch.setattr(module, attribute, failing(found, error))
    click_command = typer.main.get_command(entry.app)
    for word in words:
        click_command = click_command.commands[word]  # type: ignore[attr-defined]
    arguments = []
    for parameter in click_command.params:
        if parameter.required:
            arguments += ["1"] if parameter.param_type_name == "argument" else [parameter.opts[0], "1"]
    return [*words, *arguments]


@pytest.mark.parametrize("words", list(leaves()), ids=" ".join)
def test_no_command_shows_a_traceback(
    landfall: Landfall, crashes: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    arguments = break_command(words, RuntimeError("boom"), monkeypatch)
    ended = landfall(*arguments)
    assert ended.code == 1, ended.err
    assert ended.out == ""
    (line,) = ended.err.strip().splitlines()
    (file,) = crashes.glob("*.txt")
    assert line.endswith(f"RuntimeError: boom (full report: {file})")
    text = file.read_text(encoding="utf-8")
    assert "Traceback (most recent call last)" in text
    assert f"command: landfall {' '.join(arguments)}" in text


@pytest.mark.parametrize(
    ("error", "code", "sentence"), ERRORS, ids=[type(error).__name__ for error, *_ in ERRORS]
)
def test_every_kind_of_error_has_its_exit_code_and_its_sentence(
    landfall: Landfall, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, sentence: str
) -> None:
    ended = landfall(*break_command(("validate",), error, monkeypatch))
    assert ended.code == code
    assert sentence in ended.err
    assert ended.out == ""


@pytest.mark.parametrize(
    ("seam", "arguments"),
    [
        ("landfall.cli.stacks.load_file", ("validate",)),
        ("landfall.cli.stacks.load_file", ("preview", "dev")),
        ("landfall.cli.preview.embedded.plan", ("preview", "dev")),
        ("landfall.cli.demo.ensure_deployed", ("demo", "--keep")),
        ("landfall.cli.session.ensure_deployed", ("workflow", "run", "blog_test_workflow")),
        ("landfall.cli.session.launcher.attach", ("workflow", "status", "x")),
        ("landfall.cli.sandbox_commands.launcher.attach", ("sandbox", "status")),
        ("landfall.cli.guardrail_commands.describe", ("guardrails", "list")),
        ("landfall.cli.schema_command.config_schema.render", ("schema",)),
        ("landfall.config.code_pages.load_text", ("explain", "LF0101")),
        ("landfall.cli.sarif.page", ("validate", "--format", "sarif")),
    ],
)
@pytest.mark.parametrize(
    ("error", "code"), [(RuntimeError("boom"), 1), (OSError(errno.EIO, "boom"), 3), (SandboxError("boom"), 3)]
)
def test_what_commands_call_may_fail_in_any_way(
    landfall: Landfall,
    monkeypatch: pytest.MonkeyPatch,
    seam: str,
    arguments: tuple[str, ...],
    error: Exception,
    code: int,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(seam, fail)
    ended = landfall(*arguments)
    assert ended.code == code
    assert "boom" in ended.err.strip().splitlines()[-1]


def test_a_report_has_no_secret(landfall: Landfall, crashes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "correct horse")
    said = "with correct horse, password=hunter2, \"api_key\": 'hunter2 3', and postgres://me:hunter2@host/db"
    arguments = break_command(("preview",), ValueError(said), monkeypatch)
    ended = landfall(*arguments)
    (file,) = crashes.glob("*.txt")
    for text in (ended.err, file.read_text(encoding="utf-8")):
        assert "correct horse" not in text
        assert "hunter2" not in text
        assert "ValueError: with ***" in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(crashes.stat().st_mode) == 0o700


def test_what_only_looks_like_a_secret_stays_readable() -> None:
    environment = {"PWD": "/home/me/landfall", "OLDPWD": "/home/me", "AWS_SECRET_ACCESS_KEY": "sandbox"}
    said = "/home/me/landfall/sandbox/engines/embedded.py has no token"
    assert crash.without_secrets(said, environment) == said


def test_only_the_last_reports_are_kept(crashes: Path, tmp_path: Path) -> None:
    made = [crash.write(ValueError(str(number)), ["x"], tmp_path, {}) for number in range(crash.KEPT + 3)]
    assert sorted(crashes.glob("*.txt")) == made[3:]


def test_without_a_place_for_the_report_the_line_says_so(
    landfall: Landfall, crashes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashes.write_text("a file is in the way")
    ended = landfall(*break_command(("preview",), ValueError("boom"), monkeypatch))
    assert ended.code == 1
    assert ended.err.strip().endswith("ValueError: boom (no report could be written)")


def test_reports_are_in_the_folder_of_the_tools(tmp_path: Path) -> None:
    assert crash.folder(tmp_path, {}) == tmp_path / ".tools" / "crashes"
    assert crash.folder(tmp_path, {"LANDFALL_TOOLS_DIR": "/elsewhere"}) == Path("/elsewhere/crashes")


def test_the_line_names_the_place_in_the_tree() -> None:
    def wrong() -> None:
        raise ValueError("boom")

    try:
        wrong()
    except ValueError as error:
        here = Path(__file__)
        assert (crash.place(error, here.parent) or "").startswith(f"{here.name}:")
        assert crash.place(error, here.parent / "elsewhere") is None


def wrong_program(*_: Any) -> dict[str, Any]:
    empty: dict[str, str] = {}
    return {"boom": pulumi.Output.from_input("boom").apply(lambda key: empty[key])}


def wrong_at_once(*_: Any) -> dict[str, Any]:
    raise KeyError("boom")


def test_a_mistake_of_the_program_is_one_line_with_a_report(
    landfall: Landfall, crashes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.platform.compose", wrong_at_once)
    ended = landfall("preview", "dev")
    (file,) = crashes.glob("*.txt")
    (line,) = ended.err.strip().splitlines()
    assert (ended.code, ended.out) == (1, "")
    assert re.fullmatch(r"\S+\.py:\d+: KeyError: 'boom' \(full report: .+\)", line)
    assert line.endswith(f"(full report: {file})")
    assert "in deploy" in file.read_text(encoding="utf-8")


def test_a_mistake_in_an_output_of_the_program_is_one_line(
    landfall: Landfall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.platform.compose", wrong_program)
    ended = landfall("preview", "dev")
    assert (ended.code, ended.out) == (1, "")
    assert re.fullmatch(r"\S+\.py:\d+: KeyError: 'boom'", ended.err.strip())


@pytest.mark.parametrize("wrong", [wrong_at_once, wrong_program])
def test_debug_shows_where_the_program_failed(
    crashes: Path, monkeypatch: pytest.MonkeyPatch, wrong: Callable[..., Any]
) -> None:
    monkeypatch.setattr("components.platform.compose", wrong)
    with pytest.raises(CommandError, match="KeyError: 'boom'") as raised:
        entry.main(["--debug", "preview", "dev"])
    text = "".join(traceback.format_exception(raised.value))
    assert f'{Path(__file__).name}", line' in text
    assert list(crashes.glob("*")) == []


def test_a_reader_who_leaves_early_is_no_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    assert entry.main(["validate", "--json"]) == 1
    assert capsys.readouterr().err == ""


def test_a_pipe_that_is_closed_is_quiet() -> None:
    """As `landfall validate --json | head -0` in a shell; what is left in buffers at the exit too."""
    root = Path(__file__).resolve().parents[3]
    process = subprocess.Popen(
        [sys.executable, "-m", "landfall.cli", "schema"],
        cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=60), said) == (1, b"")


@pytest.mark.parametrize("way", ["option", "behind", "variable"])
def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    arguments = break_command(("preview",), ValueError("boom"), monkeypatch)
    monkeypatch.delenv(entry.DEBUG_VARIABLE, raising=False)
    if way == "option":
        arguments = ["--debug", *arguments]
    elif way == "behind":
        arguments = [*arguments, "--debug"]
    else:
        monkeypatch.setenv(entry.DEBUG_VARIABLE, "1")
    with pytest.raises(ValueError, match="boom"):
        entry.main(arguments)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ([], []),
        (["--debug"], ["--debug"]),
        (["a", "--debug", "b", "--", "--debug"], ["--debug", "a", "b", "--", "--debug"]),
        (["a", "--", "--debug"], ["a", "--", "--debug"]),
    ],
)
def test_debug_may_stand_anywhere(given: list[str], taken: list[str]) -> None:
    assert entry._debug_first(given) == taken
