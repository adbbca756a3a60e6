"""Who may do more than before: every policy document of a stack, before and after. Pure.

Roles' policies and trust, policies of buckets, keys, queues, topics, secrets and functions, organization
policies, managed policies and permissions boundaries. `POLICIES` is the one table of where they stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from landfall.risk.changes import Change, parsed
from landfall.risk.documents import NotADocument, Statement, statements
from landfall.risk.globs import overlap
from landfall.risk.grants import Grant, added, summary
from landfall.risk.model import UNKNOWN, Category, Finding, PropertyChange, Severity
from landfall.risk.snapshot import Item, Snapshot
from landfall.risk.words import about


@dataclass(frozen=True)
class Place:
    """A property that holds a policy document."""

    path: str
    kind: str
    """`identity`: what its holder may do; `trust`: who may become the role; `resource`: who may use the
    resource; `organization`: what nobody in the accounts may do."""
    subject: str = ""
    """Input that names what the policy is attached to, where that is another resource."""


POLICIES: Final[dict[str, tuple[Place, ...]]] = {
    "aws:iam/role:Role": (Place("assumeRolePolicy", "trust"),),
    "aws:iam/rolePolicy:RolePolicy": (Place("policy", "identity", "role"),),
    "aws:iam/userPolicy:UserPolicy": (Place("policy", "identity", "user"),),
    "aws:iam/groupPolicy:GroupPolicy": (Place("policy", "identity", "group"),),
    "aws:iam/policy:Policy": (Place("policy", "identity"),),
    "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy": (
        Place("inlinePolicy", "identity", "permissionSetArn"),
    ),
    "aws:organizations/policy:Policy": (Place("content", "organization"),),
    "aws:s3/bucketPolicy:BucketPolicy": (Place("policy", "resource", "bucket"),),
    "aws:s3control/accessPointPolicy:AccessPointPolicy": (Place("policy", "resource", "accessPointArn"),),
    "aws:s3/accessPoint:AccessPoint": (Place("policy", "resource"),),
    "aws:kms/key:Key": (Place("policy", "resource"),),
    "aws:kms/keyPolicy:KeyPolicy": (Place("policy", "resource", "keyId"),),
    "aws:kms/replicaKey:ReplicaKey": (Place("policy", "resource"),),
    "aws:sqs/queue:Queue": (Place("policy", "resource"),),
    "aws:sqs/queuePolicy:QueuePolicy": (Place("policy", "resource", "queueUrl"),),
    "aws:sns/topic:Topic": (Place("policy", "resource"),),
    "aws:sns/topicPolicy:TopicPolicy": (Place("policy", "resource", "arn"),),
    "aws:secretsmanager/secret:Secret": (Place("policy", "resource"),),
    "aws:secretsmanager/secretPolicy:SecretPolicy": (Place("policy", "resource", "secretArn"),),
    "aws:dynamodb/resourcePolicy:ResourcePolicy": (Place("policy", "resource", "resourceArn"),),
    "aws:kinesis/resourcePolicy:ResourcePolicy": (Place("policy", "resource", "resourceArn"),),
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy": (Place("policy", "resource", "eventBusName"),),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": (Place("policyDocument", "resource"),),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (Place("policy", "endpoint"),),
    "aws:ec2/vpcEndpointPolicy:VpcEndpointPolicy": (Place("policy", "endpoint", "vpcEndpointId"),),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": (Place("policy", "resource", "repository"),),
    "aws:ecr/registryPolicy:RegistryPolicy": (Place("policy", "resource"),),
    "aws:efs/fileSystemPolicy:FileSystemPolicy": (Place("policy", "resource", "fileSystemId"),),
    "aws:backup/vaultPolicy:VaultPolicy": (Place("policy", "resource", "backupVaultName"),),
    "aws:glue/resourcePolicy:ResourcePolicy": (Place("policy", "resource"),),
    "aws:redshift/resourcePolicy:ResourcePolicy": (Place("policy", "resource", "resourceArn"),),
    "aws:redshiftserverless/resourcePolicy:ResourcePolicy": (Place("policy", "resource", "resourceArn"),),
    "aws:opensearch/domain:Domain": (Place("accessPolicies", "resource"),),
    "aws:opensearch/domainPolicy:DomainPolicy": (Place("accessPolicies", "resource", "domainName"),),
    "aws:codeartifact/domainPermissions:DomainPermissions": (Place("policyDocument", "resource", "domain"),),
    "aws:codeartifact/repositoryPermissionsPolicy:RepositoryPermissionsPolicy": (
        Place("policyDocument", "resource", "repository"),
    ),
}
"""Type token to the documents that it holds."""

MANAGED: Final[dict[str, tuple[str, str]]] = {
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ("policyArn", "role"),
    "aws:iam/userPolicyAttachment:UserPolicyAttachment": ("policyArn", "user"),
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment": ("policyArn", "group"),
    "aws:iam/policyAttachment:PolicyAttachment": ("policyArn", "roles"),
    "aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment": ("managedPolicyArn", "permissionSetArn"),
    "aws:iam/role:Role": ("managedPolicyArns", ""),
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": ("policyArns", "roleName"),
}
"""Type token to the property that attaches policies by ARN, and the one that says to whom."""

PERMISSION: Final = "aws:lambda/permission:Permission"
_FULL_ACCESS: Final = '{"Statement":[{"Effect":"Allow","Action":"*","Principal":"*","Resource":"*"}]}'
"""What an endpoint without a policy of its own has (VPC user guide, endpoint policies)."""
_MIGHTY: Final = re.compile(r"/(AdministratorAccess|PowerUserAccess|IAMFullAccess|.*FullAccess)$")
SENSITIVE: Final = (
    "iam:*", "sts:assumerole*", "organizations:*", "sso:*", "identitystore:*", "kms:putkeypolicy",
    "kms:creategrant", "kms:schedulekeydeletion", "kms:disablekey", "s3:putbucketpolicy",
    "s3:deletebucket*", "s3:putbucketpublicaccessblock", "s3:putaccountpublicaccessblock",
    "dynamodb:deletetable", "dynamodb:deletebackup", "lambda:updatefunctioncode", "lambda:addpermission",
    "secretsmanager:getsecretvalue", "secretsmanager:putresourcepolicy", "secretsmanager:deletesecret",
    "redshift:deletecluster", "redshift:authorize*", "rds:deletedb*", "logs:deleteloggroup",
    "cloudtrail:stoplogging", "cloudtrail:deletetrail", "ec2:authorizesecuritygroupingress",
    "ssm:sendcommand", "ssm:startsession", "lakeformation:grantpermissions",
)  # fmt: skip
"""Actions with which somebody widens his own rights, reads secrets or destroys data or evidence."""


def guarded(type_: str) -> frozenset[str]:
    """The properties that hold policy documents: one that is not known is a finding, never no change."""
    return frozenset(place.path for place in POLICIES.get(type_, ()))


def findings(change: Change, old: Snapshot, new: Snapshot) -> Iterator[Finding]:
    """Every document of the changed resource that allows more than before."""
    for place in POLICIES.get(change.type, ()):
        yield from _document(change, place, old, new)
    if change.type == "aws:iam/role:Role":
        yield from _inline(change, old, new)
        yield from _boundary(change, new)
    if change.type in MANAGED:
        yield from _managed(change, old, new)
    if change.type == PERMISSION:
        yield from _permission(change, old, new)


def _document(change: Change, place: Place, old: Snapshot, new: Snapshot) -> Iterator[Finding]:
    before = change.old.value(place.path) if change.old else None
    after = change.new.value(place.path) if change.new else None
    if change.new is None and not _outlived(change.old, place, new):
        return
    if place.subject and _moved(change, place.subject):
        before = None  # somebody else holds it now
    if place.kind == "endpoint":
        before = _FULL_ACCESS if before is None and change.old else before
        after = _FULL_ACCESS if after is None and change.new else after
        if change.old is None and not place.subject and change.new and change.new.value("policy") is None:
            return  # a new endpoint with AWS's own default adds a way, not a right
    yield from _compared(change, place.path, place.kind, before, after, old, new, place.subject)


def _moved(change: Change, subject: str) -> bool:
    return any(item.path == subject for item in change.properties)


def _outlived(item: Item | None, place: Place, new: Snapshot) -> bool:
    """Whether what a deleted policy was attached to is still there, so that its denials are missed."""
    if item is None or not place.subject:
        return False
    sources = item.property_dependencies.get(place.subject, ())
    return not sources or any(urn in new.items for urn in sources)


def _inline(change: Change, old: Snapshot, new: Snapshot) -> Iterator[Finding]:
    before = change.old.inputs.get("inlinePolicies") if change.old else None
    after = change.new.inputs.get("inlinePolicies") if change.new else None
    if after is None or after == before:
        return
    yield from _compared(change, "inlinePolicies", "identity", _joined(before), _joined(after), old, new)


def _joined(policies: Any) -> Any:
    """Inline policies as one document; unknown where one of them is."""
    if policies is None or policies == UNKNOWN:
        return policies
    found: list[Any] = []
    for policy in policies if isinstance(policies, list) else []:
        text = policy.get("policy") if isinstance(policy, dict) else policy
        if text == UNKNOWN:
            return UNKNOWN
        if text is not None:
            try:
                statements(text)
            except NotADocument:
                return text
            listed = (parsed(text) if isinstance(text, str) else text).get("Statement", [])
            found += listed if isinstance(listed, list) else [listed]
    return {"Statement": found}


def _compared(
    change: Change,
    path: str,
    kind: str,
    before: Any,
    after: Any,
    old: Snapshot,
    new: Snapshot,
    subject: str = "",
) -> Iterator[Finding]:
    if after is None and before is None:
        return
    if before == after and UNKNOWN not in (before, after):
        return
    properties = (PropertyChange(path=path, old=before, new=after),)
    if UNKNOWN in (before, after) or (after is not None and _broken(after)) or _broken(before):
        if not _looks_changed(change, path):
            return
        yield about(
            change,
            new if change.new else old,
            rule="policy-not-comparable",
            category=Category.PERMISSIONS,
            severity=Severity.MEDIUM,
            properties=properties,
            why="The policy is only known after the deployment, or is no policy document: what it adds "
            "cannot be said.",
            remedy="Build the policy from names of the config, as the components do, so that it is known.",
        )
        return
    grants = added(statements(before) if before is not None else (), statements(after) if after else ())
    if not grants:
        return
    severity = _severity(change, kind, grants, subject, old, new)
    yield about(
        change,
        new if change.new else old,
        rule=_RULES[kind],
        category=Category.PERMISSIONS,
        severity=severity,
        properties=properties,
        details=tuple(summary(grants)),
        why=_why(change, kind, grants),
        remedy="Grant only what the change needs: the actions, ARNs and conditions above, no pattern wider.",
    )


def _looks_changed(change: Change, path: str) -> bool:
    if change.operation in ("create", "delete"):
        return True
    return any(
        item.path == path or item.path.startswith((f"{path}.", f"{path}[")) for item in change.properties
    )


def _broken(document: Any) -> bool:
    if document is None:
        return False
    try:
        statements(document)
    except NotADocument:
        return True
    return False


_RULES: Final = {
    "identity": "permissions-added",
    "trust": "trust-widened",
    "resource": "resource-policy-widened",
    "endpoint": "endpoint-policy-widened",
    "organization": "organization-policy-loosened",
}


def _why(change: Change, kind: str, grants: tuple[Grant, ...]) -> str:
    gone = sum(grant.added == "denial" for grant in grants)
    fresh = len(grants) - gone
    who = {
        "identity": "Its holder may do what it could not before",
        "trust": "Somebody may become this role who could not before",
        "resource": "Somebody may use this resource in a way that was not allowed before",
        "endpoint": "More calls may pass this endpoint than before",
        "organization": "Accounts may do what was not allowed before",
    }[kind]
    if change.old is None:
        who = "The resource and its grants are new"
    parts = [f"{who}: {_counted(fresh, 'grant')}"] if fresh else []
    if gone:
        parts.append(f"{_counted(gone, 'denial')} no longer {'holds' if gone == 1 else 'hold'}")
    return "; ".join(parts) + "."


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _severity(
    change: Change,
    kind: str,
    grants: tuple[Grant, ...],
    subject: str,
    old: Snapshot,
    new: Snapshot,
) -> Severity:
    """How bad the worst grant is; what belongs to something new is less surprising than a wider old one."""
    worst = min((_grant_severity(grant, kind, change.item, new) for grant in grants), key=lambda s: s.rank)
    if worst is not Severity.HIGH or not _is_new(change, subject, old):
        return worst
    sensitive = any(_sensitive(grant) or grant.added == "denial" for grant in grants)
    return Severity.HIGH if sensitive and kind == "identity" else Severity.MEDIUM


def _is_new(change: Change, subject: str, old: Snapshot) -> bool:
    """Whether the resource, or what its policy is attached to, did not exist before."""
    if change.old is not None:
        return False
    sources = change.item.property_dependencies.get(subject, ()) if subject else ()
    if subject and not sources:  # attached by name: is there a resource of that name?
        name = change.item.inputs.get(subject)
        return not any(item.aws_name == name for item in old.resources.values() if name)
    return not any(urn in old.items for urn in sources)


def _grant_severity(grant: Grant, kind: str, item: Item, new: Snapshot) -> Severity:
    public = grant.principal == "*" or not isinstance(grant.principal, str)
    if grant.added == "denial":
        return Severity.HIGH
    if kind == "endpoint":
        return Severity.MEDIUM
    if public and kind in ("resource", "trust") and not grant.when:
        return Severity.CRITICAL
    if isinstance(grant.principal, str) and kind in ("resource", "trust"):
        account = re.search(r"::(\d{12}):", grant.principal)
        if account and account[1] not in new.accounts and account[1] != item.account:
            return Severity.CRITICAL
    if kind in ("identity", "organization") and _everything(grant):
        return Severity.CRITICAL
    return Severity.HIGH


def _everything(grant: Grant) -> bool:
    """A whole service, or more, on any resource."""
    if not isinstance(grant.action, str) or grant.action == "*":
        return True
    anywhere = grant.resource == "*" or not isinstance(grant.resource, str)
    return anywhere and grant.action.endswith(":*")


def _sensitive(grant: Grant) -> bool:
    action = grant.action
    return not isinstance(action, str) or any(overlap(pattern, action.lower()) for pattern in SENSITIVE)


def _boundary(change: Change, new: Snapshot) -> Iterator[Finding]:
    if change.old is None or change.new is None:
        return
    before, after = (item.inputs.get("permissionsBoundary") for item in (change.old, change.new))
    if before is None or before == after:
        return
    yield about(
        change,
        new,
        rule="boundary-changed",
        category=Category.PERMISSIONS,
        severity=Severity.HIGH,
        properties=(PropertyChange(path="permissionsBoundary", old=before, new=after),),
        why="The permissions boundary that capped the role is gone or another one.",
        remedy="Keep the boundary; widen its policy by the actions that are needed.",
    )


def _managed(change: Change, old: Snapshot, new: Snapshot) -> Iterator[Finding]:
    path, subject = MANAGED[change.type]
    before, after = (_arns(item.inputs.get(path)) if item else set() for item in (change.old, change.new))
    if change.new is None:
        return
    fresh = sorted(after - before)
    if subject and _moved(change, subject):
        fresh = sorted(after)
    if not fresh:
        return
    mighty = any(_MIGHTY.search(arn) for arn in fresh)
    severity = Severity.MEDIUM if _is_new(change, subject, old) else Severity.HIGH
    yield about(
        change,
        new,
        rule="managed-policy-attached",
        category=Category.PERMISSIONS,
        severity=Severity.CRITICAL if mighty else severity,
        properties=(PropertyChange(path=path, old=sorted(before), new=sorted(after)),),
        details=tuple(f"+ everything that {arn} allows" for arn in fresh),
        why="What a managed policy allows is decided outside this stack, and AWS adds to its own over time.",
        remedy="Write a policy with the actions that are needed, unless AWS requires this one.",
    )


def _arns(value: Any) -> set[str]:
    listed = value if isinstance(value, list) else [] if value is None else [value]
    return {str(item) for item in listed}


def _permission(change: Change, old: Snapshot, new: Snapshot) -> Iterator[Finding]:
    if change.new is None:
        return
    before = (_function_statement(change.old),) if change.old else ()
    after = (_function_statement(change.new),)
    grants = added(before, after)
    if not grants:
        return
    yield about(
        change,
        new,
        rule="function-permission-added",
        category=Category.PERMISSIONS,
        severity=_severity(change, "resource", grants, "function", old, new),
        properties=tuple(
            PropertyChange(
                path=key,
                old=change.old.inputs.get(key) if change.old else None,
                new=change.new.inputs.get(key),
            )
            for key in _FUNCTION_KEYS
            if (change.old.inputs.get(key) if change.old else None) != change.new.inputs.get(key)
        ),
        details=tuple(summary(grants)),
        why=_why(change, "resource", grants),
        remedy="Name the caller: `sourceArn` and, for services, `sourceAccount`.",
    )


_FUNCTION_KEYS: Final = (
    "action", "function", "principal", "principalOrgId", "qualifier", "sourceAccount", "sourceArn",
)  # fmt: skip


def _function_statement(item: Item) -> Statement:
    """A function permission as the statement that Lambda makes of it."""
    principal = str(item.inputs.get("principal"))
    kind = "Service" if principal.endswith(".amazonaws.com") else "AWS"
    conditions = {
        operator: {key: item.inputs[name]}
        for operator, key, name in (
            ("ArnLike", "aws:SourceArn", "sourceArn"),
            ("StringEquals", "aws:SourceAccount", "sourceAccount"),
            ("StringEqualsIgnoreCase", "aws:PrincipalOrgID", "principalOrgId"),
        )
        if item.inputs.get(name) is not None
    }
    qualifier = item.inputs.get("qualifier")
    target = f"{item.inputs.get('function')}{f':{qualifier}' if qualifier else ''}"
    document = {
        "Effect": "Allow",
        "Action": item.inputs.get("action"),
        "Principal": "*" if principal == "*" else {kind: principal},
        "Resource": target,
        "Condition": conditions,
    }
    return statements({"Statement": [document]})[0]
