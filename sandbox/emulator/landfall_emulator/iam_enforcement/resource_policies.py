"""What the emulator knows of resources: their policies, owners and keys.

LocalEmu drops the customer key of state machines, functions and schedules; `declare` keeps it from the call
that set it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from localemu.constants import AWS_REGION_US_EAST_1
from localemu.services.dynamodb.models import dynamodb_stores
from localemu.services.kms.models import kms_stores
from localemu.services.lambda_.invocation.models import lambda_stores
from localemu.services.s3.models import s3_stores
from localemu.services.sns.models import sns_stores
from localemu.services.sqs.models import sqs_stores

from landfall_emulator.iam_enforcement.evaluation import NamedPolicy, statements
from landfall_emulator.iam_enforcement.principals import parsed, role_record

DECLARED: Final[dict[str, dict[str, Any]]] = {}
"""Facts of a resource by its ARN: ``key`` and ``tracing``."""


@dataclasses.dataclass(frozen=True)
class CustomerKey:
    """A customer managed key that exists."""

    arn: str
    aliases: tuple[str, ...]
    policy: NamedPolicy


def declare(arn: str, **facts: Any) -> None:
    """Remember what a call said about a resource; `None` leaves what was said before."""
    kept = DECLARED.setdefault(arn, {})
    kept.update({name: value for name, value in facts.items() if value is not None})


def declared(arn: str, fact: str) -> Any:
    """What was said about a resource."""
    return DECLARED.get(arn, {}).get(fact)


def owner(resource: str) -> str:
    """Account of a resource; empty where it belongs to the caller's or to none."""
    parts = resource.split(":", 5)
    if len(parts) != 6:
        return ""
    if parts[2] == "s3":
        bucket = _bucket(parts[5].partition("/")[0])
        return str(bucket.bucket_account_id) if bucket is not None else ""
    return parts[4]


def policy_of(resource: str) -> NamedPolicy | None:
    """The policy attached to a resource; of a role its trust policy, which names no resource itself."""
    parts = resource.split(":", 5)
    if len(parts) != 6:
        return None
    _, _, service, region, account, name = parts
    text: Any = None
    if service == "s3":
        bucket = _bucket(name.partition("/")[0])
        text = bucket.policy if bucket is not None else None
    elif service == "sqs":
        queue = sqs_stores[account][region].queues.get(name)
        text = (queue.attributes.get("Policy") if queue is not None else None) or None
    elif service == "sns":
        topic = sns_stores[account][region].topics.get(resource)
        text = topic["attributes"].get("Policy") if topic is not None else None
    elif service == "kms":
        key = kms_stores[account][region].keys.get(name.removeprefix("key/"))
        text = key.policy if key is not None else None
    elif service == "lambda":
        text = _function_policy(account, region, name)
    elif service == "iam" and (role := role_record(account, name.rpartition("/")[2])) is not None:
        trust = parsed(role.assume_role_policy_document)
        own = [{**statement, "Resource": resource} for statement in statements(trust)]
        return NamedPolicy(f"trust of {resource}", {"Statement": own})
    return NamedPolicy(f"policy of {resource}", parsed(text)) if text else None


def key(reference: str | None, account: str, region: str) -> CustomerKey | None:
    """The customer key behind an ARN, id or alias; None for AWS's own keys and unknown ones."""
    if not reference:
        return None
    if reference.startswith("arn:"):
        region, account, reference = reference.split(":", 5)[3:6]
    store = kms_stores[account][region]
    reference = reference.removeprefix("key/")
    if reference.startswith("alias/"):
        alias = store.aliases.get(reference)
        reference = str(alias.metadata["TargetKeyId"]) if alias is not None else ""
        reference = reference.rpartition("/")[2]
    found = store.keys.get(reference)
    if found is None or found.metadata.get("KeyManager") != "CUSTOMER":
        return None
    arn = f"arn:aws:kms:{region}:{account}:key/{reference}"
    aliases = tuple(
        sorted(
            name
            for name, alias in store.aliases.items()
            if str(alias.metadata["TargetKeyId"]).rpartition("/")[2] == reference
        )
    )
    return CustomerKey(arn, aliases, NamedPolicy(f"policy of {arn}", parsed(found.policy)))


def table(account: str, region: str, name: str) -> Mapping[str, Any]:
    """The description of a table, as far as it was given."""
    found: Mapping[str, Any] = dynamodb_stores[account][region].table_definitions.get(name) or {}
    return found


def bucket_key(name: str) -> str | None:
    """The key that a bucket encrypts new objects with, as its configuration names it."""
    bucket = _bucket(name)
    rule = bucket.encryption_rule if bucket is not None else None
    default = (rule or {}).get("ApplyServerSideEncryptionByDefault") or {}
    return default.get("KMSMasterKeyID")


def bucket_region(name: str) -> str:
    """Region of a bucket."""
    bucket = _bucket(name)
    return str(bucket.bucket_region) if bucket is not None else ""


def topic_key(arn: str) -> str | None:
    """The key of a topic."""
    region, account = arn.split(":")[3:5]
    topic = sns_stores[account][region].topics.get(arn)
    return topic["attributes"].get("KmsMasterKeyId") if topic is not None else None


def queue_key(arn: str) -> str | None:
    """The key of a queue."""
    region, account, name = arn.split(":")[3:6]
    queue = sqs_stores[account][region].queues.get(name)
    return (queue.attributes.get("KmsMasterKeyId") or None) if queue is not None else None


def _bucket(name: str) -> Any:
    for owned in _accounts_of_buckets(name):
        bucket = s3_stores[owned][AWS_REGION_US_EAST_1].buckets.get(name)
        if bucket is not None:
            return bucket
    return None


def _accounts_of_buckets(name: str) -> Iterator[str]:
    for account in list(s3_stores):
        store = s3_stores[account][AWS_REGION_US_EAST_1]
        if found := store.global_bucket_map.get(name):
            yield str(found)
            return


def _function_policy(account: str, region: str, name: str) -> str | None:
    function_name, _, qualifier = name.removeprefix("function:").partition(":")
    function = lambda_stores[account][region].functions.get(function_name)
    if function is None:
        return None
    found = function.permissions.get(qualifier or "$LATEST")
    return json.dumps(dataclasses.asdict(found.policy)) if found is not None else None
