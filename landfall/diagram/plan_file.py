"""Whether a value is a plan's JSON, so that a picture can be made of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def is_plan(value: Any) -> bool:
    """Whether `value` has what a picture reads of a plan (DESIGN section 10), and no parent is its own."""
    if not isinstance(value, Mapping) or not isinstance(value.get("stack"), str):
        return False
    resources = value.get("resources")
    return isinstance(resources, list) and all(map(_is_resource, resources)) and _ends(resources)


def _is_resource(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and all(isinstance(value.get(key), str) for key in ("urn", "type", "name"))
        and all(isinstance(value.get(key), str | None) for key in ("parent", "account", "region"))
        and isinstance(value.get("custom"), bool)
        and isinstance(value.get("inputs"), Mapping)
        and isinstance(value.get("dependencies", []), list)
        and all(isinstance(urn, str) for urn in value.get("dependencies", []))
    )


def _ends(resources: Sequence[Mapping[str, Any]]) -> bool:
    """Whether no resource is around itself."""
    parents = {resource["urn"]: resource.get("parent") for resource in resources}
    good: set[str] = set()
    for start in parents:
        way: set[str] = set()
        at: str | None = start
        while at is not None and at in parents and at not in good:
            if at in way:
                return False
            way.add(at)
            at = parents[at]
        good |= way
    return True
