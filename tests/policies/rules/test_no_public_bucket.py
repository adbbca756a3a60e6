from __future__ import annotations

from typing import Any

import pytest

from ..plans import UNKNOWN, document, messages, resource

RULE = "no-public-bucket"
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
ACCOUNT_BLOCK = "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"
ACL = "aws:s3/bucketAcl:BucketAcl"
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
ALL = dict.fromkeys(
    ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True
)


def grant(**elements: Any) -> dict[str, Any]:
    statement = {"Sid": "It", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **elements}
    return {"policy": document(statement)}


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        (BLOCK, ALL),
        (ACCOUNT_BLOCK, ALL),
        (ACL, {"acl": "private"}),
        (ACL, {}),
        (POLICY, grant(Principal={"AWS": "arn:aws:iam::111111111111:root"})),
        (POLICY, grant(Effect="Deny", Principal="*")),
        (POLICY, grant(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})),
        (POLICY, grant(Principal={"AWS": ["*"]}, Condition={"ArnLike": {"aws:SourceArn": "arn:aws:sns:x"}})),
        ("aws:sns/topicPolicy:TopicPolicy", grant(Principal="*")),
    ],
)
def test_passes_private_buckets(kind: str, inputs: dict[str, Any]) -> None:
    assert messages(RULE, resource(kind, inputs)) == []


@pytest.mark.parametrize("kind", [BLOCK, ACCOUNT_BLOCK])
@pytest.mark.parametrize("setting", sorted(ALL))
@pytest.mark.parametrize("value", [False, None, UNKNOWN])
def test_reports_each_setting_that_is_not_known_to_be_on(kind: str, setting: str, value: Any) -> None:
    (said,) = messages(RULE, resource(kind, {**ALL, setting: value}))
    assert said.startswith(f"`{setting}` is")


@pytest.mark.parametrize("acl", ["public-read", "public-read-write", "authenticated-read", UNKNOWN])
def test_reports_public_acls(acl: str) -> None:
    (said,) = messages(RULE, resource(ACL, {"acl": acl}))
    assert said.endswith("it must not be public")


@pytest.mark.parametrize(
    "elements",
    [
        {"Principal": "*"},
        {"Principal": {"AWS": ["arn:aws:iam::111111111111:root", "*"]}},
        {"NotPrincipal": {"AWS": "arn:aws:iam::111111111111:root"}},
        {"Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Principal": "*", "Condition": {"StringLike": {"aws:PrincipalArn": "*"}}},
        {"Principal": "*", "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}},
    ],
)
def test_reports_grants_to_everybody(elements: dict[str, Any]) -> None:
    assert messages(RULE, resource(POLICY, grant(**elements))) == ["`policy`, It lets everybody in"]


def test_reports_an_unknown_policy() -> None:
    (said,) = messages(RULE, resource(POLICY, {"policy": UNKNOWN}))
    assert said.startswith("`policy` is not known before the update")
