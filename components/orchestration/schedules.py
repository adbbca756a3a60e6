"""Schedules: EventBridge Scheduler asks for a workflow at its times, once however often it delivers.

The scheduler delivers at least once, and its execution id differs between attempts; what does not is the
time of the schedule. The start function makes the execution's name of it, so a second delivery finds the
execution there. (source: EventBridge Scheduler User Guide, "Context attributes")
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.handles import Placement
from components.iam import document, service_trust, statement
from components.orchestration.key_use import use_of_plane_key
from landfall.config import Schedule
from landfall.naming import Names

SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"


@dataclass(frozen=True, kw_only=True)
class SchedulesArgs:
    names: Names
    placement: Placement
    start_function_arn: str
    """ARN of the function that starts workflows, composed from its name."""
    dead_letter_arn: pulumi.Input[str]
    dead_letter_queue: str
    schedules: Mapping[str, Schedule]
    """Schedule by workflow id."""
    kms_key_arn: pulumi.Input[str]
    key_alias: str


class Schedules(pulumi.ComponentResource):
    """A schedule group, its role and one schedule for each scheduled workflow."""

    def __init__(self, name: str, args: SchedulesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("landfall:orchestration:Schedules", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        placement, region = args.placement, args.placement.region
        group_name = args.names.physical("workflows", limit=64)
        group = aws.scheduler.ScheduleGroup(name, name=group_name, region=region, opts=child)
        role = aws.iam.Role(
            name,
            name=args.names.physical("scheduler", limit=64),
            assume_role_policy=service_trust(
                "scheduler.amazonaws.com",
                account_id=placement.account_id,
                source_arn=placement.arn("scheduler", f"schedule-group/{group_name}"),
            ),
            opts=child,
        )
        policy = aws.iam.RolePolicy(
            name,
            role=role.id,
            policy=document(
                [
                    statement("AskForWorkflows", ["lambda:InvokeFunction"], [args.start_function_arn]),
                    statement(
                        "DeadLetters", ["sqs:SendMessage"], [placement.arn("sqs", args.dead_letter_queue)]
                    ),
                    use_of_plane_key(placement, args.key_alias),
                ]
            ),
            opts=child,
        )
        for workflow_id, schedule in sorted(args.schedules.items()):
            aws.scheduler.Schedule(
                f"schedule-{workflow_id}",
                name=args.names.physical(workflow_id, limit=64),
                group_name=group.name,
                schedule_expression=schedule.expression,
                schedule_expression_timezone=schedule.timezone,
                state="ENABLED" if schedule.enabled else "DISABLED",
                kms_key_arn=args.kms_key_arn,
                flexible_time_window=aws.scheduler.ScheduleFlexibleTimeWindowArgs(mode="OFF"),
                target=aws.scheduler.ScheduleTargetArgs(
                    arn=args.start_function_arn,
                    role_arn=role.arn,
                    input=_start_request(workflow_id),
                    dead_letter_config=aws.scheduler.ScheduleTargetDeadLetterConfigArgs(
                        arn=args.dead_letter_arn
                    ),
                    retry_policy=aws.scheduler.ScheduleTargetRetryPolicyArgs(
                        maximum_event_age_in_seconds=3600, maximum_retry_attempts=8
                    ),
                ),
                region=region,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
            )
        self.register_outputs({"group": group.name})


def _start_request(workflow_id: str) -> str:
    return json.dumps({"workflow_id": workflow_id, "event_id": SCHEDULED_TIME}, separators=(",", ":"))
