"""The price file: dated, sourced, and known to hold what the shipped stacks use."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from landfall.cost.charges import BILLED
from landfall.cost.prices import FILE, BadPrices, load
from sandbox.engines import schema

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = sorted((ROOT / "tests" / "plan" / "golden").glob("*"))
GOOD: dict[str, Any] = {
    "asOf": "2026-11-21", "currency": "USD", "hoursPerMonth": 730, "free": {},
    "prices": {"a": {"unit": "u", "what": "w", "usd": {"*": "1"}, "page": "p", "source": "s"}},
}  # fmt: skip


def test_the_file_is_dated_as_its_name_says() -> None:
    prices = load()
    day = date.fromisoformat(prices.as_of)
    assert f"prices-{day:%Y-%m}.json" == FILE
    assert prices.currency == "USD" and prices.hours == 730


@pytest.mark.parametrize("key", sorted(load().prices))
def test_every_price_names_its_page_and_how_it_was_learnt(key: str) -> None:
    price = load().prices[key]
    assert re.fullmatch(r"https://aws\.amazon\.com/[a-z0-9-]+/pricing/([a-z-]+/)?", price.page)
    assert re.search(r"from memory|20\d\d", price.source)
    assert price.usd


def test_a_region_that_a_price_does_not_name_has_none() -> None:
    prices = load().prices
    assert prices["vpc.interface-endpoint"].in_region("eu-north-1") is None
    assert prices["kms.key"].in_region("eu-north-1") == prices["kms.key"].in_region(None) == 1


def test_no_type_is_both_billed_and_free() -> None:
    assert not set(load().free) & set(BILLED)


@pytest.mark.parametrize("type_", sorted({*load().free, *BILLED}))
def test_every_type_of_the_tables_is_one_of_the_provider(type_: str) -> None:
    assert schema.type_schema(type_) is not None


def test_every_type_of_the_shipped_stacks_is_known() -> None:
    types = {
        kind for path in GOLDEN for kind in re.findall(r"aws:\w+/\w+:\w+", path.read_text(encoding="utf-8"))
    }
    assert len(types) > 30
    assert types - set(load().free) - set(BILLED) == set()


def without(path: str) -> dict[str, Any]:
    document = json.loads(json.dumps(GOOD))
    parent = document
    *above, last = path.split(".")
    for key in above:
        parent = parent[key]
    del parent[last]
    return document  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("path", "message"),
    [("asOf", "no asOf"), ("prices", "no prices"), ("prices.a.source", "price a has no source"),
     ("prices.a.usd", "price a has no usd")],
)  # fmt: skip
def test_a_file_that_lacks_something_is_refused(tmp_path: Path, path: str, message: str) -> None:
    target = tmp_path / "prices.json"
    target.write_text(json.dumps(GOOD), encoding="utf-8")
    assert load(target).prices["a"].unit == "u"
    other = tmp_path / "broken.json"
    other.write_text(json.dumps(without(path)), encoding="utf-8")
    with pytest.raises(BadPrices, match=message):
        load(other)


def test_a_price_of_nothing_is_refused(tmp_path: Path) -> None:
    document = json.loads(json.dumps(GOOD))
    document["prices"]["a"]["usd"] = {"*": "0"}
    target = tmp_path / "prices.json"
    target.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(BadPrices, match="not above 0"):
        load(target)
