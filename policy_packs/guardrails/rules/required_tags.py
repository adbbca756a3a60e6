"""Resources carry the platform's tags, so that cost, ownership and data class can be told."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from ..frame.resource import Resource
from ..frame.rule import Level, Levels, Report, Rule, Severity
from ..frame.values import ABSENT, SECRET, UNKNOWN, Marker, at, neutral, shown

REQUIRED = (
    "landfall:platform",
    "landfall:environment",
    "landfall:owner",
    "landfall:cost-center",
    "landfall:data-classification",
)
_TAGGABLE_FILE = Path(__file__).parent.parent / "taggable_types.txt"


@cache
def taggable_types() -> frozenset[str]:
    """Return the resource types with a `tags` input in the pinned AWS provider (a test keeps the file
    fresh).
    """
    return frozenset(_TAGGABLE_FILE.read_text(encoding="utf-8").split())


def check(resource: Resource, report: Report) -> None:
    """Require each tag among the resource's own tags and its provider's default tags."""
    if resource.type not in taggable_types():
        return
    own = resource.at("tags")
    # An Auto Scaling group takes a list of tags, and no default tags reach it.
    defaults = ABSENT if isinstance(own, list) else _default_tags(resource)
    sources = [{tag.get("key"): tag.get("value") for tag in own} if isinstance(own, list) else own, defaults]
    missing = [tag for tag in REQUIRED if not any(_present(at_key(source, tag)) for source in sources)]
    unreadable = [source for source in sources if source is UNKNOWN or source is SECRET]
    if missing and unreadable:
        report.violation(f"tags are {shown(unreadable[0])}; {', '.join(missing)} must be among them")
    elif missing:
        report.violation(f"missing tags: {', '.join(missing)}")


def _default_tags(resource: Resource) -> Any:
    """Return the provider's default tags; the engine passes them as JSON text."""
    defaults = at(resource.provider.inputs, "defaultTags") if resource.provider else ABSENT
    if isinstance(defaults, str):
        try:
            defaults = neutral(json.loads(defaults))
        except ValueError:
            return ABSENT
    return at(defaults, "tags")


def at_key(tags: Any, key: str) -> Any:
    """Return the value of a tag; keys hold colons and may hold dots, so paths do not serve."""
    return tags.get(key, ABSENT) if isinstance(tags, dict) else ABSENT


def _present(value: Any) -> bool:
    # A tag whose value comes from another resource is there; an empty one tells nothing.
    return value is UNKNOWN or value is SECRET or (not isinstance(value, Marker) and str(value).strip() != "")


REQUIRED_TAGS = Rule(
    name="required-tags",
    severity=Severity.MEDIUM,
    description="Taggable resources carry platform, environment, owner, cost center and data classification.",
    controls=("AWS Resource Tagging Standard",),
    levels=Levels(sandbox=Level.ADVISORY),
    remediation="Use the account's provider, whose default tags hold them, or tag the resource itself.",
    resource_types=("aws:*",),
    check=check,
)
