"""Handles: the small frozen records of outputs that cross from one plane to the next.

A plane never takes another plane's component, only its handles. (source: DESIGN section 2)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a component deploys, in plain values that names and ARNs are composed from."""

    account_id: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        """ARN of a resource of this account and Region, for example ``arn("sns", "topic-name")``."""
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"

    def role(self, name: str) -> str:
        """ARN of a role of this account."""
        return f"arn:aws:iam::{self.account_id}:role/{name}"


@dataclass(frozen=True, kw_only=True)
class NetworkHandles:
    """A VPC for planes that place something inside it."""

    vpc_id: pulumi.Output[str]
    subnet_ids: Mapping[str, pulumi.Output[str]]
    """Private subnet by availability zone."""
    workload_security_group_id: pulumi.Output[str]
    """For compute of the planes: may reach the VPC's endpoints over TLS, its warehouses, and nothing else."""


@dataclass(frozen=True, kw_only=True)
class OperationsHandles:
    """Where failures are told and logs are kept, in the operations account."""

    topic_arn: str
    """ARN of the notification topic, composed from its name."""
    archive_bucket: str
    """Name of the log archive bucket."""
    key_alias: str
    """Alias of the operations account's key; the key's policy admits the roles that were named."""
    placement: Placement
