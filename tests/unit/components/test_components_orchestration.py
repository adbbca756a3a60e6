"""Small pieces of the orchestration plane: start requests, event inputs, the public layer, alarms."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from components.handles import Placement
from components.orchestration.alarms import function_watch, machine_watches, queue_watch
from components.orchestration.event_rule import _transformer, rule_arn, rule_name
from components.orchestration.machine_role import warehouse_secret_arn
from components.orchestration.schedules import SCHEDULED_TIME, _start_request
from handlers.start_workflow.models import StartRequest
from landfall.etl_names import EtlNames
from landfall.naming import Names, NameTooLong
from landfall.powertools import POWERTOOLS_LAYERS, powertools_layer

MACHINE = "arn:aws:states:eu-central-1:111111111111:stateMachine:landfall-dev-etl"
NAMES = Names("landfall", "dev")
PLACE = Placement(account_id="111111111111", region="eu-central-1")


def test_a_schedule_asks_for_its_workflow_by_the_time_that_no_second_delivery_changes() -> None:
    request = json.loads(_start_request("nightly"))
    assert request == {"workflow_id": "nightly", "event_id": "<aws.scheduler.scheduled-time>"}
    delivered = json.loads(_start_request("nightly").replace(SCHEDULED_TIME, "2026-03-22T18:59:43Z"))
    assert StartRequest.model_validate(delivered).event_id == "2026-03-22T18:59:43Z"


def filled(template: Any, event: dict[str, Any]) -> Any:
    """What EventBridge hands to the target: each variable replaced by the JSON at its path."""
    text = str(template.input_template)
    for name, path in dict(template.input_paths).items():
        value: Any = event
        for step in path.removeprefix("$.").split("."):
            value = value[step]
        text = text.replace(f"<{name}>", json.dumps(value))
    return json.loads(text)


def test_an_event_becomes_the_functions_input() -> None:
    made = _transformer({"workflow_id": 'night"ly', "event_id": "$.id", "bucket": "$.detail.bucket"})
    assert made is not None
    assert made.input_paths == {"bucket": "$.detail.bucket", "event_id": "$.id"}
    assert filled(made, {"id": "e-1", "detail": {"bucket": "in"}}) == {
        "workflow_id": 'night"ly',
        "event_id": "e-1",
        "bucket": "in",
    }


def test_without_a_template_the_whole_event_is_handed_on() -> None:
    assert _transformer(None) is None


def test_a_template_without_paths_is_fixed_data() -> None:
    made = _transformer({"workflow_id": "nightly", "depth": 2})
    assert made is not None
    assert made.input_paths == {}
    assert filled(made, {}) == {"workflow_id": "nightly", "depth": 2}


def test_rules_of_the_default_bus_and_of_another() -> None:
    assert rule_name(NAMES, "closed") == "landfall-dev-closed"
    assert rule_arn(NAMES, PLACE, "closed") == (
        "arn:aws:events:eu-central-1:111111111111:rule/landfall-dev-closed"
    )
    assert rule_arn(NAMES, PLACE, "closed", "orders") == (
        "arn:aws:events:eu-central-1:111111111111:rule/orders/landfall-dev-closed"
    )
    with pytest.raises(NameTooLong, match="the limit is 64"):
        rule_name(NAMES, "x" * 60)


@pytest.mark.parametrize("region", sorted(POWERTOOLS_LAYERS))
def test_the_public_layer_is_an_arn_of_the_functions_own_region(region: str) -> None:
    arn = powertools_layer(region)
    assert re.fullmatch(
        rf"arn:aws:lambda:{region}:017000801446:layer:AWSLambdaPowertoolsPythonV3-python313-arm64:\d+", arn
    )


def test_an_unrecorded_region_is_refused_rather_than_guessed() -> None:
    with pytest.raises(ValueError, match='no Powertools layer is recorded for Region "eu-central-9"'):
        powertools_layer("eu-central-9")


def test_every_recorded_layer_is_dated() -> None:
    for layer in POWERTOOLS_LAYERS.values():
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", layer.as_of)
        assert layer.version > 0


def test_a_secret_by_name_matches_its_random_suffix_and_by_arn_only_itself() -> None:
    names = EtlNames(names=NAMES, account_id="111111111111", region="eu-central-1")
    prefix = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:"
    assert warehouse_secret_arn(names, "landfall/dev/warehouse") == f"{prefix}landfall/dev/warehouse-??????"
    assert warehouse_secret_arn(names, f"{prefix}w-AbCdEf") == f"{prefix}w-AbCdEf"


def test_every_alarm_has_a_purpose_of_its_own() -> None:
    watches = [
        *machine_watches(MACHINE),
        function_watch("close-execution", "f"),
        function_watch("start-workflow", "g"),
        queue_watch("workflow-dead-letters", "q"),
    ]
    assert len({watch.purpose for watch in watches}) == len(watches)
    assert {watch.namespace for watch in watches} == {"AWS/States", "AWS/Lambda", "AWS/SQS"}
