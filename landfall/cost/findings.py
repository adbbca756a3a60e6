"""Changes that cost something, as findings beside those of `landfall.risk`. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from landfall.cost.estimate import CENT, Estimate, Step, differences
from landfall.risk.changes import Change
from landfall.risk.model import Category, Finding, PropertyChange, Severity
from landfall.risk.snapshot import Snapshot
from landfall.risk.words import about

HIGH: Final = Decimal(500)
MEDIUM: Final = Decimal(50)
"""Dollars a month from which an increase counts as high, and as medium."""


def findings(old: Snapshot, new: Snapshot, before: Estimate, after: Estimate) -> Iterator[Finding]:
    """What becomes dearer, what will be billed by use that was not, and what has no known price."""
    used: dict[tuple[str, str, tuple[str, ...]], list[Step]] = {}
    for step in differences(before, after):
        if step.difference is None:
            if step.old is None and step.new is not None:
                place = step.new.account, step.new.region, step.new.urns
                used.setdefault(place, []).append(step)
        elif step.difference > 0:
            yield _dearer(step, old, new)
    for (_, _, urns), steps in used.items():
        yield _per_use(urns, steps, old, new)
    known = {(entry.type, entry.region, entry.reason, urn) for entry in before.unknown for urn in entry.urns}
    for entry in after.unknown:
        fresh = [urn for urn in entry.urns if (entry.type, entry.region, entry.reason, urn) not in known]
        if fresh:
            yield _finding(
                fresh,
                old,
                new,
                rule="cost-unknown",
                severity=Severity.LOW,
                details=(f"{_counted(len(fresh))}: {entry.reason}",),
                why="It may cost something; the estimate does not contain it.",
                remedy="Look the price up before the deployment, and add it to the price file.",
            )


def _dearer(step: Step, old: Snapshot, new: Snapshot) -> Finding:
    line, amount = step.line, step.difference or Decimal(0)
    was = step.old.monthly if step.old else Decimal(0)
    known = step.old.urns if step.old else ()
    fresh = [urn for urn in line.urns if urn not in known] or list(line.urns)
    severity = Severity.HIGH if amount >= HIGH else Severity.MEDIUM if amount >= MEDIUM else Severity.LOW
    return _finding(
        fresh,
        old,
        new,
        rule="cost-added",
        severity=severity,
        properties=(PropertyChange(path="monthly cost", old=dollars(was), new=dollars(line.monthly)),),
        details=(
            f"+ {dollars(amount)} a month: {line.what} in {line.region}, {dollars(line.unit_price)} "
            f"per {line.unit}, {_counted(len(fresh))}",
        ),
        why="It is billed from the deployment on, used or not.",
        remedy="Check that the stack needs it; the estimate is of list prices without discounts.",
    )


def _per_use(urns: tuple[str, ...], steps: list[Step], old: Snapshot, new: Snapshot) -> Finding:
    return _finding(
        [urn for urn in urns if urn not in old.items] or list(urns),
        old,
        new,
        rule="cost-per-use-added",
        severity=Severity.LOW,
        details=tuple(
            f"+ {dollars(step.line.unit_price)} per {step.line.unit}: {step.line.what}" for step in steps
        ),
        why=f"It is billed by use, in {steps[0].line.region}, where nothing of the kind was billed before.",
        remedy="Multiply by the use that you expect.",
    )


def _finding(
    urns: list[str],
    old: Snapshot,
    new: Snapshot,
    *,
    rule: str,
    severity: Severity,
    details: tuple[str, ...],
    why: str,
    remedy: str,
    properties: tuple[PropertyChange, ...] = (),
) -> Finding:
    """A finding about the first of some resources."""
    item = new.items[min(urns)]
    old_item = old.items.get(item.urn)
    return about(
        Change(operation="update" if old_item else "create", old=old_item, new=item),
        new,
        rule=rule,
        category=Category.COST,
        severity=severity,
        properties=properties,
        details=details,
        why=why,
        remedy=remedy,
    )


def dollars(amount: Decimal | None) -> str:
    """An amount in US dollars: cents, or as many digits as a unit price has; a minus stands in front."""
    value = amount or Decimal(0)
    shown = value.quantize(CENT) if value == value.quantize(CENT) or abs(value) >= 10 else value.normalize()
    return f"{'-' if shown < 0 else ''}${abs(shown):,f}"


def _counted(number: int) -> str:
    return f"{number} resource" if number == 1 else f"{number} resources"
