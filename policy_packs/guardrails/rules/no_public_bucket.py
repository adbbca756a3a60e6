"""No bucket can be read or written by the public."""

from __future__ import annotations

from ..frame.documents import Statement, statements
from ..frame.require import require, require_equals
from ..frame.resource import Resource
from ..frame.rule import Report, Rule, Severity

BLOCKS = (
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
)
ACLS = ("aws:s3/bucket:Bucket", "aws:s3/bucketAcl:BucketAcl", "aws:s3/bucketAclV2:BucketAclV2")
POLICIES = ("aws:s3/bucketPolicy:BucketPolicy", "aws:s3/bucket:Bucket")
_SETTINGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_PUBLIC_ACLS = ("public-read", "public-read-write", "authenticated-read")
# Condition keys that tie a request to known principals, accounts or networks, as S3 itself judges "public".
_NARROWING = frozenset(
    {
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
    }
)
_NARROWING_OPERATORS = ("stringequals", "stringlike", "arnequals", "arnlike")


def check(resource: Resource, report: Report) -> None:
    """Require all four blocks, no public ACL, and no grant to everybody without a narrowing condition."""
    if resource.type in BLOCKS:
        for setting in _SETTINGS:
            require_equals(resource, report, setting, True)
    if resource.type in ACLS:
        require(resource, report, "acl", lambda acl: acl not in _PUBLIC_ACLS, "must not be public")
    if resource.type in POLICIES:
        for statement in statements(resource, report, "policy") or ():
            if statement.allows and statement.is_public() and not _narrowed(statement):
                report.violation(f"{statement.place} lets everybody in")


def _narrowed(statement: Statement) -> bool:
    return any(
        operator in _NARROWING_OPERATORS and key in _NARROWING and "*" not in values
        for operator, key, values in statement.conditions()
    )


NO_PUBLIC_BUCKET = Rule(
    name="no-public-bucket",
    severity=Severity.CRITICAL,
    description="Buckets block public access by all four settings and grant nothing to everybody.",
    controls=("FSBP S3.1", "FSBP S3.2", "FSBP S3.3", "FSBP S3.8", "CIS 3.0.0 2.1.4"),
    remediation="Block public access in all four settings and name the principals of the bucket policy.",
    resource_types=tuple(dict.fromkeys((*BLOCKS, *ACLS, *POLICIES))),
    check=check,
)
