"""Whether two engines plan the same: resource by resource, and output by output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sandbox.engines.plan import Plan

COMPARED: Final = (
    "type",
    "name",
    "parent",
    "custom",
    "protect",
    "provider",
    "account",
    "region",
    "inputs",
    "dependencies",
    "propertyDependencies",
    "importId",
    "retainOnDelete",
    "ignoreChanges",
)
"""What is compared of each resource. Aliases are not: the real engine resolves them against its state."""


def differences(left: Plan, right: Plan) -> list[str]:
    """Every difference between two plans of one stack, as sentences; an empty list means equal."""
    found = []
    ours, theirs = left.by_urn(), right.by_urn()
    for urn in sorted(ours.keys() | theirs.keys()):
        if urn not in ours:
            found.append(f"{urn}: only the {right.engine} engine plans it")
        elif urn not in theirs:
            found.append(f"{urn}: only the {left.engine} engine plans it")
        else:
            one, other = ours[urn].to_json(), theirs[urn].to_json()
            for key in COMPARED:
                found += [f"{urn}: {line}" for line in _values(one[key], other[key], key, left, right)]
    found += [
        f"outputs: {line}" for line in _values(dict(left.outputs), dict(right.outputs), "", left, right)
    ]
    return found


def _values(one: Any, other: Any, path: str, left: Plan, right: Plan) -> Iterator[str]:
    """The innermost differing values below a path."""
    if one == other:
        return
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            place = f"{path}.{key}" if path else key
            yield from _values(one.get(key), other.get(key), place, left, right)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (item, peer) in enumerate(zip(one, other, strict=True)):
            yield from _values(item, peer, f"{path}[{index}]", left, right)
    else:
        yield f"{path} is {one!r} under {left.engine} and {other!r} under {right.engine}"
