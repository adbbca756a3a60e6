"""The pieces that provisioners share, and what the table of them promises the engines."""

from __future__ import annotations

import importlib.util
import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.provisioners import (
    PROVISIONERS,
    Call,
    Provisioner,
    ProvisionError,
    delete_before_replace,
    explain,
    merged_tags,
)
from sandbox.provisioners.base import (
    Base,
    archive_bytes,
    asset_bytes,
    found,
    ignoring,
    integers,
    rollback,
    sync_tags,
    to_boto,
    wait_until,
)

CALL = Call(account="111111111111", region="eu-central-1", default_tags={"owner": "a", "team": "b"})
_spec = importlib.util.find_spec("pulumi_aws")
assert _spec is not None
assert _spec.origin is not None
PROVIDER = Path(_spec.origin).parent
SIGNED = "4dabf18193072939515e22adb298388d"


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"it\nis {code}"}}, "GetThing")


def provider_inputs(token: str) -> set[str]:
    """The camelCase inputs of a resource type, as the source of pulumi_aws declares them."""
    module, file, name = re.fullmatch(r"aws:(\w+)/(\w+):(\w+)", token).groups()  # type: ignore[union-attr]
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", file).lower()
    # Read, not imported: importing a whole service of pulumi_aws takes seconds.
    source = (PROVIDER / ("lambda_" if module == "lambda" else module) / f"{snake}.py").read_text()
    start = re.search(rf"class {name}(Init)?Args:", source)
    assert start is not None
    arguments = source[start.start() : source.index("\nclass ", start.end())]
    renamed = re.findall(r'@pulumi\.getter\(name="(\w+)"\)', arguments)
    plain = re.findall(r"@pulumi\.getter\n    def (\w+)\(", arguments)
    return {*renamed, *plain}


@pytest.mark.parametrize("token", sorted(PROVISIONERS))
def test_a_provisioner_speaks_of_inputs_that_its_type_has(token: str) -> None:
    provisioner: Any = PROVISIONERS[token]
    known = provider_inputs(token)
    assert provisioner.handled <= known, provisioner.handled - known
    assert provisioner.replace_on - {"region"} <= provisioner.handled
    assert ("region" in known) == ("region" in provisioner.replace_on)
    assert ("tags" in known) == provisioner.taggable
    assert provisioner.name_key is None or provisioner.name_key in provisioner.replace_on
    assert isinstance(provisioner, Provisioner)
    assert provisioner.token == token


def named(token: str, inputs: dict[str, Any], call: Call = CALL, name: str = "audit") -> str:
    provisioner = PROVISIONERS[token]
    assert isinstance(provisioner, Base)
    return provisioner.physical_name(call, inputs, name)


def test_a_name_is_generated_as_the_provider_would_and_is_always_the_same() -> None:
    role = "aws:iam/role:Role"
    assert re.fullmatch(r"audit-[0-9a-f]{7}", named(role, {}))
    assert named(role, {}) == named(role, {"description": "changes nothing"})
    assert named(role, {"name": "mine"}) == "mine"
    assert re.fullmatch(r"pre-[0-9a-f]{7}", named(role, {"namePrefix": "pre-"}))


def test_a_generated_name_differs_by_account_region_stack_and_by_what_replaces() -> None:
    role = "aws:iam/role:Role"
    others = {
        named(role, {}),
        named(role, {"path": "/etl/"}),
        named(role, {}, Call(account="222222222222", region="eu-central-1")),
        named(role, {}, Call(account="111111111111", region="eu-west-1")),
        named(role, {}, Call(account="111111111111", region="eu-central-1", urn="urn:pulumi:dev::a")),
    }
    assert len(others) == 5


def test_a_generated_name_keeps_within_the_limit_of_its_service() -> None:
    assert len(named("aws:s3/bucket:Bucket", {}, name="x" * 200)) == 63
    assert len(named("aws:sfn/stateMachine:StateMachine", {}, name="x" * 200)) == 80


def test_a_replacement_deletes_first_only_where_the_name_is_explicit() -> None:
    role = PROVISIONERS["aws:iam/role:Role"]
    assert delete_before_replace(role, {"name": "mine"})
    assert not delete_before_replace(role, {})
    assert not delete_before_replace(PROVISIONERS["aws:kms/key:Key"], {"name": "mine"})


def test_tags_of_the_resource_win_over_the_providers() -> None:
    assert merged_tags(CALL, {"tags": {"team": "c", "x": "1"}}) == {"owner": "a", "team": "c", "x": "1"}
    assert merged_tags(CALL, {}) == {"owner": "a", "team": "b"}


def test_tags_are_changed_with_no_more_calls_than_needed() -> None:
    calls: list[Any] = []
    sync_tags({"a": "1", "b": "2"}, {"b": "3", "c": "4"}, calls.append, calls.append)
    sync_tags({"a": "1"}, {"a": "1"}, calls.append, calls.append)
    assert calls == [["a"], {"b": "3", "c": "4"}]


def test_no_endpoint_is_an_error_and_never_real_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with pytest.raises(ProvisionError, match="AWS_ENDPOINT_URL is not set"):
        CALL.client("s3")


def test_a_client_signs_as_its_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "999999999999")
    client = CALL.client("sqs")
    assert client._get_credentials().access_key == "111111111111"
    assert client.meta.region_name == "eu-central-1"
    assert client.meta.endpoint_url == "http://127.0.0.1:1"
    assert CALL.client("sqs") is client


def test_whole_floats_of_the_protocol_become_integers() -> None:
    assert integers({"a": [1.0, 2.5, True, "3"]}) == {"a": [1, 2.5, True, "3"]}


def test_structures_get_the_names_of_the_api() -> None:
    given = {"arn": "a", "retryPolicy": {"maximumRetryAttempts": 1}, "list": [{"key": "k", "values": None}]}
    assert to_boto(given) == {"Arn": "a", "RetryPolicy": {"MaximumRetryAttempts": 1}, "List": [{"Key": "k"}]}
    assert to_boto({"eventbridgeParameters": {}}, {"eventbridgeParameters": "EventBridgeParameters"}) == {
        "EventBridgeParameters": {}
    }


def test_only_the_named_errors_are_swallowed() -> None:
    with ignoring("Gone"):
        raise error("Gone")
    with pytest.raises(ClientError), ignoring("Gone"):
        raise error("Denied")

    def gone() -> None:
        raise error("Gone")

    assert found(gone, "Gone") is None
    with pytest.raises(ClientError):
        found(gone, "Other")


def test_a_failing_clean_up_does_not_hide_the_failure() -> None:
    def undo() -> None:
        raise error("Busy")

    with pytest.raises(ProvisionError, match="first"), rollback(undo):
        raise ProvisionError("first")


def test_waiting_ends() -> None:
    with pytest.raises(ProvisionError, match=r"Active of x was not reached within 0\.2 seconds"):
        wait_until("Active of x", lambda: False, seconds=0.2, poll=0.05)


def test_an_error_is_told_in_one_line_with_the_services_own_words() -> None:
    assert explain(error("Denied")) == "GetThing: Denied: it is Denied"
    assert explain(ValueError("a\n b")) == "a b"


def test_assets_are_read_from_text_path_and_signed_dictionary(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"content")
    assert (
        asset_bytes({SIGNED: "c44067f5952c0a294b673a41bacd8c17", "path": str(file), "hash": "x"})
        == b"content"
    )
    assert asset_bytes({"text": "näh"}) == "näh".encode()
    assert asset_bytes(file) == b"content"
    with pytest.raises(ProvisionError, match="cannot read asset"):
        asset_bytes({"path": str(tmp_path / "none")})
    with pytest.raises(ProvisionError, match="a remote one is not available"):
        asset_bytes({"uri": "https://example.org/a"})


def test_archives_are_zipped_reproducibly(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "b.py").write_text("b")
    (tmp_path / "a.py").write_text("a")
    from_folder = archive_bytes({"path": str(tmp_path)})
    (tmp_path / "a.py").touch()
    assert archive_bytes({"path": str(tmp_path)}) == from_folder
    assert zipfile.ZipFile(io.BytesIO(from_folder)).namelist() == ["a.py", "in/b.py"]

    ready = tmp_path.parent / "ready.zip"
    ready.write_bytes(from_folder)
    assert archive_bytes({"path": str(ready)}) == from_folder

    nested = {
        "assets": {
            "x": {"text": "1"},
            "d": {"path": str(tmp_path / "in")},
            "e": {"assets": {"y": {"text": "2"}}},
        }
    }
    assert zipfile.ZipFile(io.BytesIO(archive_bytes(nested))).namelist() == ["d/b.py", "e/y", "x"]
