"""The order of findings, and what counts as a change."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from risk_samples import allow, document, findings, item, snapshot, urn

from landfall.risk import rank, stateful
from landfall.risk.changes import compared
from landfall.risk.model import UNKNOWN, Category, Finding, PropertyChange, Severity, ranked
from landfall.risk.snapshot import Item, Snapshot

TABLE = "aws:dynamodb/table:Table"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
QUEUE = "aws:sqs/queue:Queue"

WORDS = st.sampled_from(["", "a", "b", "c"])
VALUES = st.sampled_from([None, 1, "x", True, [1], {"k": "v"}])
FINDINGS = st.builds(
    Finding,
    rule=WORDS,
    category=st.sampled_from(Category),
    severity=st.sampled_from(Severity),
    operation=st.sampled_from(["create", "update"]),
    urn=WORDS,
    type=WORDS,
    component=WORDS,
    aws_name=st.one_of(st.none(), WORDS),
    account=st.one_of(st.none(), WORDS),
    region=st.one_of(st.none(), WORDS),
    properties=st.lists(st.builds(PropertyChange, path=WORDS, old=VALUES, new=VALUES), max_size=2).map(tuple),
    details=st.lists(WORDS, max_size=2).map(tuple),
    why=WORDS,
    remedy=WORDS,
)


@given(st.lists(FINDINGS, max_size=12), st.randoms())
def test_the_ranking_is_total_and_independent_of_the_order_of_its_input(
    found: list[Finding], random: Any
) -> None:
    once = ranked(found)
    shuffled = list(found)
    random.shuffle(shuffled)
    assert ranked(shuffled) == once
    assert ranked(once) == once
    assert len({one.order() for one in once}) == len(once)
    assert all(one.severity.rank <= other.severity.rank for one, other in pairwise(once))


@given(st.permutations(["delete", "grant", "public", "tag"]), st.permutations(range(4)))
def test_the_order_of_resources_does_not_matter(names: list[str], _: list[int]) -> None:
    old = {
        "delete": item(TABLE, "delete"),
        "grant": item(ROLE_POLICY, "grant", inputs={"policy": document()}),
        "public": item("aws:rds/instance:Instance", "public", inputs={}),
        "tag": item(QUEUE, "tag"),
    }
    new = {
        "grant": item(ROLE_POLICY, "grant", inputs={"policy": document(allow())}),
        "public": item("aws:rds/instance:Instance", "public", inputs={"publiclyAccessible": True}),
        "tag": item(QUEUE, "tag", inputs={"tags": {"a": "b"}}),
    }
    found = findings([old[name] for name in names], [new[name] for name in reversed(names) if name in new])
    assert [one.rule for one in found] == ["stateful-deleted", "public-database", "permissions-added"]


def test_among_equally_severe_findings_lost_data_is_first() -> None:
    base = {"rule": "r", "operation": "update", "urn": "u", "type": "t", "component": "c", "aws_name": None,
            "account": None, "region": None, "why": "w", "remedy": "m"}  # fmt: skip
    made = [Finding(category=category, severity=Severity.HIGH, **base) for category in reversed(Category)]
    assert [one.category.value for one in ranked(made)] == ["stateful", "permissions", "exposure", "cost"]


def test_an_unchanged_stack_has_no_change_and_no_finding() -> None:
    same = snapshot(item(TABLE), item(ROLE_POLICY, inputs={"policy": document(allow(Principal="*"))}))
    risk = rank.assess(same, same, "it")
    assert (risk.changes, risk.findings, risk.worst()) == ((), (), None)


def test_changes_are_counted_by_account_and_region() -> None:
    old = snapshot(item(QUEUE, "a"), item(QUEUE, "b"), item(QUEUE, "c", region="eu-west-1"))
    new = snapshot(
        item(QUEUE, "b", inputs={"delaySeconds": 1}),
        item(QUEUE, "c", region="eu-west-1", inputs={"name": "x"}),
        item(QUEUE, "d"),
    )
    risk = rank.assess(old, new, "it")
    assert risk.places() == [
        ("111111111111", "eu-central-1", {"delete": 1, "replace": 0, "create": 1, "update": 1}),
        ("111111111111", "eu-west-1", {"delete": 0, "replace": 1, "create": 0, "update": 0}),
    ]
    document = risk.to_json()
    assert document["changes"] == {"delete": 1, "replace": 1, "create": 1, "update": 1}
    assert document["severities"]["critical"] == 2
    assert [one["rule"] for one in document["findings"]] == ["stateful-deleted", "stateful-replaced"]


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ({"a": 1}, {"a": 2}, ["a"]),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, ["a.c"]),
        ({"a": [1, 2]}, {"a": [1, 3]}, ["a[1]"]),
        ({"a": [1]}, {"a": [1, 2]}, ["a"]),
        ({"a": '{"x": 1, "y": 2}'}, {"a": '{"y":2,"x":1}'}, []),
        ({}, {"a": 1}, ["a"]),
        ({"a": UNKNOWN}, {"a": UNKNOWN}, []),
        ({"a": "x"}, {"a": UNKNOWN}, ["a"]),
    ],
)
def test_the_innermost_differing_values_are_named(
    before: dict[str, Any], after: dict[str, Any], paths: list[str]
) -> None:
    found = compared(snapshot(item(QUEUE, inputs=before)), snapshot(item(QUEUE, inputs=after)))
    assert [change.path for one in found for change in one.properties] == paths


def test_unknown_values_of_other_sources_are_a_change() -> None:
    one, other = (
        snapshot(item(QUEUE, inputs={"a": UNKNOWN}, property_dependencies={"a": (f"u::{name}",)}))
        for name in "xy"
    )
    [found] = compared(one, other)
    assert (found.properties[0].old, found.properties[0].new) == ("<unknown> (of x)", "<unknown> (of y)")


def test_what_is_deployed_may_know_what_a_plan_does_not() -> None:
    deployed = Snapshot(
        {urn(QUEUE, "it"): item(QUEUE, inputs={"a": "arn:1", "b": {"c": "x"}})}, deployed=True
    )
    assert compared(deployed, snapshot(item(QUEUE, inputs={"a": UNKNOWN, "b": {"c": UNKNOWN}}))) == ()


@pytest.mark.parametrize(
    ("operation", "reasons", "expected"),
    [("same", (), []), ("update", (), ["update"]), ("replace", ("hashKey",), ["replace"])],
)
def test_the_word_of_the_real_engine_counts(
    operation: str, reasons: tuple[str, ...], expected: list[str]
) -> None:
    old, new = item(TABLE, inputs={"hashKey": "a"}), item(TABLE, inputs={"hashKey": "b"})
    said = Snapshot({new.urn: new}, operations={new.urn: (operation, reasons)})
    assert [one.operation for one in compared(snapshot(old), said, stateful.replacing)] == expected


def test_the_alias_of_a_component_holds_for_what_it_holds() -> None:
    stem = "urn:pulumi:dev::landfall::"
    before = snapshot(
        Item(urn=f"{stem}a:b:Old${TABLE}::old-audit", type=TABLE, name="old-audit"),
        Item(urn=f"{stem}a:b:Old$c:d:Inner${TABLE}::log", type=TABLE, name="log"),
    )
    plane = Item(
        urn=f"{stem}a:b:New::new", type="a:b:New", name="new", custom=False, aliases=(f"{stem}a:b:Old::old",)
    )
    inner = Item(
        urn=f"{stem}a:b:New$c:d:Inner::i", type="c:d:Inner", name="i", custom=False, parent=plane.urn
    )
    after = (
        plane,
        inner,
        Item(urn=f"{stem}a:b:New${TABLE}::new-audit", type=TABLE, name="new-audit", parent=plane.urn),
        Item(urn=f"{stem}a:b:New$c:d:Inner${TABLE}::log", type=TABLE, name="log", parent=inner.urn),
    )
    assert compared(before, snapshot(*after)) == ()
    unaliased = snapshot(Item(**{**vars(plane), "aliases": ()}), *after[1:])
    found = sorted(change.operation for change in compared(before, unaliased))
    assert found == ["create", "create", "delete", "delete"]


def test_a_ring_of_parents_ends() -> None:
    one = Item(urn="a::b::c::1", type=QUEUE, name="1", parent="a::b::c::2")
    two = Item(urn="a::b::c::2", type=QUEUE, name="2", parent="a::b::c::1")
    assert [change.operation for change in compared(snapshot(), snapshot(one, two))] == ["create", "create"]
    assert snapshot(one, two).path(one) == "2/1"
