"""The decision on one action on one resource, from the policies that apply.

Pure. Explicit denials come first; then an identity policy has to allow, within boundary and session policy,
or a resource policy of the same account that names the principal; across accounts both have to. A key's
policy has always to allow: without it not even the account's administrators reach a key.
(source: IAM User Guide, "Policy evaluation logic", "Cross-account policy evaluation logic"; AWS KMS Developer
Guide, "Key policies in AWS KMS")
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from landfall_emulator.iam_enforcement.conditions import Context, holds, pattern, substituted

Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who calls: a role session, an IAM user, or a service by its name."""

    arn: str
    """ARN of the session or user, as messages show it; for a service its name."""
    account: str
    role: str = ""
    """Name of the role; empty for users and services."""
    unique_id: str = ""
    """Value of ``aws:userid``."""
    service: str = ""
    """``<service>.amazonaws.com``; empty for roles and users."""
    key: str = ""
    """Access key; empty for services and for roles that a service uses outside of a call."""

    @property
    def identity_arn(self) -> str:
        """ARN of the role or user behind a session: ``aws:PrincipalArn``."""
        return f"arn:aws:iam::{self.account}:role/{self.role}" if self.role else self.arn


@dataclass(frozen=True)
class NamedPolicy:
    """A policy document and what it is called in a decision."""

    name: str
    document: Document


@dataclass(frozen=True, kw_only=True)
class Policies:
    """All policies that a decision needs."""

    identity: tuple[NamedPolicy, ...] = ()
    boundary: NamedPolicy | None = None
    session: tuple[NamedPolicy, ...] = ()
    resource: NamedPolicy | None = None
    resource_account: str = ""
    """Account that owns the resource; empty where the resource belongs to the caller's."""
    resource_policy_required: bool = False
    """Whether the resource's policy has to allow, also within one account: keys."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The outcome, and the statement that made it."""

    allowed: bool
    explicit: bool = False
    """Whether a statement denies, rather than none allowing."""
    by: tuple[str, ...] = field(default=())
    """``<policy>/<Sid>`` of the statements that allowed, or of the one that denied."""
    reason: str = ""
    """AWS's words for a refusal."""


def decide(
    principal: Principal, action: str, resource: str, context: Context, policies: Policies
) -> Decision:
    """Whether `principal` may do `action` on `resource`."""
    own = [*policies.identity, *policies.session, *([policies.boundary] if policies.boundary else [])]
    shared = [policies.resource] if policies.resource else []
    for kind, named, check in [("identity", p, False) for p in own] + [("resource", p, True) for p in shared]:
        for statement in statements(named.document):
            if statement.get("Effect") == "Deny" and _applies(
                statement, action, resource, context, principal if check else None
            ):
                return Decision(
                    allowed=False,
                    explicit=True,
                    by=(_called(named, statement),),
                    reason=f"with an explicit deny in {_article(kind)}-based policy",
                )
    granted = _allowing(policies.identity, action, resource, context)
    by_resource = _resource_grant(principal, action, resource, context, policies.resource)
    if principal.service:
        if by_resource is None:
            return _refused("resource", action)
        return Decision(allowed=True, by=(by_resource[0],))
    same = policies.resource_account in ("", principal.account)
    direct = by_resource is not None and by_resource[1]
    if same and direct:
        assert by_resource is not None  # noqa: S101 - told by `direct`
        return Decision(allowed=True, by=(by_resource[0],))
    if (not same or policies.resource_policy_required) and by_resource is None:
        return _refused("resource", action)
    if granted is None:
        return _refused("identity", action)
    if policies.boundary is not None and _allowing([policies.boundary], action, resource, context) is None:
        return Decision(allowed=False, reason=f"because no permissions boundary allows the {action} action")
    if policies.session and _allowing(policies.session, action, resource, context) is None:
        return Decision(allowed=False, reason=f"because no session policy allows the {action} action")
    return Decision(allowed=True, by=(granted, *((by_resource[0],) if by_resource is not None else ())))


def statements(document: Document) -> list[Mapping[str, Any]]:
    """The statements of a document, which may hold one without a list."""
    found = document.get("Statement") or []
    return [found] if isinstance(found, Mapping) else list(found)


def matches_action(statement: Mapping[str, Any], action: str) -> bool:
    """Whether the statement's Action or NotAction takes the action in; letter case does not count."""
    several = statement.get("Action") or statement.get("NotAction")
    patterns = [several] if isinstance(several, str) else list(several or ())
    found = any(pattern(text.lower()).fullmatch(action.lower()) for text in patterns)
    return bool(patterns) and found is ("Action" in statement)


def matches_resource(statement: Mapping[str, Any], resource: str, context: Context) -> bool:
    """Whether the statement's Resource or NotResource takes the resource in."""
    several = statement.get("Resource") or statement.get("NotResource")
    patterns = [several] if isinstance(several, str) else list(several or ())
    texts = [substituted(text, context) for text in patterns]
    found = any(text is not None and pattern(text).fullmatch(resource) for text in texts)
    return bool(patterns) and found is ("Resource" in statement)


def _applies(
    statement: Mapping[str, Any], action: str, resource: str, context: Context, principal: Principal | None
) -> bool:
    return (
        matches_action(statement, action)
        and matches_resource(statement, resource, context)
        and (principal is None or _is_principal(statement, principal) is not None)
        and holds(statement.get("Condition"), context)
    )


def _allowing(policies: Iterable[NamedPolicy], action: str, resource: str, context: Context) -> str | None:
    """The first statement that allows."""
    for named in policies:
        for statement in statements(named.document):
            if statement.get("Effect") == "Allow" and _applies(statement, action, resource, context, None):
                return _called(named, statement)
    return None


def _resource_grant(
    principal: Principal, action: str, resource: str, context: Context, policy: NamedPolicy | None
) -> tuple[str, bool] | None:
    """The statement of the resource's policy that allows, and whether it names more than the account."""
    delegated: tuple[str, bool] | None = None
    for statement in statements(policy.document) if policy else ():
        if statement.get("Effect") != "Allow" or not _applies(
            statement, action, resource, context, principal
        ):
            continue
        assert policy is not None  # noqa: S101 - it has statements
        if _is_principal(statement, principal) == "direct":
            return _called(policy, statement), True
        delegated = delegated or (_called(policy, statement), False)
    return delegated


def _is_principal(statement: Mapping[str, Any], principal: Principal) -> str | None:
    """``direct`` where the statement names the principal, ``account`` where it names its account."""
    if "NotPrincipal" in statement:
        return None if _names(statement["NotPrincipal"], principal) else "direct"
    return _names(statement.get("Principal"), principal)


def _names(named: Any, principal: Principal) -> str | None:
    if named == "*":
        return "direct"
    if not isinstance(named, Mapping):
        return None
    kinds = {kind: [value] if isinstance(value, str) else list(value) for kind, value in named.items()}
    if principal.service:
        return "direct" if principal.service in kinds.get("Service", ()) else None
    people = kinds.get("AWS", ())
    if "*" in people or principal.arn in people or principal.identity_arn in people:
        return "direct"
    account = {principal.account, f"arn:aws:iam::{principal.account}:root"}
    return "account" if account.intersection(people) else None


def _called(named: NamedPolicy, statement: Mapping[str, Any]) -> str:
    return f"{named.name}/{statement.get('Sid', '')}"


def _article(kind: str) -> str:
    return f"an {kind}" if kind == "identity" else f"a {kind}"


def _refused(kind: str, action: str) -> Decision:
    return Decision(allowed=False, reason=f"because no {kind}-based policy allows the {action} action")
