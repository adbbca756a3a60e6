"""What a provider's inputs mean: the account and Region that its resources go to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sandbox.engines.errors import EngineError
from sandbox.engines.plan import decode_provider_input
from sandbox.engines.values import UNKNOWN, has_unknown, plain

_ASSUME_ROLE_KEYS: Final = frozenset(
    {
        "duration",
        "externalId",
        "policy",
        "policyArns",
        "roleArn",
        "sessionName",
        "sourceIdentity",
        "tags",
        "transitiveTagKeys",
    }
)


@dataclass(frozen=True)
class Place:
    """Where a provider's resources go, and what it adds to them."""

    account: str
    region: str
    default_tags: Mapping[str, str] = field(default_factory=dict)


def provider_problems(inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with a provider's inputs: (property, sentence) pairs.

    A provider stands for one account: exactly one allowed account id, a Region, and roles to assume, if
    any, in that account. Unknown values are judged when they are known.
    """
    found = []
    plain_inputs = {key: decode_provider_input(plain(value)) for key, value in inputs.items()}
    accounts = plain_inputs.get("allowedAccountIds")
    if not has_unknown(accounts) and not (isinstance(accounts, list) and len(accounts) == 1):
        named = ", ".join(map(str, accounts)) if isinstance(accounts, list) and accounts else "none"
        found.append(
            ("allowedAccountIds", f"a provider must allow exactly one account id, this one allows: {named}")
        )
    if not plain_inputs.get("region"):
        found.append(("region", "a provider must name its Region"))
    roles = plain_inputs.get("assumeRoles")
    for role in roles if isinstance(roles, list) else []:
        for key in sorted(set(role) - _ASSUME_ROLE_KEYS):
            found.append(
                ("assumeRoles", f'an assumed role has no property "{key}"; use ProviderAssumeRoleArgs')
            )
        arn = str(role.get("roleArn", UNKNOWN))
        if (
            not has_unknown([arn, accounts])
            and isinstance(accounts, list)
            and arn.split(":")[4:5] != accounts
        ):
            found.append(
                ("assumeRoles", f"the role {arn} is not in the allowed account {', '.join(accounts)}")
            )
    return found


def provider_place(inputs: Mapping[str, Any]) -> Place | None:
    """The place that a provider stands for; None while its inputs are unknown.

    Raises:
        EngineError: the inputs name no single account or no Region.
    """
    if has_unknown(dict(inputs)):
        return None
    for _, sentence in provider_problems(inputs):
        raise EngineError(sentence)
    decoded = {key: decode_provider_input(plain(value)) for key, value in inputs.items()}
    tags = decoded.get("defaultTags") or {}
    return Place(
        account=str(decoded["allowedAccountIds"][0]),  # type: ignore[index]  # checked above
        region=str(decoded["region"]),
        default_tags=dict(tags.get("tags") or {}) if isinstance(tags, dict) else {},
    )
