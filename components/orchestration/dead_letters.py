"""Dead-letter queue of the plane: events that no target took, kept for a person to look at.

Does not retry them. (source: EventBridge User Guide, "Using dead-letter queues"; AWS FSBP SQS.1)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.handles import Placement
from components.iam import document, statement, tls_only
from landfall.naming import Names

RETENTION_SECONDS = 14 * 24 * 3600


@dataclass(frozen=True, kw_only=True)
class DeadLettersArgs:
    names: Names
    placement: Placement
    kms_key_arn: pulumi.Input[str]
    rule_arns: Sequence[str]
    """EventBridge rules that may send to the queue."""


class DeadLetters(pulumi.ComponentResource):
    """The queue with its policy."""

    arn: pulumi.Output[str]
    """ARN, known once the policy is in force."""
    queue_name: str

    def __init__(self, name: str, args: DeadLettersArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("landfall:orchestration:DeadLetters", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.queue_name = args.names.physical(name, limit=80)
        arn = args.placement.arn("sqs", self.queue_name)
        queue = aws.sqs.Queue(
            name,
            name=self.queue_name,
            kms_master_key_id=args.kms_key_arn,
            message_retention_seconds=RETENTION_SECONDS,
            region=args.placement.region,
            opts=child,
        )
        policy = aws.sqs.QueuePolicy(
            name,
            queue_url=queue.id,
            policy=document(
                [
                    statement(
                        "RulesSend",
                        ["sqs:SendMessage"],
                        [arn],
                        principals={"Service": ["events.amazonaws.com"]},
                        conditions={"ArnEquals": {"aws:SourceArn": list(args.rule_arns)}},
                    ),
                    {**tls_only([arn], "sqs"), "Action": "sqs:*"},
                ]
            ),
            region=args.placement.region,
            opts=child,
        )
        self.arn = pulumi.Output.all(queue.arn, policy.id).apply(lambda ready: str(ready[0]))
        self.register_outputs({"arn": self.arn})
