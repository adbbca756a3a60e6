"""The statements of the deployed roles, and a role without one of them."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Final

_TRUST: Final = "trust of "
"""How the emulator begins the name of a trust policy; the role's ARN follows."""
_NOTHING: Final = {"Sid": "Nothing", "Effect": "Deny", "Action": ["none:Nothing"], "Resource": ["*"]}
_NO_TAKER: Final = {
    "Sid": "Nothing",
    "Effect": "Deny",
    "Principal": {"Federated": "none"},
    "Action": ["sts:AssumeRoleWithSAML"],
}


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One statement of a role, or one action or one resource of it, or one attached policy."""

    role: str
    policy: str
    """Name of the inline policy, ARN of the attached one, or how a decision names the trust policy."""
    sid: str
    """Sid of the statement; empty for an attached policy."""
    actions: tuple[str, ...]
    action: str = ""
    """The one action that is taken away; empty where all of the statement are."""
    resource: str = ""
    """The one resource that is taken away; empty where all of the statement are."""

    @property
    def title(self) -> str:
        """How the page names it."""
        name = self.sid or self.policy.rpartition("/")[2]
        part = self.action or (f"on {self.resource}" if self.resource else "")
        return f"{name}: {part}" if part else name

    @property
    def mark(self) -> str:
        """How a decision names its statement."""
        return f"{self.policy}/{self.sid}"

    def covers(self, action: str, resource: str) -> bool:
        """Whether taking this away takes away the action on the resource."""
        if not self.sid:
            return True
        if action not in ((self.action,) if self.action else self.actions):
            return False
        return not self.resource or _matches(self.resource, resource)


def grants(iam: Any, prefix: str = "", *, whole: bool = False) -> list[Grant]:
    """What can be taken from the roles whose name begins so, by role and in the documents' order.

    That is each action of each statement, each resource of each statement that names several, and each
    attached policy; `whole` leaves the statements in one piece. The trust policy's statements count too.
    """
    found: list[Grant] = []
    arns = {str(role["RoleName"]): str(role["Arn"]) for role in iam.list_roles()["Roles"]}
    for role in sorted(name for name in arns if name.startswith(prefix)):
        inline = iam.list_role_policies(RoleName=role)["PolicyNames"]
        for policy in [*inline, f"{_TRUST}{arns[role]}"]:
            for statement in _document(iam, role, policy)["Statement"]:
                one = Grant(
                    role=role, policy=policy, sid=statement["Sid"], actions=tuple(statement["Action"])
                )
                parts = [] if whole else _parts(one, statement.get("Resource", []))
                found += parts or [one]
        found += [
            Grant(role=role, policy=attached["PolicyArn"], sid="", actions=())
            for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        ]
    return found


def _parts(statement: Grant, resources: list[str]) -> list[Grant]:
    """The actions of a statement where it has several, and its resources where it has several."""
    by_action = [replace(statement, action=action) for action in statement.actions]
    by_resource = [replace(statement, resource=resource) for resource in resources]
    return [part for parts in (by_action, by_resource) if len(parts) > 1 for part in parts]


def _matches(pattern: str, resource: str) -> bool:
    """IAM's wildcards: a star for any text, a question mark for one character."""
    expression = "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern)
    return re.fullmatch(expression, resource) is not None


@contextlib.contextmanager
def without(iam: Any, grant: Grant) -> Iterator[None]:
    """The role without the grant; it is put back in every case."""
    if not grant.sid:
        iam.detach_role_policy(RoleName=grant.role, PolicyArn=grant.policy)
        try:
            yield
        finally:
            iam.attach_role_policy(RoleName=grant.role, PolicyArn=grant.policy)
        return
    document = _document(iam, grant.role, grant.policy)
    _put(iam, grant, reduced(document, grant))
    try:
        yield
    finally:
        _put(iam, grant, document)


def reduced(document: Mapping[str, Any], grant: Grant) -> dict[str, Any]:
    """The document without the grant; the last statement leaves one that allows nothing of use."""
    result: dict[str, Any] = deepcopy(dict(document))
    kept = []
    for statement in result["Statement"]:
        if statement["Sid"] == grant.sid:
            if not (grant.action or grant.resource):
                continue
            statement["Action"] = [action for action in statement["Action"] if action != grant.action]
            statement["Resource"] = [each for each in statement["Resource"] if each != grant.resource]
        kept.append(statement)
    result["Statement"] = kept or [_NO_TAKER if grant.policy.startswith(_TRUST) else _NOTHING]
    return result


def _document(iam: Any, role: str, policy: str) -> dict[str, Any]:
    if policy.startswith(_TRUST):
        trust: dict[str, Any] = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
        return trust
    document: dict[str, Any] = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    return document


def _put(iam: Any, grant: Grant, document: Mapping[str, Any]) -> None:
    text = json.dumps(document)
    if grant.policy.startswith(_TRUST):
        iam.update_assume_role_policy(RoleName=grant.role, PolicyDocument=text)
        return
    iam.put_role_policy(RoleName=grant.role, PolicyName=grant.policy, PolicyDocument=text)
