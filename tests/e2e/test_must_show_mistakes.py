"""Eight mistakes in a stack file are eight errors with their places, and nothing is registered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from must_show import Tree, copy_of_tree

from sandbox.engines.pulumi_engine import PulumiEngine

pytestmark = pytest.mark.engine

CHANGES = [
    ("cost_center: cc-4210", "cost_centre: cc-4210"),  # unknown key
    ("log_retention_days: 30", 'log_retention_days: "30"'),  # wrong type
    ("execution_type: sequential", "execution_type: sequental"),  # misspelt enum
    ("    account: data\n    network: etl", "    account: dta\n    network: etl"),  # unknown account
    ("rsql_blog_script_2.sh]", "rsql_blog_script_22.sh]"),  # missing script
    ("        workflow_id: blog_test_workflow\n", '        schedule: {expression: "cron(0 6 * * * *)"}\n'),
]
"""Six of the eight by changing a line; overlapping networks and a name given twice need more."""
NETWORK = """\
    lab:
      account: data
      cidr: 10.24.8.0/22
      availability_zones: [eu-central-1a, eu-central-1b]
"""
TWICE = """\
          - execution_type: parallel
            scripts:
              - {kind: sql, name: load, sql: select 1}
              - {kind: sql, name: load, sql: select 2}
"""
EXPECTED = {
    "LF0101": ("cost_centre", "cost_center"),
    "LF0102": ("log_retention_days", "30"),
    "LF0103": ("workflow_stages[0].execution_type", "sequential"),
    "LF0104": ("landfall:workflows.account", "data"),
    "LF0105": ("landfall:network.lab.cidr", "10.24.16.0/22"),
    "LF0106": ("scripts[1].name", "load-2"),
    "LF0107": ("schedule.expression", "cron(0 6 * * ? *)"),
    "LF0108": ("scripts[1]", "rsql_blog_script_2.sh"),
}
"""Code: what the error's key ends with, and the suggestion."""
HEAD = re.compile(
    r"^(?P<file>\S*Pulumi\.dev\.yaml):(?P<line>\d+):(?P<column>\d+)  (?P<code>LF\d{4})  (?P<key>\S+)$"
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    made = copy_of_tree(tmp_path_factory.mktemp("mistakes"))
    for old, new in CHANGES:
        made.edit("stacks/Pulumi.dev.yaml", old, new)
    made.edit("stacks/Pulumi.dev.yaml", "  landfall:workflows:\n", f"{NETWORK}  landfall:workflows:\n")
    made.append("stacks/Pulumi.dev.yaml", TWICE)
    return made


def heads(text: str) -> Iterator[re.Match[str]]:
    return (found for line in text.splitlines() if (found := HEAD.match(line.strip())))


def test_validate_reports_eight_errors_with_line_column_and_suggestion(tree: Tree) -> None:
    ended = tree.landfall("validate", "dev")
    assert ended.code == 2
    assert ended.out.rstrip().endswith("8 errors in 1 file")
    found = list(heads(ended.out))
    assert sorted(match["code"] for match in found) == sorted(EXPECTED)
    text = (tree.root / "stacks/Pulumi.dev.yaml").read_text(encoding="utf-8").splitlines()
    for match in found:
        key, suggestion = EXPECTED[match["code"]]
        assert match["key"].endswith(key)
        assert (
            f"Did you mean {json.dumps(suggestion)}?" in ended.out
            or f"Did you mean {suggestion}?" in ended.out
        )
        assert len(text[int(match["line"]) - 1]) >= int(match["column"])


def test_the_json_report_carries_the_same_eight(tree: Tree) -> None:
    ended = tree.landfall("validate", "dev", "--json")
    assert ended.code == 2
    issues: list[dict[str, Any]] = ended.json["issues"]
    assert sorted(issue["code"] for issue in issues) == sorted(EXPECTED)
    for issue in issues:
        assert str(issue["suggestion"]) == EXPECTED[issue["code"]][1]
        assert issue["line"] > 0 and issue["column"] > 0


@pytest.mark.parametrize("engine", ["embedded", "pulumi"])
def test_a_preview_registers_nothing(tree: Tree, tmp_path: Path, engine: str) -> None:
    target = tmp_path / "out.json"
    ended = tree.landfall("preview", "dev", "--engine", engine, "--json", str(target))
    assert ended.code == 2
    assert sorted(match["code"] for match in heads(ended.err)) == sorted(EXPECTED)
    assert ended.err.rstrip().endswith("8 errors in 1 file")
    assert not target.exists()


def test_pulumi_by_hand_ends_with_the_same_report_and_no_resource(tree: Tree, tmp_path: Path) -> None:
    engine = PulumiEngine(tmp_path / "state", root=tree.root)
    engine.prepare("dev")
    events = tmp_path / "events.json"
    ended = tree.run(
        ["pulumi", "preview", "--stack", "dev", "--non-interactive", "--color", "never",
         "--event-log", str(events)],
        {**engine.environment(), "PULUMI_DEBUG_COMMANDS": "true"},
    )  # fmt: skip
    assert ended.code != 0
    said = ended.out + ended.err
    assert sorted({match["code"] for match in heads(said)}) == sorted(EXPECTED)
    assert "Traceback" not in said
    steps = [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines() if line]
    planned = {step["resourcePreEvent"]["metadata"]["type"] for step in steps if "resourcePreEvent" in step}
    assert planned <= {"pulumi:pulumi:Stack"}
