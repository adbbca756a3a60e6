"""Check, diff, create, update and delete, without an engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from engines_fake_cloud import provisioners

from sandbox.engines.lifecycle import Lifecycle, comparable
from sandbox.engines.provider_config import Place, provider_place
from sandbox.engines.recorded import Ledger
from sandbox.engines.values import (
    ARCHIVE,
    ASSET,
    OUTPUT,
    SECRET,
    SIGNATURE,
    UNKNOWN,
    from_struct,
    has_unknown,
    plain,
    secret,
    shown,
    to_struct,
)

QUEUE = "aws:sqs/queue:Queue"
TOPIC = "aws:sns/topic:Topic"
KEY = "aws:kms/key:Key"
URN = "urn:pulumi:dev::small::aws:sqs/queue:Queue::q"
PLACE = Place("111111111111", "eu-central-1", {"owner": "platform"})


@pytest.fixture
def life(tmp_path: Path) -> Lifecycle:
    return Lifecycle(PLACE, provisioners(tmp_path / "cloud"), Ledger(tmp_path / "recorded"))


def test_nothing_differs_from_itself(life: Lifecycle) -> None:
    inputs = {"name": "a", "tags": {"x": "1"}, "visibilityTimeoutSeconds": 3}
    _, outputs = life.create(QUEUE, URN, "q", inputs, preview=False)
    assert not life.diff(QUEUE, inputs, outputs, inputs).changed


@pytest.mark.parametrize(
    ("new", "changed", "replaces", "first"),
    [
        ({"name": "a", "delaySeconds": 5}, ("delaySeconds",), (), False),
        ({"name": "b", "delaySeconds": 3}, ("name",), ("name",), True),
        ({"delaySeconds": 3}, ("name",), ("name",), False),
        ({"name": "a", "delaySeconds": UNKNOWN}, ("delaySeconds",), (), False),
        ({"name": UNKNOWN, "delaySeconds": 3}, ("name",), ("name",), True),
        ({"name": "a", "delaySeconds": 3, "region": "eu-west-1"}, ("region",), ("region",), True),
        ({"name": "a", "delaySeconds": 3.0}, (), (), False),
        ({"name": "a", "delaySeconds": {SIGNATURE: SECRET, "value": 3}}, (), (), False),
        ({"name": "a", "delaySeconds": 3, "tags": {"x": "1"}}, ("tags", "tagsAll"), (), False),
    ],
)
def test_update_and_replacement_are_told_apart(
    life: Lifecycle, new: dict[str, Any], changed: tuple[str, ...], replaces: tuple[str, ...], first: bool
) -> None:
    old = {"name": "a", "delaySeconds": 3}
    _, outputs = life.create(QUEUE, URN, "q", old, preview=False)
    found = life.diff(QUEUE, old, outputs, new)
    assert (found.changed, found.replaces, found.delete_first) == (changed, replaces, first)


def test_new_default_tags_of_the_provider_are_an_update(tmp_path: Path, life: Lifecycle) -> None:
    inputs = {"name": "a", "tags": {"x": "1"}}
    _, outputs = life.create(QUEUE, URN, "q", inputs, preview=False)
    assert outputs["tagsAll"] == {"owner": "platform", "x": "1"}
    renamed = Place(PLACE.account, PLACE.region, {"owner": "somebody"})
    other = Lifecycle(renamed, provisioners(tmp_path / "cloud"), Ledger(None))
    assert other.diff(QUEUE, inputs, outputs, inputs).changed == ("tagsAll",)


def test_a_path_below_a_block_replaces_only_where_it_is_named(tmp_path: Path) -> None:
    table = provisioners(tmp_path)
    table[QUEUE].replace_on = frozenset({"settings.kept"})
    life = Lifecycle(PLACE, table, Ledger(None))
    old = {"settings": {"kept": 1, "free": 1}}
    assert life.diff(QUEUE, old, {}, {"settings": {"kept": 1, "free": 2}}).replaces == ()
    assert life.diff(QUEUE, old, {}, {"settings": {"kept": 2, "free": 1}}).replaces == ("settings",)
    assert life.diff(QUEUE, old, {}, {}).replaces == ("settings",)


def test_a_preview_knows_the_inputs_and_calls_nothing(tmp_path: Path, life: Lifecycle) -> None:
    identifier, outputs = life.create(QUEUE, URN, "q", {"name": "a", "policy": UNKNOWN}, preview=True)
    assert identifier == ""
    assert outputs == {"name": "a", "policy": UNKNOWN, "tagsAll": {"owner": "platform"}}
    assert not (tmp_path / "cloud").exists()


def test_a_previewed_update_keeps_what_only_the_service_knows(life: Lifecycle) -> None:
    old = {"name": "a", "delaySeconds": 3}
    identifier, outputs = life.create(QUEUE, URN, "q", old, preview=False)
    previewed = life.update(QUEUE, URN, identifier, old, outputs, {"name": "a"}, preview=True)
    assert previewed["arn"] == "arn:aws:queue:eu-central-1:111111111111:a"
    assert "delaySeconds" not in previewed


def test_a_secret_input_makes_a_secret_output_and_the_service_gets_it_plain(
    tmp_path: Path, life: Lifecycle
) -> None:
    _, outputs = life.create(QUEUE, URN, "q", {"name": "a", "policy": secret("hush")}, preview=False)
    assert outputs["policy"] == {SIGNATURE: SECRET, "value": "hush"}
    assert '"policy": "hush"' in next((tmp_path / "cloud").rglob("*.json")).read_text()


def test_a_failing_call_raises_the_services_error(tmp_path: Path, life: Lifecycle) -> None:
    (tmp_path / "cloud").mkdir()
    (tmp_path / "cloud" / "fail-a").touch()
    with pytest.raises(ClientError, match="a cannot be served now"):
        life.create(QUEUE, URN, "q", {"name": "a"}, preview=False)


def test_a_type_without_provisioner_is_recorded_until_it_is_deleted(tmp_path: Path, life: Lifecycle) -> None:
    urn = "urn:pulumi:dev::small::aws:kms/key:Key::k"
    identifier, outputs = life.create(KEY, urn, "k", {"description": "d"}, preview=False)
    assert identifier == "recorded-k"
    assert outputs == {"description": "d", "tagsAll": {"owner": "platform"}}
    assert "arn" not in outputs
    ledger = Ledger(tmp_path / "recorded")
    assert ledger.entries() == [
        {"urn": urn, "type": KEY, "name": "k", "account": "111111111111", "region": "eu-central-1"}
    ]
    assert life.read(KEY, urn, identifier, outputs, {}) == outputs
    life.delete(KEY, urn, identifier, {"description": "d"}, outputs)
    life.delete(KEY, urn, identifier, {"description": "d"}, outputs)
    assert ledger.entries() == []


def test_what_is_gone_reads_as_gone(life: Lifecycle) -> None:
    identifier, outputs = life.create(TOPIC, URN, "t", {"name": "a"}, preview=False)
    assert life.read(TOPIC, URN, identifier, outputs, {"name": "a"}) == outputs
    life.delete(TOPIC, URN, identifier, {"name": "a"}, outputs)
    assert life.read(TOPIC, URN, identifier, outputs, {"name": "a"}) is None


def test_a_provider_with_unknown_inputs_has_no_place_yet() -> None:
    assert provider_place({"allowedAccountIds": UNKNOWN, "region": "eu-central-1"}) is None
    known = {
        "allowedAccountIds": '["111111111111"]',
        "region": "eu-central-1",
        "defaultTags": '{"tags": {"owner": "platform"}}',
    }
    assert provider_place(known) == PLACE


def test_assets_compare_by_hash_alone() -> None:
    one = {SIGNATURE: ASSET, "hash": "abc", "path": "a"}
    assert comparable({"code": one}) == comparable({"code": {SIGNATURE: ASSET, "hash": "abc"}})
    assert comparable({"code": one}) != comparable({"code": {**one, "hash": "abd"}})
    assert comparable({SIGNATURE: ARCHIVE, "hash": "x", "assets": {}}) == {"hash": "x"}


def test_values_survive_the_wire() -> None:
    value = {"a": [1, 2.5, True, None, "x"], "b": {"c": {}}, "s": secret("x")}
    assert from_struct(to_struct(value)) == value


def test_outputs_and_secrets_are_unwrapped_for_a_provisioner() -> None:
    known = {SIGNATURE: OUTPUT, "value": {SIGNATURE: SECRET, "value": 3}, "secret": True}
    unknown = {SIGNATURE: OUTPUT}
    assert plain({"a": known, "b": [unknown]}) == {"a": 3, "b": [UNKNOWN]}
    assert has_unknown([unknown])
    assert not has_unknown([known])
    assert shown({"a": known, "b": unknown}, Path()) == {"a": "<secret>", "b": "<unknown>"}
