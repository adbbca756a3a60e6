"""``landfall preview`` with a baseline: ranking, cost, counts, JSON, exit codes; the program runs once."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.engines import embedded
from sandbox.engines.plan import Plan

ROOT = Path(__file__).resolve().parents[3]
Landfall = Callable[..., Any]
TABLE = "aws:dynamodb/table:Table"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return embedded.plan(ROOT, "dev")


@pytest.fixture(scope="module")
def document(plan: Plan) -> dict[str, Any]:
    return plan.to_json()


@pytest.fixture(autouse=True)
def planned(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landfall.cli.preview.embedded.plan", lambda *_, **__: plan)


def row(document: dict[str, Any], type_: str, name: str) -> dict[str, Any]:
    found: dict[str, Any]
    [found] = [one for one in document["resources"] if (one["type"], one["name"]) == (type_, name)]
    return found


@pytest.fixture
def before(document: dict[str, Any], tmp_path: Path) -> str:
    """The stack as it was before somebody changed several things at once."""
    old = copy.deepcopy(document)
    row(old, TABLE, "job-audit")["inputs"]["hashKey"] = "execution_id"
    policy = next(one for one in old["resources"] if one["type"] == ROLE_POLICY)
    statements = json.loads(policy["inputs"]["policy"])
    statements["Statement"][0]["Action"] = statements["Statement"][0]["Action"][:1]
    policy["inputs"]["policy"] = json.dumps(statements)
    gone = copy.deepcopy(row(old, TABLE, "job-audit"))
    gone |= {"urn": gone["urn"].replace("job-audit", "lost"), "name": "lost", "retainOnDelete": False}
    gone["inputs"] |= {"name": "landfall-dev-lost"}
    old["resources"].append(gone)
    endpoints = [one for one in old["resources"] if one["inputs"].get("vpcEndpointType") == "Interface"]
    old["resources"].remove(endpoints[0])
    path = tmp_path / "before.json"
    path.write_text(json.dumps(old), encoding="utf-8")
    return str(path)


@pytest.fixture
def same(document: dict[str, Any], tmp_path: Path) -> str:
    path = tmp_path / "same.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def test_the_most_dangerous_comes_first(landfall: Landfall, before: str) -> None:
    ended = landfall("preview", "dev", "--against", before)
    assert ended.code == 0
    lines = [line.split() for line in ended.out.splitlines() if re.match(r" *\d+\. ", line)]
    assert [(line[0], line[1], line[2]) for line in lines] == [
        ("1.", "critical", "stateful-replaced"),
        ("2.", "critical", "stateful-deleted"),
        ("3.", "high", "permissions-added"),
        ("4.", "low", "cost-added"),
    ]
    assert "1 to delete, 1 to replace, 1 to create, 1 to update" in ended.out
    assert "hashKey: execution_id → workflow_execution_id" in ended.out
    assert "landfall-dev-lost" in ended.out and "Deleting it destroys every item of the table." in ended.out
    assert ended.out.index("cost-added") < ended.out.index("Monthly estimate") < ended.out.index("Stack dev:")


def test_every_finding_says_what_where_why_and_what_to_do(landfall: Landfall, before: str) -> None:
    ended = landfall("preview", "dev", "--against", before, "--json", "-")
    risk = json.loads(ended.out)["risk"]
    assert risk["against"] == before
    assert risk["changes"] == {"delete": 1, "replace": 1, "create": 1, "update": 1}
    assert risk["severities"] == {"critical": 2, "high": 1, "medium": 0, "low": 1}
    assert sum(place["delete"] for place in risk["places"]) == 1
    for finding in risk["findings"]:
        assert set(finding) == {
            "rule", "category", "severity", "operation", "urn", "type", "component", "awsName", "account",
            "region", "properties", "details", "why", "remedy",
        }  # fmt: skip
        assert finding["why"] and finding["remedy"] and finding["component"] and finding["account"]
        assert finding["properties"] or finding["details"] or finding["operation"] == "delete"
        for change in finding["properties"]:
            assert set(change) == {"path", "old", "new"}
    grant = next(one for one in risk["findings"] if one["rule"] == "permissions-added")
    assert grant["awsName"].startswith("landfall-dev-")


def test_the_document_keeps_its_fields_and_gains_two(landfall: Landfall, before: str, plan: Plan) -> None:
    found = json.loads(landfall("preview", "dev", "--against", before, "--json", "-").out)
    assert {key: value for key, value in found.items() if key not in ("risk", "cost")} == plan.to_json()


def test_the_cost_is_estimated_with_and_without_a_baseline(landfall: Landfall, before: str) -> None:
    alone = json.loads(landfall("preview", "dev", "--json", "-").out)["cost"]
    assert alone["against"] is None
    assert alone["monthly"] == pytest.approx(sum(line["monthly"] for line in alone["fixed"]), abs=0.01)
    assert alone["fixed"][0]["what"] == "interface endpoint"
    assert alone["unknown"] == []
    compared = json.loads(landfall("preview", "dev", "--against", before, "--json", "-").out)["cost"]
    difference = compared["against"]["difference"]
    assert difference == pytest.approx(3 * 730 * 0.012, abs=0.01)
    assert compared["against"]["monthly"] == pytest.approx(alone["monthly"] - difference, abs=0.01)
    ended = landfall("preview", "dev", "--against", before)
    assert f"(+${difference:.2f})" in ended.out
    assert "0 resources of unknown cost" in ended.out


def test_findings_that_are_alike_are_shown_together(
    landfall: Landfall, document: dict[str, Any], tmp_path: Path
) -> None:
    old = copy.deepcopy(document)
    groups = [one for one in old["resources"] if one["type"] == "aws:cloudwatch/logGroup:LogGroup"]
    for group in groups:
        group["inputs"]["retentionInDays"] = 3653
    path = tmp_path / "old.json"
    path.write_text(json.dumps(old), encoding="utf-8")
    out = landfall("preview", "dev", "--against", str(path)).out
    assert len(groups) > 2
    assert out.count("guard-removed") < len(groups)
    assert "    so too " in out
    for group in groups:
        assert group["name"] in out
    risk = json.loads(landfall("preview", "dev", "--against", str(path), "--json", "-").out)["risk"]
    assert [one["rule"] for one in risk["findings"]] == ["guard-removed"] * len(groups)


def test_an_unchanged_stack_makes_no_noise(landfall: Landfall, same: str) -> None:
    ended = landfall("preview", "dev", "--against", same)
    assert ended.code == 0
    first, second, third = ended.out.splitlines()
    assert first == f"Against {same}: no change, nothing dangerous"
    assert "fixed (unchanged)" in second
    assert third.startswith("no guardrail is violated")


def test_without_a_baseline_only_what_is_open_counts(landfall: Landfall) -> None:
    ended = landfall("preview", "dev")
    assert ended.code == 0
    assert "Nothing is open to the internet or to every AWS account" in ended.out
    risk = json.loads(landfall("preview", "dev", "--json", "-").out)["risk"]
    assert risk["against"] is None and risk["findings"] == []
    assert risk["changes"]["create"] > 50


def test_verbose_lists_every_change_and_every_price(landfall: Landfall, before: str) -> None:
    brief = landfall("preview", "dev", "--against", before).out
    whole = landfall("preview", "dev", "--against", before, "--verbose").out
    assert "(--verbose)" in brief and "(--verbose)" not in whole
    assert "Changes" in whole and "Changes" not in brief
    assert "customer managed key" in whole and "1,000 state transitions" in whole


@pytest.mark.parametrize(("severity", "code"), [("critical", 1), ("high", 1), ("low", 1)])
def test_a_pipeline_can_stop_at_a_severity(
    landfall: Landfall, before: str, same: str, severity: str, code: int
) -> None:
    assert landfall("preview", "dev", "--against", before, "--fail-on", severity).code == code
    assert landfall("preview", "dev", "--against", same, "--fail-on", severity).code == 0


def test_a_finding_below_the_severity_does_not_stop(
    landfall: Landfall, document: dict[str, Any], tmp_path: Path
) -> None:
    old = copy.deepcopy(document)
    endpoints = [one for one in old["resources"] if one["inputs"].get("vpcEndpointType") == "Interface"]
    old["resources"].remove(endpoints[0])
    path = tmp_path / "old.json"
    path.write_text(json.dumps(old), encoding="utf-8")
    assert landfall("preview", "dev", "--against", str(path), "--fail-on", "high").code == 0
    assert landfall("preview", "dev", "--against", str(path), "--fail-on", "low").code == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "neither a file of landfall preview --json nor of pulumi stack export"),
        ('{"stack": "dev", "resources": [{}]}', "a resource in it has no urn or no type"),
        ("\xff", "is not JSON"),
    ],
)
def test_a_file_that_cannot_be_compared_with_is_one_sentence(
    landfall: Landfall, tmp_path: Path, text: str, sentence: str
) -> None:
    path = tmp_path / "odd.json"
    path.write_bytes(text.encode("latin-1"))
    ended = landfall("preview", "dev", "--against", str(path))
    assert ended.code == 2
    assert sentence in ended.err and "odd.json" in ended.err
    assert len(ended.err.strip().splitlines()) == 1 and ended.out == ""


@pytest.mark.parametrize("name", ["nowhere", "--upload-pack=x", "-x", ""])
def test_what_is_neither_a_file_nor_a_revision_is_wrong_usage(landfall: Landfall, name: str) -> None:
    ended = landfall("preview", "dev", f"--against={name}")
    assert ended.code == 2
    assert "is neither a file nor a revision of git" in ended.err


def test_a_state_that_holds_what_the_plan_makes_is_no_change(
    landfall: Landfall, document: dict[str, Any], tmp_path: Path
) -> None:
    def known(value: Any) -> Any:
        """What a deployment knows and a plan does not; archives have the engine's own digest."""
        if isinstance(value, dict):
            if set(value) == {"archive"}:
                return {"4dabf18193072939515e22adb298388d": "0def7320c3a5731c473e5ecbe6d01bc7", "hash": "x"}
            if set(value) == {"asset"}:
                digest = value["asset"].removeprefix("sha256:")
                return {
                    "4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17",
                    "hash": digest,
                }
            return {key: known(item) for key, item in value.items()}
        if isinstance(value, list):
            return [known(item) for item in value]
        return "arn:known" if value == "<unknown>" else value

    rows = [
        {
            **{key: one[key] for key in ("urn", "type", "custom", "parent", "protect", "retainOnDelete")},
            "inputs": {**known(one["inputs"]), "__defaults": []},
            "provider": f"{one['provider']}::id" if one["provider"] else "",
            "propertyDependencies": one["propertyDependencies"],
        }
        for one in document["resources"]
    ]
    path = tmp_path / "state.json"
    path.write_text(json.dumps({"version": 3, "deployment": {"resources": rows}}), encoding="utf-8")
    ended = landfall("preview", "dev", "--against", str(path))
    assert "no change, nothing dangerous" in ended.out
    audit = next(one for one in rows if one["urn"].endswith("::job-audit") and one["type"] == TABLE)
    audit["inputs"]["hashKey"] = "other"
    path.write_text(json.dumps({"version": 3, "deployment": {"resources": rows}}), encoding="utf-8")
    assert "stateful-replaced" in landfall("preview", "dev", "--against", str(path)).out


def state(urn: str, type_: str, **more: Any) -> dict[str, Any]:
    return {"urn": urn, "type": type_, "custom": True, **more}


@pytest.fixture
def digest(tmp_path: Path) -> str:
    stem = "urn:pulumi:dev::landfall::"
    provider = state(
        f"{stem}pulumi:providers:aws::data", "pulumi:providers:aws",
        inputs={"region": "eu-central-1", "allowedAccountIds": '["111111111111"]'},
    )  # fmt: skip
    at = f"{provider['urn']}::id"
    old = state(f"{stem}{TABLE}::t", TABLE, provider=at, inputs={"name": "t", "hashKey": "a"})
    gone = state(
        f"{stem}aws:s3/bucket:Bucket::b", "aws:s3/bucket:Bucket", provider=at, inputs={"bucket": "b"}
    )
    steps = [
        {"op": "same", "urn": provider["urn"], "oldState": provider, "newState": provider},
        {"op": "replace", "urn": old["urn"], "oldState": old, "replaceReasons": ["hashKey"],
         "newState": {**old, "inputs": {"name": "t", "hashKey": "b"}}},
        {"op": "delete", "urn": gone["urn"], "oldState": gone},
    ]  # fmt: skip
    path = tmp_path / "digest.json"
    path.write_text(json.dumps({"steps": steps}), encoding="utf-8")
    return str(path)


def test_a_digest_of_the_real_engine_is_ranked_without_planning(
    landfall: Landfall, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("landfall.cli.preview.plan_of", None)
    ended = landfall("preview", "dev", "--digest", digest)
    assert ended.code == 0
    assert "1 to delete, 1 to replace; most dangerous first: 2 critical" in ended.out
    assert "hashKey: a → b" in ended.out
    assert "guardrails not asked" in ended.out and "no guardrail is violated" not in ended.out
    assert "give --policy-pack to pulumi preview" in ended.err
    found = json.loads(landfall("preview", "dev", "--digest", digest, "--json", "-").out)
    assert [one["rule"] for one in found["risk"]["findings"]] == ["stateful-replaced", "stateful-deleted"]
    assert {one["account"] for one in found["risk"]["findings"]} == {"111111111111"}


def test_a_digest_brings_its_own_baseline(landfall: Landfall, digest: str, same: str) -> None:
    ended = landfall("preview", "dev", "--digest", digest, "--against", same)
    assert ended.code == 2
    assert "leave --against out" in ended.err
    wrong = landfall("preview", "dev", "--digest", same)
    assert wrong.code == 2
    assert "no digest of pulumi preview --json" in wrong.err


def test_names_of_resources_cannot_write_to_the_terminal(
    landfall: Landfall, document: dict[str, Any], tmp_path: Path
) -> None:
    old = copy.deepcopy(document)
    row(old, TABLE, "job-audit")["inputs"]["hashKey"] = "\x1b[31m[bold]x\nCRITICAL"
    path = tmp_path / "old.json"
    path.write_text(json.dumps(old), encoding="utf-8")
    ended = landfall("preview", "dev", "--against", str(path))
    assert "\\u001b[31m[bold]x\\nCRITICAL" in ended.out


def test_severities_are_coloured_on_a_terminal_only(
    landfall: Landfall, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from io import StringIO

    from rich.console import Console

    from landfall.cli import preview, preview_view

    assert "\x1b[" not in landfall("preview", "dev", "--against", before).out
    monkeypatch.delenv("NO_COLOR")
    screen = StringIO()
    console = Console(file=screen, force_terminal=True, color_system="standard", highlight=False, width=200)
    monkeypatch.setattr(preview_view, "out", console)
    preview_view.print_risk(preview.compared("dev", "embedded", before).risk, verbose=False)
    assert "\x1b[1;31mcritical" in screen.getvalue()
