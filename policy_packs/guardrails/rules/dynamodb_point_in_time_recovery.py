"""Tables can be restored to any second of the last weeks."""

from __future__ import annotations

from ..frame.require import require, require_equals
from ..frame.resource import Resource
from ..frame.rule import Level, Levels, Report, Rule, Severity


def check(resource: Resource, report: Report) -> None:
    """Require recovery on the table and on each replica, which has a setting of its own."""
    require_equals(resource, report, "pointInTimeRecovery.enabled", True)
    if "replicas" not in resource.inputs:
        return
    if require(
        resource, report, "replicas", lambda replicas: isinstance(replicas, list), "must be a known list"
    ):
        for i in range(len(resource.inputs["replicas"])):
            require_equals(resource, report, f"replicas.{i}.pointInTimeRecovery", True)


DYNAMODB_POINT_IN_TIME_RECOVERY = Rule(
    name="dynamodb-point-in-time-recovery",
    severity=Severity.MEDIUM,
    description="DynamoDB tables keep continuous backups, so that a wrong write can be undone.",
    controls=("FSBP DynamoDB.2",),
    levels=Levels(sandbox=Level.ADVISORY, dev=Level.ADVISORY),
    remediation="Set pointInTimeRecovery.enabled to true.",
    resource_types=("aws:dynamodb/table:Table",),
    check=check,
)
