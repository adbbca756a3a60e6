"""No resource of a shipped stack is renamed or replaced without somebody having read it."""

from __future__ import annotations

import dataclasses
import difflib

import pytest

from sandbox.engines.plan import Plan

from .golden_list import golden_lines
from .planning import GOLDEN, STACKS, TABLE, one, planned

ACCEPT = "python -m tests.plan.accept"


def difference(stack: str, plan: Plan) -> str:
    """What changed since the list was accepted, and what that means; empty where nothing did."""
    path = GOLDEN / f"{stack}.txt"
    accepted = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    lines = list(difflib.unified_diff(accepted, golden_lines(plan), "accepted", "planned", n=0, lineterm=""))
    if not lines:
        return ""
    gone = sum(line.startswith("-") and not line.startswith("---") for line in lines)
    meaning = f"{gone} resources of stack {stack} would be deleted or replaced" if gone else "new resources"
    return "\n".join([f"{meaning}; where that is meant: {ACCEPT}", *lines[2:]])


@pytest.mark.parametrize("stack", STACKS)
def test_resources_are_those_that_were_accepted(stack: str) -> None:
    assert difference(stack, planned(stack)) == ""


def test_every_list_belongs_to_a_stack() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == sorted(STACKS)


def changed(plan: Plan, name: str, **changes: object) -> Plan:
    """The plan with one of its tables changed."""
    table = one(plan, TABLE, name)
    other = dataclasses.replace(table, **changes)  # type: ignore[arg-type]
    return dataclasses.replace(plan, resources=tuple(other if r is table else r for r in plan.resources))


def test_a_silent_rename_is_seen() -> None:
    plan = planned("prod")
    urn = one(plan, TABLE, "job-audit").urn
    found = difference("prod", changed(plan, "job-audit", urn=urn.replace("::job-audit", "::jobs")))
    assert found.startswith("1 resources of stack prod would be deleted or replaced")
    assert ACCEPT in found
    assert f"-{urn}" in found


def test_a_silent_replacement_is_seen() -> None:
    plan = planned("prod")
    inputs = {**one(plan, TABLE, "job-audit").inputs, "rangeKey": "job_name"}
    found = difference("prod", changed(plan, "job-audit", inputs=inputs))
    assert '"rangeKey": "job_name"' in found


def test_an_update_in_place_is_no_business_of_the_list() -> None:
    plan = planned("prod")
    inputs = {**one(plan, TABLE, "job-audit").inputs, "billingMode": "PROVISIONED"}
    assert difference("prod", changed(plan, "job-audit", inputs=inputs)) == ""
