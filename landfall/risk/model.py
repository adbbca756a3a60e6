"""A finding: what is dangerous about one change, why, and what to do. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

UNKNOWN: Final = "<unknown>"
"""How a plan shows a value that only a deployment knows."""
SECRET: Final = "<secret>"  # noqa: S105 - what a plan shows in place of a secret


class Severity(StrEnum):
    """How bad it is, the worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


class Category(StrEnum):
    """What is at risk, what cannot be undone first."""

    STATEFUL = "stateful"
    PERMISSIONS = "permissions"
    EXPOSURE = "exposure"
    COST = "cost"

    @property
    def rank(self) -> int:
        """0 for the one that ranks first among equals in severity."""
        return list(Category).index(self)


@dataclass(frozen=True, kw_only=True)
class PropertyChange:
    """One property, before and after; None where it is not set."""

    path: str
    old: Any
    new: Any

    def to_json(self) -> dict[str, Any]:
        """The three fields of a property in `landfall preview --json`."""
        return {"path": self.path, "old": self.old, "new": self.new}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One danger of one change."""

    rule: str
    """Name of the rule, such as `stateful-replaced`."""
    category: Category
    severity: Severity
    operation: str
    """What happens to the resource: `create`, `update`, `replace`, `delete`."""
    urn: str
    type: str
    component: str
    """Where it stands in the program: names of the components that hold it, and its own."""
    aws_name: str | None
    """Physical name, where the program sets one."""
    account: str | None
    region: str | None
    properties: tuple[PropertyChange, ...] = ()
    details: tuple[str, ...] = ()
    """Lines such as `+ s3:PutObject on arn:aws:s3:::x/*`."""
    why: str
    remedy: str

    def order(self) -> tuple[Any, ...]:
        """A total order: the most severe first, then by what is at risk, then by place and name."""
        return (
            self.severity.rank,
            self.category.rank,
            self.account or "",
            self.region or "",
            self.type,
            self.component,
            self.urn,
            self.rule,
            tuple((change.path, repr(change.old), repr(change.new)) for change in self.properties),
            self.details,
            (self.operation, self.aws_name or "", self.why, self.remedy),
        )

    def to_json(self) -> dict[str, Any]:
        """A finding as `landfall preview --json` writes it."""
        return {
            "rule": self.rule,
            "category": self.category.value,
            "severity": self.severity.value,
            "operation": self.operation,
            "urn": self.urn,
            "type": self.type,
            "component": self.component,
            "awsName": self.aws_name,
            "account": self.account,
            "region": self.region,
            "properties": [change.to_json() for change in self.properties],
            "details": list(self.details),
            "why": self.why,
            "remedy": self.remedy,
        }


def ranked(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, most dangerous first, whatever order they came in; equal ones once."""
    found: dict[tuple[Any, ...], Finding] = {}
    for finding in findings:
        found.setdefault(finding.order(), finding)
    return tuple(found[key] for key in sorted(found))
