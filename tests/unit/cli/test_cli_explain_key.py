"""``landfall explain KEY``: text and JSON, one stack or all, wrong keys, files with errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from landfall.cli import stacks as stack_files

ROOT = Path(__file__).resolve().parents[3]
Landfall = Callable[..., Any]


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One stack with two mistakes, in the current folder."""
    text = (ROOT / "stacks/Pulumi.dev.yaml").read_text(encoding="utf-8")
    text = text.replace("cidr: 10.24.0.0/20", "cidr: 10.24.0.1/20").replace("owner:", "ownr:")
    folder = tmp_path / "stacks"
    folder.mkdir()
    (folder / "Pulumi.dev.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(stack_files, "STACKS", folder)
    monkeypatch.chdir(tmp_path)
    return folder


def test_a_key_is_explained_with_its_place_in_the_file(landfall: Landfall) -> None:
    ended = landfall("explain", "workflows.audit.retention_days", "--stack", "dev")
    assert ended.code == 0
    assert ended.err == ""
    for said in (
        "landfall:workflows.audit.retention_days",
        "How long audit records are kept, in days.",
        "1 to 36500",
        "default    400",
        "Pulumi.dev.yaml:29:29",
        "docs/config-reference.md#landfallworkflowsaudit",
    ):
        assert said in ended.out


def test_without_a_stack_all_are_shown(landfall: Landfall) -> None:
    ended = landfall("explain", "landfall:workflows.audit.retention_days", "--json")
    document = json.loads(ended.out)
    assert [(value["stack"], value["value"], value["origin"]) for value in document["values"]] == [
        ("dev", 90, "file"),
        ("prod", 400, "file"),
        ("sandbox", 400, "default"),
    ]
    assert document["default"] == 400
    assert document["bounds"] == ["1 to 36500"]


def test_every_workflow_is_shown_for_a_pattern(landfall: Landfall) -> None:
    ended = landfall("explain", "workflows.*.timeout", "--stack", "sandbox")
    assert "workflows.definitions.blog_test_workflow.timeout_seconds" in ended.out
    assert "the default" in ended.out


def test_places_with_the_same_default_are_one_row(landfall: Landfall) -> None:
    key = "workflows.definitions.*.workflow_stages.scripts.retries.count"
    ended = landfall("explain", key, "--stack", "dev")
    rows = [line.split() for line in ended.out.splitlines() if line.startswith("  dev ")]
    assert rows == [["dev", "6", "places", "0", "the", "default"]]
    assert len(json.loads(landfall("explain", key, "--stack", "dev", "--json").out)["values"]) == 6


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("netwrok.etl.cidr",), 'Did you mean "landfall:network.etl.cidr"?'),
        (("platfrm.nme",), 'Did you mean "landfall:platform.name"?'),
        (("workflws.definitons.*.timeot_seconds",),
         'Did you mean "landfall:workflows.definitions.<key>.timeout_seconds"?'),
        (("platfrm.xyzzy",), 'Did you mean "landfall:platform"?'),
        (("network.elt.cidr", "--stack", "dev"), 'Did you mean "landfall:network.etl.cidr"?'),
        (("network.etl.cidr", "--stack", "dve"), 'unknown stack "dve"'),
        (("workflows.blog_test_workflow.stages[9]", "-s", "dev"), "has 3 entries, counted from 0"),
    ],
)  # fmt: skip
def test_a_misspelt_key_ends_with_2_and_the_nearest(
    landfall: Landfall, arguments: tuple[str, ...], sentence: str
) -> None:
    ended = landfall("explain", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert sentence in ended.err


def test_errors_elsewhere_do_not_hinder_and_errors_here_are_told(landfall: Landfall, broken: Path) -> None:
    ended = landfall("explain", "accounts.data.id", "--stack", "dev")
    assert ended.code == 0
    assert "305871460213" in ended.out
    assert "LF01" not in ended.out
    wrong = landfall("explain", "network.etl.cidr", "--stack", "dev")
    assert wrong.code == 0
    assert "LF0112  landfall:network.etl.cidr" in wrong.out
    document = json.loads(landfall("explain", "network.etl.cidr", "--json").out)
    assert [issue["code"] for issue in document["issues"]] == ["LF0112"]


def test_an_unreadable_stack_is_an_error_only_when_it_is_asked_for(landfall: Landfall, broken: Path) -> None:
    (broken / "Pulumi.prod.yaml").write_text("config: [", encoding="utf-8")
    assert landfall("explain", "network.etl.cidr").code == 0
    ended = landfall("explain", "network.etl.cidr", "--stack", "prod")
    assert ended.code == 2
    assert "LF0109" in ended.err
