"""Which calls a rule matches, and on which of them it acts."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from landfall_emulator.faults.rules import Call, Faults, Turn

from sandbox.faults.model import ACTIVE, EFFECTS, Rule

PUT = Call(
    service="dynamodb",
    operation="PutItem",
    account="111111111111",
    region="eu-central-1",
    parameters={"TableName": "orders", "Item": {"id": {"S": "ü1"}}, "Body": b"raw \xff"},
    state="StartAudit",
    execution="arn:aws:states:eu-central-1:111111111111:execution:etl:run-7",
)

COUNTS = st.integers(min_value=1, max_value=200)


def acts(rule: dict[str, Any], calls: int) -> list[int]:
    """Which of so many equal calls a rule acts on."""
    faults = Faults()
    faults.add([{"effect": "fail", **rule}])
    return [number for number in range(1, calls + 1) if faults.decide(PUT) is not None]


@given(first=COUNTS, calls=COUNTS)
def test_first_acts_on_so_many_calls_and_no_more(first: int, calls: int) -> None:
    assert acts({"first": first}, calls) == list(range(1, min(first, calls) + 1))


@given(every=COUNTS, calls=COUNTS)
def test_every_acts_on_its_multiples(every: int, calls: int) -> None:
    assert acts({"every": every}, calls) == list(range(every, calls + 1, every))


@given(start=COUNTS, more=st.integers(min_value=0, max_value=50), calls=COUNTS)
def test_from_and_to_include_both_ends(start: int, more: int, calls: int) -> None:
    assert acts({"from": start, "to": start + more}, calls) == list(
        range(start, min(start + more, calls) + 1)
    )
    assert acts({"from": start}, calls) == list(range(start, calls + 1))
    assert acts({"to": start}, calls) == list(range(1, min(start, calls) + 1))


def test_without_a_turn_every_call_is_meant() -> None:
    assert acts({}, 5) == [1, 2, 3, 4, 5]


@given(seed=st.integers(min_value=0, max_value=2**53))
def test_a_share_hits_the_same_calls_for_the_same_seed(seed: int) -> None:
    hits = acts({"share": 0.2, "seed": seed}, 200)
    assert hits == acts({"share": 0.2, "seed": seed}, 200)
    assert 10 <= len(hits) <= 80


def test_a_share_comes_out_over_many_calls_and_seeds_differ() -> None:
    turns = [Turn(share=0.2, seed=seed) for seed in (1, 2)]
    hits = [{number for number in range(5_000) if turn.has_come(number)} for turn in turns]
    assert 900 < len(hits[0]) < 1_100
    assert hits[0] != hits[1]


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        ({}, True),
        ({"service": "*", "operation": "*"}, True),
        ({"service": "DynamoDB", "operation": "put*"}, True),
        ({"service": "dynamodb", "operation": "GetItem"}, False),
        ({"service": "s3"}, False),
        ({"account": "111111111111", "region": "eu-*"}, True),
        ({"account": "222222222222"}, False),
        ({"region": "us-east-1"}, False),
        ({"state": "startaudit"}, True),
        ({"state": "Complete"}, False),
        ({"execution": ":run-7"}, True),
        ({"execution": "run-8"}, False),
        ({"contains": {"TableName": "order"}}, True),
        ({"contains": {"TableName": "order", "Item": "ü1"}}, True),
        ({"contains": {"TableName": "order", "Item": "ü2"}}, False),
        ({"contains": {"Missing": ""}}, False),
        ({"contains": {"*": "orders"}}, True),
        ({"contains": {"*": "raw"}}, True),
        ({"contains": {"*": "nowhere"}}, False),
    ],
)
def test_a_rule_matches_what_it_says(rule: dict[str, Any], matches: bool) -> None:
    assert bool(acts(rule, 1)) is matches


def test_calls_from_elsewhere_have_no_state() -> None:
    faults = Faults()
    faults.add([{"effect": "fail", "state": "*"}, {"effect": "fail", "execution": "x"}])
    outside = Call(service="s3", operation="GetObject", account="1", region="r")
    assert faults.decide(outside) is not None, "a pattern that matches anything matches nothing said"
    faults.remove("fault-1")
    assert faults.decide(outside) is None


def test_every_matching_rule_counts_and_the_first_whose_turn_it_is_acts() -> None:
    faults = Faults()
    faults.add([{"id": "a", "effect": "fail", "first": 1}, {"id": "b", "effect": "hang"}])
    acting = [fault.id for fault in (faults.decide(PUT), faults.decide(PUT)) if fault is not None]
    assert acting == ["a", "b"]
    assert [(rule["seen"], rule["fired"]) for rule in faults.report()] == [(2, 1), (2, 1)]


def test_rules_are_added_all_or_none_and_names_are_unique() -> None:
    faults = Faults()
    faults.add([{"effect": "fail"}, {"id": "fault-3", "effect": "fail"}, {"effect": "fail"}])
    assert [rule["id"] for rule in faults.report()] == ["fault-1", "fault-3", "fault-2"]
    with pytest.raises(ValueError, match="fault-3 already"):
        faults.add([{"id": "new", "effect": "fail"}, {"id": "fault-3", "effect": "fail"}])
    assert len(faults.report()) == 3
    [added] = faults.add([{"effect": "fail"}])
    assert added["id"] == "fault-4"


def test_removed_rules_free_the_calls_that_they_hold() -> None:
    faults = Faults()
    faults.add([{"id": "h", "effect": "hang"}, {"id": "i", "effect": "hang"}])
    held = faults.decide(PUT)
    assert held is not None
    freed = threading.Thread(target=held.released.wait, args=(30,))
    freed.start()
    assert faults.remove("h") and not faults.remove("h")
    freed.join(5)
    assert not freed.is_alive()
    assert faults.clear() == 1
    assert faults.decide(PUT) is None


def test_counts_hold_under_many_threads() -> None:
    faults = Faults()
    faults.add([{"effect": "fail", "every": 4}])
    with ThreadPoolExecutor(16) as pool:
        acted = sum(result is not None for result in pool.map(lambda _: faults.decide(PUT), range(400)))
    assert acted == 100
    assert [(rule["seen"], rule["fired"]) for rule in faults.report()] == [(400, 100)]


@given(
    effect=st.sampled_from(["fail", "throttle", "hang", "twice", "lose"]),
    contains=st.one_of(st.text(), st.dictionaries(st.text(), st.text(), max_size=3)),
    turn=st.one_of(
        st.just({}),
        st.fixed_dictionaries({"first": COUNTS}),
        st.fixed_dictionaries({"every": COUNTS}),
        st.fixed_dictionaries({"share": st.floats(min_value=0.01, max_value=1)}),
    ),
)
def test_what_the_emulator_reports_is_the_rule_that_was_given(effect: str, contains: Any, turn: Any) -> None:
    assert effect in EFFECTS
    rule = Rule.model_validate({"effect": effect, "contains": contains, **turn})
    faults = Faults()
    [active] = ACTIVE.validate_python(faults.add([rule.wire()]))
    assert active.wire() == {**rule.wire(), "id": "fault-1", "seen": 0, "fired": 0}
