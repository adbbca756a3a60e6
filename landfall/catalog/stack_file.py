"""A whole new stack file: one account with a network, an ETL plane and a first workflow."""

from __future__ import annotations

from typing import Any, Final

from landfall.catalog import text
from landfall.catalog.kinds import ENVIRONMENTS, FIRST_RANGE, ZONES, free_range, placeholder_id
from landfall.config import StackConfig
from landfall.config.shape import members, plain
from landfall.config.source import NAMESPACE

SCHEMA_LINE: Final = "# yaml-language-server: $schema=schema.json"
FIRST_WORKFLOW: Final = "first_workflow"
_OTHERWISE: Final = "dev"


def environment_of(name: str) -> str:
    """The environment that a stack's name names (`staging`, `sales-prod`), else dev."""
    words = name.split("-")
    return next((word for word in reversed(words) if word in ENVIRONMENTS), _OTHERWISE)


def stack_values(
    name: str,
    like: StackConfig | None,
    *,
    ranges: tuple[str, ...],
    account_ids: tuple[str, ...],
    scripts: str,
) -> dict[str, Any]:
    """The values of a new stack: owner, prefix and Region as in `like`; ranges and ids that are free."""
    environment = environment_of(name)
    prefix = like.platform.name if like else NAMESPACE
    region = next(iter(like.accounts.values())).home_region if like else "eu-central-1"
    return {
        "platform": {
            "name": prefix,
            "environment": environment,
            "owner": like.platform.owner if like else "data-platform",
            "cost_center": like.platform.cost_center if like else "cc-0000",
        },
        "accounts": {"data": {"id": placeholder_id(account_ids), "regions": [region]}},
        "network": {
            "etl": {
                "account": "data",
                "cidr": free_range(ranges) if ranges else str(FIRST_RANGE),
                "availability_zones": [region + letter for letter in ZONES],
            }
        },
        "workflows": {
            "account": "data",
            "network": "etl",
            "operations": {"account": "data"},
            "warehouse": {"secret": f"{prefix}/{name}/warehouse", "workgroup": "etl", "database": "dev"},
            "hosts": {"tag_key": "landfall:role", "tag_value": "etl-host"},
            "scripts": scripts,
            "definitions": {
                FIRST_WORKFLOW: {
                    "workflow_stages": [
                        {"execution_type": "sequential", "scripts": [{"kind": "sql", "sql": "select 1"}]}
                    ]
                }
            },
        },
    }


def stack_text(name: str, values: dict[str, Any]) -> str:
    """The stack file's text, with the models' documentation as comments."""
    lines = [SCHEMA_LINE, f"# Stack {name}. What a key means: landfall explain KEY --stack {name}", "config:"]
    for key, value in values.items():
        annotation = StackConfig.model_fields[key].annotation
        models = members(annotation)
        if models:
            below = text.fields(value, models[0])
        else:
            (model,) = members(plain(annotation).__args__[1])
            below = [line for one, inner in value.items() for line in text.entry(one, inner, model)]
        lines += [f"  {line}" for line in text.mapping(f"{NAMESPACE}:{key}", below)]
    return "\n".join(lines) + "\n"
