from __future__ import annotations

from typing import Any

import pytest

from ..plans import UNKNOWN, messages, resource, verdicts

RULE = "dynamodb-point-in-time-recovery"
TABLE = "aws:dynamodb/table:Table"
ON = {"pointInTimeRecovery": {"enabled": True}}


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        (TABLE, ON),
        (TABLE, {**ON, "replicas": []}),
        (TABLE, {**ON, "replicas": [{"regionName": "eu-west-1", "pointInTimeRecovery": True}]}),
        ("aws:dynamodb/tableItem:TableItem", {}),
    ],
)
def test_passes_tables_with_continuous_backups(kind: str, inputs: dict[str, Any]) -> None:
    assert messages(RULE, resource(kind, inputs)) == []


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({}, "`pointInTimeRecovery.enabled` is absent; it must be true"),
        (
            {"pointInTimeRecovery": {"enabled": False}},
            "`pointInTimeRecovery.enabled` is false; it must be true",
        ),
        (
            {"pointInTimeRecovery": UNKNOWN},
            "`pointInTimeRecovery.enabled` is not known before the update, "
            "so nobody can tell that it is right; it must be true",
        ),
        (
            {**ON, "replicas": [{"regionName": "eu-west-1"}]},
            "`replicas.0.pointInTimeRecovery` is absent; it must be true",
        ),
        (
            {**ON, "replicas": UNKNOWN},
            "`replicas` is not known before the update, "
            "so nobody can tell that it is right; it must be a known list",
        ),
    ],
)
def test_reports_tables_without(inputs: dict[str, Any], said: str) -> None:
    assert messages(RULE, resource(TABLE, inputs)) == [said]


def test_is_advice_until_staging() -> None:
    levels = [
        verdict.level
        for environment in ("sandbox", "dev", "staging", "prod")
        for verdict in verdicts(resource(TABLE, {}), environment=environment)
        if verdict.policy == RULE
    ]
    assert levels == ["advisory", "advisory", "mandatory", "mandatory"]
