"""Property values on their way between program, engine and plan.

A value travels as JSON in which a few things are maps with a signature key: secrets, assets, archives,
resource references and outputs. The signatures are the engine's (`sdk/go/common/resource/properties.go`)
and stand in the Python SDK too; an unknown value is one fixed string.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from google.protobuf import struct_pb2
from pulumi.runtime import rpc

UNKNOWN: Final[str] = rpc.UNKNOWN
SIGNATURE: Final[str] = rpc._special_sig_key
SECRET: Final[str] = rpc._special_secret_sig
ASSET: Final[str] = rpc._special_asset_sig
ARCHIVE: Final[str] = rpc._special_archive_sig
RESOURCE: Final[str] = rpc._special_resource_sig
OUTPUT: Final[str] = rpc._special_output_value_sig

SHOWN_UNKNOWN: Final = "<unknown>"
SHOWN_SECRET: Final = "<secret>"  # noqa: S105 - what a plan shows in place of a secret

_CLI_SECRET: Final = "[secret]"  # noqa: S105 - what `pulumi preview --json` shows


def from_struct(message: struct_pb2.Struct) -> dict[str, Any]:
    """A protobuf struct as plain JSON; whole numbers become `int`, as JSON text would read."""
    return {key: _from_value(value) for key, value in message.fields.items()}


def to_struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Plain JSON as a protobuf struct."""
    message = struct_pb2.Struct()
    message.update(values)
    return message


def _from_value(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return value.string_value
    if kind == "struct_value":
        return from_struct(value.struct_value)
    if kind == "list_value":
        return [_from_value(item) for item in value.list_value.values]
    if kind == "bool_value":
        return value.bool_value
    if kind == "number_value":
        return number(value.number_value)
    return None


def number(value: float) -> int | float:
    """Whole numbers as `int`: the wire has floating point only."""
    return int(value) if value.is_integer() else value


def is_unknown(value: Any) -> bool:
    """Whether this very value is unknown; see `has_unknown` for one inside it."""
    return bool(value == UNKNOWN) or (
        isinstance(value, dict) and value.get(SIGNATURE) == OUTPUT and "value" not in value
    )


def has_unknown(value: Any) -> bool:
    """Whether anything in the value is unknown."""
    if is_unknown(value):
        return True
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return False


def has_secret(value: Any) -> bool:
    """Whether anything in the value is secret."""
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET or (value.get(SIGNATURE) == OUTPUT and value.get("secret")):
            return True
        return any(has_secret(item) for item in value.values())
    if isinstance(value, list):
        return any(has_secret(item) for item in value)
    return False


def secret(value: Any) -> dict[str, Any]:
    """The value marked as secret; marking twice is the same as once."""
    if isinstance(value, dict) and value.get(SIGNATURE) == SECRET:
        return value
    return {SIGNATURE: SECRET, "value": value}


def plain(value: Any) -> Any:
    """The value without secret, output and resource wrappers, as a provider uses it.

    Unknown stays `UNKNOWN`.
    """
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    signature = value.get(SIGNATURE)
    if signature == SECRET:
        return plain(value.get("value"))
    if signature == OUTPUT:
        return plain(value["value"]) if "value" in value else UNKNOWN
    if signature == RESOURCE:
        return value.get("id") or value.get("urn")
    if signature == ARCHIVE and "assets" in value:
        return {**value, "assets": {key: plain(item) for key, item in value["assets"].items()}}
    return {key: plain(item) for key, item in value.items()}


def shown(value: Any, root: Path) -> Any:
    """The value as a plan shows it.

    Unknown values read `<unknown>`, secrets `<secret>`; assets and archives become the digest of their
    content, so that a plan says when code changed and does not depend on where the tree lies.

    Args:
        value: JSON with signatures.
        root: folder that relative asset paths start from (the program's folder).
    """
    if is_unknown(value):
        return SHOWN_UNKNOWN
    if value == _CLI_SECRET:
        return SHOWN_SECRET
    if isinstance(value, float):
        return number(value)
    if isinstance(value, list):
        return [shown(item, root) for item in value]
    if not isinstance(value, dict):
        return value
    signature = value.get(SIGNATURE)
    special = _SHOWN.get(signature) if isinstance(signature, str) else None
    if special is not None:
        return special(value, root)
    return {key: shown(value[key], root) for key in sorted(value)}


def _shown_output(value: dict[str, Any], root: Path) -> Any:
    return SHOWN_SECRET if value.get("secret") else shown(value["value"], root)


def _shown_resource(value: dict[str, Any], root: Path) -> Any:
    return {"urn": value.get("urn")}


def _shown_asset(value: dict[str, Any], root: Path) -> Any:
    return {"asset": f"sha256:{_asset_digest(value, root)}"}


def _shown_archive(value: dict[str, Any], root: Path) -> Any:
    return {"archive": f"sha256:{_archive_digest(value, root)}"}


_SHOWN: Final[dict[str, Callable[[dict[str, Any], Path], Any]]] = {
    SECRET: lambda value, root: SHOWN_SECRET,
    OUTPUT: _shown_output,
    RESOURCE: _shown_resource,
    ASSET: _shown_asset,
    ARCHIVE: _shown_archive,
}


def _asset_digest(value: Mapping[str, Any], root: Path) -> str:
    """Digest of an asset's bytes; a remote asset is known by its address alone."""
    if (text := value.get("text")) is not None:
        return _digest(str(text).encode())
    if (path := value.get("path")) is not None:
        return _digest((root / str(path)).read_bytes())
    return _digest(str(value.get("uri", "")).encode())


def _archive_digest(value: Mapping[str, Any], root: Path) -> str:
    """Digest of an archive: of its bytes, or of the sorted names and digests of what it holds."""
    if (path := value.get("path")) is not None:
        place = root / str(path)
        if place.is_file():
            return _digest(place.read_bytes())
        members = {
            file.relative_to(place).as_posix(): _digest(file.read_bytes())
            for file in place.rglob("*")
            if file.is_file()
        }
        return _digest(json.dumps(members, sort_keys=True).encode())
    if (assets := value.get("assets")) is not None:
        members = {
            name: _archive_digest(item, root) if item.get(SIGNATURE) == ARCHIVE else _asset_digest(item, root)
            for name, item in assets.items()
        }
        return _digest(json.dumps(members, sort_keys=True).encode())
    return _digest(str(value.get("uri", "")).encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
