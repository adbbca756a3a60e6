"""``landfall diagram`` and ``landfall workflow draw`` as they are called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from diagram_plans import big_plan
from mermaid_rules import problems

from landfall.cli import pictures
from landfall.cli.main import main


@pytest.fixture
def plan(tmp_path: Path) -> str:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(big_plan(1, 2)), encoding="utf-8")
    return str(path)


def test_every_wanted_file_is_written_with_its_format(
    plan: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / f"deep/big{suffix}" for suffix in (".svg", ".png", ".mmd")]
    outs = [part for file in files for part in ("--out", str(file))]
    assert main(["diagram", "big", "--plan", plan, *outs]) == 0
    assert files[0].read_text(encoding="utf-8").startswith("<svg ")
    assert files[1].read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert problems(files[2].read_text(encoding="utf-8")) == []
    assert [line.partition(" ")[0] for line in capsys.readouterr().err.splitlines()] == ["wrote"] * 3


def test_the_same_plan_gives_the_same_bytes(plan: str, tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        out = tmp_path / f"{name}.svg"
        assert main(["diagram", "big", "--plan", plan, "-o", str(out), "-f", "png", "-f", "mermaid"]) == 0
        made.append([out.with_suffix(suffix).read_bytes() for suffix in (".svg", ".png", ".mmd")])
    assert made[0] == made[1]


def test_without_out_a_picture_goes_to_the_build_folder(
    plan: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "FOLDER", tmp_path / "diagrams")
    assert main(["diagram", "big", "--plan", plan, "--format", "mermaid"]) == 0
    assert [path.name for path in (tmp_path / "diagrams").iterdir()] == ["big.mmd"]


def test_the_graph_is_data(plan: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagram", "big", "--plan", plan, "--json"]) == 0
    graph = json.loads(capsys.readouterr().out)
    cards = {card["key"]: card for card in graph["cards"]}
    assert sum(len(card["urns"]) for card in cards.values()) == graph["resources"] == 17
    assert graph["accounts"] == {"000000000001": "account1"}
    assert all({link["source"], link["target"]} <= set(cards) for link in graph["links"])
    assert {card["plane"] for card in cards.values()} == {"orchestration", "storage", "warehouse"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "big.pgn"], 'big.pgn" must end in .svg, .png or .mmd. Did you mean ".png"?'),
        (["--out", "big"], "must end in .svg, .png or .mmd"),
        (["--format", "pdf"], 'unknown format "pdf"; allowed: svg, png, mermaid'),
        (["--format", "mermiad"], 'Did you mean "mermaid"?'),
        (["--theme", "drak"], 'unknown theme "drak"; allowed: light, dark. Did you mean "dark"?'),
        (["--out", "a.svg", "--out", "b.svg", "--format", "png"], "no --out is for --format png"),
        (["--out", "-", "--format", "svg", "--format", "png"], "standard output takes one format"),
        (["--json", "--out", "a.svg"], "--json prints data"),
        (["--out", "plan.json/a.svg"], "cannot write plan.json/a.svg"),
    ],
)
def test_a_wish_that_cannot_be_met_is_one_sentence_and_writes_nothing(
    arguments: list[str],
    said: str,
    plan: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["diagram", "big", "--plan", plan, *arguments]) == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


@pytest.mark.parametrize("content", ["{", "[]", '{"stack": "x"}', "\x00"])
def test_a_file_that_is_no_plan_is_refused(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plan.json"
    path.write_text(content, encoding="utf-8")
    assert main(["diagram", "big", "--plan", str(path)]) == 2
    assert "plan.json is not" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nightly"], 'unknown workflow "nightly"'),
        (["--machine", "--scope", "Job"], 'unknown scope "Job"'),
        (["--scope", "Jobs"], "--scope is a part of the --machine"),
        (["blog_test_workflow", "--machine"], "not both"),
    ],
)
def test_a_workflow_or_scope_that_is_not_there_is_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["workflow", "draw", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_scope_of_the_machine_is_drawn_alone(tmp_path: Path) -> None:
    out = tmp_path / "stages.svg"
    assert main(["workflow", "draw", "--machine", "--scope", "Stages (large)", "-o", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    assert ">Stages (large)</text>" in text
    assert "ReadConfiguration" not in text
