"""The planes of a stack, composed: each is given its own spec and handles of the planes before it.

(source: DESIGN section 2)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.handles import OperationsHandles, Placement
from components.network.vpc import Vpc, VpcArgs
from components.orchestration.etl_plane import (
    EtlPlane,
    EtlPlaneArgs,
    archiver_roles,
    publisher_roles,
)
from components.orchestration.operations_hub import OperationsHub, OperationsHubArgs
from landfall import contracts
from landfall.accounts import OpenAccount
from landfall.config import StackConfig, Workflows
from landfall.deliverables import EtlDeliverables
from landfall.etl_names import EtlNames, OperationsNames
from landfall.naming import Names

DISPOSABLE = frozenset({"sandbox"})
"""Environments whose data may go with the stack."""


def compose(
    config: StackConfig,
    stack: str,
    accounts: Mapping[str, OpenAccount],
    deliverables: EtlDeliverables | None,
) -> dict[str, Any]:
    """Registers every resource of the stack; returns its contract as the outputs to export."""
    names = Names(config.platform.name, config.platform.environment)
    networks = _networks(config, names, accounts)
    return {
        "version": contracts.VERSION,
        "platform": config.platform.name,
        "environment": config.platform.environment,
        "accounts": {
            alias: {"id": account.id, "regions": list(account.regions)}
            for alias, account in config.accounts.items()
        },
        "networks": {
            key: {
                "account": config.network[key].account,
                "region": config.region_of(key),
                "vpc_id": vpc.handles.vpc_id,
                "subnet_ids": dict(vpc.handles.subnet_ids),
                "workload_security_group_id": vpc.handles.workload_security_group_id,
            }
            for key, vpc in networks.items()
        },
        "etl": None
        if config.workflows is None or deliverables is None
        else _etl(config, config.workflows, stack, names, accounts, deliverables),
    }


def _networks(config: StackConfig, names: Names, accounts: Mapping[str, OpenAccount]) -> dict[str, Vpc]:
    return {
        key: Vpc(
            key,
            VpcArgs(
                spec=spec,
                names=names,
                placement=Placement(account_id=accounts[spec.account].id, region=config.region_of(key)),
            ),
            opts=accounts[spec.account].options,
        )
        for key, spec in config.network.items()
    }


def _etl(
    config: StackConfig,
    workflows: Workflows,
    stack: str,
    names: Names,
    accounts: Mapping[str, OpenAccount],
    deliverables: EtlDeliverables,
) -> dict[str, Any]:
    home, operations_home = accounts[workflows.account], accounts[workflows.operations.account]
    etl_names = EtlNames(names=names, account_id=home.id, region=home.home_region)
    disposable = config.platform.environment in DISPOSABLE
    hub = OperationsHub(
        "operations",
        OperationsHubArgs(
            spec=workflows.operations,
            names=OperationsNames(
                names=names, account_id=operations_home.id, region=operations_home.home_region
            ),
            publishers=publisher_roles(etl_names),
            archivers=archiver_roles(etl_names),
            alarm_account=home.id,
            disposable=disposable,
        ),
        opts=operations_home.options,
    )
    plane = EtlPlane(
        "etl",
        EtlPlaneArgs(
            spec=workflows,
            stack=stack,
            names=etl_names,
            operations=hub.handles,
            deliverables=deliverables,
            protected=not disposable,
        ),
        opts=home.options,
    )
    return _contract(workflows, etl_names, hub.handles, plane)


def _contract(
    workflows: Workflows, names: EtlNames, operations: OperationsHandles, plane: EtlPlane
) -> dict[str, Any]:
    return {
        "account": workflows.account,
        "region": names.region,
        "state_machine_arn": plane.machine_arn,
        "config_table": names.config_table,
        "job_audit_table": names.job_audit_table,
        "workflow_audit_table": names.workflow_audit_table,
        "log_group": names.log_group,
        "run_job_document": names.run_job_document,
        "host_instance_profile": plane.host_instance_profile,
        "notification_topic_arn": operations.topic_arn,
        "log_archive_bucket": operations.archive_bucket,
        "workflows": sorted(workflows.definitions),
    }
