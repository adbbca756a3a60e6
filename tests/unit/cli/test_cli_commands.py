"""Commands that need no sandbox: exit codes, sentences, JSON, help."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from landfall.cli import main as entry
from landfall.cli import preview as preview_command
from landfall.cli import stacks as stack_files
from landfall.cli.exits import CommandError, Exit, unknown
from landfall.cli.sandbox_spec import DEFAULT_INSTANCE, sandbox_spec
from landfall.cli.stacks import load_stack
from landfall.config import schema as config_schema
from policy_packs.guardrails.evaluate import describe
from sandbox.engines.embedded import plan
from sandbox.engines.errors import CliMissing
from sandbox.errors import SandboxError

ROOT = Path(__file__).resolve().parents[3]
Landfall = Callable[..., Any]


def groups() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, by its words."""

    def below(words: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
        for name, inner in getattr(command, "commands", {}).items():
            if getattr(inner, "commands", None):
                yield from below((*words, name), inner)
            else:
                yield (*words, name), inner

    yield from below((), typer.main.get_command(entry.app))


COMMANDS = [words for words, _ in groups()]


def test_the_commands_of_the_design_are_there() -> None:
    assert {
        ("validate",), ("preview",), ("demo",), ("schema",),
        ("workflow", "list"), ("workflow", "run"), ("workflow", "resume"), ("workflow", "status"),
        ("workflow", "logs"), ("sandbox", "up"), ("sandbox", "status"), ("sandbox", "env"),
        ("sandbox", "down"), ("sandbox", "reset"), ("guardrails", "list"), ("guardrails", "explain"),
    } <= set(COMMANDS)  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_help_of_every_command_says_what_it_does_and_shows_an_example(
    landfall: Landfall, words: tuple[str, ...]
) -> None:
    ended = landfall(*words, "--help")
    assert ended.code == 0
    assert f"Usage: landfall {' '.join(words)}" in ended.out
    assert f"landfall {' '.join(words)}" in ended.out.partition("Example")[2]


@pytest.mark.parametrize(
    "words", [(), ("workflow",), ("sandbox",), ("guardrails",)], ids=lambda w: " ".join(w)
)
def test_a_command_alone_shows_what_there_is(landfall: Landfall, words: tuple[str, ...]) -> None:
    ended = landfall(*words)
    assert ended.code == 2
    assert "Commands" in ended.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nope",), "No such command 'nope'"),
        (("preview",), "Missing argument 'stack'"),
        (("preview", "prod", "--colour"), "No such option: --colour"),
        (("preview", "pord"), 'unknown stack "pord"; stacks/ has: dev, prod, sandbox. Did you mean "prod"?'),
        (("validate", "dev", "sandbx"), 'unknown stack "sandbx"'),
        (("preview", "prod", "--engine", "cdk"), 'unknown engine "cdk"; allowed: embedded, pulumi'),
        (("guardrails", "explain", "log-retentoin"), 'Did you mean "log-retention"?'),
        (("explain", "Log-Retentoin"), 'unknown guardrail "log-retentoin"'),
        (("explain", "LF"), 'unknown error code "LF"; the codes are: LF0101'),
        (("explain", "lf0199"), 'unknown error code "LF0199"'),
        (
            ("workflow", "run", "blog_test_worflow"),
            'unknown workflow_id "blog_test_worflow"; stack sandbox has: blog_test_workflow. '
            'Did you mean "blog_test_workflow"?',
        ),
        (("workflow", "run", "x", "--stack", "sandbox1"), 'Did you mean "sandbox"?'),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(
    landfall: Landfall, arguments: tuple[str, ...], sentence: str
) -> None:
    ended = landfall(*arguments)
    assert ended.code == 2
    assert sentence in ended.err
    assert ended.out == ""


def test_a_path_is_no_stack(landfall: Landfall) -> None:
    ended = landfall("validate", "../stacks/Pulumi.dev.yaml")
    assert ended.code == 2
    assert "unknown stack" in ended.err


def test_validate_checks_every_stack_file(landfall: Landfall) -> None:
    ended = landfall("validate")
    assert (ended.code, ended.out) == (0, "3 stack files valid: dev, prod, sandbox\n")
    one = landfall("validate", "dev")
    assert (one.code, one.out) == (0, "1 stack file valid: dev\n")


def test_validate_json_is_for_machines(landfall: Landfall) -> None:
    ended = landfall("validate", "--json")
    assert ended.code == 0
    assert json.loads(ended.out) == {
        "stacks": [{"stack": stack, "valid": True} for stack in ("dev", "prod", "sandbox")],
        "issues": [],
    }


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stacks folder with one good file and one with two mistakes."""
    folder = tmp_path / "stacks"
    folder.mkdir()
    good = (ROOT / "stacks/Pulumi.dev.yaml").read_text(encoding="utf-8")
    shutil.copytree(ROOT / "examples" / "rsql-blog", tmp_path / "examples" / "rsql-blog")
    (folder / "Pulumi.dev.yaml").write_text(good, encoding="utf-8")
    bad = good.replace("environment: dev", "environment: prd").replace("cidr: 10.24", "cdir: 10.24")
    (folder / "Pulumi.bad.yaml").write_text(bad, encoding="utf-8")
    monkeypatch.setattr(stack_files, "STACKS", folder)
    return folder


def test_validate_reports_every_mistake_with_its_place(landfall: Landfall, broken: Path) -> None:
    ended = landfall("validate")
    assert ended.code == 2
    assert ended.out.endswith("2 errors in 1 file\n")
    assert "Pulumi.bad.yaml:6:18  LF0103  landfall:platform.environment" in ended.out
    assert 'found "prd"; allowed: sandbox, dev, staging, prod. Did you mean "prod"?' in ended.out
    assert "unknown key" in ended.out and 'Did you mean "cidr"?' in ended.out
    assert "Pulumi.dev.yaml" not in ended.out


def test_validate_json_carries_the_place_of_every_mistake(landfall: Landfall, broken: Path) -> None:
    ended = landfall("validate", "--json", "bad")
    assert ended.code == 2
    document = json.loads(ended.out)
    assert document["stacks"] == [{"stack": "bad", "valid": False}]
    assert len(document["issues"]) == 2
    for issue in document["issues"]:
        assert issue["code"].startswith("LF0")
        assert issue["line"] > 0 and issue["column"] > 0 and issue["suggestion"]


@pytest.mark.parametrize("command", [("preview", "bad"), ("workflow", "list", "-s", "bad")], ids=" ".join)
def test_no_command_goes_on_with_an_invalid_stack(
    landfall: Landfall, broken: Path, command: tuple[str, ...]
) -> None:
    ended = landfall(*command)
    assert ended.code == 2
    assert ended.err.rstrip().endswith("2 errors in 1 file")
    assert "LF0103" in ended.err
    assert ended.out == ""


def test_preview_writes_the_plan_of_the_design(landfall: Landfall, tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    ended = landfall("preview", "dev", "--json", str(target))
    assert ended.code == 0
    assert "no guardrail is violated" in ended.out
    assert f"wrote {target}" in ended.err
    document = json.loads(target.read_text(encoding="utf-8"))
    assert {"stack", "engine", "resources", "outputs", "violations", "summary"} <= set(document)
    assert (document["stack"], document["engine"]) == ("dev", "embedded")
    for resource in document["resources"]:
        assert {
            "urn", "type", "name", "parent", "custom", "protect", "account", "region", "inputs",
            "dependencies",
        } <= set(resource)  # fmt: skip
        assert isinstance(resource["inputs"], dict)
    assert document["violations"] == []
    summary = document["summary"]
    assert summary["resources"] == len(document["resources"])
    assert summary["accounts"] == ["305871460213", "418260937755"]
    assert summary["regions"] == ["eu-central-1"]
    assert set(summary["seconds"]) == {"program", "guardrails"}
    tables = {r["name"]: r for r in document["resources"] if r["type"] == "aws:dynamodb/table:Table"}
    assert tables["job-audit"]["inputs"]["name"] == "landfall-dev-job-audit"
    assert "<unknown>" in json.dumps(tables["job-audit"]["inputs"]["serverSideEncryption"])
    machine = next(r for r in document["resources"] if r["type"] == "aws:sfn/stateMachine:StateMachine")
    assert json.loads(machine["inputs"]["definition"])["QueryLanguage"] == "JSONata"


def test_preview_to_standard_output_is_json_and_nothing_else(landfall: Landfall) -> None:
    ended = landfall("preview", "dev", "--json", "-")
    assert ended.code == 0
    assert json.loads(ended.out)["stack"] == "dev"


def test_a_file_that_cannot_be_written_is_wrong_usage(landfall: Landfall, tmp_path: Path) -> None:
    ended = landfall("preview", "dev", "--json", str(tmp_path / "no" / "out.json"))
    assert ended.code == 2
    assert ended.err.rstrip().endswith("out.json: No such file or directory")


def test_preview_lists_every_resource_when_asked(landfall: Landfall) -> None:
    ended = landfall("preview", "dev", "--verbose")
    assert ended.code == 0
    assert "schedule" not in ended.out
    assert "aws:dynamodb/table:Table" in ended.out and "workflow-audit" in ended.out


def test_a_violated_guardrail_is_exit_code_1(landfall: Landfall, monkeypatch: pytest.MonkeyPatch) -> None:
    def judged(root: Path, stack: str, **_: Any) -> Any:
        from dataclasses import replace

        from sandbox.engines.plan import Violation

        urn = "urn:pulumi:dev::landfall::aws:sqs/queue:Queue::q"
        return replace(
            plan(root, stack),
            violations=(
                Violation(policy="log-retention", level="advisory", severity="low", message="short", urn=urn),
                Violation(policy="no-public", level="mandatory", severity="high", message="[open]", urn=urn),
            ),
        )

    monkeypatch.setattr("landfall.cli.preview.embedded.plan", judged)
    ended = landfall("preview", "dev")
    assert ended.code == 1
    assert "1 guardrail violation must be mended" in ended.out
    assert ended.out.index("mandatory  no-public  q") < ended.out.index("advisory  log-retention  q")
    assert "  [open]" in ended.out


def test_a_missing_cli_is_an_environment_problem(landfall: Landfall, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, **__: Any) -> None:
        raise CliMissing("there is no Pulumi CLI; install it from pulumi.com or install Go 1.25")

    monkeypatch.setattr(preview_command, "PulumiEngine", missing)
    ended = landfall("preview", "dev", "--engine", "pulumi")
    assert ended.code == 3
    assert "install Go 1.25" in ended.err


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (SandboxError("port 4566 is taken"), 3, "port 4566 is taken"),
        (CommandError("three lines"), 1, "three lines"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (ValueError("a\n  b"), 1, "ValueError: a b (full report: "),
        (RuntimeError(), 1, "RuntimeError (full report: "),
    ],
)
def test_every_error_ends_as_one_sentence(
    landfall: Landfall, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, sentence: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(preview_command, "load_stack", fail)
    ended = landfall("preview", "dev")
    assert ended.code == code
    assert sentence in ended.err
    assert len(ended.err.strip().splitlines()) == 1


def test_only_debug_shows_where(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ValueError("wrong")

    monkeypatch.setattr(preview_command, "load_stack", fail)
    monkeypatch.setattr(entry._Options, "debug", False)
    with pytest.raises(ValueError, match="wrong"):
        entry.main(["--debug", "preview", "dev"])
    assert entry.main(["preview", "dev"]) == 1


def test_schema_is_printed_and_checked(landfall: Landfall) -> None:
    printed = landfall("schema")
    assert printed.code == 0
    assert printed.out == (ROOT / "stacks/schema.json").read_text(encoding="utf-8")
    checked = landfall("schema", "--check")
    assert checked.code == 0
    assert "up to date" in checked.err


def test_a_stale_schema_fails_the_check_and_is_renewed(
    landfall: Landfall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from landfall.cli import schema_command

    file = tmp_path / "schema.json"
    file.write_text("{}\n", encoding="utf-8")
    monkeypatch.setattr(schema_command, "FILE", file)
    stale = landfall("schema", "--check")
    assert stale.code == 1
    assert "landfall schema --write" in stale.err
    assert landfall("schema", "--write").code == 0
    assert file.read_text(encoding="utf-8") == config_schema.render()
    assert landfall("schema", "--check").code == 0


def test_guardrails_are_listed_and_explained(landfall: Landfall) -> None:
    listed = landfall("guardrails", "list", "--json")
    assert listed.code == 0
    rules = json.loads(listed.out)
    assert [rule["name"] for rule in rules] == [rule["name"] for rule in describe()]
    assert all(set(rule["levels"]) == {"sandbox", "dev", "staging", "prod"} for rule in rules)
    table = landfall("guardrails", "list").out
    for rule in rules:
        assert rule["name"] in table
        explained = landfall("guardrails", "explain", rule["name"])
        assert explained.code == 0
        assert rule["name"] in explained.out


def test_an_unknown_name_without_a_neighbour_gets_no_suggestion() -> None:
    refused = unknown("stack", "zzz", [], "stacks/ has")
    assert refused.message == 'unknown stack "zzz"; stacks/ has: none.'
    assert refused.code is Exit.INVALID


def test_the_sandbox_of_the_shipped_stack() -> None:
    spec = sandbox_spec(load_stack("sandbox"))
    assert spec.accounts == {"data": "111111111111", "ops": "222222222222"}
    assert (spec.region, spec.warehouse_account, spec.database) == ("eu-central-1", "data", "dev")
    (host,) = spec.hosts
    assert (host.instance_id, host.account) == (DEFAULT_INSTANCE, "data")
    assert host.tags == {"landfall:role": "etl-host"}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_another_environment_is_never_taken_for_a_sandbox(stack: str) -> None:
    with pytest.raises(CommandError, match="is not a sandbox") as refused:
        sandbox_spec(load_stack(stack))
    assert refused.value.code is Exit.INVALID
