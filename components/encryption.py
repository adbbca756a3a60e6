"""Customer-managed KMS key with rotation, an alias and a key policy without wildcard actions.

Does not grant use to anybody by itself: roles of the account are granted through IAM, services
and other accounts are named by the caller.
(source: DESIGN section 8; AWS KMS Developer Guide, "Key policies")
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.iam import Statement, document, statement

ADMINISTER = (
    "kms:CancelKeyDeletion", "kms:CreateAlias", "kms:CreateGrant", "kms:DeleteAlias", "kms:DescribeKey",
    "kms:DisableKey", "kms:DisableKeyRotation", "kms:EnableKey", "kms:EnableKeyRotation", "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus", "kms:ListAliases", "kms:ListGrants", "kms:ListKeyPolicies",
    "kms:ListKeyRotations", "kms:ListResourceTags", "kms:PutKeyPolicy", "kms:RevokeGrant",
    "kms:RotateKeyOnDemand", "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource",
    "kms:UpdateAlias", "kms:UpdateKeyDescription",
)  # fmt: skip
USE = (
    "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo",
)  # fmt: skip
DECRYPT_AND_GENERATE = ("kms:Decrypt", "kms:GenerateDataKey")

DELETION_WINDOW_DAYS = 30
ROTATION_DAYS = 365


def for_service(sid: str, service: str, account_id: str) -> Statement:
    """Key policy statement: a service may use the key for resources of ``account_id``."""
    return statement(
        sid,
        DECRYPT_AND_GENERATE,
        ["*"],
        principals={"Service": [service]},
        conditions={"StringEquals": {"aws:SourceAccount": account_id}},
    )


def for_log_groups(region: str, account_id: str) -> Statement:
    """Key policy statement: CloudWatch Logs may use the key for the account's log groups.

    (source: CloudWatch Logs User Guide, "Encrypt log data using AWS KMS")
    """
    return statement(
        "CloudWatchLogs",
        USE,
        ["*"],
        principals={"Service": [f"logs.{region}.amazonaws.com"]},
        conditions={
            "ArnLike": {
                "kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{region}:{account_id}:log-group:*"
            }
        },
    )


def for_roles(sid: str, role_arns: Sequence[str], actions: Sequence[str] = DECRYPT_AND_GENERATE) -> Statement:
    """Key policy statement: roles of another account may use the key.

    The account is the principal and the role a condition, because KMS refuses a policy that names
    a role which does not exist yet, and the other account's roles come later.
    """
    accounts = sorted({arn.split(":")[4] for arn in role_arns})
    return statement(
        sid,
        actions,
        ["*"],
        principals={"AWS": [f"arn:aws:iam::{account}:root" for account in accounts]},
        conditions={"ArnEquals": {"aws:PrincipalArn": sorted(role_arns)}},
    )


@dataclass(frozen=True, kw_only=True)
class CustomerKeyArgs:
    description: str
    alias: str
    """Alias with its ``alias/`` prefix; unique in the account and Region."""
    account_id: str
    region: str
    statements: Sequence[Statement] = ()
    """Grants of use beyond the account's own IAM policies."""
    protected: bool = False
    """Whether the key outlives the stack, as data that outlives it could not be read without it."""


class CustomerKey(pulumi.ComponentResource):
    """One customer-managed key with its alias."""

    arn: pulumi.Output[str]
    """ARN of the key. Depends on the alias, so that policies by alias hold when it is used."""

    def __init__(self, name: str, args: CustomerKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("landfall:security:CustomerKey", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        root = f"arn:aws:iam::{args.account_id}:root"
        key = aws.kms.Key(
            name,
            description=args.description,
            enable_key_rotation=True,
            rotation_period_in_days=ROTATION_DAYS,
            deletion_window_in_days=DELETION_WINDOW_DAYS,
            region=args.region,
            policy=document(
                [
                    statement("AccountAdministers", ADMINISTER, ["*"], principals={"AWS": [root]}),
                    statement("AccountRolesUse", USE, ["*"], principals={"AWS": [root]}),
                    *args.statements,
                ]
            ),
            opts=pulumi.ResourceOptions(parent=self, protect=args.protected, retain_on_delete=args.protected),
        )
        alias = aws.kms.Alias(name, name=args.alias, target_key_id=key.key_id, region=args.region, opts=child)
        self.arn = pulumi.Output.all(key.arn, alias.arn).apply(lambda arns: str(arns[0]))
        self.register_outputs({"arn": self.arn})
