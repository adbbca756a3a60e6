"""Private S3 bucket: encrypted with a customer key, versioned, TLS only, no public access.

Does not replicate and does not log access.
(source: AWS FSBP S3.1, S3.5, S3.8, S3.17; pulumi-aws v7 split bucket resources)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.iam import Statement, document, tls_only


@dataclass(frozen=True, kw_only=True)
class PrivateBucketArgs:
    bucket: str
    """Physical name, unique in the world: other accounts must know it."""
    region: str
    kms_key_arn: pulumi.Input[str]
    expire_after_days: int | None = None
    """Days until a current version expires; ``None`` keeps it."""
    noncurrent_days: int = 30
    """Days that a replaced or deleted version is kept."""
    statements: Sequence[Statement] = ()
    """Grants to other accounts."""
    force_destroy: bool = False
    """Whether destroying the stack empties the bucket; for environments without data worth keeping."""


class PrivateBucket(pulumi.ComponentResource):
    """One private bucket with its encryption, versioning, ownership, life cycle and policy."""

    name: pulumi.Output[str]
    """Name of the bucket, known once its policy is in force."""
    arn: pulumi.Output[str]
    """ARN of the bucket."""

    def __init__(
        self, name: str, args: PrivateBucketArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("landfall:storage:PrivateBucket", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        arn = f"arn:aws:s3:::{args.bucket}"
        bucket = aws.s3.Bucket(
            name,
            bucket=args.bucket,
            force_destroy=args.force_destroy,
            region=args.region,
            opts=pulumi.ResourceOptions(
                parent=self, protect=not args.force_destroy, retain_on_delete=not args.force_destroy
            ),
        )
        aws.s3.BucketOwnershipControls(
            name,
            bucket=bucket.id,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            region=args.region,
            opts=child,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=bucket.id,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                        sse_algorithm="aws:kms", kms_master_key_id=args.kms_key_arn
                    ),
                    bucket_key_enabled=True,
                )
            ],
            region=args.region,
            opts=child,
        )
        versioning = aws.s3.BucketVersioning(
            name,
            bucket=bucket.id,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            region=args.region,
            opts=child,
        )
        expiration = (
            None
            if args.expire_after_days is None
            else aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=args.expire_after_days)
        )
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.id,
            rules=[
                aws.s3.BucketLifecycleConfigurationRuleArgs(
                    id="retention",
                    status="Enabled",
                    filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                    expiration=expiration,
                    noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                        noncurrent_days=args.noncurrent_days
                    ),
                    abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                        days_after_initiation=7
                    ),
                )
            ],
            region=args.region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[versioning]),
        )
        block = aws.s3.BucketPublicAccessBlock(
            name,
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            region=args.region,
            opts=child,
        )
        policy = aws.s3.BucketPolicy(
            name,
            bucket=bucket.id,
            policy=document([tls_only([arn, f"{arn}/*"], "s3"), *args.statements]),
            region=args.region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[block]),
        )
        self.name = policy.bucket
        self.arn = bucket.arn
        self.register_outputs({"name": self.name, "arn": self.arn})
