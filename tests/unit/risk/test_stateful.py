"""Data that a change destroys, and guards that it takes away: each rule fires, and keeps quiet."""

from __future__ import annotations

from typing import Any

import pytest
from risk_samples import changed, findings, item, urn

from landfall.risk import stateful
from landfall.risk.model import UNKNOWN, Severity
from landfall.risk.stateful import GUARDS, STATEFUL
from sandbox.engines import schema
from sandbox.provisioners import PROVISIONERS

TABLE = "aws:dynamodb/table:Table"
BUCKET = "aws:s3/bucket:Bucket"
LOGS = "aws:cloudwatch/logGroup:LogGroup"


@pytest.mark.parametrize("type_", sorted(STATEFUL))
def test_deleting_what_holds_data_is_critical(type_: str) -> None:
    [found] = findings([item(type_, inputs={"name": "data"})], [])
    assert (found.rule, found.severity, found.operation) == ("stateful-deleted", Severity.CRITICAL, "delete")
    assert STATEFUL[type_].holds in found.why


def test_deleting_what_holds_nothing_is_no_finding() -> None:
    assert findings([item("aws:scheduler/schedule:Schedule")], []) == ()


def test_what_is_kept_on_delete_is_abandoned_rather_than_destroyed() -> None:
    [found] = findings([item(BUCKET, retain=True)], [])
    assert (found.rule, found.severity) == ("stateful-abandoned", Severity.HIGH)


def test_a_deletion_of_something_protected_says_that_it_will_be_refused() -> None:
    [found] = findings([item(BUCKET, protect=True)], [])
    assert "the deployment will refuse" in found.why


@pytest.mark.parametrize(
    "other",
    [item(BUCKET, "new", inputs={"bucket": "x"}), item(BUCKET, "it", urn="urn:pulumi:dev::p::a$b::it")],
)
def test_a_rename_without_an_alias_is_a_deletion_that_names_the_alias(other: Any) -> None:
    [found] = findings([item(BUCKET, inputs={"bucket": "x"})], [other])
    assert found.rule == "stateful-deleted"
    assert f'the alias "{urn(BUCKET, "it")}"' in found.remedy


def test_a_rename_with_an_alias_is_no_finding() -> None:
    before, after = item(BUCKET, "old"), item(BUCKET, "new", aliases=(urn(BUCKET, "old"),))
    assert findings([before], [after]) == ()


REPLACED = [(type_, path) for type_, known in sorted(STATEFUL.items()) for path in sorted(known.replace_on)]


@pytest.mark.parametrize(("type_", "path"), REPLACED, ids="-".join)
def test_a_change_of_a_replacing_property_is_critical(type_: str, path: str) -> None:
    [found] = changed(type_, {path: "old", "tags": {"a": "b"}}, {path: "new", "tags": {"a": "c"}})
    assert (found.rule, found.severity, found.operation) == (
        "stateful-replaced",
        Severity.CRITICAL,
        "replace",
    )
    assert [(change.path, change.old, change.new) for change in found.properties] == [(path, "old", "new")]
    assert path in found.why and path in found.remedy


def test_a_change_below_a_replacing_property_replaces_too() -> None:
    before = {"localSecondaryIndexes": [{"name": "a", "rangeKey": "x"}]}
    after = {"localSecondaryIndexes": [{"name": "a", "rangeKey": "y"}]}
    [found] = changed(TABLE, before, after)
    assert found.rule == "stateful-replaced"


@pytest.mark.parametrize("field", ["account", "region"])
def test_a_move_to_another_place_replaces(field: str) -> None:
    [found] = findings([item(TABLE)], [item(TABLE, **{field: "elsewhere"})])
    assert found.rule == "stateful-replaced"
    assert found.properties[0].path == field


def test_a_change_of_another_property_is_no_finding() -> None:
    assert changed(TABLE, {"name": "t", "tags": {"a": "b"}}, {"name": "t", "tags": {"a": "c"}}) == ()


def test_a_replaced_resource_that_is_kept_stays_behind() -> None:
    before, after = (item(TABLE, inputs={"hashKey": key}, retain=True) for key in "ab")
    [found] = findings([before], [after])
    assert "stays behind" in found.why


@pytest.mark.parametrize("field", ["protect", "retain"])
def test_protection_that_goes_is_high_and_protection_that_comes_is_fine(field: str) -> None:
    guarded, bare = item(TABLE, **{field: True}), item(TABLE)
    [found] = findings([guarded], [bare])
    assert (found.rule, found.severity) == ("guard-removed", Severity.HIGH)
    assert findings([bare], [guarded]) == ()


def at(path: str, value: Any) -> dict[str, Any]:
    """Inputs with a value at a dotted path."""
    first, _, rest = path.partition(".")
    return {first: at(rest, value) if rest else value}


LOST: dict[str, tuple[Any, Any]] = {
    "on": (True, False),
    "off": (False, True),
    "fewer": (14, 3),
    "kept": (400, 30),
    "status": ("Enabled", "Suspended"),
    "expiry": (
        [{"id": "r", "status": "Enabled", "expiration": {"days": 90}}],
        [{"id": "r", "status": "Enabled", "expiration": {"days": 10}}],
    ),
    "copies": ([{"regionName": "eu-west-1"}, {"regionName": "eu-north-1"}], [{"regionName": "eu-west-1"}]),
}


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: f"{guard.type}-{guard.path}")
def test_a_guard_that_goes_is_a_finding_and_one_that_comes_is_none(guard: stateful.Guard) -> None:
    old, new = LOST[guard.kind]
    [found] = changed(guard.type, at(guard.path, old), at(guard.path, new))
    assert (found.rule, found.severity, found.why) == ("guard-removed", guard.severity, guard.why)
    assert [(change.path, change.old, change.new) for change in found.properties] == [(guard.path, old, new)]
    assert changed(guard.type, at(guard.path, new), at(guard.path, old)) == ()


@pytest.mark.parametrize(
    ("type_", "path", "before", "after", "count"),
    [
        (LOGS, "retentionInDays", None, 30, 1),
        (LOGS, "retentionInDays", 0, 30, 1),
        (LOGS, "retentionInDays", 30, None, 0),
        (LOGS, "retentionInDays", 30, 0, 0),
        (LOGS, "retentionInDays", 30, UNKNOWN, 1),
        ("aws:sqs/queue:Queue", "messageRetentionSeconds", None, 1_209_600, 0),
        ("aws:sqs/queue:Queue", "messageRetentionSeconds", None, 60, 1),
        ("aws:secretsmanager/secret:Secret", "recoveryWindowInDays", None, 0, 1),
        ("aws:kms/key:Key", "deletionWindowInDays", 7, None, 0),
        (BUCKET, "forceDestroy", None, UNKNOWN, 1),
        (TABLE, "replicas", [{"regionName": "eu-west-1"}], None, 1),
        (TABLE, "replicas", [{"regionName": "eu-west-1"}], UNKNOWN, 0),
        ("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "rules",
         [], [{"status": "Enabled", "noncurrentVersionExpiration": {"noncurrentDays": 3}}], 1),
        ("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "rules",
         [], [{"status": "Disabled", "expiration": {"days": 3}}], 0),
    ],
)  # fmt: skip
def test_what_is_not_set_means_what_the_service_makes_of_it(
    type_: str, path: str, before: Any, after: Any, count: int
) -> None:
    old, new = ({} if value is None else {path: value} for value in (before, after))
    assert [found.rule for found in changed(type_, old, new)] == ["guard-removed"] * count


@pytest.mark.parametrize("type_", sorted(STATEFUL.keys() & PROVISIONERS.keys()))
def test_the_table_agrees_with_the_sandbox_on_what_replaces(type_: str) -> None:
    assert STATEFUL[type_].replace_on == PROVISIONERS[type_].replace_on - {"region"}


@pytest.mark.parametrize("type_", sorted(STATEFUL))
def test_the_table_names_types_and_inputs_of_the_provider(type_: str) -> None:
    known = schema.type_schema(type_)
    assert known is not None
    assert STATEFUL[type_].replace_on <= known.inputs


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: f"{guard.type}-{guard.path}")
def test_guards_name_inputs_of_the_provider(guard: stateful.Guard) -> None:
    known = schema.type_schema(guard.type)
    assert known is not None
    assert guard.path.split(".")[0] in known.inputs
