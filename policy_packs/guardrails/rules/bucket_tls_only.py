"""Buckets refuse requests without TLS."""

from __future__ import annotations

from ..frame.documents import Statement, statements
from ..frame.resource import Resource, Stack
from ..frame.rule import Report, Severity, StackRule

BUCKETS = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
POLICY = "aws:s3/bucketPolicy:BucketPolicy"


def check(stack: Stack, report: Report) -> None:
    """Require a policy for each bucket, and in each bucket policy a statement that denies plain HTTP."""
    policies = stack.of_type(POLICY)
    for bucket in stack.of_type(*BUCKETS):
        if not any(stack.refers(policy, "bucket", bucket, "bucket") for policy in policies):
            report.violation(
                "the bucket has no bucket policy, so it accepts requests without TLS", urn=bucket.urn
            )
    for policy in policies:
        _check_policy(policy, report)


def _check_policy(policy: Resource, report: Report) -> None:
    own = Report(policy.urn)
    found = statements(policy, own, "policy")
    if found is None and not own.findings:
        own.violation("`policy` is absent")
    if found is not None and not any(_denies_plain_http(statement) for statement in found):
        own.violation("`policy` does not deny requests without TLS to the bucket and its objects")
    for finding in own.findings:
        report.violation(finding.message, urn=finding.urn)


def _denies_plain_http(statement: Statement) -> bool:
    resources = [str(resource) for resource in statement.items("Resource")]
    covers = "*" in resources or (
        any(resource.endswith("/*") for resource in resources)
        and any(not resource.endswith("/*") for resource in resources)
    )
    conditions = list(statement.conditions())
    return (
        not statement.allows
        and statement.is_public()
        and bool({"s3:*", "*"} & set(map(str, statement.items("Action"))))
        and covers
        # Further conditions would let some plain requests through.
        and len(conditions) == 1
        and conditions[0][:2] == ("bool", "aws:securetransport")
        and [str(value).lower() for value in conditions[0][2]] == ["false"]
    )


BUCKET_TLS_ONLY = StackRule(
    name="bucket-tls-only",
    severity=Severity.HIGH,
    description="Every bucket has a policy that denies requests without TLS.",
    controls=("FSBP S3.5", "CIS 3.0.0 2.1.1"),
    remediation=(
        "Add a BucketPolicy that denies s3:* to everybody on bucket and objects while "
        "aws:SecureTransport is false."
    ),
    resource_types=(*BUCKETS, POLICY),
    check=check,
)
