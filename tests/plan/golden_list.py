"""The list that stands in ``golden/<stack>.txt``: every URN, with the inputs that a change of replaces."""

from __future__ import annotations

import json

from sandbox.engines.plan import Plan, PlannedResource
from sandbox.provisioners import PROVISIONERS

from .planning import UNKNOWN

CONTENT_ADDRESSED = frozenset({"aws:s3/bucketObjectv2:BucketObjectv2"})
"""Types whose replacement is how they are updated."""


def identity(resource: PlannedResource) -> dict[str, object]:
    """Known inputs of a resource whose change replaces it."""
    provisioner = PROVISIONERS.get(resource.type)
    if provisioner is None or resource.type in CONTENT_ADDRESSED:
        return {}
    return {
        key: value
        for key in sorted(provisioner.replace_on)
        if (value := resource.inputs.get(key)) is not None and value != UNKNOWN
    }


def golden_lines(plan: Plan) -> list[str]:
    """One line for each resource, in URN order."""
    return [
        f"{resource.urn}  {json.dumps(identity(resource), separators=(', ', ': '))}".replace("  {}", "")
        for resource in plan.resources
    ]
