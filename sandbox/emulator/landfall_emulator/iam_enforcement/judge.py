"""Judging: needs of a principal against all policies that apply, each decision kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from landfall_emulator.iam_enforcement import decisions, principals, resource_policies
from landfall_emulator.iam_enforcement.evaluation import Decision, Policies, Principal, decide
from landfall_emulator.iam_enforcement.requests import Call, Need, global_keys, resource_tags


@dataclasses.dataclass(frozen=True)
class Refused:
    """A need that is not allowed."""

    need: Need
    decision: Decision


def first_refusal(
    principal: Principal, needs: Iterable[Need], call: Call, *, source_arn: str | None = None, why: str = ""
) -> Refused | None:
    """The first of `needs` that `principal` may not do; None when all are allowed."""
    own = principals.policies(principal)
    keys = global_keys(call, principal, source_arn)
    for need in needs:
        context = {
            name.lower(): value
            for name, value in {**keys, **resource_tags(call, need.resource), **need.keys}.items()
        }
        decision = decide(principal, need.action, need.resource, context, _with_resource(own, need.resource))
        decisions.keep(
            principal, need.action, need.resource, decision, why or f"{call.service}:{call.operation}"
        )
        if not decision.allowed:
            return Refused(need, decision)
    return None


def _with_resource(own: Policies, resource: str) -> Policies:
    return dataclasses.replace(
        own,
        resource=resource_policies.policy_of(resource),
        resource_account=resource_policies.owner(resource),
        resource_policy_required=resource.startswith("arn:aws:kms:"),
    )
