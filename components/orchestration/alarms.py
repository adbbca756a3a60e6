"""Alarms of the ETL plane, to the operations topic.

The state machine tells of each failed workflow itself; alarms catch what it cannot tell: an
execution that was throttled or timed out, a function that fails, an event that no target took.
(source: Step Functions Developer Guide, "Monitoring metrics using CloudWatch"; ANCHORS H5)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.handles import OperationsHandles, Placement
from landfall.naming import Names

PERIOD_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Watch:
    """One metric that must stay at zero."""

    purpose: str
    description: str
    namespace: str
    metric: str
    dimensions: Mapping[str, pulumi.Input[str]]


@dataclass(frozen=True, kw_only=True)
class AlarmsArgs:
    names: Names
    placement: Placement
    operations: OperationsHandles
    watches: Sequence[Watch]


def machine_watches(machine_arn: pulumi.Input[str]) -> list[Watch]:
    """What is watched of a state machine."""
    metrics = {
        "executions-failed": ("ExecutionsFailed", "A workflow execution failed"),
        "executions-timed-out": ("ExecutionsTimedOut", "A workflow execution ran into its timeout"),
        "executions-throttled": ("ExecutionThrottled", "Workflow executions were throttled"),
    }
    return [
        Watch(
            purpose=purpose,
            description=description,
            namespace="AWS/States",
            metric=metric,
            dimensions={"StateMachineArn": machine_arn},
        )
        for purpose, (metric, description) in metrics.items()
    ]


def function_watch(logical: str, function_name: str) -> Watch:
    """What is watched of a function."""
    return Watch(
        purpose=f"{logical}-errors",
        description=f"Function {logical} failed",
        namespace="AWS/Lambda",
        metric="Errors",
        dimensions={"FunctionName": function_name},
    )


def queue_watch(logical: str, queue_name: str) -> Watch:
    """What is watched of a dead-letter queue."""
    return Watch(
        purpose=f"{logical}-filled",
        description="An event reached no target",
        namespace="AWS/SQS",
        metric="ApproximateNumberOfMessagesVisible",
        dimensions={"QueueName": queue_name},
    )


class Alarms(pulumi.ComponentResource):
    """One alarm for each watch."""

    def __init__(self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("landfall:orchestration:Alarms", name, None, opts)
        for watch in args.watches:
            aws.cloudwatch.MetricAlarm(
                watch.purpose,
                name=args.names.physical(watch.purpose, limit=255),
                alarm_description=watch.description,
                namespace=watch.namespace,
                metric_name=watch.metric,
                dimensions=dict(watch.dimensions),
                statistic="Maximum" if watch.namespace == "AWS/SQS" else "Sum",
                comparison_operator="GreaterThanThreshold",
                threshold=0,
                period=PERIOD_SECONDS,
                evaluation_periods=1,
                treat_missing_data="notBreaching",
                alarm_actions=[args.operations.topic_arn],
                region=args.placement.region,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"alarms": [watch.purpose for watch in args.watches]})
