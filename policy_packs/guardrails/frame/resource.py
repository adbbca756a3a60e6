"""A resource as rules see it, and the whole stack of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from .values import at, neutral


@dataclass(frozen=True, kw_only=True)
class Provider:
    """The provider that a resource is made with."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource of a plan: its inputs in neutral form, camelCase as the engine sees them."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    parent: str | None = None
    provider: Provider | None = None
    protect: bool = False
    dependencies: frozenset[str] = frozenset()
    property_dependencies: Mapping[str, frozenset[str]] | None = None
    """Per input, the URNs that its value comes from; None where the engine did not say."""

    def at(self, path: str) -> Any:
        """Return the input at a dotted path, `ABSENT` or another marker."""
        return at(self.inputs, path)

    def linked(
        self,
        dependencies: Iterable[str],
        property_dependencies: Mapping[str, frozenset[str]] | None,
        parent: str | None,
    ) -> Resource:
        """Return the same resource with the links that the engine tells only for the whole stack."""
        return replace(
            self,
            dependencies=frozenset(dependencies),
            property_dependencies=property_dependencies,
            parent=parent or self.parent,
        )


class Stack:
    """All resources of a plan, indexed by type and URN; built once for all stack rules."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resources = sorted(resources, key=lambda resource: resource.urn)

    @cached_property
    def _by_type(self) -> Mapping[str, list[Resource]]:
        index: dict[str, list[Resource]] = {}
        for resource in self.resources:
            index.setdefault(resource.type, []).append(resource)
        return index

    @property
    def root(self) -> str:
        """The URN of the stack resource itself, or an empty string where the plan has none."""
        stacks = self._by_type.get("pulumi:pulumi:Stack", [])
        return stacks[0].urn if stacks else ""

    def of_type(self, *types: str) -> list[Resource]:
        """Return the resources of these types, in order of their URNs."""
        found = [resource for kind in types for resource in self._by_type.get(kind, [])]
        return sorted(found, key=lambda resource: resource.urn)

    def refers(self, source: Resource, property_name: str, target: Resource, target_property: str) -> bool:
        """Tell whether an input of `source` names `target`.

        True when both name the same literal, or when the input comes from the target (the engine's property
        dependencies). Where the engine told no property dependencies, a plain dependency on the target counts
        if either name is not known: the value can hardly have come from anything else.
        """
        value, wanted = source.at(property_name), target.at(target_property)
        if isinstance(value, str) and value == wanted:
            return True
        if source.property_dependencies is not None:
            root = property_name.split(".", 1)[0]
            return target.urn in source.property_dependencies.get(root, frozenset())
        return target.urn in source.dependencies and not (isinstance(value, str) and isinstance(wanted, str))


def from_mapping(data: Mapping[str, Any], providers: Mapping[str, Provider]) -> Resource:
    """Return a neutral resource from a recorded one (keys `urn`, `type`, `name`, `inputs`, ... of a plan)."""
    links = data.get("property_dependencies", data.get("propertyDependencies"))
    return Resource(
        urn=data["urn"],
        type=data["type"],
        name=data["name"],
        inputs=neutral(data.get("inputs") or {}),
        parent=data.get("parent") or None,
        provider=_provider(data.get("provider"), providers),
        protect=bool(data.get("protect")),
        dependencies=frozenset(data.get("dependencies") or ()),
        property_dependencies=(
            None if links is None else {str(key): frozenset(urns) for key, urns in links.items()}
        ),
    )


def _provider(reference: Any, providers: Mapping[str, Provider]) -> Provider | None:
    """Resolve a provider reference: a URN, the engine's `urn::id`, or a mapping with the provider itself."""
    if not reference:
        return None
    if isinstance(reference, Mapping):
        return provider_from(reference)
    for urn in (reference, str(reference).rpartition("::")[0]):
        if urn in providers:
            return providers[urn]
    # A reference to something outside the plan: named, but nothing is known of its settings.
    parts = str(reference).split("::")
    return Provider(
        urn=str(reference),
        type=parts[2] if len(parts) > 2 else "",
        name=parts[3] if len(parts) > 3 else str(reference),
        inputs={},
    )


def provider_from(data: Mapping[str, Any]) -> Provider:
    """Return a neutral provider from a recorded provider resource."""
    return Provider(
        urn=data["urn"], type=data["type"], name=data["name"], inputs=neutral(data.get("inputs") or {})
    )
