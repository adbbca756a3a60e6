"""The reference page is made from the rules and must not be stale."""

from __future__ import annotations

from pathlib import Path

from policy_packs.guardrails.frame.registry import describe
from policy_packs.guardrails.reference import render

PAGE = Path(__file__).resolve().parents[2] / "docs/guardrails.md"


def test_the_page_is_what_the_rules_say() -> None:
    hint = "run: python -m policy_packs.guardrails.reference > docs/guardrails.md"
    assert PAGE.read_text(encoding="utf-8") == render(), hint


def test_the_page_has_every_rule() -> None:
    page = render()
    assert [entry["name"] for entry in describe() if f"\n### {entry['name']}\n" not in page] == []
