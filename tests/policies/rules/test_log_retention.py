from __future__ import annotations

from typing import Any

import pytest

from ..plans import UNKNOWN, messages, resource

RULE = "log-retention"
LOGS = "aws:cloudwatch/logGroup:LogGroup"


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [(LOGS, {"retentionInDays": 1}), (LOGS, {"retentionInDays": 90.0}), ("aws:s3/bucket:Bucket", {})],
)
def test_passes_a_stated_period(kind: str, inputs: dict[str, Any]) -> None:
    assert messages(RULE, resource(kind, inputs)) == []


@pytest.mark.parametrize(
    ("inputs", "state"),
    [({}, "absent"), ({"retentionInDays": 0}, "0"), ({"retentionInDays": "90"}, '"90"')],
)
def test_reports_logs_kept_for_ever(inputs: dict[str, Any], state: str) -> None:
    expected = f"`retentionInDays` is {state}; it must be a number of days above 0"
    assert messages(RULE, resource(LOGS, inputs)) == [expected]


def test_reports_an_unknown_period_as_such() -> None:
    (said,) = messages(RULE, resource(LOGS, {"retentionInDays": UNKNOWN}))
    assert "not known before the update" in said
