"""Buckets have the settings that S3 keeps in resources of their own."""

from __future__ import annotations

from ..frame.resource import Stack
from ..frame.rule import Report, Severity, StackRule
from .bucket_tls_only import BUCKETS
from .encryption_customer_key import BUCKET_ENCRYPTION

PUBLIC_ACCESS_BLOCK = ("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",)
_COMPANIONS = (
    (PUBLIC_ACCESS_BLOCK, "public access block"),
    (BUCKET_ENCRYPTION, "encryption configuration"),
)


def check(stack: Stack, report: Report) -> None:
    """Require that each bucket is named by a public access block and by an encryption configuration."""
    for types, what in _COMPANIONS:
        companions = stack.of_type(*types)
        for bucket in stack.of_type(*BUCKETS):
            if not any(stack.refers(companion, "bucket", bucket, "bucket") for companion in companions):
                report.violation(f"the bucket has no {what}", urn=bucket.urn)


BUCKET_COMPANIONS = StackRule(
    name="bucket-companions",
    severity=Severity.HIGH,
    description="Every bucket has a public access block and an encryption configuration of its own.",
    controls=("FSBP S3.8", "Security Hub S3.17"),
    remediation="Add BucketPublicAccessBlock and BucketServerSideEncryptionConfiguration for the bucket.",
    resource_types=(*BUCKETS, *PUBLIC_ACCESS_BLOCK, *BUCKET_ENCRYPTION),
    check=check,
)
