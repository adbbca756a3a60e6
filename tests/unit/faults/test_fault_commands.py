"""``landfall sandbox faults``: what it says to rules that cannot be, and its help."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from landfall.cli.fault_commands import app
from landfall.cli.sandbox_commands import app as sandbox_commands
from sandbox import launcher
from sandbox.faults.client import UnknownAccountError


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox of two accounts at a port where nobody answers."""
    spec = SimpleNamespace(accounts={"data": "111111111111", "ops": "222222222222"})
    sandbox = SimpleNamespace(endpoint="http://127.0.0.1:9", state=SimpleNamespace(spec=spec))
    monkeypatch.setattr(launcher, "attach", lambda: sandbox)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["throtle", "sns"], 'found "throtle"'),
        (["throttle", "dynamo"], 'boto3 has no service "dynamo". Did you mean "dynamodb"?'),
        (["fail", "dynamodb", "PutItme"], 'Did you mean "PutItem"?'),
        (["delay", "sns"], "delay needs seconds"),
        (["throttle", "sns", "--first", "1", "--every", "2"], "exclude each other"),
        (["throttle", "sns", "--contains", "a", "--contains", "b"], "--contains takes one text"),
        (
            ["throttle", "sns", "--account", "opps"],
            'has no account "opps"; it has data, ops. Did you mean "ops"?',
        ),
    ],
)
@pytest.mark.usefixtures("running")
def test_a_rule_that_cannot_be_is_refused_as_wrong_usage(words: list[str], says: str) -> None:
    result = CliRunner().invoke(app, ["add", *words])
    error = result.exception
    assert says in (str(error) + result.output)
    assert getattr(error, "code", getattr(error, "exit_code", None)) == 2


@pytest.mark.usefixtures("running")
def test_a_file_with_an_unknown_account_puts_no_rule_into_force(tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text("faults:\n  - {effect: throttle, service: sns, account: opps}\n")
    result = CliRunner().invoke(app, ["load", str(file)])
    assert isinstance(result.exception.__cause__, UnknownAccountError)  # type: ignore[union-attr]


@pytest.mark.parametrize("command", ["add", "list", "remove", "clear", "load"])
def test_every_command_has_an_example(command: str) -> None:
    text = CliRunner().invoke(app, [command, "--help"]).output
    assert re.search(rf"Examples?:\s+landfall\s+sandbox\s+faults\s+{command}", text)


def test_the_status_of_the_sandbox_ends_with_the_rules_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = {"effect": "throttle", "service": "sns", "id": "slow-topic", "seen": 3, "fired": 2}
    facts = {
        "running": True,
        "problems": [],
        "endpoint": "http://127.0.0.1:9",
        "processes": [],
        "accounts": {"data": "111111111111"},
        "services": {},
        "faults": [rule],
    }
    sandbox = SimpleNamespace(name="default", status=lambda: facts)
    monkeypatch.setattr(launcher, "attach", lambda: sandbox)
    result = CliRunner().invoke(sandbox_commands, ["status"])
    assert (result.exit_code, "slow-topic" in result.output) == (0, True)
