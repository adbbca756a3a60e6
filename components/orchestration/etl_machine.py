"""The one state machine of the ETL plane, with its role and log group.

Does not hold workflow definitions: it reads them at the start of each execution.
(source: specs/rsql-orchestration "Ours" 1; AWS FSBP StepFunctions.1)
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.handles import OperationsHandles
from components.iam import service_trust
from components.orchestration.machine_role import machine_policy
from landfall.archives import Archive
from landfall.config import Workflows
from landfall.etl_names import EtlNames
from workflows.etl import EtlSpec, definition
from workflows.items import resource_sets


@dataclass(frozen=True, kw_only=True)
class EtlMachineArgs:
    spec: Workflows
    stack: str
    """Stack name, for the resume command in notifications."""
    names: EtlNames
    operations: OperationsHandles
    kms_key_arn: pulumi.Input[str]
    log_retention_days: int
    bundle: Archive
    """Runner and scripts that this deployment's runs use."""


class EtlMachine(pulumi.ComponentResource):
    """State machine, role and log group."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: EtlMachineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("landfall:orchestration:EtlMachine", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        spec, names, operations = args.spec, args.names, args.operations
        machine = definition(
            EtlSpec(
                stack=args.stack,
                retention_days=spec.audit.retention_days,
                tag_key=spec.hosts.tag_key,
                tag_value=spec.hosts.tag_value,
                instance_ids=spec.hosts.instance_ids,
                warehouse="cluster" if spec.warehouse.cluster else "workgroup",
                notify_on_success=spec.operations.notify_on_success,
            )
        )
        logs = aws.cloudwatch.LogGroup(
            name,
            name=names.machine_log_group,
            retention_in_days=args.log_retention_days,
            kms_key_id=args.kms_key_arn,
            region=names.region,
            opts=child,
        )
        role = aws.iam.Role(
            name,
            name=names.machine_role,
            assume_role_policy=service_trust(
                "states.amazonaws.com",
                account_id=names.account_id,
                source_arn=f"arn:aws:states:{names.region}:{names.account_id}:stateMachine:*",
            ),
            opts=child,
        )
        policy = aws.iam.RolePolicy(
            name,
            role=role.id,
            policy=machine_policy(
                machine, names, operations, spec.warehouse, spec.hosts, resource_sets(spec.definitions)
            ),
            opts=child,
        )
        state_machine = aws.sfn.StateMachine(
            name,
            name=names.machine,
            type="STANDARD",
            role_arn=role.arn,
            definition=machine.render(
                {
                    "ArchiveBucket": operations.archive_bucket,
                    "ConfigTable": names.config_table,
                    "Database": spec.warehouse.database,
                    "HostBundle": args.bundle.sha256,
                    "JobAuditTable": names.job_audit_table,
                    "LogGroup": names.log_group,
                    "Region": names.region,
                    "RunJobDocument": names.run_job_document,
                    "Topic": operations.topic_arn,
                    "Warehouse": spec.warehouse.cluster or spec.warehouse.workgroup or "",
                    "WarehouseSecret": spec.warehouse.secret,
                    "WorkflowAuditTable": names.workflow_audit_table,
                }
            ),
            logging_configuration=aws.sfn.StateMachineLoggingConfigurationArgs(
                level="ERROR",
                # Input and output may hold data of the business; the audit records hold what operators need.
                include_execution_data=False,
                log_destination=logs.arn.apply(lambda arn: f"{arn}:*"),
            ),
            tracing_configuration=aws.sfn.StateMachineTracingConfigurationArgs(enabled=True),
            encryption_configuration=aws.sfn.StateMachineEncryptionConfigurationArgs(
                type="CUSTOMER_MANAGED_KMS_KEY",
                kms_key_id=args.kms_key_arn,
                kms_data_key_reuse_period_seconds=300,
            ),
            region=names.region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.arn = state_machine.arn
        self.register_outputs({"arn": self.arn})
