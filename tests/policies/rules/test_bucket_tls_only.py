from __future__ import annotations

from typing import Any

import pytest

from ..plans import UNKNOWN, document, messages, resource, urn_of

RULE = "bucket-tls-only"
BUCKET = "aws:s3/bucket:Bucket"
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
TLS: dict[str, Any] = {
    "Sid": "TlsOnly",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
LOGS = resource(BUCKET, {"bucket": "logs"}, name="logs")


def policy(text: str, bucket: str = "logs", **options: Any) -> dict[str, Any]:
    return resource(POLICY, {"bucket": bucket, "policy": text}, name="logs", **options)


@pytest.mark.parametrize(
    "statement",
    [
        TLS,
        {**TLS, "Principal": {"AWS": "*"}, "Action": ["s3:*"], "Resource": "*"},
        {**TLS, "Condition": {"Bool": {"aws:SecureTransport": ["false"]}}},
        {**TLS, "Condition": {"Bool": {"aws:SecureTransport": False}}},
    ],
)
def test_passes_buckets_that_deny_plain_http(statement: dict[str, Any]) -> None:
    assert messages(RULE, LOGS, policy(document(statement))) == []


def test_finds_the_policy_of_a_bucket_without_a_name() -> None:
    bucket = resource(BUCKET, {}, name="logs")
    attached = policy(document(TLS), bucket=UNKNOWN, links={"bucket": [bucket["urn"]]})
    assert messages(RULE, bucket, attached) == []
    del attached["property_dependencies"]
    assert messages(RULE, bucket, attached) == []


def test_reports_a_bucket_without_policy() -> None:
    expected = ["the bucket has no bucket policy, so it accepts requests without TLS"]
    assert messages(RULE, LOGS) == expected
    assert messages(RULE, LOGS, policy(document(TLS), bucket="others")) == expected
    elsewhere = policy(document(TLS), bucket=UNKNOWN, links={"bucket": [urn_of(BUCKET, "others")]})
    assert messages(RULE, LOGS, elsewhere) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Allow"},
        {"Principal": {"AWS": "arn:aws:iam::111111111111:root"}},
        {"Action": "s3:GetObject"},
        {"Resource": "arn:aws:s3:::logs/*"},
        {"Condition": {}},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:SourceVpc": "vpc-1"}}},
    ],
)
def test_reports_a_policy_that_lets_some_through(change: dict[str, Any]) -> None:
    assert messages(RULE, LOGS, policy(document({**TLS, **change}))) == [
        "`policy` does not deny requests without TLS to the bucket and its objects"
    ]


@pytest.mark.parametrize(("text", "said"), [(UNKNOWN, "is not known before the update"), (None, "is absent")])
def test_reports_a_policy_that_cannot_be_read(text: Any, said: str) -> None:
    (message,) = messages(RULE, LOGS, policy(text))
    assert said in message


def test_leaves_other_types_alone() -> None:
    assert messages(RULE, resource("aws:sqs/queue:Queue", {"bucket": "logs"})) == []
