"""Stacks as a team would change them: longest names, starts by events and schedules, hosts by id."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.engines.errors import ProgramError

from .planning import (
    MACHINE,
    ROLE_POLICY,
    Change,
    Values,
    deployed,
    of_type,
    one,
    planned,
    statements,
    variant,
)
from .test_structure import LIMITS

RULE = "aws:cloudwatch/eventRule:EventRule"
SCHEDULE = "aws:scheduler/schedule:Schedule"
EVERY_HOUR = {"expression": "rate(1 hour)", "timezone": "Europe/Berlin"}
ON_DELIVERY = {"pattern": {"source": ["aws.s3"], "detail": {"bucket": {"name": ["in"]}}}}


def workflow(name: str, **more: Any) -> Change:
    """A change that adds the sample once more, under another id."""

    def change(values: Values) -> None:
        definitions = values["workflows"]["definitions"]
        definitions[name] = {**definitions["blog_test_workflow"], "workflow_id": name, **more}

    return change


def test_a_workflow_of_the_longest_name_fits_every_service() -> None:
    longest = "w" * 43  # landfall-dev-trigger- and 43 are 64, the most that a rule takes
    plan = variant("dev", workflow(longest, schedule=EVERY_HOUR, trigger=ON_DELIVERY))
    lengths: dict[str, int] = {}
    for resource in deployed(plan):
        if resource.type in LIMITS:
            key, limit, _ = LIMITS[resource.type]
            lengths[resource.type] = max(lengths.get(resource.type, 0), len(str(resource.inputs[key])))
            assert len(str(resource.inputs[key])) <= limit, resource.urn
    assert lengths[RULE] == 64


def test_a_longer_name_is_a_mistake_of_the_config_with_its_place() -> None:
    with pytest.raises(ProgramError, match=r"LF0120 .*w{44}\n.*the limit is 64: shorten it by 1"):
        variant("dev", workflow("w" * 44, schedule=EVERY_HOUR, trigger=ON_DELIVERY))


@pytest.mark.parametrize("name", ["requested", "workflow", "etl", "audit"])
def test_no_name_of_a_workflow_collides_with_a_part_of_the_platform(name: str) -> None:
    plan = variant("dev", workflow(name, schedule=EVERY_HOUR, trigger=ON_DELIVERY))
    added = {r.urn for r in plan.resources} - {r.urn for r in planned("dev").resources}
    assert {urn.rpartition("::")[2] for urn in added} >= {f"trigger-{name}", f"schedule-{name}"}


def test_an_event_starts_its_workflow_once_and_only_through_the_function() -> None:
    plan = variant("dev", workflow("deliveries", trigger={**ON_DELIVERY, "event_bus": "partners"}))
    rule = one(plan, RULE, "trigger-deliveries")
    assert rule.inputs["eventBusName"] == "partners"
    assert json.loads(str(rule.inputs["eventPattern"])) == ON_DELIVERY["pattern"]
    target = one(plan, "aws:cloudwatch/eventTarget:EventTarget", "trigger-deliveries")
    assert target.inputs["eventBusName"] == "partners"
    assert target.inputs["inputTransformer"] == {
        "inputPaths": {"event_id": "$.id"},
        "inputTemplate": '{"workflow_id":"deliveries","event_id":<event_id>}',
    }
    queue = statements(one(plan, "aws:sqs/queuePolicy:QueuePolicy", "workflow-dead-letters"))["RulesSend"]
    arn = "arn:aws:events:eu-central-1:305871460213:rule/partners/landfall-dev-trigger-deliveries"
    assert arn in queue["Condition"]["ArnEquals"]["aws:SourceArn"]


def test_every_rule_may_send_to_the_dead_letters() -> None:
    plan = variant("dev", workflow("deliveries", trigger=ON_DELIVERY))
    queue = statements(one(plan, "aws:sqs/queuePolicy:QueuePolicy", "workflow-dead-letters"))["RulesSend"]
    admitted = {arn.rpartition("/")[2] for arn in queue["Condition"]["ArnEquals"]["aws:SourceArn"]}
    assert admitted == {str(rule.inputs["name"]) for rule in of_type(plan, RULE)}


def test_a_schedule_asks_the_start_function_by_the_time_of_the_schedule() -> None:
    schedule = one(planned("prod"), SCHEDULE, "schedule-blog_test_workflow")
    function = one(planned("prod"), "aws:lambda/function:Function", "start-workflow")
    target: Any = schedule.inputs["target"]
    assert target["arn"].endswith(f":function:{function.inputs['name']}")
    assert json.loads(target["input"]) == {
        "workflow_id": "blog_test_workflow",
        "event_id": "<aws.scheduler.scheduled-time>",
    }
    assert schedule.inputs["scheduleExpressionTimezone"] == "Europe/Berlin"
    assert schedule.inputs["state"] == "ENABLED"
    grants = statements(one(planned("prod"), ROLE_POLICY, "schedules"))
    assert grants["AskForWorkflows"]["Resource"] == [target["arn"]]


def test_a_disabled_schedule_stays_and_is_off() -> None:
    plan = variant("dev", workflow("nightly", schedule={**EVERY_HOUR, "enabled": False}))
    assert one(plan, SCHEDULE, "schedule-nightly").inputs["state"] == "DISABLED"


def test_hosts_by_id_are_the_only_ones_that_the_machine_reaches() -> None:
    def by_id(values: Values) -> None:
        values["workflows"]["hosts"] = {"instance_ids": ["i-0a1b2c3d4e5f60001"]}

    plan = variant("dev", by_id)
    sends = [
        e for e in statements(one(plan, ROLE_POLICY, "etl")).values() if "ssm:SendCommand" in e["Action"]
    ]
    reached = {arn for entry in sends for arn in entry["Resource"] if ":document/" not in arn}
    assert {arn.rpartition("/")[2] for arn in reached} == {"i-0a1b2c3d4e5f60001"}
    association = one(plan, "aws:ssm/association:Association", "install-runner")
    assert association.inputs["targets"] == [{"key": "InstanceIds", "values": ["i-0a1b2c3d4e5f60001"]}]
    assert "InstanceIds" in str(one(plan, MACHINE, "etl").inputs["definition"])


def test_a_provisioned_cluster_is_granted_by_its_own_arn() -> None:
    def cluster(values: Values) -> None:
        warehouse = values["workflows"]["warehouse"]
        warehouse["cluster"] = "sales"
        del warehouse["workgroup"]

    found = statements(one(variant("dev", cluster), ROLE_POLICY, "etl"))
    arns = {
        arn
        for entry in found.values()
        if "redshift-data:BatchExecuteStatement" in entry["Action"]
        for arn in entry["Resource"]
    }
    assert arns == {"arn:aws:redshift:eu-central-1:305871460213:cluster:sales"}


def test_a_stack_without_workflows_is_its_network_alone() -> None:
    def only_network(values: Values) -> None:
        values["workflows"] = {}
        values["guardrails"] = {}

    plan = variant("dev", only_network)
    assert {r.type for r in plan.resources if r.type.startswith("landfall:orchestration")} == set()
    assert of_type(plan, "aws:ec2/vpc:Vpc")
