"""Names that a valid config makes: within AWS's limits, ASCII, and each its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from landfall.config.limits import REGIONS
from landfall.config.platform import Prefix
from landfall.etl_names import EtlNames, OperationsNames
from landfall.naming import Names, NameTooLong


@dataclass(frozen=True)
class Rule:
    """What AWS takes as a name (read in the services' API references on 2026-11-21)."""

    pattern: str
    longest: int


_TABLE = Rule(r"[A-Za-z0-9_.-]{3,}", 255)
_ROLE = Rule(r"[A-Za-z0-9_+=,.@-]+", 64)
_LOG_GROUP = Rule(r"[A-Za-z0-9_/.#-]+", 512)
_DOCUMENT = Rule(r"[A-Za-z0-9_.-]{3,}", 128)
_BUCKET = Rule(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", 63)
_ALIAS = Rule(r"alias/[A-Za-z0-9/_-]+", 256)
RULES: Mapping[str, Rule] = {
    "config_table": _TABLE,
    "job_audit_table": _TABLE,
    "workflow_audit_table": _TABLE,
    "machine": Rule(r"[A-Za-z0-9_-]+", 80),
    "machine_role": _ROLE,
    "host_role": _ROLE,
    "log_group": _LOG_GROUP,
    "machine_log_group": _LOG_GROUP,
    "run_job_document": _DOCUMENT,
    "install_runner_document": _DOCUMENT,
    "artifact_bucket": _BUCKET,
    "key_alias": _ALIAS,
    "topic": Rule(r"[A-Za-z0-9_-]+", 256),
    "archive_bucket": _BUCKET,
}

PREFIXES = st.from_regex(r"[a-z][a-z0-9-]{0,17}[a-z0-9]", fullmatch=True)
ENVIRONMENTS = st.sampled_from(["sandbox", "dev", "staging", "prod"])
ACCOUNTS = st.from_regex(r"[0-9]{12}", fullmatch=True)


@cache
def prefix() -> TypeAdapter[str]:
    return TypeAdapter(Prefix)


def every_name(
    start: str, environment: str, account: str, region: str
) -> tuple[dict[str, str], dict[str, str]]:
    """The names of the plane and of the hub, by property; those that config refuses are left out."""
    names = Names(start, environment)
    plane = EtlNames(names=names, account_id=account, region=region)
    hub = OperationsNames(names=names, account_id=account, region=region)
    found: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for of, made in zip((plane, hub), found, strict=True):
        for rule in RULES:
            if hasattr(type(of), rule):
                try:
                    made[rule] = getattr(of, rule)
                except NameTooLong as error:
                    assert "bucket" in rule, "config checks buckets' names; no other can be too long"
                    assert error.excess > 0
    return found


@settings(max_examples=150)
@given(PREFIXES, ENVIRONMENTS, ACCOUNTS, st.sampled_from(REGIONS.values))
def test_every_name_is_what_its_service_takes(
    start: str, environment: str, account: str, region: str
) -> None:
    assert prefix().validate_python(start) == start
    plane, hub = every_name(start, environment, account, region)
    for property_, name in [*plane.items(), *hub.items()]:
        rule = RULES[property_]
        assert name.isascii()
        assert re.fullmatch(rule.pattern, name), (property_, name)
        assert len(name) <= rule.longest, (property_, name)


@settings(max_examples=60)
@given(PREFIXES, ENVIRONMENTS, ACCOUNTS, st.sampled_from(REGIONS.values))
def test_no_two_names_of_one_kind_are_the_same(
    start: str, environment: str, account: str, region: str
) -> None:
    plane, hub = every_name(start, environment, account, region)
    by_rule: dict[int, list[str]] = {}
    for property_, name in [*plane.items(), *hub.items()]:
        by_rule.setdefault(id(RULES[property_]), []).append(name)
    for names in by_rule.values():
        assert len(set(names)) == len(names)


@given(st.lists(st.tuples(PREFIXES, ENVIRONMENTS), min_size=2, max_size=2, unique=True))
def test_two_platforms_never_share_a_name(pair: list[tuple[str, str]]) -> None:
    one, other = (Names(*platform).physical("etl") for platform in pair)
    assert one != other, "no environment ends with a hyphen and another one"


@given(st.text(max_size=25))
def test_whatever_is_taken_as_a_prefix_makes_names(text: str) -> None:
    try:
        taken = prefix().validate_python(text)
    except ValidationError:
        return
    name = Names(taken, "sandbox").physical("workflow-notifications")
    assert name.isascii()
    assert re.fullmatch(r"[a-z][a-z0-9-]+", name)


def test_every_property_that_names_something_has_a_rule() -> None:
    made = {
        name
        for of in (EtlNames, OperationsNames)
        for name, value in vars(of).items()
        if isinstance(value, property) and not name.endswith("_arn")
    }
    assert made == set(RULES)
