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
from landfall.etl_names import OperationsNames


@dataclass(frozen=True, kw_only=True)
class OperationsHubArgs:
    spec: Operations
    names: OperationsNames
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

    def __init__(
        self, name: str, args: OperationsHubArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("landfall:orchestration:OperationsHub", name, None, opts)
        self._name = name
        self._args = args
        names = args.names
        placement = Placement(account_id=names.account_id, region=names.region)
        self._child = pulumi.ResourceOptions(parent=self)
        key = CustomerKey(
            name,
            CustomerKeyArgs(
                description="Notifications and log archive",
                alias=names.key_alias,
                account_id=placement.account_id,
                region=placement.region,
                statements=[
                    for_roles("PlanesUse", sorted({*args.publishers, *args.archivers}), DECRYPT_AND_GENERATE),
                    for_service("AlarmsPublish", "cloudwatch.amazonaws.com", args.alarm_account),
                ],
                protected=not args.disposable,
            ),
            opts=self._child,
        )
        self._make_topic(key)
        bucket = names.archive_bucket
        PrivateBucket(
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
                        principals={
                            "AWS": sorted(
                                {f"arn:aws:iam::{arn.split(':')[4]}:root" for arn in args.archivers}
                            )
                        },
                        conditions={"ArnEquals": {"aws:PrincipalArn": list(args.archivers)}},
                    )
                ],
            ),
            opts=self._child,
        )
        self.handles = OperationsHandles(
            topic_arn=args.names.topic_arn,
            archive_bucket=bucket,
            key_alias=names.key_alias,
            placement=placement,
        )
        self.register_outputs({"topicArn": args.names.topic_arn, "archiveBucket": bucket})

    def _make_topic(self, key: CustomerKey) -> None:
        args = self._args
        topic = aws.sns.Topic(
            self._name,
            name=args.names.topic,
            display_name="Landfall workflows",
            kms_master_key_id=key.arn,
            region=args.names.region,
            opts=self._child,
        )
        aws.sns.TopicPolicy(
            self._name,
            arn=topic.arn,
            policy=document(
                [
                    statement(
                        "PlanesPublish",
                        ["sns:Publish"],
                        [args.names.topic_arn],
                        principals={
                            "AWS": sorted(
                                {f"arn:aws:iam::{arn.split(':')[4]}:root" for arn in args.publishers}
                            )
                        },
                        conditions={"ArnEquals": {"aws:PrincipalArn": list(args.publishers)}},
                    ),
                    statement(
                        "AlarmsPublish",
                        ["sns:Publish"],
                        [args.names.topic_arn],
                        principals={"Service": ["cloudwatch.amazonaws.com"]},
                        conditions={"StringEquals": {"aws:SourceAccount": args.alarm_account}},
                    ),
                    {**tls_only([args.names.topic_arn], "sns"), "Action": "sns:Publish"},
                ]
            ),
            region=args.names.region,
            opts=self._child,
        )
        for address in args.spec.subscribers:
            aws.sns.TopicSubscription(
                f"{self._name}-{address}",
                topic=topic.arn,
                protocol="email",
                endpoint=address,
                region=args.names.region,
                opts=self._child,
            )
