from __future__ import annotations

from typing import Any

import pytest

from ..plans import UNKNOWN, messages, resource

RULE = "function-log-group"
FUNCTION = "aws:lambda/function:Function"
GROUP = resource("aws:cloudwatch/logGroup:LogGroup", {"name": "/aws/lambda/load"}, name="load")
SAID = ["no log group of this stack belongs to the function"]


@pytest.mark.parametrize(
    ("inputs", "links"),
    [
        ({"name": "load"}, None),
        ({"loggingConfig": {"logGroup": "/aws/lambda/load", "logFormat": "JSON"}}, None),
        ({"loggingConfig": {"logGroup": UNKNOWN, "logFormat": "JSON"}}, {"loggingConfig": [GROUP["urn"]]}),
    ],
)
def test_passes_functions_with_a_group_of_the_stack(inputs: dict[str, Any], links: Any) -> None:
    assert messages(RULE, GROUP, resource(FUNCTION, inputs, links=links)) == []


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"name": "other"},
        {"name": UNKNOWN},
        {"name": "load", "loggingConfig": {"logGroup": "/elsewhere"}},
        {"name": "load", "loggingConfig": {"logGroup": UNKNOWN}},
    ],
)
def test_reports_functions_without(inputs: dict[str, Any]) -> None:
    assert messages(RULE, GROUP, resource(FUNCTION, inputs)) == SAID


def test_leaves_other_types_alone() -> None:
    assert messages(RULE, resource("aws:sqs/queue:Queue", {"name": "load"})) == []
