from __future__ import annotations

from ..plans import UNKNOWN, messages, resource

RULE = "bucket-companions"
BUCKET = resource("aws:s3/bucket:Bucket", {"bucket": "logs"}, name="logs")
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"


def test_passes_a_bucket_with_both_companions() -> None:
    linked = {"bucket": [BUCKET["urn"]]}
    companions = [
        resource(BLOCK, {"bucket": "logs"}),
        resource(ENCRYPTION, {"bucket": UNKNOWN}, links=linked),
    ]
    assert messages(RULE, BUCKET, *companions) == []


def test_reports_what_is_missing() -> None:
    assert messages(RULE, BUCKET) == [
        "the bucket has no encryption configuration",
        "the bucket has no public access block",
    ]


def test_a_companion_of_another_bucket_does_not_count() -> None:
    assert messages(
        RULE, BUCKET, resource(BLOCK, {"bucket": "other"}), resource(ENCRYPTION, {"bucket": "logs"})
    ) == ["the bucket has no public access block"]


def test_an_unknown_name_that_comes_from_elsewhere_does_not_count() -> None:
    blocks = [resource(BLOCK, {"bucket": UNKNOWN}), resource(ENCRYPTION, {"bucket": "logs"})]
    assert messages(RULE, BUCKET, *blocks) == ["the bucket has no public access block"]


def test_leaves_other_types_alone() -> None:
    assert messages(RULE, resource("aws:sqs/queue:Queue", {})) == []
