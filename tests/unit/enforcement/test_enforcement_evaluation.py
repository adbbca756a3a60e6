"""Decisions over identity, boundary, session and resource policies."""

from __future__ import annotations

from typing import Any

import pytest
from landfall_emulator.iam_enforcement.evaluation import NamedPolicy, Policies, Principal, decide

ACCOUNT = "111111111111"
ROLE = Principal(
    arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/etl/session", account=ACCOUNT, role="etl", unique_id="A:session"
)
EVENTS = Principal(arn="events.amazonaws.com", account=ACCOUNT, service="events.amazonaws.com")
BUCKET = "arn:aws:s3:::archive/a/b.log"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/1"


def policy(*statements: dict[str, Any], name: str = "own") -> NamedPolicy:
    return NamedPolicy(name, {"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str | list[str], resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Sid": "It", "Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
OWN = policy(allow("s3:PutObject", "arn:aws:s3:::archive/*"))


@pytest.mark.parametrize(
    ("policies", "allowed"),
    [
        (Policies(), False),
        (Policies(identity=(OWN,)), True),
        (Policies(identity=(policy(allow(["S3:put*"])),)), True),
        (Policies(identity=(policy(allow("s3:GetObject")),)), False),
        (Policies(identity=(policy(allow("s3:PutObject", "arn:aws:s3:::archive")),)), False),
        (Policies(identity=(OWN, policy(deny("s3:*")))), False),
        (Policies(identity=(policy({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),)), True),
        (Policies(identity=(policy({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}),)), False),
        (Policies(identity=(policy({"Effect": "Allow", "Action": "*", "NotResource": BUCKET}),)), False),
        (Policies(identity=(OWN,), boundary=policy(allow("s3:*"))), True),
        (Policies(identity=(OWN,), boundary=policy(allow("ec2:*"))), False),
        (Policies(identity=(OWN,), session=(policy(allow("ec2:*")),)), False),
        (Policies(identity=(OWN,), resource=policy(deny("s3:*", Principal="*"))), False),
        (Policies(resource=policy(allow("s3:PutObject", Principal={"AWS": ROLE.arn}))), True),
        (Policies(resource=policy(allow("s3:PutObject", Principal=ROOT))), False),
        (Policies(resource=policy(allow("s3:PutObject", Principal={"AWS": ACCOUNT + "9"}))), False),
    ],
)
def test_within_one_account(policies: Policies, allowed: bool) -> None:
    assert decide(ROLE, "s3:PutObject", BUCKET, {}, policies).allowed is allowed


def test_across_accounts_both_sides_must_allow() -> None:
    shared = policy(allow("s3:PutObject", Principal=ROOT), name="bucket")
    other = "222222222222"
    both = Policies(identity=(OWN,), resource=shared, resource_account=other)
    assert decide(ROLE, "s3:PutObject", BUCKET, {}, both).by == ("own/It", "bucket/It")
    assert not decide(
        ROLE, "s3:PutObject", BUCKET, {}, Policies(identity=(OWN,), resource_account=other)
    ).allowed
    alone = Policies(resource=shared, resource_account=other)
    refused = decide(ROLE, "s3:PutObject", BUCKET, {}, alone)
    assert refused.reason == "because no identity-based policy allows the s3:PutObject action"


def test_a_key_needs_its_own_policy_too() -> None:
    own = policy(allow("kms:Decrypt", KEY))
    key = policy(allow("kms:Decrypt", Principal=ROOT), name="key")
    needed: dict[str, Any] = {"resource_account": ACCOUNT, "resource_policy_required": True}
    assert decide(ROLE, "kms:Decrypt", KEY, {}, Policies(identity=(own,), resource=key, **needed)).allowed
    assert not decide(ROLE, "kms:Decrypt", KEY, {}, Policies(identity=(own,), **needed)).allowed
    assert not decide(ROLE, "kms:Decrypt", KEY, {}, Policies(resource=key, **needed)).allowed


def test_a_service_has_what_the_resource_gives_it() -> None:
    source = f"arn:aws:events:eu-central-1:{ACCOUNT}:rule/mine"
    function = policy(
        allow(
            "lambda:InvokeFunction",
            Principal={"Service": "events.amazonaws.com"},
            Condition={"ArnLike": {"AWS:SourceArn": source}},
        )
    )
    policies = Policies(resource=function, resource_account=ACCOUNT)
    assert decide(EVENTS, "lambda:InvokeFunction", "f", {"aws:sourcearn": source}, policies).allowed
    assert not decide(EVENTS, "lambda:InvokeFunction", "f", {"aws:sourcearn": "arn"}, policies).allowed
    assert not decide(EVENTS, "lambda:InvokeFunction", "f", {}, Policies()).allowed
    assert not decide(ROLE, "lambda:InvokeFunction", "f", {"aws:sourcearn": source}, policies).allowed


def test_a_denial_says_so() -> None:
    refused = decide(ROLE, "s3:PutObject", BUCKET, {}, Policies(identity=(policy(deny("s3:*")),)))
    assert refused.explicit and refused.by == ("own/It",)
    assert refused.reason == "with an explicit deny in an identity-based policy"
