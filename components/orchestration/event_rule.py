"""One EventBridge rule with a function as its target, retried and dead-lettered.

(source: EventBridge User Guide, "Event retry policy and using dead-letter queues")
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.handles import Placement
from landfall.naming import Names

MAXIMUM_EVENT_AGE_SECONDS = 3600
MAXIMUM_RETRY_ATTEMPTS = 8


@dataclass(frozen=True, kw_only=True)
class EventRuleArgs:
    description: str
    pattern: Mapping[str, Any]
    names: Names
    placement: Placement
    function: aws.lambda_.Function
    dead_letter_arn: pulumi.Input[str]
    event_bus: str = "default"
    input_template: Mapping[str, Any] | None = None
    """Fixed input for the function; ``{"<key>": "$.path"}`` values are taken from the event."""


def rule_name(names: Names, logical: str) -> str:
    """Physical name of a rule."""
    return names.physical(logical, limit=64)


def rule_arn(names: Names, placement: Placement, logical: str, event_bus: str = "default") -> str:
    """ARN of a rule, composed from its name."""
    path = "" if event_bus == "default" else f"{event_bus}/"
    return placement.arn("events", f"rule/{path}{rule_name(names, logical)}")


class EventRule(pulumi.ComponentResource):
    """Rule, target and the function's permission for it."""

    def __init__(self, name: str, args: EventRuleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("landfall:orchestration:EventRule", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        region = args.placement.region
        rule = aws.cloudwatch.EventRule(
            name,
            name=rule_name(args.names, name),
            description=args.description,
            event_bus_name=args.event_bus,
            event_pattern=json.dumps(args.pattern, separators=(",", ":"), sort_keys=True),
            region=region,
            opts=child,
        )
        permission = aws.lambda_.Permission(
            name,
            action="lambda:InvokeFunction",
            function=args.function.name,
            principal="events.amazonaws.com",
            source_arn=rule.arn,
            region=region,
            opts=child,
        )
        aws.cloudwatch.EventTarget(
            name,
            rule=rule.name,
            event_bus_name=args.event_bus,
            target_id="function",
            arn=args.function.arn,
            input_transformer=_transformer(args.input_template),
            dead_letter_config=aws.cloudwatch.EventTargetDeadLetterConfigArgs(arn=args.dead_letter_arn),
            retry_policy=aws.cloudwatch.EventTargetRetryPolicyArgs(
                maximum_event_age_in_seconds=MAXIMUM_EVENT_AGE_SECONDS,
                maximum_retry_attempts=MAXIMUM_RETRY_ATTEMPTS,
            ),
            region=region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )
        self.register_outputs({"arn": rule.arn})


def _transformer(template: Mapping[str, Any] | None) -> aws.cloudwatch.EventTargetInputTransformerArgs | None:
    if template is None:
        return None
    paths = {
        key: value for key, value in template.items() if isinstance(value, str) and value.startswith("$.")
    }
    fixed = {key: value for key, value in template.items() if key not in paths}
    members = [f"{json.dumps(key)}:{json.dumps(value)}" for key, value in sorted(fixed.items())]
    members += [f"{json.dumps(key)}:<{key}>" for key in sorted(paths)]
    return aws.cloudwatch.EventTargetInputTransformerArgs(
        input_paths=dict(sorted(paths.items())), input_template="{" + ",".join(members) + "}"
    )
