"""Operations hub: the notification topic and the log archive, in the operations account.

Does not watch anything itself: planes of other accounts publish to the topic and write to the
archive through roles that are named here.
(source: specs/rsql-orchestration "Ours" 8; AWS FSBP SNS.1)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.encryption import (
    DECRYPT_AND_GENERATE,
    CustomerKey,
    CustomerKeyArgs,
    for_roles,
    for_service,
)
from components.handles import OperationsHandles, Placement
from components.iam import document, statement, tls_only
from components.private_bucket import PrivateBucket, PrivateBucketArgs
from landfall.config import Operations
from landfall.naming import Names

BUCKET_NAME_LIMIT = 63


@dataclass(frozen=True, kw_only=True)
class OperationsHubArgs:
    spec: Operations
    names: Names
    placement: Placement
    publishers: Sequence[str]
    """ARNs of the roles, in any account, that may publish to the topic."""
    archivers: Sequence[str]
    """ARNs of the roles, in any account, that may write to the log archive."""
    alarm_account: str
    """Account whose CloudWatch alarms may publish to the topic."""
    disposable: bool
    """Whether destroying the stack may empty the archive."""


class OperationsHub(pulumi.ComponentResource):
    """Topic and log archive of an environment."""

    handles: OperationsHandles
    """What planes of other accounts may use."""

    def __init__(self, name: str, args: OperationsHubArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("landfall:orchestration:OperationsHub", name, None, opts)
        self._name = name
        self._args = args
        names, placement = args.names, args.placement
        self._child = pulumi.ResourceOptions(parent=self)
        alias = f"alias/{names.physical('operations', limit=250)}"
        key = CustomerKey(
            name,
            CustomerKeyArgs(
                description="Notifications and log archive",
                alias=alias,
                account_id=placement.account_id,
                region=placement.region,
                statements=[
                    for_roles("PlanesUse", sorted({*args.publishers, *args.archivers}), DECRYPT_AND_GENERATE),
                    for_service("AlarmsPublish", "cloudwatch.amazonaws.com", args.alarm_account),
                ],
            ),
            opts=self._child,
        )
        topic_policy = self._make_topic(key)
        bucket = f"{names.physical('log-archive')}-{placement.account_id}-{placement.region}"
        archive = PrivateBucket(
            "log-archive",
            PrivateBucketArgs(
                bucket=bucket,
                region=placement.region,
                kms_key_arn=key.arn,
                expire_after_days=args.spec.archive_retention_days,
                force_destroy=args.disposable,
                statements=[
                    statement(
                        "PlanesArchive",
                        ["s3:PutObject"],
                        [f"arn:aws:s3:::{bucket}/*"],
                        principals={"AWS": sorted({f"arn:aws:iam::{arn.split(':')[4]}:root" for arn in args.archivers})},
                        conditions={"ArnEquals": {"aws:PrincipalArn": list(args.archivers)}},
                    )
                ],
            ),
            opts=self._child,
        )
        self.handles = OperationsHandles(
            topic_arn=self._topic_arn,
            archive_bucket=bucket,
            key_alias=alias,
            placement=placement,
            ready=pulumi.Output.all(topic_policy.arn, archive.name).apply(lambda ready: str(ready[0])),
        )
        self.register_outputs({"topicArn": self._topic_arn, "archiveBucket": bucket})

    @property
    def _topic_arn(self) -> str:
        return self._args.placement.arn("sns", self._topic_name)

    @property
    def _topic_name(self) -> str:
        return self._args.names.physical("workflow-notifications", limit=256)

    def _make_topic(self, key: CustomerKey) -> aws.sns.TopicPolicy:
        args = self._args
        topic = aws.sns.Topic(
            self._name,
            name=self._topic_name,
            display_name="Landfall workflows",
            kms_master_key_id=key.arn,
            region=args.placement.region,
            opts=self._child,
        )
        policy = aws.sns.TopicPolicy(
            self._name,
            arn=topic.arn,
            policy=document(
                [
                    statement(
                        "PlanesPublish",
                        ["sns:Publish"],
                        [self._topic_arn],
                        principals={"AWS": sorted({f"arn:aws:iam::{arn.split(':')[4]}:root" for arn in args.publishers})},
                        conditions={"ArnEquals": {"aws:PrincipalArn": list(args.publishers)}},
                    ),
                    statement(
                        "AlarmsPublish",
                        ["sns:Publish"],
                        [self._topic_arn],
                        principals={"Service": ["cloudwatch.amazonaws.com"]},
                        conditions={"StringEquals": {"aws:SourceAccount": args.alarm_account}},
                    ),
                    {**tls_only([self._topic_arn], "sns"), "Action": "sns:Publish"},
                ]
            ),
            region=args.placement.region,
            opts=self._child,
        )
        for address in args.spec.subscribers:
            aws.sns.TopicSubscription(
                f"{self._name}-{address}",
                topic=topic.arn,
                protocol="email",
                endpoint=address,
                region=args.placement.region,
                opts=self._child,
            )
        return policy
