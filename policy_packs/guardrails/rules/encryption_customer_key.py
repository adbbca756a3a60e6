"""Data at rest is encrypted with keys of the customer."""

from __future__ import annotations

from ..frame.require import require, require_equals, require_present
from ..frame.resource import Resource
from ..frame.rule import Report, Rule, Severity

TABLE = "aws:dynamodb/table:Table"
FUNCTION = "aws:lambda/function:Function"
BUCKET_ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
)
# Types that name their key in one property.
KEY_PROPERTY = {
    "aws:sns/topic:Topic": "kmsMasterKeyId",
    "aws:sqs/queue:Queue": "kmsMasterKeyId",
    "aws:cloudwatch/logGroup:LogGroup": "kmsKeyId",
    "aws:secretsmanager/secret:Secret": "kmsKeyId",
}


def check(resource: Resource, report: Report) -> None:
    """Require a reference to a key that is none of AWS's own (`alias/aws/...`)."""
    if resource.type == TABLE:
        require_equals(resource, report, "serverSideEncryption.enabled", True)
        _require_key(resource, report, "serverSideEncryption.kmsKeyArn")
    elif resource.type == FUNCTION:
        # Lambda keeps the key only where there are variables to encrypt.
        if resource.at("environment.variables") not in ({}, None) and "environment" in resource.inputs:
            _require_key(resource, report, "kmsKeyArn")
    elif resource.type in BUCKET_ENCRYPTION:
        _bucket(resource, report)
    else:
        _require_key(resource, report, KEY_PROPERTY[resource.type])


def _bucket(resource: Resource, report: Report) -> None:
    if not require(
        resource, report, "rules", lambda rules: isinstance(rules, list) and bool(rules), "must be set"
    ):
        return
    for i in range(len(resource.inputs["rules"])):
        path = f"rules.{i}.applyServerSideEncryptionByDefault"
        require(
            resource,
            report,
            f"{path}.sseAlgorithm",
            lambda algorithm: algorithm in ("aws:kms", "aws:kms:dsse"),
            "must be aws:kms",
        )
        _require_key(resource, report, f"{path}.kmsMasterKeyId")


def _require_key(resource: Resource, report: Report, path: str) -> None:
    if require_present(resource, report, path):
        key = resource.at(path)
        if isinstance(key, str) and "alias/aws/" in key:
            report.violation(f"`{path}` is {key}, a key of AWS")


ENCRYPTION_CUSTOMER_KEY = Rule(
    name="encryption-customer-key",
    severity=Severity.HIGH,
    description=(
        "Data at rest is encrypted with a customer managed KMS key, so that access to it can be cut"
        " and audited."
    ),
    controls=("Security Hub S3.17", "Security Hub SNS.1", "FSBP SQS.1"),
    remediation="Pass the ARN of a customer managed KMS key.",
    resource_types=(TABLE, FUNCTION, *BUCKET_ENCRYPTION, *KEY_PROPERTY),
    check=check,
)
