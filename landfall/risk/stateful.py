"""Which resource types hold something that cannot be made again, what replaces them, and what guards them.

`STATEFUL` is the one table. Its replacing properties are those that the AWS provider marks "forces new
resource" (provider documentation, v7, from memory where the sandbox has no provisioner; a test compares it
with the sandbox's provisioners where it has). With a digest of `pulumi preview --json` the engine's own word
counts instead. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from landfall.risk.changes import Change
from landfall.risk.model import UNKNOWN, Category, Finding, PropertyChange, Severity
from landfall.risk.snapshot import Item, Snapshot
from landfall.risk.words import about


@dataclass(frozen=True)
class Stateful:
    """A type whose deletion or replacement loses something."""

    holds: str
    """What is lost, as the object of a sentence."""
    replace_on: frozenset[str]
    """Properties whose change makes a new, empty one."""


def _holds(holds: str, *replace_on: str) -> Stateful:
    return Stateful(holds, frozenset(replace_on))


STATEFUL: Final[dict[str, Stateful]] = {
    "aws:dynamodb/table:Table": _holds(
        "every item of the table", "name", "hashKey", "rangeKey", "localSecondaryIndexes"
    ),
    "aws:dynamodb/globalTable:GlobalTable": _holds("every item of the table", "name"),
    "aws:s3/bucket:Bucket": _holds(
        "every object of the bucket", "bucket", "bucketPrefix", "objectLockEnabled"
    ),
    "aws:s3/directoryBucket:DirectoryBucket": _holds(
        "every object of the bucket", "bucket", "dataRedundancy"
    ),
    "aws:s3tables/tableBucket:TableBucket": _holds("every table of the bucket", "name"),
    "aws:s3tables/table:Table": _holds("every row of the table", "format"),
    "aws:kms/key:Key": _holds(
        "the key, and with it whatever it encrypts", "customerMasterKeySpec", "keyUsage", "multiRegion"
    ),
    "aws:kms/replicaKey:ReplicaKey": _holds("the replica key", "primaryKeyArn"),
    "aws:kms/externalKey:ExternalKey": _holds("the key, and with it whatever it encrypts", "multiRegion"),
    "aws:cloudwatch/logGroup:LogGroup": _holds(
        "every log event of the group", "name", "namePrefix", "logGroupClass"
    ),
    "aws:secretsmanager/secret:Secret": _holds("the secret's values", "name", "namePrefix"),
    "aws:ssm/parameter:Parameter": _holds("the parameter's value and history", "name"),
    "aws:sqs/queue:Queue": _holds("the messages that wait in the queue", "name", "namePrefix", "fifoQueue"),
    "aws:kinesis/stream:Stream": _holds("the records of the stream", "name"),
    "aws:redshift/cluster:Cluster": _holds(
        "every database of the warehouse",
        "clusterIdentifier",
        "databaseName",
        "masterUsername",
        "clusterSubnetGroupName",
    ),
    "aws:redshift/clusterSnapshot:ClusterSnapshot": _holds(
        "the snapshot", "clusterIdentifier", "snapshotIdentifier"
    ),
    "aws:redshiftserverless/namespace:Namespace": _holds(
        "every database of the warehouse", "namespaceName", "dbName"
    ),
    "aws:redshiftserverless/snapshot:Snapshot": _holds("the snapshot", "namespaceName", "snapshotName"),
    "aws:rds/instance:Instance": _holds(
        "every database of the instance",
        "identifierPrefix",
        "engine",
        "username",
        "dbName",
        "storageEncrypted",
        "kmsKeyId",
        "availabilityZone",
        "characterSetName",
        "snapshotIdentifier",
    ),
    "aws:rds/cluster:Cluster": _holds(
        "every database of the cluster",
        "clusterIdentifier",
        "clusterIdentifierPrefix",
        "engine",
        "engineMode",
        "masterUsername",
        "databaseName",
        "storageEncrypted",
        "kmsKeyId",
        "availabilityZones",
        "dbSubnetGroupName",
        "snapshotIdentifier",
    ),
    "aws:efs/fileSystem:FileSystem": _holds(
        "every file", "creationToken", "encrypted", "kmsKeyId", "performanceMode", "availabilityZoneName"
    ),
    "aws:ebs/volume:Volume": _holds(
        "the volume's blocks", "availabilityZone", "encrypted", "kmsKeyId", "snapshotId"
    ),
    "aws:opensearch/domain:Domain": _holds("every index of the domain", "domainName"),
    "aws:glue/catalogDatabase:CatalogDatabase": _holds(
        "the definitions of its tables and partitions", "name", "catalogId"
    ),
    "aws:glue/catalogTable:CatalogTable": _holds(
        "the table's definition and partitions", "name", "databaseName", "catalogId"
    ),
    "aws:codeartifact/domain:Domain": _holds("every package of the domain", "domain", "encryptionKey"),
    "aws:codeartifact/repository:Repository": _holds(
        "every package of the repository", "domain", "domainOwner", "repository"
    ),
    "aws:ecr/repository:Repository": _holds(
        "every image of the repository", "name", "encryptionConfigurations"
    ),
    "aws:backup/vault:Vault": _holds("every recovery point of the vault", "name", "kmsKeyArn"),
    "aws:organizations/account:Account": _holds("the account itself", "email"),
    "aws:organizations/organization:Organization": _holds("the organization itself"),
    "aws:cognito/userPool:UserPool": _holds(
        "every user of the pool", "aliasAttributes", "usernameAttributes"
    ),
}
"""Type token to what it holds."""


def replacing(type_: str) -> frozenset[str]:
    """The properties whose change replaces a resource of the type; empty where the table has none."""
    known = STATEFUL.get(type_)
    return known.replace_on if known else frozenset()


def findings(change: Change, old: Snapshot, new: Snapshot) -> Iterator[Finding]:
    """Data that the change destroys, and guards of data that it takes away."""
    if change.old is None:
        return
    known = STATEFUL.get(change.type)
    if known is not None and change.operation == "delete":
        yield _deleted(change, change.old, known, old, new)
    elif known is not None and change.operation == "replace":
        yield _replaced(change, change.old, known, new)
    elif change.operation != "delete" and change.new is not None:
        if known is not None:
            yield from _unprotected(change, known, new)
        yield from _guards(change, new)


def _deleted(change: Change, item: Item, known: Stateful, old: Snapshot, new: Snapshot) -> Finding:
    moved = sorted(
        other.urn
        for other in new.resources.values()
        if other.type == item.type
        and other.urn not in old.items
        and (other.name == item.name or (item.aws_name is not None and other.aws_name == item.aws_name))
    )
    remedy = "Put it back, or move what it holds to where it is needed and say so in the change."
    if moved:
        remedy = (
            f"If this is a rename to {new.path(new.items[moved[0]])}, "
            f'give the new resource the alias "{item.urn}".'
        )
    if item.retain:
        return about(
            change,
            old,
            rule="stateful-abandoned",
            category=Category.STATEFUL,
            severity=Severity.HIGH,
            why=f"It leaves the stack but stays in AWS (retain on delete): nobody manages {known.holds}.",
            remedy=remedy,
        )
    why = f"Deleting it destroys {known.holds}."
    if item.protect:
        why += " It is protected, so the deployment will refuse."
    return about(
        change,
        old,
        rule="stateful-deleted",
        category=Category.STATEFUL,
        severity=Severity.CRITICAL,
        why=why,
        remedy=remedy,
    )


def _replaced(change: Change, item: Item, known: Stateful, new: Snapshot) -> Finding:
    reasons = change.because()
    named = ", ".join(reason.path for reason in reasons) or "the provider"
    why = f"A change of {named} makes a new one and destroys {known.holds}."
    if item.protect:
        why += " It is protected, so the deployment will refuse."
    elif item.retain:
        why = f"A change of {named} makes a new, empty one; the old one stays behind with {known.holds}."
    return about(
        change,
        new,
        rule="stateful-replaced",
        category=Category.STATEFUL,
        severity=Severity.CRITICAL,
        properties=reasons,
        why=why,
        remedy=f"Keep {named} as it was, or copy what it holds to a new resource before the old one goes.",
    )


def _unprotected(change: Change, known: Stateful, new: Snapshot) -> Iterator[Finding]:
    before, after = change.old, change.new
    if before is None or after is None:
        return
    for path, was, now in (
        ("options.protect", before.protect, after.protect),
        ("options.retainOnDelete", before.retain, after.retain),
    ):
        if was and not now:
            yield about(
                change,
                new,
                rule="guard-removed",
                category=Category.STATEFUL,
                severity=Severity.HIGH,
                properties=(PropertyChange(path=path, old=True, new=False),),
                why=f"Nothing will stop the next change from destroying {known.holds}.",
                remedy="Set it back; take it away only in the change that deletes the resource on purpose.",
            )


@dataclass(frozen=True)
class Guard:
    """A property that keeps data from harm, and when a change of it takes that away."""

    type: str
    path: str
    kind: str
    """Key of `_LOST`."""
    severity: Severity
    why: str
    default: float | None = None
    """The service's own number where the property is not set."""


GUARDS: Final = (
    Guard("aws:dynamodb/table:Table", "deletionProtectionEnabled", "on", Severity.HIGH,
          "DynamoDB will no longer refuse to delete the table."),
    Guard("aws:dynamodb/table:Table", "pointInTimeRecovery.enabled", "on", Severity.HIGH,
          "All continuous backups are deleted at once, and a wrong write cannot be undone."),
    Guard("aws:dynamodb/table:Table", "ttl.enabled", "off", Severity.MEDIUM,
          "Items whose time is past will be deleted."),
    Guard("aws:cloudwatch/logGroup:LogGroup", "retentionInDays", "kept", Severity.HIGH,
          "Log events older than the new retention are deleted."),
    Guard("aws:s3/bucket:Bucket", "forceDestroy", "off", Severity.MEDIUM,
          "Deleting the bucket will empty it first instead of failing."),
    Guard("aws:s3/bucketVersioning:BucketVersioning", "versioningConfiguration.status", "status",
          Severity.HIGH, "An overwritten or deleted object cannot be brought back."),
    Guard("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "rules", "expiry",
          Severity.HIGH, "S3 deletes objects, or their old versions, sooner than before."),
    Guard("aws:kms/key:Key", "deletionWindowInDays", "fewer", Severity.MEDIUM,
          "There is less time to take a deletion of the key back.", 30),
    Guard("aws:kms/key:Key", "isEnabled", "on", Severity.CRITICAL,
          "Nothing that the key encrypts can be read while it is disabled."),
    Guard("aws:kms/key:Key", "enableKeyRotation", "on", Severity.MEDIUM,
          "The key material is no longer renewed each year."),
    Guard("aws:secretsmanager/secret:Secret", "recoveryWindowInDays", "fewer", Severity.MEDIUM,
          "There is less time, or none, to take a deletion of the secret back.", 30),
    Guard("aws:sqs/queue:Queue", "messageRetentionSeconds", "fewer", Severity.MEDIUM,
          "Messages that wait longer than the new retention are dropped.", 345_600),
    Guard("aws:redshift/cluster:Cluster", "skipFinalSnapshot", "off", Severity.HIGH,
          "Deleting the warehouse will leave no snapshot."),
    Guard("aws:redshift/cluster:Cluster", "automatedSnapshotRetentionPeriod", "fewer", Severity.HIGH,
          "Automated snapshots older than the new period are deleted.", 1),
    Guard("aws:redshift/cluster:Cluster", "encrypted", "on", Severity.HIGH,
          "The warehouse's blocks and snapshots are no longer encrypted."),
    Guard("aws:rds/instance:Instance", "deletionProtection", "on", Severity.HIGH,
          "RDS will no longer refuse to delete the instance."),
    Guard("aws:rds/instance:Instance", "skipFinalSnapshot", "off", Severity.HIGH,
          "Deleting the instance will leave no snapshot."),
    Guard("aws:rds/instance:Instance", "backupRetentionPeriod", "fewer", Severity.HIGH,
          "Automated backups older than the new period are deleted.", 0),
    Guard("aws:rds/cluster:Cluster", "deletionProtection", "on", Severity.HIGH,
          "RDS will no longer refuse to delete the cluster."),
    Guard("aws:rds/cluster:Cluster", "skipFinalSnapshot", "off", Severity.HIGH,
          "Deleting the cluster will leave no snapshot."),
    Guard("aws:rds/cluster:Cluster", "backupRetentionPeriod", "fewer", Severity.HIGH,
          "Automated backups older than the new period are deleted.", 1),
    Guard("aws:dynamodb/table:Table", "replicas", "copies", Severity.HIGH,
          "The copy of the table in that Region is deleted."),
)  # fmt: skip
"""Guards of data that a change in place can take away."""


def _guards(change: Change, new: Snapshot) -> Iterator[Finding]:
    if change.old is None or change.new is None:
        return
    for guard in GUARDS:
        if guard.type != change.type:
            continue
        before, after = change.old.value(guard.path), change.new.value(guard.path)
        if before == after or not _LOST[guard.kind](before, after, guard.default):
            continue
        yield about(
            change,
            new,
            rule="guard-removed",
            category=Category.STATEFUL,
            severity=guard.severity,
            properties=(PropertyChange(path=guard.path, old=before, new=after),),
            why=guard.why,
            remedy=f"Set {guard.path} back, unless the loss is wanted and the owner of the data agrees.",
        )


def _fewer(before: Any, after: Any, default: float | None) -> bool:
    """Whether a number shrank; an unknown one may have."""
    if UNKNOWN in (before, after):
        return True
    was, now = (value if _number(value) else default for value in (before, after))
    return was is not None and now is not None and bool(now < was)


def _kept(before: Any, after: Any, default: float | None) -> bool:
    """Whether a retention became shorter: 0 and none mean for ever."""
    forever = float("inf")
    return _fewer(before or forever, after or forever, default)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _expiries(rules: Any) -> dict[tuple[str, str], float]:
    """Days after which objects go, by rule and kind."""
    found = {}
    for index, rule in enumerate(rules if isinstance(rules, list) else []):
        if not isinstance(rule, dict) or rule.get("status") == "Disabled":
            continue
        for kind, key in (("expiration", "days"), ("noncurrentVersionExpiration", "noncurrentDays")):
            value = rule.get(kind)
            days = value.get(key) if isinstance(value, dict) else None
            if isinstance(days, int | float):
                found[str(rule.get("id") or index), kind] = days
            elif isinstance(value, dict) and value.get("date"):
                found[str(rule.get("id") or index), kind] = 0
    return found


def _sooner(before: Any, after: Any, default: float | None) -> bool:
    if after == UNKNOWN:
        return True
    old, new = _expiries(before), _expiries(after)
    return any(days < old.get(key, float("inf")) for key, days in new.items())


def _regions(value: Any) -> set[str]:
    return {str(item.get("regionName")) for item in value or () if isinstance(item, dict)}


def _copy_gone(before: Any, after: Any, default: float | None) -> bool:
    if before == UNKNOWN or after == UNKNOWN:
        return False
    return bool(_regions(before) - _regions(after))


_LOST: Final[dict[str, Callable[[Any, Any, float | None], bool]]] = {
    "on": lambda before, after, default: before is True and after is not True,
    "off": lambda before, after, default: before is not True and (after is True or after == UNKNOWN),
    "fewer": _fewer,
    "kept": _kept,
    "status": lambda before, after, default: before == "Enabled" and after != "Enabled",
    "expiry": _sooner,
    "copies": _copy_gone,
}
"""Whether a guard is lost, from its value before and after and the service's default."""
