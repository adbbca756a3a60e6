"""The state machine's policy, from what its definition says it calls.

Nothing is granted that no Task uses, and a set of resources that no workflow names grants nothing.
(source: DESIGN section 6; workflows.asl.permissions)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from components.handles import OperationsHandles, Placement
from components.iam import Statement, document, statement
from components.orchestration.key_use import use_of_operations_key, use_of_plane_key
from landfall.config import Hosts, WarehouseConnection
from landfall.etl_names import EtlNames
from workflows.asl.machine import StateMachine
from workflows.asl.permissions import ANY, SELF, SELF_EXECUTIONS, permissions

_EXECUTIONS = ":executions"
MANAGED_RULES = (
    "StepFunctionsGetEventsForEMRServerlessJobRule",
    "StepFunctionsGetEventsForStepFunctionsExecutionRule",
)
"""Rules that Step Functions makes in order to wait for a job.

It asks for leave to make them when a machine with such a Task is created or updated, whether a workflow ever
comes to the Task or not. (source: Step Functions Developer Guide, "IAM policies for AWS Step Functions")
"""


def warehouse_secret_arn(names: EtlNames, secret: str) -> str:
    """ARN of a secret that config gives by name or ARN.

    Secrets Manager appends a hyphen and six characters to a name, which are not known before.
    (source: AWS Secrets Manager User Guide, "What's in a secret")
    """
    if secret.startswith("arn:"):
        return secret
    return f"arn:aws:secretsmanager:{names.region}:{names.account_id}:secret:{secret}-??????"


def _warehouse_arn(names: EtlNames, warehouse: WarehouseConnection) -> str:
    if warehouse.cluster:
        return f"arn:aws:redshift:{names.region}:{names.account_id}:cluster:{warehouse.cluster}"
    # A workgroup's ARN ends in an id that only the service knows; the secret narrows what can be reached.
    return f"arn:aws:redshift-serverless:{names.region}:{names.account_id}:workgroup/*"


def _named(names: EtlNames, service: str, prefix: str, members: Iterable[str]) -> list[str]:
    return [
        member
        if member.startswith("arn:")
        else f"arn:aws:{service}:{names.region}:{names.account_id}:{prefix}{member}"
        for member in members
    ]


def resources(
    names: EtlNames,
    operations: OperationsHandles,
    warehouse: WarehouseConnection,
    hosts: Hosts,
    sets: Mapping[str, Sequence[str]],
) -> dict[str, list[str]]:
    """ARNs by the resource names that the machine's permissions use."""
    instances = hosts.instance_ids or ("*",)
    return {
        "ConfigTable": [names.table_arn(names.config_table)],
        "JobAuditTable": [names.table_arn(names.job_audit_table)],
        "WorkflowAuditTable": [names.table_arn(names.workflow_audit_table)],
        "RunJobDocument": [names.document_arn(names.run_job_document)],
        "Topic": [operations.topic_arn],
        "Warehouse": [_warehouse_arn(names, warehouse)],
        "WarehouseSecret": [warehouse_secret_arn(names, warehouse.secret)],
        "Hosts": [
            f"arn:aws:ec2:{names.region}:{names.account_id}:instance/{instance}" for instance in instances
        ],
        "LambdaFunctions": _named(names, "lambda", "function:", sets["LambdaFunctions"]),
        "GlueJobs": _named(names, "glue", "job/", sets["GlueJobs"]),
        "StateMachines": _named(names, "states", "stateMachine:", sets["StateMachines"]),
        "EmrApplications": _named(names, "emr-serverless", "/applications/", sets["EmrApplications"]),
        "EmrExecutionRoles": list(sets["EmrExecutionRoles"]),
        "PreconditionBuckets": [f"arn:aws:s3:::{bucket}" for bucket in sets["PreconditionBuckets"]],
        SELF: [names.machine_arn],
        SELF_EXECUTIONS: [names.executions_arn],
        ANY: ["*"],
        **{rule: [f"arn:aws:events:{names.region}:{names.account_id}:rule/{rule}"] for rule in MANAGED_RULES},
    }


def _extended(arn: str, suffix: str) -> str:
    if suffix == _EXECUTIONS:
        return f"{arn.replace(':stateMachine:', ':execution:')}:*"
    return f"{arn}{suffix}"


def _sid(resource: str, suffix: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", f"{resource.replace('*', 'Any')}{suffix.title()}") or "Statement"


def machine_policy(
    machine: StateMachine,
    names: EtlNames,
    operations: OperationsHandles,
    warehouse: WarehouseConnection,
    hosts: Hosts,
    sets: Mapping[str, Sequence[str]],
) -> str:
    """The policy document of the state machine's role."""
    arns = resources(names, operations, warehouse, hosts, sets)
    statements: list[Statement] = []
    for need in permissions(machine):
        named = arns.get(need.resource)
        if named is None:
            raise KeyError(f"the machine acts on {need.resource}, which the plane does not have")
        if not named:
            continue
        conditions = dict(need.conditions)
        if need.resource == "Hosts" and hosts.tag_key and hosts.tag_value:
            conditions["StringEquals"] = {f"ssm:resourceTag/{hosts.tag_key}": hosts.tag_value}
        statements.append(
            statement(
                f"{_sid(need.resource, need.suffix)}{len(statements)}",
                need.actions,
                [_extended(arn, need.suffix) for arn in named],
                conditions=conditions,
            )
        )
    in_region = {"StringEquals": {"aws:RequestedRegion": names.region}}
    statements += [
        # Log delivery and tracing have no resources in IAM.
        # (source: Step Functions Developer Guide, "Logging using CloudWatch Logs", "Tracing with X-Ray")
        statement(
            "DeliverLogs",
            [
                "logs:CreateLogDelivery",
                "logs:DeleteLogDelivery",
                "logs:DescribeLogGroups",
                "logs:DescribeResourcePolicies",
                "logs:GetLogDelivery",
                "logs:ListLogDeliveries",
                "logs:PutResourcePolicy",
                "logs:UpdateLogDelivery",
            ],
            ["*"],
            conditions=in_region,
        ),
        statement(
            "Trace",
            [
                "xray:GetSamplingRules",
                "xray:GetSamplingTargets",
                "xray:PutTelemetryRecords",
                "xray:PutTraceSegments",
            ],
            ["*"],
            conditions=in_region,
        ),
        use_of_plane_key(Placement(account_id=names.account_id, region=names.region), names.key_alias),
        use_of_operations_key(operations),
    ]
    return document(statements)
