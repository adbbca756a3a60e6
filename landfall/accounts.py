"""AWS accounts of a stack: the only place that makes an ``aws.Provider``.

One provider per account, never per Region, because each distinct provider configuration is an
operating-system process of some 300 MB; the Region of a resource is its ``region`` argument.
(source: DESIGN section 3; pulumi-aws v7 Region support)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from landfall.config import StackConfig
from landfall.naming import tags

SESSION_NAME = "landfall"
"""Role session name of a deployment, as CloudTrail shows it."""


@dataclass(frozen=True, kw_only=True)
class OpenAccount:
    """An account that components can deploy into."""

    alias: str
    """Key of the account in the stack config."""
    id: str
    """Twelve-digit account id."""
    home_region: str
    """First of the account's Regions: where a resource goes that names none."""
    regions: tuple[str, ...]
    """Regions with resources."""
    provider: aws.Provider
    """The account's one provider."""

    @property
    def options(self) -> pulumi.ResourceOptions:
        """Options that put a component, and so its children, into this account."""
        return pulumi.ResourceOptions(providers=[self.provider])


def open_accounts(config: StackConfig) -> Mapping[str, OpenAccount]:
    """One provider for each account of the stack, by alias, with the platform's default tags.

    ``allowed_account_ids`` is the second lock: with credentials for another account the provider
    refuses to start. Credentials are never arguments: they come from the caller's environment, and
    the deployer role is assumed.
    """
    default_tags = tags(config.platform)
    return {
        alias: OpenAccount(
            alias=alias,
            id=account.id,
            home_region=account.regions[0],
            regions=tuple(account.regions),
            provider=aws.Provider(
                alias,
                region=account.regions[0],
                allowed_account_ids=[account.id],
                assume_roles=[
                    aws.ProviderAssumeRoleArgs(
                        role_arn=f"arn:aws:iam::{account.id}:role/{account.deployer_role}",
                        session_name=SESSION_NAME,
                    )
                ],
                default_tags=aws.ProviderDefaultTagsArgs(tags=default_tags),
            ),
        )
        for alias, account in config.accounts.items()
    }
