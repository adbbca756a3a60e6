from __future__ import annotations

import json
from typing import Any

import pytest

from ..plans import UNKNOWN, messages, resource

RULE = "state-machine-logging-and-tracing"
MACHINE = "aws:sfn/stateMachine:StateMachine"
DEFINITION = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
LOGS = {"level": "ALL", "includeExecutionData": False, "logDestination": UNKNOWN}
GOOD = {"definition": DEFINITION, "loggingConfiguration": LOGS, "tracingConfiguration": {"enabled": True}}


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        (MACHINE, GOOD),
        (MACHINE, {**GOOD, "loggingConfiguration": {"level": "ERROR", "logDestination": "arn:x:*"}}),
        ("aws:sfn/activity:Activity", {}),
    ],
)
def test_passes_machines_that_can_be_followed(kind: str, inputs: dict[str, Any]) -> None:
    assert messages(RULE, resource(kind, inputs)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tracingConfiguration": None}, ["`tracingConfiguration.enabled` is absent; it must be true"]),
        (
            {"loggingConfiguration": {**LOGS, "level": "OFF"}},
            ['`loggingConfiguration.level` is "OFF"; it must be ALL or ERROR'],
        ),
        (
            {"loggingConfiguration": {**LOGS, "includeExecutionData": True}},
            [
                "`loggingConfiguration.includeExecutionData` is true; it must be false: "
                "payloads may hold task tokens and personal data"
            ],
        ),
        (
            {"loggingConfiguration": None},
            [
                "`loggingConfiguration.level` is absent; it must be ALL or ERROR",
                "`loggingConfiguration.logDestination` is absent",
            ],
        ),
        (
            {"tracingConfiguration": {"enabled": UNKNOWN}},
            [
                "`tracingConfiguration.enabled` is not known before the update, "
                "so nobody can tell that it is right; it must be true"
            ],
        ),
    ],
)
def test_reports_machines_that_cannot(change: dict[str, Any], said: list[str]) -> None:
    assert messages(RULE, resource(MACHINE, {**GOOD, **change})) == said
