"""What the ETL machine is built from, and the names that its deployment must supply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PLACEHOLDERS: tuple[str, ...] = (
    "ArchiveBucket",
    "ConfigTable",
    "Database",
    "HostBundle",
    "JobAuditTable",
    "LogGroup",
    "Region",
    "RunJobDocument",
    "Topic",
    "Warehouse",
    "WarehouseSecret",
    "WorkflowAuditTable",
)
"""Values that fill the definition: names of bucket, tables, log group, document, database and workgroup (or
cluster); ARN of the topic; ARN of the secret; the Region; SHA-256 of the bundle of runner and scripts, empty
for whichever the hosts have."""

RESOURCE_SETS: tuple[str, ...] = (
    "EmrApplications",
    "EmrExecutionRoles",
    "GlueJobs",
    "LambdaFunctions",
    "PreconditionBuckets",
    "StateMachines",
)
"""Sets of resources that jobs and preconditions name as data: the deployment lists the members from the
workflow definitions (`workflows.items.resource_sets`) and leaves out the permission where a set is empty."""


@dataclass(frozen=True, kw_only=True)
class EtlSpec:
    """One environment's ETL plane, as far as its state machine must know it."""

    stack: str
    """Stack name, for the resume command of a failure notification."""
    retention_days: int = 400
    """Days that audit records are kept (`expires_at`)."""
    tag_key: str | None = "landfall:role"
    """Tag of the hosts that run scripts; `None` where `instance_ids` names them."""
    tag_value: str | None = "etl-host"
    instance_ids: tuple[str, ...] = ()
    warehouse: Literal["workgroup", "cluster"] = "workgroup"
    """What the placeholder `Warehouse` names."""
    notify_on_success: bool = False
    timeout_seconds: int = 7 * 86_400
    """Limit of one execution; each job has its own."""
    inline_events: int = 20_000
    """Estimated history events above which stages run as distributed Maps.

    Step Functions ends an execution at 25,000. (source: Step Functions Developer Guide, "Quotas")
    """
