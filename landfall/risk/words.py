"""A finding about a change, with the facts that every finding has. Pure."""

from __future__ import annotations

from landfall.risk.changes import Change
from landfall.risk.model import Category, Finding, PropertyChange, Severity
from landfall.risk.snapshot import Snapshot


def about(
    change: Change,
    where: Snapshot,
    *,
    rule: str,
    category: Category,
    severity: Severity,
    why: str,
    remedy: str,
    properties: tuple[PropertyChange, ...] = (),
    details: tuple[str, ...] = (),
) -> Finding:
    """The finding of a rule; `where` knows the components that hold the resource."""
    item = change.item
    return Finding(
        rule=rule,
        category=category,
        severity=severity,
        operation=change.operation,
        urn=item.urn,
        type=item.type,
        component=where.path(item),
        aws_name=where.aws_name(item),
        account=item.account,
        region=item.region,
        properties=properties,
        details=details,
        why=why,
        remedy=remedy,
    )
