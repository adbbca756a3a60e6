"""An unencrypted table in dev fails both previews with one message; a waiver lets it pass, for a time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from must_show import Ended, Tree, copy_of_tree

from sandbox.engines.pulumi_engine import PulumiEngine

pytestmark = pytest.mark.engine

STORE = "components/orchestration/audit_store.py"
ENCRYPTED = """\
            server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(
                enabled=True, kms_key_arn=args.kms_key_arn
            ),
"""
RULE = "encryption-customer-key"
TABLES = {"job-audit", "workflow-audit", "workflow-config"}
WAIVER = """\
  landfall:guardrails:
    waivers:
      tables-until-migrated:
        rule: encryption-customer-key
        urn: "*dynamodb/table:Table::*"
        reason: The keys of the old tables are moved first
        owner: data-platform
        expires: {expires}
"""


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A tree whose tables are not encrypted with a customer's key."""
    made = copy_of_tree(tmp_path / "tree")
    made.edit(STORE, ENCRYPTED, "")
    return made


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir(exist_ok=True)


def preview(tree: Tree, engine: str, target: Path) -> tuple[Ended, list[dict[str, Any]]]:
    """A preview of dev by an engine, and its violations."""
    ended = tree.landfall("preview", "dev", "--engine", engine, "--json", str(target))
    document = json.loads(target.read_text(encoding="utf-8"))
    return ended, document["violations"]


def by_hand(tree: Tree, state: Path) -> Ended:
    """``pulumi preview --policy-pack`` as typed into a prepared shell."""
    engine = PulumiEngine(state, root=tree.root)
    engine.prepare("dev")
    pack = str(tree.root / "policy_packs/guardrails")
    command = ["pulumi", "preview", "--stack", "dev", "--policy-pack", pack]
    before = (tree.root / "stacks/Pulumi.dev.yaml").read_bytes()
    ended = tree.run([*command, "--non-interactive", "--color", "never"], engine.environment())
    assert (tree.root / "stacks/Pulumi.dev.yaml").read_bytes() == before
    return ended


def untold(ended: Ended, messages: list[str]) -> list[str]:
    """Messages that a command did not print, however it breaks its lines."""
    flat = " ".join((ended.out + ended.err).split())
    return [message for message in messages if " ".join(message.split()) not in flat]


def test_both_previews_fail_with_the_same_message(tree: Tree, tmp_path: Path) -> None:
    ours, violations = preview(tree, "embedded", tmp_path / "a.json")
    theirs, reported = preview(tree, "pulumi", tmp_path / "b.json")
    assert (ours.code, theirs.code) == (1, 1)
    assert {v["policy"] for v in violations} == {RULE}
    assert {str(v["urn"]).rpartition("::")[2] for v in violations} == TABLES
    assert {v["level"] for v in violations} == {"mandatory"}

    def messages(found: list[dict[str, Any]]) -> list[tuple[str, ...]]:
        return sorted((v["urn"], v["policy"], v["level"], v["message"]) for v in found)

    assert messages(violations) == messages(reported)
    assert f"{len(violations)} guardrail violations must be mended" in ours.out
    typed = by_hand(tree, tmp_path / "state")
    assert typed.code != 0
    assert untold(typed, [violation["message"] for violation in violations]) == []


def test_a_waiver_lets_it_pass_and_an_expired_one_does_not(tree: Tree, tmp_path: Path) -> None:
    stack = "stacks/Pulumi.dev.yaml"
    tree.append(stack, WAIVER.format(expires="2999-12-31"))
    ended, violations = preview(tree, "embedded", tmp_path / "waived.json")
    assert ended.code == 0, ended.err
    assert "no guardrail is violated" in ended.out
    waived = {str(v["urn"]).rpartition("::")[2] for v in violations if v["policy"] == RULE}
    assert waived == TABLES
    assert {v["level"] for v in violations} == {"advisory"}
    assert all("tables-until-migrated" in v["message"] for v in violations)
    typed = by_hand(tree, tmp_path / "state")
    assert typed.code == 0, typed.out + typed.err
    assert "tables-until-migrated" in typed.out
    assert untold(typed, [violation["message"] for violation in violations]) == []

    tree.edit(stack, "2999-12-31", "2020-12-31")
    ended, violations = preview(tree, "embedded", tmp_path / "expired.json")
    assert ended.code == 1
    blocking = [v for v in violations if v["level"] == "mandatory" and v["policy"] == RULE]
    assert {str(v["urn"]).rpartition("::")[2] for v in blocking} == TABLES
    expired = [v["message"] for v in violations if "expired" in v["message"] and "2020-12-31" in v["message"]]
    assert expired
    typed = by_hand(tree, tmp_path / "state")
    assert typed.code != 0
    assert untold(typed, expired) == []
