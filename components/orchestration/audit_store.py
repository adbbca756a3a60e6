"""Audit store: the configuration table and the two audit tables of the ETL plane.

Does not write records: the state machine, the host runner and the closing function do.
(source: specs/rsql-orchestration "Contract" and "Ours" 7; AWS FSBP DynamoDB.2, DynamoDB.6)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from landfall.etl_names import EtlNames

BY_WORKFLOW = "by_workflow"
"""Index of both audit tables: the runs of one workflow in order of their start."""


@dataclass(frozen=True, kw_only=True)
class AuditStoreArgs:
    names: EtlNames
    kms_key_arn: pulumi.Input[str]
    replica_key_arns: Mapping[str, pulumi.Input[str]]
    """Key by Region for each further Region that keeps a replica of the audit tables."""
    protected: bool
    """Whether tables refuse to be deleted and are kept when they leave the stack."""


class AuditStore(pulumi.ComponentResource):
    """Configuration, job audit and workflow audit tables."""

    config_table: aws.dynamodb.Table
    job_audit_table: aws.dynamodb.Table
    workflow_audit_table: aws.dynamodb.Table

    def __init__(self, name: str, args: AuditStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("landfall:orchestration:AuditStore", name, None, opts)
        self._args = args
        self.config_table = self._make_table(
            "workflow-config", args.names.config_table, {"workflow_id": "hash"}
        )
        self.job_audit_table = self._make_table(
            "job-audit",
            args.names.job_audit_table,
            {"workflow_execution_id": "hash", "job_id": "range"},
            audit=True,
        )
        self.workflow_audit_table = self._make_table(
            "workflow-audit", args.names.workflow_audit_table, {"workflow_execution_id": "hash"}, audit=True
        )
        self.register_outputs(
            {
                "configTable": self.config_table.name,
                "jobAuditTable": self.job_audit_table.name,
                "workflowAuditTable": self.workflow_audit_table.name,
            }
        )

    def _make_table(
        self, logical: str, physical: str, key: Mapping[str, str], *, audit: bool = False
    ) -> aws.dynamodb.Table:
        args = self._args
        by_role = {role: attribute for attribute, role in key.items()}
        attributes = [*key, *(["workflow_id", "execution_start_ts"] if audit else [])]
        index = aws.dynamodb.TableGlobalSecondaryIndexArgs(
            name=BY_WORKFLOW,
            key_schemas=[
                aws.dynamodb.TableGlobalSecondaryIndexKeySchemaArgs(
                    attribute_name="workflow_id", key_type="HASH"
                ),
                aws.dynamodb.TableGlobalSecondaryIndexKeySchemaArgs(
                    attribute_name="execution_start_ts", key_type="RANGE"
                ),
            ],
            projection_type="ALL",
        )
        replicas = [
            aws.dynamodb.TableReplicaArgs(
                region_name=region,
                kms_key_arn=arn,
                point_in_time_recovery=True,
                propagate_tags=True,
                deletion_protection_enabled=args.protected,
            )
            for region, arn in sorted(args.replica_key_arns.items())
        ]
        return aws.dynamodb.Table(
            logical,
            name=physical,
            billing_mode="PAY_PER_REQUEST",
            hash_key=by_role["hash"],
            range_key=by_role.get("range"),
            attributes=[
                aws.dynamodb.TableAttributeArgs(name=attribute, type="S") for attribute in attributes
            ],
            global_secondary_indexes=[index] if audit else None,
            server_side_encryption=aws.dynamodb.TableServerSideEncryptionArgs(
                enabled=True, kms_key_arn=args.kms_key_arn
            ),
            point_in_time_recovery=aws.dynamodb.TablePointInTimeRecoveryArgs(enabled=True),
            ttl=aws.dynamodb.TableTtlArgs(attribute_name="expires_at", enabled=True) if audit else None,
            # Replicas need a stream with both images.
            # (source: DynamoDB Developer Guide, "Global tables")
            stream_enabled=True if replicas else None,
            stream_view_type="NEW_AND_OLD_IMAGES" if replicas else None,
            replicas=replicas if replicas else None,
            deletion_protection_enabled=args.protected,
            region=args.names.region,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protected, retain_on_delete=args.protected),
        )
