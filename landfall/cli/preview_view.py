"""What `landfall preview` shows: dangers ranked, cost, counts by account and Region."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from rich.text import Text

from landfall.cli.stacks import counted
from landfall.cli.terminal import out, table
from landfall.cost.estimate import Estimate, Line
from landfall.cost.findings import dollars
from landfall.risk.changes import OPERATIONS
from landfall.risk.model import Finding, Severity
from landfall.risk.rank import Risk

SHOWN_FINDINGS: Final = 10
SHOWN_DETAILS: Final = 6
SHOWN_LINES: Final = 5
"""How many are shown without `--verbose`."""
_LONGEST: Final = 60
"""Characters of a value."""

STYLES: Final = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "dim",
}


def print_risk(risk: Risk, *, verbose: bool) -> None:
    """The findings, the most dangerous first."""
    if not risk.findings:
        if risk.against is None:
            out.print(
                Text(
                    "Nothing is open to the internet or to every AWS account; "
                    "--against main ranks what changes.",
                    style="green",
                )
            )
            return
        out.print(Text(f"Against {risk.against}: {_changes(risk)}, nothing dangerous", style="green"))
        return
    counts = Counter(finding.severity for finding in risk.findings)
    numbers = ", ".join(f"{counts[severity]} {severity}" for severity in Severity if counts[severity])
    against = f"Against {risk.against}: {_changes(risk)}" if risk.against else "Nothing to compare with"
    out.print(Text(f"{against}; most dangerous first: {numbers}", style="bold"))
    groups = alike(risk.findings)
    shown = groups if verbose else groups[:SHOWN_FINDINGS]
    for number, group in enumerate(shown, 1):
        _print_finding(number, group, verbose=verbose)
    if rest := sum(len(group) for group in groups[len(shown) :]):
        out.print(Text(f"… and {counted(rest, 'finding')} more (--verbose)", style="dim"))
    out.print()


def alike(findings: Sequence[Finding]) -> list[list[Finding]]:
    """The findings in their order, those that differ in nothing but the resource together."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        same = {**finding.to_json(), "urn": "", "component": "", "awsName": ""}
        groups.setdefault(json.dumps(same, sort_keys=True, default=str), []).append(finding)
    return list(groups.values())


def _changes(risk: Risk) -> str:
    counts = Counter(change.operation for change in risk.changes)
    return ", ".join(f"{counts[name]} to {name}" for name in OPERATIONS if counts[name]) or "no change"


def _print_finding(number: int, group: Sequence[Finding], *, verbose: bool) -> None:
    finding, *others = group
    head = Text(f"{number:>2}. ")
    head.append(finding.severity.value, style=STYLES[finding.severity])
    head.append(f"  {finding.rule}  ")
    head.append(finding.component, style="bold")
    out.print(head)
    named = f" {finding.aws_name}" if finding.aws_name else ""
    place = " ".join(part for part in (finding.account, finding.region) if part)
    out.print(Text(f"    {finding.operation} of {finding.type}{named}{f' in {place}' if place else ''}"))
    if others:
        alike_ones = [other.component for other in others]
        listed = alike_ones if verbose else alike_ones[:SHOWN_DETAILS]
        more = f" and {len(alike_ones) - len(listed)} more" if len(alike_ones) > len(listed) else ""
        out.print(Text(f"    so too {', '.join(listed)}{more}"))
    for change in finding.properties:
        old, new = _value(change.old), _value(change.new)
        arrow = "changed" if finding.details and "{" in f"{old}{new}" else f"{old} → {new}"
        out.print(Text(f"    {change.path}: {arrow}", style="cyan"))
    lines = finding.details if verbose else finding.details[:SHOWN_DETAILS]
    for line in lines:
        out.print(Text(f"    {line}", style="yellow"))
    if rest := len(finding.details) - len(lines):
        out.print(Text(f"    … and {rest} more (--verbose)", style="dim"))
    out.print(Text(f"    why  {finding.why}"))
    out.print(Text(f"    do   {finding.remedy}"))


def _value(value: Any) -> str:
    if value is None:
        return "not set"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text if text.isprintable() else json.dumps(text, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def print_places(risk: Risk, stack: str, resources: Sequence[tuple[str, str]], accounts: int) -> None:
    """Numbers by account and Region: of resources, and of changes where there is a baseline."""
    counts = Counter(resources)
    title = f"Stack {stack}: {counted(len(resources), 'resource')} in {counted(accounts, 'account')}"
    if risk.against is None:
        table(
            title,
            ("account", "region", "resources"),
            [(account, region, str(count)) for (account, region), count in sorted(counts.items())],
        )
        return
    changes = {(account, region): numbers for account, region, numbers in risk.places()}
    table(
        title,
        ("account", "region", "resources", *OPERATIONS),
        [
            (
                *place,
                str(counts[place]),
                *(str(changes.get(place, {}).get(operation) or "·") for operation in OPERATIONS),
            )
            for place in sorted(counts.keys() | changes.keys())
        ],
    )


def print_changes(risk: Risk) -> None:
    """Every change, in URN order."""
    table(
        "Changes",
        ("change", "type", "name", "account", "region", "properties"),
        [
            (
                change.operation,
                change.type,
                change.item.name,
                change.item.account or "—",
                change.item.region or "—",
                ", ".join(item.path for item in change.properties),
            )
            for change in risk.changes
        ],
    )


def print_cost(estimate: Estimate, before: Estimate | None, *, verbose: bool, brief: bool = False) -> None:
    """The monthly estimate: the sum, its largest parts, what depends on use and what is not known."""
    total = f"Monthly estimate: {dollars(estimate.monthly)} fixed"
    if before is not None:
        difference = estimate.monthly - before.monthly
        total += f" ({'+' if difference > 0 else ''}{dollars(difference)})" if difference else " (unchanged)"
    total += f", plus use; list prices of {estimate.as_of}"
    total += f"; {counted(estimate.unknowns, 'resource')} of unknown cost"
    out.print(Text(total, style="bold"))
    if brief:
        return
    fixed = estimate.fixed if verbose else estimate.fixed[:SHOWN_LINES]
    for line in fixed:
        quantity = line.quantity or 0
        out.print(
            Text(
                f"  {dollars(line.monthly):>10}  {line.what}, {line.region}: {quantity:,f} × "
                f"{dollars(line.unit_price)} per {line.unit} ({counted(len(line.urns), 'resource')})"
            )
        )
    if rest := len(estimate.fixed) - len(fixed):
        out.print(Text(f"  … and {counted(rest, 'line')} more (--verbose)", style="dim"))
    used = sorted(estimate.per_use, key=lambda line: (-len(line.urns), line.price, line.region, line.account))
    for line in used if verbose else used[:SHOWN_LINES]:
        out.print(Text(f"  {'per use':>10}  {_use(line)}"))
    if not verbose and len(used) > SHOWN_LINES:
        out.print(
            Text(f"  … and {counted(len(used) - SHOWN_LINES, 'price')} by use more (--verbose)", style="dim")
        )
    unknown = estimate.unknown if verbose else estimate.unknown[:SHOWN_LINES]
    for entry in unknown:
        number = counted(len(entry.urns), "resource")
        out.print(Text(f"  {'unknown':>10}  {entry.type}: {entry.reason} ({number})", style="yellow"))
    if rest := len(estimate.unknown) - len(unknown):
        out.print(Text(f"  … and {counted(rest, 'unknown')} more (--verbose)", style="dim"))
    if estimate.free:
        out.print(Text(f"  {'free':>10}  {counted(estimate.free, 'resource')} without a charge", style="dim"))


def _use(line: Line) -> str:
    number = counted(len(line.urns), "resource")
    return f"{dollars(line.unit_price)} per {line.unit}: {line.what}, {line.region} ({number})"
