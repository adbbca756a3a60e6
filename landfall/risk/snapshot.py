"""The resources of a stack at one moment, from a plan, a state or a preview of the real engine. Pure.

Three documents are read: what `landfall preview --json` writes, what `pulumi stack export` writes, and the
digest of `pulumi preview --json` (both sides of it).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from landfall.risk.model import SECRET, UNKNOWN

_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the engine's mark of a secret
_ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"
_OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_ENGINE_UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Signatures of the engine (`sdk/go/common/resource/properties.go`)."""
_PROVIDERS: Final = "pulumi:providers:"
_STACK: Final = "pulumi:pulumi:Stack"
_NAMES: Final = (
    "name", "bucket", "clusterIdentifier", "identifier", "workgroupName", "namespaceName", "functionName",
    "domain", "repository", "alarmName", "policyArn", "role",
)  # fmt: skip
"""Inputs that hold a physical name, in the order in which they are tried."""
_OWNERS: Final = (
    "role",
    "bucket",
    "queueUrl",
    "arn",
    "securityGroupId",
    "keyId",
    "secretArn",
    "user",
    "topic",
)
"""Inputs that refer to what a resource belongs to."""
_DEEPEST: Final = 200


class NotASnapshot(ValueError):
    """A document holds no resources that could be compared; the text says what was expected."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One resource as its inputs describe it."""

    urn: str
    type: str
    name: str
    parent: str | None = None
    custom: bool = True
    account: str | None = None
    region: str | None = None
    protect: bool = False
    retain: bool = False
    inputs: Mapping[str, Any] = field(default_factory=dict)
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    """URNs that it had before."""

    @property
    def aws_name(self) -> str | None:
        """The physical name, else the `Name` tag."""
        for key in _NAMES:
            value = self.inputs.get(key)
            if isinstance(value, str) and value != UNKNOWN:
                return value
        tags = self.inputs.get("tags")
        value = tags.get("Name") if isinstance(tags, dict) else None
        return value if isinstance(value, str) and value != UNKNOWN else None

    def value(self, path: str) -> Any:
        """The input at a dotted path; a list of one stands for its member; None where there is nothing."""
        found: Any = self.inputs
        for key in path.split("."):
            if isinstance(found, list) and len(found) == 1:
                found = found[0]
            if not isinstance(found, dict):
                return UNKNOWN if found == UNKNOWN else None
            found = found.get(key)
        return found


@dataclass(frozen=True)
class Snapshot:
    """Resources by URN."""

    items: Mapping[str, Item]
    deployed: bool = False
    """Whether this is what exists: its values are known where those of a plan are not."""
    operations: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    """What the real engine said: operation and the properties that force a replacement, by URN."""

    @property
    def resources(self) -> dict[str, Item]:
        """The resources of AWS: no components, no providers."""
        return {
            urn: item
            for urn, item in self.items.items()
            if item.custom and not item.type.startswith((_PROVIDERS, _STACK))
        }

    @property
    def accounts(self) -> frozenset[str]:
        """Accounts that resources are made in."""
        return frozenset(item.account for item in self.items.values() if item.account)

    def aws_name(self, item: Item) -> str | None:
        """The physical name of a resource, else that of what it belongs to: a role's policy has no own."""
        if item.aws_name:
            return item.aws_name
        for key in _OWNERS:
            for urn in item.property_dependencies.get(key, ()):
                owner = self.items.get(urn)
                if owner is not None and owner.aws_name:
                    return owner.aws_name
        return None

    def path(self, item: Item) -> str:
        """Names of the components that hold the resource, and its own, without repetitions."""
        names = [item.name]
        seen = {item.urn}
        parent = item.parent
        while parent and parent not in seen and f"::{_STACK}::" not in parent:
            seen.add(parent)
            name = parent.rpartition("::")[2]
            if name != names[-1]:
                names.append(name)
            above = self.items.get(parent)
            parent = above.parent if above else None
        return "/".join(reversed(names))


EMPTY: Final = Snapshot({})
"""A stack of which nothing exists."""


def read(document: Any) -> Snapshot:
    """The resources of a file of `landfall preview --json` or of `pulumi stack export`.

    Raises NotASnapshot for anything else.
    """
    if isinstance(document, dict):
        if isinstance(document.get("resources"), list) and "stack" in document:
            return Snapshot(_by_urn(_planned(row) for row in _rows(document["resources"])))
        deployment = document.get("deployment")
        if isinstance(deployment, dict):
            rows = [row for row in _rows(deployment.get("resources") or []) if not row.get("delete")]
            return Snapshot(_by_urn(_located([_kept(row) for row in rows], rows)), deployed=True)
    raise NotASnapshot("neither a file of landfall preview --json nor of pulumi stack export")


def read_digest(document: Any) -> tuple[Snapshot, Snapshot]:
    """What is deployed and what is wanted, from the digest of `pulumi preview --json --show-sames`.

    Raises NotASnapshot for anything else, and for a digest that lacks what stays the same: accounts, Regions
    and costs could not be told from it.
    """
    if not isinstance(document, dict) or not isinstance(document.get("steps"), list):
        raise NotASnapshot("no digest of pulumi preview --json: it has no steps")
    same = sum(isinstance(step, dict) and step.get("op") == "same" for step in document["steps"])
    if same < _mapping(document.get("changeSummary")).get("same", 0):
        raise NotASnapshot("the digest lacks what stays the same: give --show-sames to pulumi preview")
    old: list[dict[str, Any]] = []
    new: list[dict[str, Any]] = []
    operations: dict[str, tuple[str, tuple[str, ...]]] = {}
    for step in document["steps"]:
        if not isinstance(step, dict) or not isinstance(step.get("urn"), str):
            raise NotASnapshot("a step of the digest has no urn")
        operation = _OPERATIONS.get(str(step.get("op")))
        if operation is None:
            continue
        if operations.get(step["urn"], ("",))[0] != "replace":
            reasons = tuple(sorted(str(key) for key in step.get("replaceReasons") or ()))
            operations[step["urn"]] = (operation, reasons)
        old += [state for state in [step.get("oldState")] if isinstance(state, dict)]
        new += [
            state for state in [step.get("newState")] if isinstance(state, dict) and operation != "delete"
        ]
    return (
        Snapshot(_by_urn(_located([_kept(row) for row in _rows(old)], old)), deployed=True),
        Snapshot(_by_urn(_located([_kept(row) for row in _rows(new)], new)), operations=operations),
    )


_OPERATIONS: Final = {
    "same": "same",
    "create": "create",
    "import": "create",
    "update": "update",
    "delete": "delete",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "import-replacement": "replace",
}
"""The engine's operations; reads and refreshes change nothing."""


def _rows(rows: Any) -> list[dict[str, Any]]:
    for row in rows:
        if (
            not isinstance(row, dict)
            or not isinstance(row.get("urn"), str)
            or not isinstance(row.get("type"), str)
        ):
            raise NotASnapshot("a resource in it has no urn or no type")
    return list(rows)


def _by_urn(items: Iterator[Item]) -> dict[str, Item]:
    return {item.urn: item for item in sorted(items, key=lambda item: item.urn)}


def _planned(row: Mapping[str, Any]) -> Item:
    """A resource of `landfall preview --json`."""
    return Item(
        urn=row["urn"],
        type=row["type"],
        name=str(row.get("name") or row["urn"].rpartition("::")[2]),
        parent=row.get("parent") or None,
        custom=bool(row.get("custom", True)),
        account=row.get("account") or None,
        region=row.get("region") or None,
        protect=bool(row.get("protect")),
        retain=bool(row.get("retainOnDelete")),
        inputs=_mapping(row.get("inputs")),
        property_dependencies=_dependencies(row),
        aliases=tuple(_aliases(row)),
    )


def _kept(row: Mapping[str, Any]) -> Item:
    """A resource as the engine keeps or shows it; what the provider filled in by itself is left out."""
    return Item(
        urn=row["urn"],
        type=row["type"],
        name=row["urn"].rpartition("::")[2],
        parent=row.get("parent") or None,
        custom=bool(row.get("custom")),
        protect=bool(row.get("protect")),
        retain=bool(row.get("retainOnDelete")),
        inputs=_mapping(_plain(row.get("inputs"))),
        property_dependencies=_dependencies(row),
        aliases=tuple(_aliases(row)),
    )


def _located(items: list[Item], rows: list[dict[str, Any]]) -> Iterator[Item]:
    """The items with account and Region of their providers."""
    places = {item.urn: item.inputs for item in items if item.type.startswith(_PROVIDERS)}
    for item, row in zip(items, rows, strict=True):
        provider = places.get(str(row.get("provider") or "").rpartition("::")[0], {})
        accounts = provider.get("allowedAccountIds")
        if isinstance(accounts, str):
            try:
                accounts = json.loads(accounts)
            except ValueError:
                accounts = None
        account = (
            accounts[0]
            if isinstance(accounts, list) and len(accounts) == 1 and isinstance(accounts[0], str)
            else None
        )
        region = item.inputs.get("region") or provider.get("region")
        yield Item(
            **{
                **{name: getattr(item, name) for name in Item.__dataclass_fields__},
                "account": account,
                "region": region if isinstance(region, str) else None,
            }
        )


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dependencies(row: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    found = _mapping(row.get("propertyDependencies"))
    return {key: tuple(sorted({str(urn) for urn in urns or ()})) for key, urns in sorted(found.items())}


def _aliases(row: Mapping[str, Any]) -> Iterator[str]:
    """URNs among the aliases, and those that an alias of another name or type means."""
    parts = row["urn"].split("::")
    for alias in row.get("aliases") or ():
        if isinstance(alias, str):
            yield alias
        elif isinstance(alias, dict) and len(parts) == 4:
            if isinstance(alias.get("urn"), str):
                yield alias["urn"]
                continue
            above, separator, own = parts[2].rpartition("$")
            parent = alias.get("parentUrn")
            if isinstance(parent, str) and parent.count("::") == 3:
                above, separator = parent.split("::")[2], "$"
            if alias.get("noParent"):
                above, separator = "", ""
            qualified = f"{above}{separator}{alias.get('type') or own}"
            stack = f"urn:pulumi:{alias['stack']}" if alias.get("stack") else parts[0]
            yield "::".join(
                (stack, alias.get("project") or parts[1], qualified, alias.get("name") or parts[3])
            )


def _plain(value: Any, depth: int = 0) -> Any:
    """Values of a state as a plan shows them."""
    if depth > _DEEPEST:
        raise NotASnapshot(f"a value in it is nested more than {_DEEPEST} levels deep")
    if isinstance(value, list):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, str):
        return UNKNOWN if value == _ENGINE_UNKNOWN else SECRET if value == "[secret]" else value
    if not isinstance(value, dict):
        return int(value) if isinstance(value, float) and value.is_integer() else value
    signature = value.get(_SIGNATURE)
    if signature == _SECRET:
        return SECRET
    if signature == _OUTPUT:
        return SECRET if value.get("secret") else _plain(value.get("value", _ENGINE_UNKNOWN), depth + 1)
    if signature == _ASSET:
        return {"asset": f"sha256:{value.get('hash')}"}
    if signature is not None:  # an archive, whose digest the engine makes in its own way, or a reference
        return UNKNOWN
    filled_in = value.get("__defaults")
    skipped = set(filled_in) if isinstance(filled_in, list) else set()
    return {
        key: _plain(value[key], depth + 1)
        for key in sorted(value)
        if not key.startswith("__") and key not in skipped and key != "tagsAll"
    }
