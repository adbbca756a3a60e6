"""Provisioners: how each resource type that the stacks use is made to exist in the sandbox."""

from __future__ import annotations

from sandbox.provisioners.base import (
    Call,
    Created,
    Inputs,
    Outputs,
    Provisioner,
    ProvisionError,
    delete_before_replace,
    explain,
    merged_tags,
)
from sandbox.provisioners.gaps import KNOWN_GAPS
from sandbox.provisioners.registry import PROVISIONERS
from sandbox.provisioners.strict import RefusedCallError

__all__ = [
    "KNOWN_GAPS",
    "PROVISIONERS",
    "Call",
    "Created",
    "Inputs",
    "Outputs",
    "ProvisionError",
    "Provisioner",
    "RefusedCallError",
    "delete_before_replace",
    "explain",
    "merged_tags",
]
