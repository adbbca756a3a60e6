"""The whole config of one stack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Self

from pydantic import Field, ValidationInfo, model_validator

from landfall.config.accounts import Account
from landfall.config.base import Key, Ordered, Strict
from landfall.config.checks import check
from landfall.config.errors import Finding, refuse
from landfall.config.guardrails import Guardrails
from landfall.config.network import Network
from landfall.config.platform import Platform
from landfall.config.tree import Tree
from landfall.config.workflows import Workflows

SKIP_CHECKS = "skip_cross_checks"
"""Validation context key: the loader runs the cross-field checks itself, on whatever parsed."""


class StackConfig(Strict):
    """One environment's slice of one or several accounts."""

    platform: Platform
    """Name, environment, owner and tags of this slice of the platform."""
    accounts: Annotated[Mapping[Key, Account], Ordered, Field(min_length=1)]
    """The AWS accounts that this stack deploys into, by alias."""
    network: Annotated[Mapping[Key, Network], Ordered] = Field(default_factory=dict)
    """One VPC per key."""
    workflows: Workflows | None = None
    """The ETL plane and its workflow definitions; a stack may do without."""
    guardrails: Guardrails = Guardrails()
    """Waivers of guardrails, each with an owner, a reason and an expiry date."""

    def rules(self) -> Iterator[Finding]:
        """The cross-field checks are run by a validator of their own, which the loader can switch off."""
        return iter(())

    @model_validator(mode="after")
    def _cross_checks(self, info: ValidationInfo) -> Self:
        if info.context and info.context.get(SKIP_CHECKS):
            return self
        findings = tuple(check(Tree(self.model_dump(mode="json", exclude_none=True))))
        if findings:
            raise refuse(*findings)
        return self

    def region_of(self, network: str) -> str:
        """Region of a network: its own, or its account's home Region. Raises KeyError for unknown keys."""
        spec = self.network[network]
        return spec.region or self.accounts[spec.account].home_region
