from __future__ import annotations

import json
from typing import Any

import pytest

from ..plans import UNKNOWN, messages, resource

RULE = "state-machine-task-timeouts"
MACHINE = "aws:sfn/stateMachine:StateMachine"


def definition(**states: Any) -> dict[str, Any]:
    return {"definition": json.dumps({"StartAt": next(iter(states)), "States": states})}


def task(**fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True, **fields}


@pytest.mark.parametrize(
    "states",
    [
        {"A": task(TimeoutSeconds=60)},
        {"A": task(TimeoutSeconds="{% $job.timeout_seconds %}")},
        {"A": task(TimeoutSecondsPath="$.timeout")},
        {"A": {"Type": "Map", "ItemProcessor": {"States": {"B": task(TimeoutSeconds=1)}}}},
        {"A": {"Type": "Wait", "Seconds": 1, "End": True}},
    ],
)
def test_passes_limited_tasks(states: dict[str, Any]) -> None:
    assert messages(RULE, resource(MACHINE, definition(**states))) == []


def test_leaves_other_types_alone() -> None:
    assert messages(RULE, resource("aws:ssm/document:Document", definition(A=task()))) == []


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"TimeoutSeconds": 0},
        {"TimeoutSeconds": 99999999},
        {"TimeoutSeconds": "60"},
        {"TimeoutSeconds": True},
        {"HeartbeatSeconds": 30},
    ],
)
def test_reports_a_task_that_may_wait_for_ever(fields: dict[str, Any]) -> None:
    expected = ["the task A has no TimeoutSeconds"]
    assert messages(RULE, resource(MACHINE, definition(A=task(**fields)))) == expected


def test_looks_into_map_and_parallel_at_any_depth() -> None:
    inner = {"Type": "Map", "Iterator": {"States": {"Deep": task()}}}
    states = {
        "Fan": {"Type": "Parallel", "Branches": [{"States": {"Inner": inner}}, {"States": {"Side": task()}}]},
        "Each": {"Type": "Map", "ItemProcessor": {"States": {"Row": task()}}},
    }
    assert messages(RULE, resource(MACHINE, definition(**states))) == [
        f"the task {name} has no TimeoutSeconds" for name in ("Deep", "Row", "Side")
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (UNKNOWN, "`definition` is not known before the update"),
        ("{", "`definition` is not valid JSON"),
        ('{"StartAt": "A"}', "`definition` is not a state machine with States"),
        ("[]", "`definition` is not a state machine with States"),
    ],
)
def test_reports_a_definition_that_cannot_be_read(value: str, said: str) -> None:
    (message,) = messages(RULE, resource(MACHINE, {"definition": value}))
    assert message.startswith(said)


def test_reports_a_missing_definition() -> None:
    (message,) = messages(RULE, resource(MACHINE, {}))
    assert message.startswith("`definition` is absent")
