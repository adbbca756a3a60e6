"""Snapshots of a few resources, and the findings of a change of one of them."""

from __future__ import annotations

import json
from typing import Any

from landfall.risk import rank
from landfall.risk.model import Finding
from landfall.risk.snapshot import Item, Snapshot

ACCOUNT = "111111111111"
REGION = "eu-central-1"


def urn(type_: str, name: str) -> str:
    """URN of a resource of the sample stack."""
    return f"urn:pulumi:dev::landfall::{type_}::{name}"


def item(type_: str, name: str = "it", **more: Any) -> Item:
    """A resource; keywords are fields of `Item`, `inputs` among them."""
    return Item(
        **{"urn": urn(type_, name), "type": type_, "name": name, "account": ACCOUNT, "region": REGION, **more}
    )


def snapshot(*items: Item, **more: Any) -> Snapshot:
    """A snapshot of some resources."""
    return Snapshot({one.urn: one for one in items}, **more)


def findings(old: list[Item], new: list[Item]) -> tuple[Finding, ...]:
    """The findings of a change from some resources to others."""
    return rank.assess(snapshot(*old), snapshot(*new), "before").findings


def changed(type_: str, before: dict[str, Any], after: dict[str, Any], **more: Any) -> tuple[Finding, ...]:
    """The findings of a change of one resource's inputs."""
    return findings([item(type_, inputs=before, **more)], [item(type_, inputs=after, **more)])


def document(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any = "s3:GetObject", resource: Any = "arn:a", **more: Any) -> dict[str, Any]:
    """A statement that allows."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}
