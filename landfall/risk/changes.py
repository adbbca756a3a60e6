"""What differs between two snapshots of a stack, resource by resource. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from landfall.risk.model import UNKNOWN, PropertyChange
from landfall.risk.snapshot import Item, Snapshot

type Properties = Callable[[str], frozenset[str]]
"""Some of the properties of a resource type."""

OPERATIONS: Final = ("delete", "replace", "create", "update")
"""What can happen to a resource, besides nothing; the most destructive first."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One resource that is made, changed, replaced or taken away."""

    operation: str
    old: Item | None
    new: Item | None
    properties: tuple[PropertyChange, ...] = ()
    """What differs, innermost first by path; empty for creations and deletions."""
    replacing: tuple[str, ...] = field(default=())
    """Paths that force the replacement."""

    @property
    def item(self) -> Item:
        """The resource as it will be, or as it was where it goes."""
        found = self.new or self.old
        if found is None:
            raise ValueError("a change has a resource before or after it")
        return found

    @property
    def urn(self) -> str:
        """URN of the resource."""
        return self.item.urn

    @property
    def type(self) -> str:
        """Type token of the resource."""
        return self.item.type

    def because(self) -> tuple[PropertyChange, ...]:
        """The differing properties that force the replacement."""
        return tuple(
            change
            for change in self.properties
            if any(_within(change.path, path) or _within(path, change.path) for path in self.replacing)
        )


def _none(type_: str) -> frozenset[str]:
    return frozenset()


def compared(
    old: Snapshot, new: Snapshot, replacing: Properties = _none, guarded: Properties = _none
) -> tuple[Change, ...]:
    """Every change from `old` to `new`, in URN order.

    A resource is the same one where its URN, or an alias of the new one, says so. Where the new snapshot
    carries the real engine's operations, those count; else a change of account, Region or a property that
    `replacing` names is a replacement. What is deployed may know a value that the plan does not: that is no
    change, but for properties that `guarded` names.
    """
    before, after = old.resources, new.resources
    twins = _twins(before, new)
    taken = set(twins.values())
    found = [
        Change(operation="delete", old=item, new=None) for urn, item in before.items() if urn not in taken
    ]
    for urn, item in after.items():
        twin = before.get(twins.get(urn, ""))
        change = _change(twin, item, old, new, replacing, guarded(item.type))
        if change is not None:
            found.append(change)
    return tuple(sorted(found, key=lambda change: (change.urn, change.operation)))


def _twins(before: Mapping[str, Item], new: Snapshot) -> dict[str, str]:
    """The old URN of each new resource that existed."""
    after = new.resources
    twins = {urn: urn for urn in after if urn in before}
    taken = set(twins)
    for urn in sorted(after.keys() - twins.keys()):
        for alias in _earlier(new.items[urn], new, frozenset()):
            if alias in before and alias not in taken:
                twins[urn] = alias
                taken.add(alias)
                break
    return twins


def _earlier(item: Item, new: Snapshot, seen: frozenset[str]) -> Iterator[str]:
    """URNs that a resource may have had: its aliases, and what the aliases of its components make of its own.

    (source: the engine's rule of inherited aliases: the parent's old type stands before the child's, and a
    child's name that begins with the parent's begins with the parent's old one)
    """
    yield from item.aliases
    parent = new.items.get(item.parent or "")
    if parent is None or parent.urn in seen:
        return
    for urn in _earlier(parent, new, seen | {item.urn}):
        parts = urn.split("::")
        if len(parts) == 4:
            name = item.name
            if name.startswith(parent.name):
                name = parts[3] + name[len(parent.name) :]
            yield "::".join((parts[0], parts[1], f"{parts[2]}${item.type}", name))


def _change(
    before: Item | None,
    item: Item,
    old: Snapshot,
    new: Snapshot,
    replacing: Properties,
    guarded: frozenset[str],
) -> Change | None:
    said, reasons = new.operations.get(item.urn, ("", ()))
    if before is None:
        return Change(operation="create", old=None, new=item)
    properties = tuple(_properties(before, item, old.deployed, guarded))
    if said == "same" or (not properties and said != "replace"):
        return None
    if said:
        return Change(operation=said, old=before, new=item, properties=properties, replacing=reasons)
    forced = tuple(
        sorted(
            path
            for path in {"account", "region", *replacing(item.type)}
            if any(_within(change.path, path) or _within(path, change.path) for change in properties)
        )
    )
    return Change(
        operation="replace" if forced else "update",
        old=before,
        new=item,
        properties=properties,
        replacing=forced,
    )


def _within(path: str, above: str) -> bool:
    return path == above or path.startswith((f"{above}.", f"{above}["))


def _properties(
    before: Item, after: Item, deployed: bool, guarded: frozenset[str]
) -> Iterator[PropertyChange]:
    for path, was, now in (
        ("account", before.account, after.account),
        ("options.protect", before.protect, after.protect),
        ("options.retainOnDelete", before.retain, after.retain),
    ):
        if was != now:
            yield PropertyChange(path=path, old=was, new=now)
    inputs = {key: value for key, value in before.inputs.items() if key != "region"}
    wanted = {key: value for key, value in after.inputs.items() if key != "region"}
    if before.region != after.region:
        yield PropertyChange(path="region", old=before.region, new=after.region)
    for key in sorted(inputs.keys() | wanted.keys()):
        was, now = inputs.get(key), wanted.get(key)
        differing = list(_differing(was, now, key, deployed and key not in guarded))
        yield from differing
        if not differing and not deployed and _holds_unknown(now):
            sources = before.property_dependencies.get(key, ()), after.property_dependencies.get(key, ())
            if sources[0] != sources[1]:  # unknown before and after, but made of other resources
                yield PropertyChange(path=key, old=_sources(sources[0]), new=_sources(sources[1]))


def _sources(urns: tuple[str, ...]) -> str:
    return f"{UNKNOWN} (of {', '.join(urn.rpartition('::')[2] for urn in urns) or 'nothing'})"


def _holds_unknown(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(_holds_unknown(item) for item in value)
    return bool(value == UNKNOWN)


def _differing(old: Any, new: Any, path: str, deployed: bool) -> Iterator[PropertyChange]:
    """The innermost differing values; lists are compared member by member where they are equally long."""
    if old == new or (deployed and UNKNOWN in (old if isinstance(old, str) else "", new)):
        return
    if isinstance(old, str) and isinstance(new, str):
        if parsed(old) is not None and parsed(old) == parsed(new):
            return
        yield PropertyChange(path=path, old=old, new=new)
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _differing(old.get(key), new.get(key), f"{path}.{key}", deployed)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (item, peer) in enumerate(zip(old, new, strict=True)):
            yield from _differing(item, peer, f"{path}[{index}]", deployed)
    else:
        yield PropertyChange(path=path, old=old, new=new)


def parsed(text: Any) -> Any:
    """The object or list that a text is the JSON of; None for any other value."""
    if not isinstance(text, str) or text[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
