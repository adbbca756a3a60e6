"""IAM documents as data: one function makes a statement, one a document.

Every document of the platform is known at preview: ARNs are composed from names and account ids,
and a customer-managed key is named by its alias (``kms:ResourceAliases``), so that guardrails can
read what they judge. (source: DESIGN section 5; AWS KMS, "Use aliases to control access to keys")
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Statement = dict[str, Any]
Conditions = Mapping[str, Mapping[str, str | Sequence[str]]]

POLICY_VERSION = "2012-10-17"


class PolicyDocumentError(ValueError):
    """A statement that the platform refuses to make."""


def _ordered(values: Iterable[str]) -> list[str]:
    return sorted(set(values))


def statement(
    sid: str,
    actions: Iterable[str],
    resources: Iterable[str] | None,
    *,
    conditions: Conditions | None = None,
    principals: Mapping[str, Sequence[str]] | None = None,
    effect: str = "Allow",
) -> Statement:
    """One statement of a policy document.

    ``resources`` is ``None`` only in trust policies, which have none. Raises
    ``PolicyDocumentError`` for an allowed action with a wildcard, for no action, and for an
    identity statement that allows something on every resource without a condition.
    """
    allowed = _ordered(actions)
    if not allowed:
        raise PolicyDocumentError(f"statement {sid}: no action")
    for action in allowed:
        if effect == "Allow" and ("*" in action or ":" not in action):
            raise PolicyDocumentError(f'statement {sid}: wildcard action "{action}" is refused')
    result: Statement = {"Sid": sid, "Effect": effect, "Action": allowed}
    if principals is not None:
        result["Principal"] = (
            "*"
            if principals == {"*": ["*"]}
            else {kind: _ordered(names) for kind, names in sorted(principals.items())}
        )
    if resources is not None:
        arns = _ordered(resources)
        if not arns:
            raise PolicyDocumentError(f"statement {sid}: no resource")
        if effect == "Allow" and principals is None and "*" in arns and not conditions:
            raise PolicyDocumentError(f'statement {sid}: resource "*" needs a condition')
        result["Resource"] = arns
    if conditions:
        result["Condition"] = {
            operator: {
                key: value if isinstance(value, str) else _ordered(value) for key, value in keys.items()
            }
            for operator, keys in sorted(conditions.items())
        }
    return result


def document(statements: Iterable[Statement]) -> str:
    """The policy document as the JSON string that the provider gets; statement order is kept."""
    return json.dumps({"Version": POLICY_VERSION, "Statement": list(statements)}, separators=(",", ":"))


def service_trust(service: str, *, account_id: str, source_arn: str | None = None) -> str:
    """Trust policy of a role that one AWS service assumes, for resources of one account only.

    The condition is the answer to the confused deputy problem.
    (source: IAM User Guide, "The confused deputy problem")
    """
    conditions: dict[str, Mapping[str, str | Sequence[str]]] = {
        "StringEquals": {"aws:SourceAccount": account_id}
    }
    if source_arn is not None:
        conditions["ArnLike"] = {"aws:SourceArn": source_arn}
    return _trust(service, conditions)


def instance_trust() -> str:
    """Trust policy of a role that EC2 hosts have through their instance profile.

    EC2 says neither for which account nor for which instance it assumes the role: a condition on
    ``aws:SourceAccount`` would lock each host out when its credentials expire. No other account is let in: a
    role can be passed to instances of its own account only.
    (source: EC2 User Guide, "IAM roles for Amazon EC2"; IAM User Guide, "Grant a user permissions to pass a
    role to an AWS service")
    """
    return _trust("ec2.amazonaws.com", None)


def _trust(service: str, conditions: Conditions | None) -> str:
    return document(
        [
            statement(
                "ServiceAssumesRole",
                ["sts:AssumeRole"],
                None,
                principals={"Service": [service]},
                conditions=conditions,
            )
        ]
    )


def tls_only(resource_arns: Iterable[str], service: str) -> Statement:
    """Statement of a resource policy that denies every request without TLS."""
    return statement(
        "DenyWithoutTls",
        [f"{service}:*"],
        resource_arns,
        principals={"*": ["*"]},
        conditions={"Bool": {"aws:SecureTransport": "false"}},
        effect="Deny",
    )


def use_of_key(sid: str, actions: Iterable[str], *, region: str, account_id: str, alias: str) -> Statement:
    """Permission to use the customer-managed key behind ``alias`` and no other key of the account."""
    return statement(
        sid,
        actions,
        [f"arn:aws:kms:{region}:{account_id}:key/*"],
        conditions={"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}},
    )
