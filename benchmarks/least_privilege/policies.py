"""The statements of the deployed roles, and a role without one of them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Grant:
    """One statement of a role, or one action of it, or one attached policy."""

    role: str
    policy: str
    """Name of the inline policy, or ARN of the attached one."""
    sid: str
    """Sid of the statement; empty for an attached policy."""
    actions: tuple[str, ...]
    action: str = ""
    """The one action that is taken away; empty where all of the statement are."""

    @property
    def title(self) -> str:
        """How the page names it."""
        name = self.sid or self.policy.rpartition("/")[2]
        return f"{name}: {self.action}" if self.action else name

    @property
    def mark(self) -> str:
        """How a decision names its statement."""
        return f"{self.policy}/{self.sid}"

    def covers(self, action: str) -> bool:
        """Whether taking this away takes the action away."""
        return action == self.action if self.action else action in self.actions


def grants(iam: Any, *, by_action: bool = False) -> list[Grant]:
    """All statements of all roles of an account, by role and in the documents' order."""
    found: list[Grant] = []
    for role in sorted(_roles(iam)):
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            for statement in _document(iam, role, policy)["Statement"]:
                whole = Grant(
                    role=role, policy=policy, sid=statement["Sid"], actions=tuple(statement["Action"])
                )
                each = [
                    Grant(role=role, policy=policy, sid=whole.sid, actions=whole.actions, action=action)
                    for action in whole.actions
                ]
                found += each if by_action and len(each) > 1 else [whole]
        found += [
            Grant(role=role, policy=attached["PolicyArn"], sid="", actions=())
            for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        ]
    return found


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
            if not grant.action:
                continue
            statement["Action"] = [action for action in statement["Action"] if action != grant.action]
        kept.append(statement)
    nothing = {"Sid": "Nothing", "Effect": "Deny", "Action": ["none:Nothing"], "Resource": ["*"]}
    result["Statement"] = kept or [nothing]
    return result


def _roles(iam: Any) -> list[str]:
    return [str(role["RoleName"]) for role in iam.list_roles()["Roles"]]


def _document(iam: Any, role: str, policy: str) -> dict[str, Any]:
    document: dict[str, Any] = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    return document


def _put(iam: Any, grant: Grant, document: Mapping[str, Any]) -> None:
    iam.put_role_policy(RoleName=grant.role, PolicyName=grant.policy, PolicyDocument=json.dumps(document))
