"""Who calls, and which identity policies he has at this moment.

Policies are read anew at each decision: a policy that was changed counts at once. On AWS it takes seconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from localemu.services.iam_enforcement.identity import (
    CallerIdentity,
    get_permission_boundary,
    get_session_policies,
    resolve_caller,
)
from moto.iam.models import iam_backends

from landfall_emulator.iam_enforcement.evaluation import NamedPolicy, Policies, Principal

_CALLERS: dict[str, CallerIdentity] = {}


def of_key(access_key: str, account: str, region: str) -> Principal | None:
    """The principal behind an access key; None for an account's own key, which is its root user.

    Raises:
        LookupError: nobody has the key, or its session has expired.
    """
    caller = _CALLERS.get(access_key) or resolve_caller(access_key, account, region)
    if caller is None:
        raise LookupError(access_key)
    if caller.principal_type == "Root":
        return None
    if caller.role_name and caller.access_key_id:
        # Sessions do not change, and there is one for every start of a runner: they are not searched twice.
        _CALLERS[access_key] = caller
    role = caller.role_name or ""
    found = role_record(caller.account_id, role) if role else None
    return Principal(
        arn=caller.arn,
        account=caller.account_id,
        role=role,
        unique_id=f"{found.id}:{caller.session_name}" if found is not None else "",
        key=access_key,
    )


def of_role(role_arn: str, session: str) -> Principal:
    """A role as a service uses it outside of an API call."""
    account, _, name = role_arn.split(":", 4)[4].partition(":role/")
    role = name.rpartition("/")[2]
    found = role_record(account, role)
    return Principal(
        arn=f"arn:aws:sts::{account}:assumed-role/{role}/{session}",
        account=account,
        role=role,
        unique_id=f"{found.id}:{session}" if found is not None else "",
    )


def of_service(name: str, account: str) -> Principal:
    """A service that acts for resources of `account`; `name` with or without its domain."""
    full = name if name.endswith(".amazonaws.com") else f"{name}.amazonaws.com"
    return Principal(arn=full, account=account, service=full)


def policies(principal: Principal) -> Policies:
    """Identity policies, boundary and session policies of a principal; a service has none."""
    if principal.service:
        return Policies()
    if not principal.role:
        return _user_policies(principal)
    role = role_record(principal.account, principal.role)
    caller = _CALLERS.get(principal.key)
    return Policies(
        identity=tuple(_inline(role) + _attached(role, principal.account)) if role is not None else (),
        boundary=_boundary(role, principal.account) if role is not None else None,
        session=tuple(NamedPolicy("session", p) for p in get_session_policies(caller)) if caller else (),
    )


def _user_policies(principal: Principal) -> Policies:
    name = principal.arn.rpartition("/")[2]
    backend = iam_backends[principal.account]["global"]
    user = backend.users.get(name)
    if user is None:
        return Policies()
    groups = [backend.groups[group] for group in getattr(user, "group_list", ()) if group in backend.groups]
    holders = [user, *groups]
    identity = [policy for holder in holders for policy in _inline(holder)]
    identity += [policy for holder in holders for policy in _attached(holder, principal.account)]
    caller = CallerIdentity("User", principal.account, principal.arn, username=name)
    boundary = get_permission_boundary(caller)
    return Policies(
        identity=tuple(identity), boundary=NamedPolicy("boundary", boundary) if boundary else None
    )


def role_record(account: str, name: str) -> Any:
    """The emulator's record of a role; None where there is none."""
    roles = iam_backends[account]["global"].roles.values()
    return next((role for role in list(roles) if role.name == name), None)


def _inline(holder: Any) -> list[NamedPolicy]:
    return [NamedPolicy(name, parsed(text)) for name, text in sorted(holder.policies.items())]


def _attached(holder: Any, account: str) -> list[NamedPolicy]:
    return [
        NamedPolicy(arn, document)
        for arn in sorted(holder.managed_policies or {})
        if (document := _managed(arn, account)) is not None
    ]


def _boundary(role: Any, account: str) -> NamedPolicy | None:
    arn = getattr(role, "permissions_boundary_arn", None)
    if not arn:
        return None
    document = _managed(str(arn), account)
    # A boundary that does not exist allows nothing.
    return NamedPolicy(str(arn), document or {"Statement": []})


def _managed(arn: str, account: str) -> Mapping[str, Any] | None:
    policy = iam_backends[account]["global"].managed_policies.get(arn)
    if policy is None:
        return _of_aws(arn)
    version = next(
        (version for version in policy.versions if version.version_id == policy.default_version_id), None
    )
    return parsed(version.document) if version is not None else None


@lru_cache(maxsize=64)
def _of_aws(arn: str) -> Mapping[str, Any] | None:
    """The document of a policy that AWS keeps, as moto lists them."""
    prefix = "arn:aws:iam::aws:policy/"
    if not arn.startswith(prefix):
        return None
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    known: dict[str, Any] = json.loads(aws_managed_policies_data)
    entry = known.get(arn.rpartition("/")[2])
    return entry["Document"] if entry else None


def parsed(text: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """A policy document as data."""
    return text if isinstance(text, Mapping) else _parsed(str(text))


@lru_cache(maxsize=512)
def _parsed(text: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        return {"Statement": []}
    return document if isinstance(document, dict) else {"Statement": []}
