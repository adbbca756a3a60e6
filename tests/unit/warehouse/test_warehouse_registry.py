"""Statements are kept by account and Region, for a day, once per client token."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest


class ServiceException(Exception):
    """Stands for the emulator's own, which is not installed where unit tests run."""

    def __init__(self, *args: Any, **members: Any) -> None:
        super().__init__(*args)
        vars(self).update(members)


class Clock:
    """Time that tests move."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Any]]:
    api = ModuleType("localemu.aws.api")
    api.ServiceException = ServiceException  # type: ignore[attr-defined]
    for name in ("localemu", "localemu.aws"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "localemu.aws.api", api)
    import landfall_emulator.redshift_data.model as model
    import landfall_emulator.redshift_data.registry as registry

    yield model, registry
    for name in [name for name in sys.modules if name.startswith("landfall_emulator.redshift_data")]:
        del sys.modules[name]


def statement(model: Any, identifier: str, clock: Clock, status: str = "FINISHED") -> Any:
    target = model.Target(
        account="1" * 12, region="eu-central-1", workgroup="etl", database="dev", username="u", password="p"
    )
    step = model.Step(id=identifier, sql="select 1", created=clock.now)
    return model.Statement(
        id=identifier, target=target, steps=[step], batch=False, created=clock.now, status=status
    )


SCOPE = ("1" * 12, "eu-central-1")


def test_a_statement_is_forgotten_after_a_day(modules: tuple[Any, Any]) -> None:
    model, registry = modules
    clock = Clock()
    kept = registry.Registry(clock)
    kept.add(SCOPE, statement(model, "a", clock), None, "")
    clock.now += 24 * 3600
    assert kept.get(SCOPE, "a").id == "a"

    clock.now += 1
    with pytest.raises(ServiceException, match="Query does not exist"):
        kept.get(SCOPE, "a")


def test_other_accounts_and_regions_do_not_see_it(modules: tuple[Any, Any]) -> None:
    model, registry = modules
    clock = Clock()
    kept = registry.Registry(clock)
    kept.add(SCOPE, statement(model, "a", clock), None, "")

    for scope in (("2" * 12, "eu-central-1"), ("1" * 12, "us-east-1")):
        with pytest.raises(ServiceException):
            kept.get(scope, "a")
        assert kept.all(scope) == []


def test_a_client_token_starts_one_statement_for_eight_hours(modules: tuple[Any, Any]) -> None:
    model, registry = modules
    clock = Clock()
    kept = registry.Registry(clock)
    assert kept.add(SCOPE, statement(model, "a", clock), "token", "same").id == "a"
    assert kept.add(SCOPE, statement(model, "b", clock), "token", "same").id == "a"
    with pytest.raises(ServiceException, match="different parameters"):
        kept.add(SCOPE, statement(model, "c", clock), "token", "other")

    clock.now += 8 * 3600 + 1
    assert kept.add(SCOPE, statement(model, "d", clock), "token", "same").id == "d"


def test_the_501st_active_statement_is_refused(modules: tuple[Any, Any]) -> None:
    model, registry = modules
    clock = Clock()
    kept = registry.Registry(clock)
    for number in range(500):
        kept.add(SCOPE, statement(model, f"s{number}", clock, "STARTED"), None, "")

    with pytest.raises(ServiceException, match="Active statements exceeded"):
        kept.add(SCOPE, statement(model, "one-more", clock, "SUBMITTED"), None, "")


def test_the_latest_statement_is_listed_first(modules: tuple[Any, Any]) -> None:
    model, registry = modules
    clock = Clock()
    kept = registry.Registry(clock)
    for identifier in ("a", "b", "c"):
        clock.now += 1
        kept.add(SCOPE, statement(model, identifier, clock), None, "")

    assert [found.id for found in kept.all(SCOPE)] == ["c", "b", "a"]
