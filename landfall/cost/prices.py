"""The dated file of list prices. Pure but for reading the file beside this module, when asked."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

FILE: Final = "prices-2026-11.json"
"""The prices in use; an older file stays readable for whoever must explain an older estimate."""
EVERYWHERE: Final = "*"


class BadPrices(ValueError):
    """A price file does not hold what it must; the text names the entry."""


@dataclass(frozen=True)
class Price:
    """One list price."""

    key: str
    unit: str
    """What the price is for, such as `key-month` or `GB`."""
    what: str
    usd: Mapping[str, Decimal]
    """By Region; `*` for every commercial one."""
    page: str
    """The page of AWS on which it stands."""
    source: str
    """How it came into the file; says so where it is from memory."""

    def in_region(self, region: str | None) -> Decimal | None:
        """The price of a Region; None where the file does not know it."""
        return self.usd.get(region or "", self.usd.get(EVERYWHERE))


@dataclass(frozen=True)
class Prices:
    """All prices of a file."""

    as_of: str
    """Day on which they were put together, ISO."""
    currency: str
    hours: Decimal
    """Hours of a month (730 in AWS's own calculator)."""
    prices: Mapping[str, Price]
    free: Mapping[str, str]
    """Type token to the reason why it costs nothing."""


@functools.cache
def load(path: Path | None = None) -> Prices:
    """The prices of a file, by default of `FILE`. Raises BadPrices, and OSError where it cannot be read."""
    raw = json.loads((path or Path(__file__).with_name(FILE)).read_text(encoding="utf-8"))
    return Prices(
        as_of=str(_member(raw, "asOf")),
        currency=str(_member(raw, "currency")),
        hours=Decimal(str(_member(raw, "hoursPerMonth"))),
        prices={key: _price(key, entry) for key, entry in _member(raw, "prices").items()},
        free=dict(_member(raw, "free")),
    )


def _member(raw: Any, key: str) -> Any:
    if not isinstance(raw, dict) or key not in raw:
        raise BadPrices(f"the price file has no {key}")
    return raw[key]


def _price(key: str, raw: Any) -> Price:
    for name in ("unit", "what", "usd", "page", "source"):
        if not isinstance(raw, dict) or not raw.get(name):
            raise BadPrices(f"price {key} has no {name}")
    usd = {region: Decimal(str(value)) for region, value in raw["usd"].items()}
    if any(value <= 0 for value in usd.values()):
        raise BadPrices(f"price {key} is not above 0 everywhere; what is free belongs under free")
    return Price(key, raw["unit"], raw["what"], usd, raw["page"], raw["source"])
