"""Keys are rotated every year."""

from __future__ import annotations

from ..frame.require import require_equals
from ..frame.resource import Resource
from ..frame.rule import Level, Levels, Report, Rule, Severity


def check(resource: Resource, report: Report) -> None:
    """Require rotation of symmetric encryption keys; KMS cannot rotate the other kinds."""
    symmetric = resource.inputs.get("customerMasterKeySpec", "SYMMETRIC_DEFAULT")
    usage = resource.inputs.get("keyUsage", "ENCRYPT_DECRYPT")
    cannot_rotate = (isinstance(symmetric, str) and symmetric != "SYMMETRIC_DEFAULT") or (
        isinstance(usage, str) and usage != "ENCRYPT_DECRYPT"
    )
    if not cannot_rotate:
        require_equals(resource, report, "enableKeyRotation", True)


KMS_KEY_ROTATION = Rule(
    name="kms-key-rotation",
    severity=Severity.MEDIUM,
    description="Customer managed symmetric KMS keys rotate automatically.",
    controls=("Security Hub KMS.4", "CIS 3.0.0 3.6"),
    levels=Levels(sandbox=Level.ADVISORY),
    remediation="Set enableKeyRotation to true.",
    resource_types=("aws:kms/key:Key",),
    check=check,
)
