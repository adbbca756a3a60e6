"""The documents that a preview is compared with: plans, states and digests of the real engine."""

from __future__ import annotations

from typing import Any

import pytest
from risk_samples import snapshot

from landfall.risk.changes import compared
from landfall.risk.model import SECRET, UNKNOWN
from landfall.risk.snapshot import Item, NotASnapshot, read, read_digest

STACK = "urn:pulumi:dev::landfall::pulumi:pulumi:Stack::landfall-dev"
PROVIDER = "urn:pulumi:dev::landfall::pulumi:providers:aws::data"
PLANE = "urn:pulumi:dev::landfall::landfall:orchestration:EtlPlane::etl"
TABLE = "urn:pulumi:dev::landfall::landfall:orchestration:EtlPlane$aws:dynamodb/table:Table::audit"
SIGNATURE = "4dabf18193072939515e22adb298388d"


def kept(urn: str, **more: Any) -> dict[str, Any]:
    """A resource as the engine keeps it."""
    return {"urn": urn, "type": urn.split("::")[2].rpartition("$")[2], "custom": True, **more}


PROVIDED = kept(PROVIDER, inputs={"region": "eu-central-1", "allowedAccountIds": '["111111111111"]'})


def export(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"version": 3, "deployment": {"resources": [PROVIDED, *resources]}}


def test_a_file_of_preview_is_read() -> None:
    row = {
        "urn": TABLE, "type": "aws:dynamodb/table:Table", "name": "audit", "parent": PLANE, "custom": True,
        "protect": True, "retainOnDelete": True, "account": "1", "region": "r", "inputs": {"name": "t"},
        "propertyDependencies": {"kmsKeyArn": ["b", "a", "a"]}, "aliases": ["old"],
    }  # fmt: skip
    plane = {
        "urn": PLANE,
        "type": "landfall:orchestration:EtlPlane",
        "name": "etl",
        "custom": False,
        "parent": STACK,
    }
    found = read({"stack": "dev", "resources": [row, plane]})
    [(urn, item)] = found.resources.items()
    assert (urn, item.protect, item.retain, item.aws_name) == (TABLE, True, True, "t")
    assert item.property_dependencies == {"kmsKeyArn": ("a", "b")}
    assert item.aliases == ("old",)
    assert found.path(item) == "etl/audit"
    assert not found.deployed


def test_a_state_is_read_as_a_plan_would_show_it() -> None:
    inputs = {
        "__defaults": ["billingMode"],
        "billingMode": "PROVISIONED",
        "name": "t",
        "tagsAll": {"a": "b"},
        "region": "eu-west-1",
        "secret": {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "x"},
        "asset": {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "hash": "abc", "path": "p"},
        "archive": {SIGNATURE: "0def7320c3a5731c473e5ecbe6d01bc7", "hash": "abc"},
        "unknown": "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "nested": {"__defaults": ["x"], "x": 1.0, "y": 2.0},
    }
    found = read(export(kept(TABLE, inputs=inputs, provider=f"{PROVIDER}::id", protect=True)))
    [item] = found.resources.values()
    assert dict(item.inputs) == {
        "archive": UNKNOWN, "asset": {"asset": "sha256:abc"}, "name": "t", "nested": {"y": 2},
        "region": "eu-west-1", "secret": SECRET, "unknown": UNKNOWN,
    }  # fmt: skip
    assert (item.account, item.region, item.protect) == ("111111111111", "eu-west-1", True)
    assert found.deployed


def test_what_the_engine_is_about_to_delete_is_not_there_any_more() -> None:
    assert read(export(kept(TABLE, delete=True))).resources == {}


def test_a_state_that_a_plan_would_make_is_no_change() -> None:
    state = read(export(kept(TABLE, inputs={"name": "t", "kmsKeyArn": "arn:1"}, provider=f"{PROVIDER}::id")))
    plan = Item(
        urn=TABLE, type="aws:dynamodb/table:Table", name="audit", account="111111111111",
        region="eu-central-1", inputs={"name": "t", "kmsKeyArn": UNKNOWN},
    )  # fmt: skip
    assert compared(state, snapshot(plan)) == ()


def test_a_digest_has_both_sides_and_the_engines_reasons() -> None:
    old = kept(TABLE, inputs={"hashKey": "a"}, provider=f"{PROVIDER}::id")
    new = kept(TABLE, inputs={"hashKey": "b"}, provider=f"{PROVIDER}::id")
    gone = kept(f"{TABLE}2", inputs={})
    steps = [
        {"op": "same", "urn": PROVIDER, "oldState": PROVIDED, "newState": PROVIDED},
        {
            "op": "create-replacement",
            "urn": TABLE,
            "oldState": old,
            "newState": new,
            "replaceReasons": ["hashKey"],
        },
        {"op": "replace", "urn": TABLE, "oldState": old, "newState": new, "replaceReasons": ["hashKey"]},
        {"op": "delete-replaced", "urn": TABLE, "oldState": old},
        {"op": "delete", "urn": f"{TABLE}2", "oldState": gone},
        {"op": "read", "urn": "ignored"},
    ]
    before, after = read_digest({"steps": steps})
    found = {change.urn: (change.operation, change.replacing) for change in compared(before, after)}
    assert found == {TABLE: ("replace", ("hashKey",)), f"{TABLE}2": ("delete", ())}
    assert after.resources[TABLE].account == "111111111111"


def test_a_digest_without_what_stays_the_same_is_refused() -> None:
    with pytest.raises(NotASnapshot, match="--show-sames"):
        read_digest({"steps": [], "changeSummary": {"same": 2}})


@pytest.mark.parametrize(
    ("alias", "old_urn"),
    [
        ("urn:pulumi:dev::landfall::a::b", "urn:pulumi:dev::landfall::a::b"),
        ({"urn": "urn:pulumi:dev::landfall::a::b"}, "urn:pulumi:dev::landfall::a::b"),
        ({"name": "before"}, TABLE.replace("::audit", "::before")),
        ({"type": "aws:x/y:Z"}, TABLE.replace("aws:dynamodb/table:Table", "aws:x/y:Z")),
        ({"noParent": True}, "urn:pulumi:dev::landfall::aws:dynamodb/table:Table::audit"),
        ({"parentUrn": "urn:pulumi:dev::landfall::p:q:R::s"},
         "urn:pulumi:dev::landfall::p:q:R$aws:dynamodb/table:Table::audit"),
        ({"stack": "old", "project": "was"},
         TABLE.replace("urn:pulumi:dev::landfall", "urn:pulumi:old::was")),
    ],
)  # fmt: skip
def test_an_alias_in_any_form_means_a_urn(alias: Any, old_urn: str) -> None:
    row = {"urn": TABLE, "type": "aws:dynamodb/table:Table", "name": "audit", "aliases": [alias]}
    assert read({"stack": "dev", "resources": [row]}).items[TABLE].aliases == (old_urn,)


@pytest.mark.parametrize(
    "document",
    [None, 7, [], {}, {"resources": []}, {"stack": "x", "resources": {}}, {"deployment": 7},
     {"stack": "x", "resources": [{"urn": 1}]}, {"stack": "x", "resources": ["text"]},
     {"deployment": {"resources": [{"type": "t"}]}}],
)  # fmt: skip
def test_anything_else_is_refused(document: Any) -> None:
    with pytest.raises(NotASnapshot):
        read(document)


@pytest.mark.parametrize(
    "document", [None, [], {}, {"steps": 1}, {"steps": [7]}, {"steps": [{"op": "create"}]}]
)
def test_anything_else_is_no_digest(document: Any) -> None:
    with pytest.raises(NotASnapshot):
        read_digest(document)


def test_a_value_that_is_nested_too_deeply_is_refused() -> None:
    deep: Any = "x"
    for _ in range(300):
        deep = [deep]
    with pytest.raises(NotASnapshot, match="nested"):
        read(export(kept(TABLE, inputs={"a": deep})))


def test_the_name_of_what_a_resource_belongs_to_stands_for_its_own() -> None:
    role = Item(urn="r", type="aws:iam/role:Role", name="r", inputs={"name": "landfall-dev-r"})
    policy = Item(urn="p", type="aws:iam/rolePolicy:RolePolicy", name="p", inputs={"role": UNKNOWN},
                  property_dependencies={"role": ("r",)})  # fmt: skip
    assert snapshot(role, policy).aws_name(policy) == "landfall-dev-r"
    assert snapshot(policy).aws_name(policy) is None
