"""Logs are kept for a stated time."""

from __future__ import annotations

from typing import Any

from ..frame.require import require
from ..frame.resource import Resource
from ..frame.rule import Report, Rule, Severity


def check(resource: Resource, report: Report) -> None:
    """Require a retention of at least one day; 0 means for ever."""
    require(resource, report, "retentionInDays", _is_period, "must be a number of days above 0")


def _is_period(value: Any) -> bool:
    return isinstance(value, int) and value > 0


LOG_RETENTION = Rule(
    name="log-retention",
    severity=Severity.MEDIUM,
    description="A log group states how long it keeps its events: neither for ever nor by accident.",
    controls=("Security Hub CloudWatch.16",),
    remediation="Set retentionInDays.",
    resource_types=("aws:cloudwatch/logGroup:LogGroup",),
    check=check,
)
