"""Policies grant named actions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..frame.documents import parse
from ..frame.resource import Resource
from ..frame.rule import Report, Rule, Severity
from ..frame.values import ABSENT, Marker

# Identity, trust and resource policies, by the inputs that hold the document.
DOCUMENTS = {
    "aws:iam/policy:Policy": ("policy",),
    "aws:iam/rolePolicy:RolePolicy": ("policy",),
    "aws:iam/userPolicy:UserPolicy": ("policy",),
    "aws:iam/groupPolicy:GroupPolicy": ("policy",),
    "aws:iam/role:Role": ("assumeRolePolicy",),
    "aws:kms/key:Key": ("policy",),
    "aws:kms/keyPolicy:KeyPolicy": ("policy",),
    "aws:kms/replicaKey:ReplicaKey": ("policy",),
    "aws:s3/bucketPolicy:BucketPolicy": ("policy",),
    "aws:s3/bucket:Bucket": ("policy",),
    "aws:s3/accessPoint:AccessPoint": ("policy",),
    "aws:sns/topic:Topic": ("policy",),
    "aws:sns/topicPolicy:TopicPolicy": ("policy",),
    "aws:sqs/queue:Queue": ("policy",),
    "aws:sqs/queuePolicy:QueuePolicy": ("policy",),
    "aws:secretsmanager/secret:Secret": ("policy",),
    "aws:secretsmanager/secretPolicy:SecretPolicy": ("policy",),
    "aws:dynamodb/resourcePolicy:ResourcePolicy": ("policy",),
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy": ("policy",),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": ("policyDocument",),
    "aws:cloudwatch/logDestinationPolicy:LogDestinationPolicy": ("accessPolicy",),
    "aws:ec2/vpcEndpoint:VpcEndpoint": ("policy",),
    "aws:ec2/vpcEndpointPolicy:VpcEndpointPolicy": ("policy",),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": ("policy",),
    "aws:codeartifact/domainPermissionsPolicy:DomainPermissionsPolicy": ("policyDocument",),
    "aws:codeartifact/repositoryPermissionsPolicy:RepositoryPermissionsPolicy": ("policyDocument",),
    "aws:glue/resourcePolicy:ResourcePolicy": ("policy",),
    "aws:backup/vaultPolicy:VaultPolicy": ("policy",),
    "aws:redshift/resourcePolicy:ResourcePolicy": ("policy",),
    "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy": ("inlinePolicy",),
}
# Resources that grant one action, in a plain input.
ACTIONS = {
    "aws:lambda/permission:Permission": "action",
    "aws:cloudwatch/eventPermission:EventPermission": "action",
}
# Resources that attach policies which AWS manages, by ARN.
ATTACHMENTS = {
    "aws:iam/role:Role": "managedPolicyArns",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "policyArn",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": "policyArn",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment": "policyArn",
    "aws:iam/policyAttachment:PolicyAttachment": "policyArn",
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": "policyArns",
}
_BROAD = ("AdministratorAccess", "PowerUserAccess", "FullAccess")


def check(resource: Resource, report: Report) -> None:
    """Refuse wildcards and `NotAction` in grants; what a statement denies may be as wide as it likes."""
    for path, value in _documents(resource):
        for statement in parse(value, report, path) or ():
            if not statement.allows:
                continue
            if "NotAction" in statement.data:
                report.violation(f"{statement.place} allows by NotAction, so every action but those named")
            elif "Action" not in statement.data:
                report.violation(f"{statement.place} allows without naming an action")
            for action in filter(_wild, statement.items("Action")):
                report.violation(f"{statement.place} allows {action}")
    for path in filter(None, (ACTIONS.get(resource.type),)):
        if _wild(resource.at(path)):
            report.violation(f"`{path}` allows {resource.at(path)}")
    _attachments(resource, report)


def _documents(resource: Resource) -> Iterator[tuple[str, Any]]:
    for path in DOCUMENTS.get(resource.type, ()):
        if resource.at(path) is not ABSENT:
            yield path, resource.at(path)
    inline = resource.at("inlinePolicies") if resource.type == "aws:iam/role:Role" else ABSENT
    if isinstance(inline, Marker):
        if inline is not ABSENT:
            yield "inlinePolicies", inline
        return
    for i in range(len(inline)):
        path = f"inlinePolicies.{i}.policy"
        if resource.at(path) is not ABSENT:
            yield path, resource.at(path)


def _attachments(resource: Resource, report: Report) -> None:
    path = ATTACHMENTS.get(resource.type)
    value = resource.at(path) if path else ABSENT
    for arn in value if isinstance(value, list) else [value]:
        # The ARN of a policy of this program is unknown in a preview; that policy is judged by itself.
        if isinstance(arn, str) and arn.split(":")[4:5] == ["aws"] and arn.endswith(_BROAD):
            report.violation(f"`{path}` attaches {arn.rpartition('/')[2]}, which allows whole services")


def _wild(action: Any) -> bool:
    return not isinstance(action, str) or "*" in action or "?" in action


IAM_NO_WILDCARD_ACTIONS = Rule(
    name="iam-no-wildcard-actions",
    severity=Severity.CRITICAL,
    description="Policies of identities and resources grant named actions, never patterns of actions.",
    controls=("FSBP IAM.1", "FSBP IAM.21", "CIS 3.0.0 1.16"),
    remediation=(
        "Name each action that is needed, and build the document from names that are known beforehand."
    ),
    resource_types=tuple(sorted({*DOCUMENTS, *ACTIONS, *ATTACHMENTS})),
    check=check,
)
