"""The guardrails in process: the same rules and verdicts as the policy pack, without an engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from .frame.dispatch import Dispatcher
from .frame.registry import all_rules, describe
from .frame.resource import Stack, from_mapping, provider_from
from .frame.settings import Settings, settings, settings_from_config
from .frame.values import UNKNOWN
from .frame.verdict import Verdict
from .frame.waivers import Waiver

__all__ = ["UNKNOWN", "Verdict", "describe", "evaluate", "evaluate_with_config"]


def evaluate(
    resources: Iterable[Any],
    *,
    environment: str,
    waivers: Mapping[str, Any] | Iterable[Waiver],
    today: date,
) -> list[Verdict]:
    """Return the guardrails' verdicts on a recorded plan, in order of URN and rule.

    `resources` are mappings, or objects with attributes, that have `urn`, `type`, `name` and `inputs`
    (camelCase), and may have `parent`, `provider` (a URN, the engine's `urn::id` or a mapping), `protect`,
    `dependencies` and `property_dependencies` (input to URNs). Providers (`pulumi:providers:aws`) belong to
    the resources: tags and default providers are judged by them. Unknown values are `UNKNOWN`, the engine's
    own sentinels or "<unknown>"; secrets the engine's signature maps or "<secret>". `waivers` are the entries
    of `landfall:guardrails`; `today` decides which of them still hold. Never raises for what a plan contains:
    what cannot be read is a violation.
    """
    return _verdicts(resources, settings(environment, waivers, today))


def evaluate_with_config(
    resources: Iterable[Any],
    *,
    config: Mapping[str, str],
    today: date,
    environ: Mapping[str, str] | None = None,
) -> list[Verdict]:
    """Return the verdicts with environment and waivers from the stack's config (key to JSON text).

    The policy pack reads the same config in the same way, so both also agree on config that cannot be read.
    `environ` holds the fall-backs `LANDFALL_ENVIRONMENT` and `LANDFALL_WAIVERS`.
    """
    return _verdicts(resources, settings_from_config(config, environ or {}, today))


def _verdicts(resources: Iterable[Any], given: Settings) -> list[Verdict]:
    records = [_mapping(resource) for resource in resources]
    providers = {
        record["urn"]: provider_from(record)
        for record in records
        if str(record["type"]).startswith("pulumi:providers:")
    }
    dispatcher = Dispatcher(all_rules(), given)
    stack = Stack(from_mapping(record, providers) for record in records)
    verdicts = [verdict for resource in stack.resources for verdict in dispatcher.resource(resource)]
    return sorted(verdicts + dispatcher.stack(stack))


def _mapping(resource: Any) -> Mapping[str, Any]:
    if isinstance(resource, Mapping):
        return resource
    keys = (
        "urn",
        "type",
        "name",
        "inputs",
        "parent",
        "provider",
        "protect",
        "dependencies",
        "property_dependencies",
    )
    return {key: getattr(resource, key) for key in keys if getattr(resource, key, None) is not None}
