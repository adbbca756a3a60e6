"""What the whole internet, or any AWS account, can reach. Pure.

Unlike the other rules these need nothing to compare with: a first preview shows them too. With a baseline
only what was not exposed before is reported.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from landfall.risk.changes import Change
from landfall.risk.documents import NotADocument, Statement, statements
from landfall.risk.ingress import Rule, rules
from landfall.risk.model import UNKNOWN, Category, Finding, PropertyChange, Severity
from landfall.risk.permissions import PERMISSION, POLICIES
from landfall.risk.snapshot import Item, Snapshot
from landfall.risk.words import about

ADMIN_PORTS: Final = (22, 1433, 3306, 3389, 5432, 5439, 6379, 9200, 27017)
"""Ports of remote shells and databases."""
NARROWING: Final = frozenset(
    (
        "aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths",
        "aws:resourceorgid", "aws:sourceaccount", "aws:sourcearn", "aws:sourceip", "aws:sourceorgid",
        "aws:sourceorgpaths", "aws:sourcevpc", "aws:sourcevpce", "aws:userid", "aws:vpcsourceip",
        "kms:calleraccount", "s3:dataaccesspointaccount", "sts:externalid", "aws:principaltag",
    )
)  # fmt: skip
"""Condition keys with which a policy for everybody is not for everybody (as IAM Access Analyzer has it)."""
_SOURCES: Final = frozenset(("sourceArn", "sourceAccount", "principalOrgId"))
_BLOCK: Final = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
_BLOCKS: Final = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


@dataclass(frozen=True)
class Exposed:
    """One way in which a resource is open."""

    rule: str
    path: str
    value: Any
    severity: Severity
    why: str
    remedy: str
    details: tuple[str, ...] = ()


def exposed(item: Item) -> Iterator[Exposed]:
    """Every way in which the resource is open to the world, as far as its own inputs say."""
    yield from _documents(item)
    yield from _connections(item)
    yield from _blocks(item)
    for check in SETTINGS:
        if item.type != check.type:
            continue
        value = item.value(check.path)
        if check.open(value):
            yield Exposed(check.rule, check.path, value, check.severity, check.why, check.remedy)
    if item.type == PERMISSION and item.inputs.get("principal") == "*" and not _SOURCES & set(item.inputs):
        yield Exposed(
            "public-function",
            "principal",
            "*",
            Severity.CRITICAL,
            "Any AWS account may call the function.",
            "Name the caller: an account or a service, with `sourceArn` and `sourceAccount`.",
        )


def findings(change: Change, old: Snapshot, new: Snapshot) -> Iterator[Finding]:
    """What the change opens that was not open before."""
    if change.new is None:
        yield from _unblocked(change, old, new)
        return
    before = {(found.rule, found.path) for found in exposed(change.old)} if change.old else set()
    lines = {line for found in exposed(change.old) for line in found.details} if change.old else set()
    for found in exposed(change.new):
        if (found.rule, found.path) in before and set(found.details) <= lines:
            continue
        yield about(
            change,
            new,
            rule=found.rule,
            category=Category.EXPOSURE,
            severity=found.severity,
            properties=(
                PropertyChange(
                    path=found.path, old=change.old.value(found.path) if change.old else None, new=found.value
                ),
            ),
            details=found.details,
            why=found.why,
            remedy=found.remedy,
        )


def _documents(item: Item) -> Iterator[Exposed]:
    for place in POLICIES.get(item.type, ()):
        if place.kind not in ("resource", "trust"):
            continue
        document = item.value(place.path)
        if document is None or document == UNKNOWN:
            continue
        try:
            found = [statement for statement in statements(document) if _public(statement)]
        except NotADocument:
            continue
        if found:
            yield Exposed(
                "public-policy",
                place.path,
                document,
                Severity.CRITICAL,
                "Everybody, in any AWS account or none, is allowed what the policy says."
                if place.kind == "resource"
                else "Everybody with an AWS account may become this role.",
                "Name the principals, or add a condition on the organization, account or source.",
                tuple(
                    f"{', '.join(str(action) for action in statement.actions)} for everybody"
                    + (f" when {statement.when()}" if statement.conditions else "")
                    for statement in found
                ),
            )


def _public(statement: Statement) -> bool:
    """Whether a statement allows everybody, with no condition that says who or from where."""
    if statement.effect != "Allow":
        return False
    if not any(part == "*" or not isinstance(part, str) for part in statement.principals):
        return False
    return not any(_narrows(*condition) for condition in statement.conditions)


def _narrows(operator: str, key: str, values: tuple[str, ...]) -> bool:
    operator, key = operator.lower(), key.lower()
    if key.partition("/")[0] not in NARROWING or "not" in operator or operator in ("null", "bool"):
        return False
    if operator.endswith("ifexists"):  # holds for whoever has no such key
        return False
    return not any(value in ("*", *_ANYWHERE) for value in values)


_ANYWHERE: Final = ("0.0.0.0/0", "::/0")


def _connections(item: Item) -> Iterator[Exposed]:
    found = [rule for rule in rules(item) if rule.direction == "ingress" and rule.public]
    if not found:
        return
    grave = any(_grave(rule) for rule in found)
    yield Exposed(
        "open-to-internet",
        _where(item, found[0]),
        found[0].peer,
        Severity.CRITICAL if grave else Severity.HIGH,
        "Every address of the internet may connect"
        + (", to ports of shells or databases among others." if grave else "."),
        "Name the CIDR or the security group of the callers, or put a load balancer with a login in front.",
        tuple(rule.line() for rule in found),
    )


def _where(item: Item, rule: Rule) -> str:
    for key in ("cidrIpv4", "cidrIpv6"):
        if item.inputs.get(key) == rule.peer:
            return key
    return "cidrBlocks" if "cidrBlocks" in item.inputs else "ingress"


def _grave(rule: Rule) -> bool:
    return rule.protocol in ("-1", "all") or any(rule.first <= port <= rule.last for port in ADMIN_PORTS)


def _blocks(item: Item) -> Iterator[Exposed]:
    if item.type not in (_BLOCK, "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"):
        return
    for key in _BLOCKS:
        if item.inputs.get(key) is not True:
            yield Exposed(
                "public-access-block-off",
                key,
                item.inputs.get(key),
                Severity.HIGH,
                "Nothing stops a policy or ACL from making objects public.",
                f"Set {key} to true.",
            )


def _unblocked(change: Change, old: Snapshot, new: Snapshot) -> Iterator[Finding]:
    """A public access block that goes while its bucket stays."""
    item = change.old
    if item is None or item.type != _BLOCK:
        return
    sources = item.property_dependencies.get("bucket", ())
    if sources and not any(urn in new.items for urn in sources):
        return
    yield about(
        change,
        old,
        rule="public-access-block-off",
        category=Category.EXPOSURE,
        severity=Severity.HIGH,
        why="The bucket stays, and nothing stops a policy or ACL from making its objects public.",
        remedy="Keep the block; four times true costs nothing.",
    )


@dataclass(frozen=True)
class Setting:
    """A property that makes a resource public."""

    rule: str
    type: str
    path: str
    open: Callable[[Any], bool]
    severity: Severity
    why: str
    remedy: str


def _is_true(value: Any) -> bool:
    return value is True


def _anywhere(value: Any) -> bool:
    listed = value if isinstance(value, list) else []
    return any(isinstance(cidr, str) and _whole(cidr) for cidr in listed)


def _whole(cidr: str) -> bool:
    try:
        return ipaddress.ip_network(cidr, strict=False).prefixlen <= 1
    except ValueError:
        return False


_PUBLIC_ACLS: Final = ("public-read", "public-read-write", "authenticated-read")
_PRIVATE: Final = "Keep it in private subnets and reach it through the VPC."

SETTINGS: Final = (
    *(
        Setting("public-database", type_, "publiclyAccessible", _is_true, Severity.CRITICAL,
                "It gets a public address: whoever the security group lets in connects from the internet.",
                "Set publiclyAccessible to false.")
        for type_ in (
            "aws:redshift/cluster:Cluster", "aws:redshiftserverless/workgroup:Workgroup",
            "aws:rds/instance:Instance", "aws:rds/clusterInstance:ClusterInstance",
            "aws:dms/replicationInstance:ReplicationInstance",
        )
    ),
    *(
        Setting("public-acl", type_, "acl", lambda value: value in _PUBLIC_ACLS, Severity.CRITICAL,
                "Everybody can read, or write, the objects.", "Use a bucket policy that names principals.")
        for type_ in ("aws:s3/bucket:Bucket", "aws:s3/bucketAcl:BucketAcl",
                      "aws:s3/bucketObjectv2:BucketObjectv2")
    ),
    Setting("public-function", "aws:lambda/functionUrl:FunctionUrl", "authorizationType",
            lambda value: value == "NONE", Severity.CRITICAL,
            "Whoever knows the address runs the function.", "Set authorizationType to AWS_IAM."),
    Setting("public-address", "aws:ec2/instance:Instance", "associatePublicIpAddress", _is_true,
            Severity.HIGH, "The instance gets a public address.", _PRIVATE),
    Setting("public-address", "aws:ec2/subnet:Subnet", "mapPublicIpOnLaunch", _is_true, Severity.MEDIUM,
            "Whatever starts in the subnet gets a public address.", _PRIVATE),
    Setting("public-address", "aws:lb/loadBalancer:LoadBalancer", "internal",
            lambda value: value is False, Severity.MEDIUM,
            "The load balancer faces the internet.", "Set internal to true, or say who needs it."),
    Setting("public-cluster", "aws:eks/cluster:Cluster", "vpcConfig.publicAccessCidrs", _anywhere,
            Severity.HIGH, "The Kubernetes API answers the whole internet.",
            "Set endpointPublicAccess to false, or list the CIDRs that need it."),
    Setting("public-image", "aws:ecrpublic/repository:Repository", "repositoryName",
            lambda value: value is not None, Severity.MEDIUM,
            "Everybody can pull the images.", "Use a private repository."),
    Setting("public-document", "aws:ssm/document:Document", "permissions.accountIds",
            lambda value: value == "All", Severity.HIGH,
            "Every AWS account can read the document.", "List the accounts that need it."),
    Setting("public-snapshot", "aws:rds/snapshot:Snapshot", "sharedAccounts",
            lambda value: isinstance(value, list) and "all" in value, Severity.CRITICAL,
            "Every AWS account can restore the snapshot.", "List the accounts that need it."),
)  # fmt: skip
"""Properties that make a resource public."""
