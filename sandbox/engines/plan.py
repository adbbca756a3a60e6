"""The plan that both engines make of a program: typed, and written as the JSON of DESIGN section 10."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

type JsonValue = bool | int | float | str | list[Any] | dict[str, Any] | None

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_PREFIX = "pulumi:providers:"


@dataclass(frozen=True, kw_only=True)
class PlannedResource:
    """One registration of the program, as the engine sees it."""

    urn: str
    type: str
    name: str
    parent: str | None
    """URN of the parent; None for the stack itself."""
    custom: bool
    """False for component resources."""
    protect: bool = False
    provider: str | None = None
    """URN of the explicit provider; None for components and for providers themselves."""
    account: str | None = None
    """Twelve-digit account that the resource is made in, from its provider's `allowedAccountIds`."""
    region: str | None = None
    """Region that the resource is made in: its own `region` input, else its provider's."""
    inputs: Mapping[str, JsonValue] = field(default_factory=dict)
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: tuple[JsonValue, ...] = ()
    import_id: str | None = None
    retain_on_delete: bool = False
    ignore_changes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, JsonValue]:
        """The resource with DESIGN section 10's keys, then the options that an engine also acts on."""
        return {
            "urn": self.urn,
            "type": self.type,
            "name": self.name,
            "parent": self.parent,
            "custom": self.custom,
            "protect": self.protect,
            "provider": self.provider,
            "account": self.account,
            "region": self.region,
            "inputs": dict(self.inputs),
            "dependencies": list(self.dependencies),
            "propertyDependencies": {key: list(urns) for key, urns in self.property_dependencies.items()},
            "aliases": list(self.aliases),
            "importId": self.import_id,
            "retainOnDelete": self.retain_on_delete,
            "ignoreChanges": list(self.ignore_changes),
        }


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One guardrail verdict about a resource (or about the stack: `urn` is None)."""

    policy: str
    level: str
    """`mandatory` stops a deployment, `advisory` and `remediate` do not."""
    message: str
    severity: str = ""
    urn: str | None = None
    waived: bool = False

    def to_json(self) -> dict[str, JsonValue]:
        """The verdict with DESIGN section 10's keys."""
        return {
            "policy": self.policy,
            "level": self.level,
            "severity": self.severity,
            "urn": self.urn,
            "message": self.message,
            "waived": self.waived,
        }


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that a stack would create from nothing."""

    stack: str
    engine: Literal["embedded", "pulumi"]
    resources: tuple[PlannedResource, ...]
    """In URN order, so that two runs are equal byte for byte."""
    outputs: Mapping[str, JsonValue] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()
    diagnostics: tuple[str, ...] = ()
    """What the program logged as a warning, in its order."""
    program_seconds: float = 0.0
    guardrail_seconds: float = 0.0

    @property
    def accounts(self) -> list[str]:
        """Accounts that the plan touches, sorted."""
        return sorted({resource.account for resource in self.resources if resource.account})

    @property
    def regions(self) -> list[str]:
        """Regions that the plan touches, sorted."""
        return sorted({resource.region for resource in self.resources if resource.region})

    def by_urn(self) -> dict[str, PlannedResource]:
        """The resources by URN."""
        return {resource.urn: resource for resource in self.resources}

    def to_json(self) -> dict[str, JsonValue]:
        """The document that `landfall preview --json` writes."""
        return {
            "stack": self.stack,
            "engine": self.engine,
            "resources": [resource.to_json() for resource in self.resources],
            "outputs": dict(self.outputs),
            "violations": [violation.to_json() for violation in self.violations],
            "diagnostics": list(self.diagnostics),
            "summary": {
                "resources": len(self.resources),
                "accounts": list(self.accounts),
                "regions": list(self.regions),
                "seconds": {
                    "program": round(self.program_seconds, 3),
                    "guardrails": round(self.guardrail_seconds, 3),
                },
            },
        }

    def dumps(self) -> str:
        """The document as text, keys in a fixed order."""
        return json.dumps(self.to_json(), indent=2, ensure_ascii=False)


@dataclass(frozen=True)
class ProviderFacts:
    """What a provider registration says about where its resources go."""

    account: str | None
    region: str | None


def provider_facts(inputs: Mapping[str, JsonValue]) -> ProviderFacts:
    """Account and Region from a provider's inputs.

    Provider inputs cross the engine as strings, lists among them as JSON text (`'["111111111111"]'`). More
    than one allowed account, or none, leaves the account unknown.
    """
    accounts = decode_provider_input(inputs.get("allowedAccountIds"))
    region = inputs.get("region")
    single = accounts[0] if isinstance(accounts, list) and len(accounts) == 1 else None
    return ProviderFacts(
        account=single if isinstance(single, str) else None,
        region=region if isinstance(region, str) else None,
    )


def decode_provider_input(value: JsonValue) -> JsonValue:
    """A provider input with its JSON text decoded; other values unchanged."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            decoded: JsonValue = json.loads(value)
        except json.JSONDecodeError:
            return value
        return decoded
    return value


def located(resources: Sequence[PlannedResource]) -> tuple[PlannedResource, ...]:
    """The resources with account and Region filled in from their providers, in URN order."""
    facts = {
        resource.urn: provider_facts(resource.inputs)
        for resource in resources
        if resource.type.startswith(PROVIDER_PREFIX)
    }
    done = []
    for resource in sorted(resources, key=lambda item: item.urn):
        where = facts.get(resource.urn) or facts.get(resource.provider or "")
        if where is None:
            done.append(resource)
            continue
        own = resource.inputs.get("region")
        region = own if isinstance(own, str) else where.region
        done.append(replace(resource, account=where.account, region=region))
    return tuple(done)
