"""The ETL plane of an environment: everything that runs its workflows, composed.

Does not make warehouses, hosts or networks; it is given their names and handles.
(source: specs/rsql-orchestration; DESIGN section 2)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.encryption import CustomerKey, CustomerKeyArgs, for_log_groups, for_service
from components.handles import OperationsHandles, Placement
from components.iam import statement
from components.orchestration.alarms import (
    Alarms,
    AlarmsArgs,
    Watch,
    function_watch,
    machine_watches,
    queue_watch,
)
from components.orchestration.audit_store import AuditStore, AuditStoreArgs
from components.orchestration.catalogue import Catalogue, CatalogueArgs
from components.orchestration.dead_letters import DeadLetters, DeadLettersArgs
from components.orchestration.etl_machine import EtlMachine, EtlMachineArgs
from components.orchestration.event_rule import EventRule, EventRuleArgs, rule_arn
from components.orchestration.handler_function import HandlerFunction, HandlerFunctionArgs, function_name
from components.orchestration.host_access import HostAccess, HostAccessArgs
from components.orchestration.host_delivery import HostDelivery, HostDeliveryArgs
from components.orchestration.key_use import use_of_operations_key
from components.orchestration.machine_role import warehouse_secret_arn
from components.orchestration.schedules import Schedules, SchedulesArgs
from components.private_bucket import PrivateBucket, PrivateBucketArgs
from landfall.config import Workflows
from landfall.deliverables import EtlDeliverables
from landfall.etl_names import EtlNames

CLOSE = "close-execution"
START = "start-workflow"
STARTED_BY_EVENT = "start-requested"
CLOSED_BY_EVENT = "execution-ended"
DEAD_LETTERS = "workflow-dead-letters"


@dataclass(frozen=True, kw_only=True)
class EtlPlaneArgs:
    spec: Workflows
    stack: str
    names: EtlNames
    operations: OperationsHandles
    deliverables: EtlDeliverables
    protected: bool
    """Whether data outlives the stack."""


def publisher_roles(names: EtlNames) -> list[str]:
    """ARNs of the roles of the plane that tell of failures."""
    placement = Placement(account_id=names.account_id, region=names.region)
    return [placement.role(names.machine_role), placement.role(function_name(names.names, CLOSE))]


def archiver_roles(names: EtlNames) -> list[str]:
    """ARNs of the roles of the plane that archive logs."""
    return [Placement(account_id=names.account_id, region=names.region).role(names.host_role)]


class EtlPlane(pulumi.ComponentResource):
    """Tables, key, machine, functions, triggers, documents and alarms."""

    machine_arn: pulumi.Output[str]
    host_instance_profile: pulumi.Output[str]

    def __init__(self, name: str, args: EtlPlaneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("landfall:orchestration:EtlPlane", name, None, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        names = args.names
        self._placement = Placement(account_id=names.account_id, region=names.region)
        self._key = self._make_key(name, names.region)
        store = AuditStore(
            "audit",
            AuditStoreArgs(
                names=names,
                kms_key_arn=self._key.arn,
                replica_key_arns={
                    region: self._make_key(f"{name}-{region}", region).arn
                    for region in args.spec.audit.replica_regions
                },
                protected=args.protected,
            ),
            opts=self._child,
        )
        Catalogue(
            "catalogue",
            CatalogueArgs(table=store.config_table, items=args.deliverables.items, region=names.region),
            opts=self._child,
        )
        self._make_job_logs()
        delivery = self._make_delivery()
        access = HostAccess(
            "host-access",
            HostAccessArgs(
                names=names,
                operations=args.operations,
                warehouse_secret_arn=warehouse_secret_arn(names, args.spec.warehouse.secret),
            ),
            opts=self._child,
        )
        machine = EtlMachine(
            "etl",
            EtlMachineArgs(
                spec=args.spec,
                stack=args.stack,
                names=names,
                operations=args.operations,
                kms_key_arn=self._key.arn,
                log_retention_days=args.spec.operations.log_retention_days,
                bundle=args.deliverables.host_bundle,
            ),
            # Hosts must have the runner, and the topic its policy, before the first execution.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[store, delivery]),
        )
        self._make_triggers(machine)
        self.machine_arn = machine.arn
        self.host_instance_profile = access.instance_profile
        self.register_outputs({"machineArn": self.machine_arn})

    def _make_key(self, logical: str, region: str) -> CustomerKey:
        account_id = self._placement.account_id
        return CustomerKey(
            logical,
            CustomerKeyArgs(
                description="ETL plane: tables, logs, functions, artifacts",
                alias=self._args.names.key_alias,
                account_id=account_id,
                region=region,
                statements=[
                    for_log_groups(region, account_id),
                    for_service("EventsSend", "events.amazonaws.com", account_id),
                ],
                protected=self._args.protected,
            ),
            opts=self._child,
        )

    def _make_job_logs(self) -> None:
        names = self._args.names
        aws.cloudwatch.LogGroup(
            "job-logs",
            name=names.log_group,
            retention_in_days=self._args.spec.operations.log_retention_days,
            kms_key_id=self._key.arn,
            region=names.region,
            opts=self._child,
        )

    def _make_delivery(self) -> HostDelivery:
        args, names = self._args, self._args.names
        artifacts = PrivateBucket(
            "artifacts",
            PrivateBucketArgs(
                bucket=names.artifact_bucket,
                region=names.region,
                kms_key_arn=self._key.arn,
                # What is here can be built again from the tree.
                force_destroy=True,
            ),
            opts=self._child,
        )
        return HostDelivery(
            "host-delivery",
            HostDeliveryArgs(
                hosts=args.spec.hosts,
                names=names,
                bucket=artifacts.name,
                kms_key_arn=self._key.arn,
                bundle=args.deliverables.host_bundle,
            ),
            opts=self._child,
        )

    def _make_triggers(self, machine: EtlMachine) -> None:
        args, names, placement = self._args, self._args.names, self._placement
        triggers = {
            f"trigger-{workflow_id}": (workflow_id, definition.trigger)
            for workflow_id, definition in sorted(args.spec.definitions.items())
            if definition.trigger is not None
        }
        rules = [
            rule_arn(names.names, placement, CLOSED_BY_EVENT),
            rule_arn(names.names, placement, STARTED_BY_EVENT),
            *(
                rule_arn(names.names, placement, logical, trigger.event_bus)
                for logical, (_, trigger) in triggers.items()
            ),
        ]
        dead_letters = DeadLetters(
            DEAD_LETTERS,
            DeadLettersArgs(
                names=names.names, placement=placement, kms_key_arn=self._key.arn, rule_arns=rules
            ),
            opts=self._child,
        )
        close, start = self._make_close_function(), self._make_start_function()

        def rule(
            logical: str,
            description: str,
            pattern: Mapping[str, Any],
            function: HandlerFunction,
            event_bus: str = "default",
            template: Mapping[str, Any] | None = None,
        ) -> None:
            EventRule(
                logical,
                EventRuleArgs(
                    description=description,
                    pattern=pattern,
                    names=names.names,
                    placement=placement,
                    function=function.function,
                    dead_letter_arn=dead_letters.arn,
                    event_bus=event_bus,
                    input_template=template,
                ),
                opts=self._child,
            )

        rule(
            CLOSED_BY_EVENT,
            "Closes the audit records of an execution that was aborted, timed out or failed",
            {
                "source": ["aws.states"],
                "detail-type": ["Step Functions Execution Status Change"],
                "detail": {
                    "stateMachineArn": [names.machine_arn],
                    "status": ["ABORTED", "FAILED", "TIMED_OUT"],
                },
            },
            close,
        )
        rule(
            STARTED_BY_EVENT,
            "Starts the workflow that an event of the platform asks for",
            {"source": ["landfall.workflows"], "detail-type": ["Workflow Start Requested"]},
            start,
        )
        for logical, (workflow_id, trigger) in triggers.items():
            rule(
                logical,
                f"Starts workflow {workflow_id}",
                trigger.pattern,
                start,
                trigger.event_bus,
                {"workflow_id": workflow_id, "event_id": "$.id"},
            )
        scheduled = {
            workflow_id: definition.schedule
            for workflow_id, definition in args.spec.definitions.items()
            if definition.schedule is not None
        }
        if scheduled:
            Schedules(
                "schedules",
                SchedulesArgs(
                    names=names.names,
                    placement=placement,
                    start_function_arn=start.arn,
                    dead_letter_arn=dead_letters.arn,
                    dead_letter_queue=dead_letters.queue_name,
                    schedules=scheduled,
                    kms_key_arn=self._key.arn,
                    key_alias=names.key_alias,
                ),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[machine]),
            )
        watches: list[Watch] = [
            *machine_watches(names.machine_arn),
            function_watch(CLOSE, function_name(names.names, CLOSE)),
            function_watch(START, function_name(names.names, START)),
            queue_watch(DEAD_LETTERS, dead_letters.queue_name),
        ]
        Alarms(
            "alarms",
            AlarmsArgs(names=names.names, placement=placement, operations=args.operations, watches=watches),
            opts=self._child,
        )

    def _make_close_function(self) -> HandlerFunction:
        args, names, operations = self._args, self._args.names, self._args.operations
        job_audit = names.table_arn(names.job_audit_table)
        return HandlerFunction(
            CLOSE,
            HandlerFunctionArgs(
                handler="close_execution",
                description="Closes the audit records of executions that could not close them",
                names=names.names,
                placement=self._placement,
                archive=args.deliverables.close_execution,
                environment={
                    "JOB_AUDIT_TABLE": names.job_audit_table,
                    "WORKFLOW_AUDIT_TABLE": names.workflow_audit_table,
                    "TOPIC_ARN": operations.topic_arn,
                    "STACK_NAME": args.stack,
                    "LOG_GROUP": names.log_group,
                    "RETENTION_DAYS": str(args.spec.audit.retention_days),
                },
                statements=[
                    statement("ReadJobs", ["dynamodb:Query"], [job_audit]),
                    statement(
                        "CloseRecords",
                        ["dynamodb:GetItem", "dynamodb:UpdateItem"],
                        [job_audit, names.table_arn(names.workflow_audit_table)],
                    ),
                    statement(
                        "StopStatements",
                        ["redshift-data:CancelStatement"],
                        ["*"],
                        conditions={"StringEquals": {"aws:RequestedRegion": names.region}},
                    ),
                    statement(
                        "StopCommands",
                        ["ssm:CancelCommand"],
                        ["*"],
                        conditions={"StringEquals": {"aws:RequestedRegion": names.region}},
                    ),
                    statement("Notify", ["sns:Publish"], [operations.topic_arn]),
                    use_of_operations_key(operations),
                ],
                kms_key_arn=self._key.arn,
                key_alias=names.key_alias,
                log_retention_days=args.spec.operations.log_retention_days,
            ),
            opts=self._child,
        )

    def _make_start_function(self) -> HandlerFunction:
        args, names = self._args, self._args.names
        return HandlerFunction(
            START,
            HandlerFunctionArgs(
                handler="start_workflow",
                description="Starts a workflow on an event, once however often the event comes",
                names=names.names,
                placement=self._placement,
                archive=args.deliverables.start_workflow,
                environment={"STATE_MACHINE_ARN": names.machine_arn, "CONFIG_TABLE": names.config_table},
                statements=[
                    statement("StartWorkflows", ["states:StartExecution"], [names.machine_arn]),
                    statement("ReadDefinitions", ["dynamodb:GetItem"], [names.table_arn(names.config_table)]),
                ],
                kms_key_arn=self._key.arn,
                key_alias=names.key_alias,
                log_retention_days=args.spec.operations.log_retention_days,
            ),
            opts=self._child,
        )
