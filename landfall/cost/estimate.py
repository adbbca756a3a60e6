"""The monthly estimate of a set of resources, and how it differs from another one's. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final, Protocol

from landfall.cost.charges import BILLED, Charge
from landfall.cost.prices import Prices

CENT: Final = Decimal("0.01")


class Billable(Protocol):
    """What the estimate needs of a resource."""

    @property
    def urn(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def account(self) -> str | None: ...
    @property
    def region(self) -> str | None: ...
    @property
    def inputs(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, kw_only=True)
class Line:
    """All charges at one price in one account and Region."""

    price: str
    what: str
    unit: str
    account: str
    region: str
    unit_price: Decimal
    quantity: Decimal | None
    """Units a month; None where it depends on use."""
    urns: tuple[str, ...]

    @property
    def monthly(self) -> Decimal | None:
        """Cost a month; None where it depends on use."""
        return None if self.quantity is None else self.quantity * self.unit_price

    def to_json(self) -> dict[str, Any]:
        """A line of the `cost` object of `landfall preview --json`."""
        found = {
            "price": self.price,
            "what": self.what,
            "unit": self.unit,
            "account": self.account,
            "region": self.region,
            "unitPrice": float(self.unit_price),
            "resources": len(self.urns),
        }
        if self.quantity is not None:
            found |= {"quantity": float(self.quantity), "monthly": _rounded(self.monthly)}
        return found


@dataclass(frozen=True, kw_only=True)
class Unpriced:
    """Resources whose cost is not known, for one reason."""

    type: str
    region: str
    reason: str
    urns: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """An entry of `unknown` in the `cost` object."""
        return {
            "type": self.type,
            "region": self.region,
            "reason": self.reason,
            "resources": len(self.urns),
            "urns": list(self.urns),
        }


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What is known, what depends on use, what is free and what is not known."""

    as_of: str
    currency: str
    fixed: tuple[Line, ...]
    """The most expensive first."""
    per_use: tuple[Line, ...]
    unknown: tuple[Unpriced, ...]
    free: int
    """Number of resources without a charge."""

    @property
    def monthly(self) -> Decimal:
        """Sum of the fixed lines."""
        return sum((line.monthly or Decimal(0) for line in self.fixed), Decimal(0))

    @property
    def unknowns(self) -> int:
        """Number of resources of which at least one charge is not known."""
        return len({urn for entry in self.unknown for urn in entry.urns})

    def to_json(self, against: Estimate | None = None) -> dict[str, Any]:
        """The `cost` object of `landfall preview --json`."""
        return {
            "asOf": self.as_of,
            "currency": self.currency,
            "monthly": _rounded(self.monthly),
            "fixed": [line.to_json() for line in self.fixed],
            "perUse": [line.to_json() for line in self.per_use],
            "unknown": [entry.to_json() for entry in self.unknown],
            "freeResources": self.free,
            "against": None
            if against is None
            else {
                "monthly": _rounded(against.monthly),
                "difference": _rounded(self.monthly - against.monthly),
                "changes": [step.to_json() for step in differences(against, self)],
            },
        }


@dataclass(frozen=True, kw_only=True)
class Step:
    """How one line of two estimates differs; a line that one of them lacks is None."""

    old: Line | None
    new: Line | None

    @property
    def line(self) -> Line:
        """The line as it will be, or as it was where it goes."""
        found = self.new or self.old
        if found is None:
            raise ValueError("a step has a line before or after it")
        return found

    @property
    def difference(self) -> Decimal | None:
        """Change of the monthly cost; None where it depends on use."""
        if self.line.quantity is None:
            return None
        before, after = (line.monthly or Decimal(0) if line else Decimal(0) for line in (self.old, self.new))
        return after - before

    def to_json(self) -> dict[str, Any]:
        """An entry of `changes` in the `cost` object."""
        return {
            "price": self.line.price,
            "what": self.line.what,
            "unit": self.line.unit,
            "account": self.line.account,
            "region": self.line.region,
            "resources": [len(line.urns) if line else 0 for line in (self.old, self.new)],
            "difference": None if self.difference is None else _rounded(self.difference),
        }


def estimate(resources: Iterable[Billable], prices: Prices) -> Estimate:
    """The monthly estimate of resources of AWS; components and providers are not to be among them."""
    lines: dict[tuple[str, str, str, bool], list[tuple[str, Decimal | None]]] = {}
    unknown: dict[tuple[str, str, str], list[str]] = {}
    free = 0
    for resource in sorted(resources, key=lambda item: item.urn):
        place = resource.account or "—", resource.region or "—"
        if resource.type in prices.free:
            free += 1
            continue
        billed = BILLED.get(resource.type)
        if billed is None:
            key = resource.type, place[1], "the price file does not know the type"
            unknown.setdefault(key, []).append(resource.urn)
            continue
        charges = list(billed(resource.inputs))
        free += not charges
        for charge in charges:
            if not isinstance(charge, Charge):
                unknown.setdefault((resource.type, place[1], charge.reason), []).append(resource.urn)
                continue
            region = charge.region or place[1]
            price = prices.prices.get(charge.price)
            if price is None or price.in_region(region) is None:
                name = price.what if price else charge.price.partition(".")[2]
                reason = f"no price of {name} in {region}"
                unknown.setdefault((resource.type, region, reason), []).append(resource.urn)
                continue
            quantity = charge.quantity
            if quantity is not None and charge.hourly:
                quantity *= prices.hours
            row = (charge.price, place[0], region, quantity is None)
            lines.setdefault(row, []).append((resource.urn, quantity))
    made = [_line(row, parts, prices) for row, parts in sorted(lines.items())]
    return Estimate(
        as_of=prices.as_of,
        currency=prices.currency,
        fixed=tuple(
            sorted(
                (line for line in made if line.quantity is not None), key=lambda line: -(line.monthly or 0)
            )
        ),
        per_use=tuple(line for line in made if line.quantity is None),
        unknown=tuple(
            Unpriced(type=type_, region=region, reason=reason, urns=tuple(dict.fromkeys(urns)))
            for (type_, region, reason), urns in sorted(unknown.items())
        ),
        free=free,
    )


def _line(row: tuple[str, str, str, bool], parts: list[tuple[str, Decimal | None]], prices: Prices) -> Line:
    key, account, region, used = row
    price = prices.prices[key]
    return Line(
        price=key,
        what=price.what,
        unit=price.unit,
        account=account,
        region=region,
        unit_price=price.in_region(region) or Decimal(0),
        quantity=None if used else sum((part or Decimal(0) for _, part in parts), Decimal(0)),
        urns=tuple(dict.fromkeys(urn for urn, _ in parts)),
    )


def differences(old: Estimate, new: Estimate) -> tuple[Step, ...]:
    """Lines that differ: fixed ones, the dearest increase first, then those by use that come or go."""
    before, after = (
        {
            (line.price, line.account, line.region, line.quantity is None): line
            for line in (*e.fixed, *e.per_use)
        }
        for e in (old, new)
    )
    steps = [Step(old=before.get(key), new=after.get(key)) for key in sorted(before.keys() | after.keys())]
    changed = [
        step
        for step in steps
        if step.difference != 0 and (step.difference is not None or step.old is None or step.new is None)
    ]
    return tuple(sorted(changed, key=lambda step: (step.difference is None, -(step.difference or 0))))


def _rounded(amount: Decimal | None) -> float:
    return float((amount or Decimal(0)).quantize(CENT, ROUND_HALF_EVEN))
