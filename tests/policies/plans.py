"""Small plans for tests, as a recorded plan holds them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from policy_packs.guardrails.evaluate import Verdict, evaluate

TODAY = date(2026, 6, 1)
TAGS = {
    "landfall:platform": "landfall",
    "landfall:environment": "prod",
    "landfall:owner": "data-platform",
    "landfall:cost-center": "cc-1000",
    "landfall:data-classification": "internal",
}
UNKNOWN = "<unknown>"
SECRET = "<secret>"
KEY_ARN = "arn:aws:kms:eu-central-1:111111111111:key/1b2c"
STACK_URN = "urn:pulumi:prod::landfall::pulumi:pulumi:Stack::landfall-prod"


def urn_of(kind: str, name: str) -> str:
    return f"urn:pulumi:prod::landfall::{kind}::{name}"


def provider(name: str = "data", tags: Mapping[str, str] | None = None) -> dict[str, Any]:
    """An account's provider; nested settings of providers cross the engine as JSON text."""
    kind = "pulumi:providers:aws"
    default_tags = {"tags": dict(TAGS if tags is None else tags)}
    return {
        "urn": urn_of(kind, name),
        "type": kind,
        "name": name,
        "inputs": {"region": "eu-central-1", "defaultTags": json.dumps(default_tags)},
    }


def stack_resource() -> dict[str, Any]:
    return {"urn": STACK_URN, "type": "pulumi:pulumi:Stack", "name": "landfall-prod", "inputs": {}}


def resource(
    kind: str,
    inputs: Mapping[str, Any],
    *,
    name: str = "it",
    provider_name: str | None = "data",
    links: Mapping[str, list[str]] | None = None,
) -> dict[str, Any]:
    return {
        "urn": urn_of(kind, name),
        "type": kind,
        "name": name,
        "parent": STACK_URN,
        "inputs": dict(inputs),
        "provider": urn_of("pulumi:providers:aws", provider_name) if provider_name else None,
        "dependencies": sorted({urn for urns in (links or {}).values() for urn in urns}),
        "property_dependencies": dict(links or {}),
    }


def verdicts(
    *resources: Mapping[str, Any], environment: str = "prod", waivers: Any = None, today: date = TODAY
) -> list[Verdict]:
    """The verdicts on a stack with these resources and the account's provider."""
    plan = [stack_resource(), provider(), *resources]
    return evaluate(plan, environment=environment, waivers=waivers or {}, today=today)


def messages(rule: str, *resources: Mapping[str, Any], environment: str = "prod") -> list[str]:
    """What one rule says about these resources, without the remediation."""
    return [
        verdict.message.partition(". Fix:")[0]
        for verdict in verdicts(*resources, environment=environment)
        if verdict.policy == rule
    ]


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
