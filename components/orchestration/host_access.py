"""Host access: the role and instance profile that hosts use to run jobs.

Does not make hosts: an Auto Scaling group or an existing instance takes the profile.
(source: specs/rsql-orchestration "Ours" 6; AWS Systems Manager User Guide, "Instance permissions")
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.handles import OperationsHandles, Placement
from components.iam import document, instance_trust, statement
from components.orchestration.key_use import reading_with_plane_key, use_of_operations_key
from landfall.etl_names import EtlNames

SSM_AGENT_POLICY = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
"""What the Systems Manager agent itself needs, kept by AWS."""


@dataclass(frozen=True, kw_only=True)
class HostAccessArgs:
    names: EtlNames
    operations: OperationsHandles
    warehouse_secret_arn: str
    """ARN of the warehouse's secret, with a suffix pattern where config gives its name."""


class HostAccess(pulumi.ComponentResource):
    """Role and instance profile of the hosts."""

    instance_profile: pulumi.Output[str]

    def __init__(self, name: str, args: HostAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("landfall:orchestration:HostAccess", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        names, operations = args.names, args.operations
        placement = Placement(account_id=names.account_id, region=names.region)
        log_group = names.log_group_arn(names.log_group)
        role = aws.iam.Role(
            name,
            name=names.host_role,
            assume_role_policy=instance_trust(),
            opts=child,
        )
        aws.iam.RolePolicyAttachment(name, role=role.name, policy_arn=SSM_AGENT_POLICY, opts=child)
        aws.iam.RolePolicy(
            name,
            role=role.id,
            policy=document(
                [
                    statement("AuditJobs", ["dynamodb:UpdateItem"], [names.table_arn(names.job_audit_table)]),
                    statement(
                        "WriteJobLogs",
                        ["logs:CreateLogStream", "logs:PutLogEvents"],
                        [log_group, f"{log_group}:log-stream:*"],
                    ),
                    statement(
                        "ArchiveLogs", ["s3:PutObject"], [f"arn:aws:s3:::{operations.archive_bucket}/*"]
                    ),
                    statement(
                        "FetchBundle", ["s3:GetObject"], [f"arn:aws:s3:::{names.artifact_bucket}/host/*"]
                    ),
                    statement(
                        "ReadWarehouseSecret", ["secretsmanager:GetSecretValue"], [args.warehouse_secret_arn]
                    ),
                    statement(
                        "AnswerTasks",
                        ["states:SendTaskFailure", "states:SendTaskHeartbeat", "states:SendTaskSuccess"],
                        [names.machine_arn],
                    ),
                    reading_with_plane_key(placement, names.key_alias),
                    use_of_operations_key(operations),
                ]
            ),
            opts=child,
        )
        profile = aws.iam.InstanceProfile(name, name=names.host_role, role=role.name, opts=child)
        self.instance_profile = profile.name
        self.register_outputs({"instanceProfile": self.instance_profile})
