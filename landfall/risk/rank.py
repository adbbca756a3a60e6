"""All rules over all changes, and the findings in order. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from landfall.risk import exposure, ingress, permissions, stateful
from landfall.risk.changes import OPERATIONS, Change, compared
from landfall.risk.model import Finding, Severity, ranked
from landfall.risk.snapshot import Snapshot


@dataclass(frozen=True, kw_only=True)
class Risk:
    """What a plan changes and what is dangerous about it."""

    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    """The most dangerous first."""
    against: str | None
    """What the plan was compared with; None where there was nothing, and all is new."""

    def places(self) -> list[tuple[str, str, dict[str, int]]]:
        """Account, Region and the number of changes of each operation there, sorted."""
        found: dict[tuple[str, str], Counter[str]] = {}
        for change in self.changes:
            place = (change.item.account or "—", change.item.region or "—")
            found.setdefault(place, Counter())[change.operation] += 1
        return [
            (account, region, {operation: counts[operation] for operation in OPERATIONS})
            for (account, region), counts in sorted(found.items())
        ]

    def worst(self) -> Severity | None:
        """Severity of the worst finding."""
        return self.findings[0].severity if self.findings else None

    def with_findings(self, more: Iterable[Finding]) -> Risk:
        """The same changes with further findings, in their order."""
        return replace(self, findings=ranked((*self.findings, *more)))

    def to_json(self) -> dict[str, Any]:
        """The `risk` object of `landfall preview --json`."""
        counts = Counter(change.operation for change in self.changes)
        severities = Counter(finding.severity for finding in self.findings)
        return {
            "against": self.against,
            "changes": {operation: counts[operation] for operation in OPERATIONS},
            "places": [
                {"account": account, "region": region, **numbers}
                for account, region, numbers in self.places()
            ],
            "severities": {severity.value: severities[severity] for severity in Severity},
            "findings": [finding.to_json() for finding in self.findings],
        }


def assess(old: Snapshot | None, new: Snapshot, against: str | None = None) -> Risk:
    """What changes from `old` to `new`, and its dangers; with no `old`, what is dangerous in itself.

    Without a baseline everything is new, so that only exposure is reported: a role that is new is no
    broadening.
    """
    changes = compared(old or Snapshot({}), new, stateful.replacing, permissions.guarded)
    return Risk(changes=changes, findings=ranked(_all(changes, old, new)), against=against if old else None)


def _all(changes: tuple[Change, ...], old: Snapshot | None, new: Snapshot) -> Iterator[Finding]:
    for change in changes:
        if old is None:
            yield from exposure.findings(change, Snapshot({}), new)
            continue
        yield from stateful.findings(change, old, new)
        yield from permissions.findings(change, old, new)
        yield from ingress.findings(change, old, new)
        yield from exposure.findings(change, old, new)
