"""What a service checks on behalf of its caller, beyond the action that was called.

Data under a customer key takes the caller's leave to use the key, through the service that was called; a
statement with a secret takes his leave to read the secret. Log groups are not here: CloudWatch Logs uses
their key as itself.
(sources: DynamoDB Developer Guide, "Using encryption at rest"; S3 User Guide, "Using server-side encryption
with AWS KMS keys" and "Multipart upload API and permissions"; SNS Developer Guide, "Key management"; SQS
Developer Guide, "Key management"; Redshift Management Guide, "Authorizing access to the Data API"; Secrets
Manager User Guide, "Permissions for the KMS key")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from landfall_emulator.iam_enforcement import resource_policies
from landfall_emulator.iam_enforcement.requests import Call, Need, secret_arn
from landfall_emulator.iam_enforcement.resource_policies import CustomerKey

DECRYPT: Final = "kms:Decrypt"
GENERATE: Final = "kms:GenerateDataKey"

_TABLE_DATA: Final = frozenset(
    {
        "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem",
        "TransactGetItems", "TransactWriteItems",
    }
)  # fmt: skip
_PUT_OBJECT: Final = frozenset({"PutObject", "CopyObject"})
_PUT_PARTS: Final = frozenset({"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"})


def on_key(found: CustomerKey, service: str, region: str, account: str, context: Mapping[str, str]) -> Need:
    """Leave to decrypt with a key through a service; `generating` turns it into leave to make data keys."""
    return Need(
        action=DECRYPT,
        resource=found.arn,
        keys={
            "kms:ViaService": f"{service}.{region}.amazonaws.com",
            "kms:CallerAccount": account,
            "kms:ResourceAliases": list(found.aliases),
            "kms:EncryptionContextKeys": sorted(context),
            **{f"kms:EncryptionContext:{name}": value for name, value in context.items()},
        },
    )


def generating(need: Need) -> Need:
    """The same key, for new data."""
    return Need(action=GENERATE, resource=need.resource, keys=need.keys)


def dependents(call: Call) -> list[Need]:
    """What the called service checks besides; empty where nothing is under a customer key."""
    found = _DEPENDENTS.get(call.service)
    return found(call) if found is not None else []


def _tables(call: Call) -> list[Need]:
    if call.operation not in _TABLE_DATA:
        return []
    names = {call.text("TableName"), *(call.parameters.get("RequestItems") or {})}
    for item in call.parameters.get("TransactItems") or ():
        names |= {str(part.get("TableName")) for part in item.values()}
    needed = []
    for name in sorted(name.rpartition("/")[2] for name in names if name):
        encryption: Any = resource_policies.table(call.account, call.region, name).get("SSEDescription") or {}
        key = resource_policies.key(encryption.get("KMSMasterKeyArn"), call.account, call.region)
        if key is not None:
            context = {"aws:dynamodb:tableName": name, "aws:dynamodb:subscriberId": call.account}
            needed.append(on_key(key, "dynamodb", call.region, call.account, context))
    return needed


def _objects(call: Call) -> list[Need]:
    bucket = call.text("Bucket")
    reading = call.operation == "GetObject"
    if not (reading or call.operation in _PUT_OBJECT or call.operation in _PUT_PARTS):
        return []
    region = resource_policies.bucket_region(bucket) or call.region
    reference = call.text("SSEKMSKeyId") or resource_policies.bucket_key(bucket)
    key = resource_policies.key(reference, resource_policies.owner(f"arn:aws:s3:::{bucket}"), region)
    if key is None:
        return []
    # With a bucket key the context is the bucket, for all its objects.
    decrypt = on_key(key, "s3", region, call.account, {"aws:s3:arn": f"arn:aws:s3:::{bucket}"})
    if reading:
        return [decrypt]
    return [generating(decrypt), *([decrypt] if call.operation in _PUT_PARTS else [])]


def _topics(call: Call) -> list[Need]:
    if call.operation not in ("Publish", "PublishBatch"):
        return []
    arn = call.text("TopicArn") or call.text("TargetArn")
    if not arn:
        return []
    region, account = arn.split(":")[3:5]
    key = resource_policies.key(resource_policies.topic_key(arn), account, region)
    if key is None:
        return []
    decrypt = on_key(key, "sns", region, call.account, {"aws:sns:topicArn": arn})
    return [generating(decrypt), decrypt]


def _queues(call: Call) -> list[Need]:
    if call.operation not in ("SendMessage", "SendMessageBatch", "ReceiveMessage"):
        return []
    account, name = call.text("QueueUrl").rstrip("/").split("/")[-2:]
    arn = f"arn:aws:sqs:{call.region}:{account}:{name}"
    key = resource_policies.key(resource_policies.queue_key(arn), account, call.region)
    if key is None:
        return []
    decrypt = on_key(key, "sqs", call.region, call.account, {"aws:sqs:arn": arn})
    return [decrypt] if call.operation == "ReceiveMessage" else [generating(decrypt), decrypt]


def _secrets(call: Call) -> list[Need]:
    reading = call.service == "secretsmanager" and call.operation == "GetSecretValue"
    reference = call.text("SecretId") if reading else call.text("SecretArn")
    if not reference:
        return []
    from moto.secretsmanager.models import secretsmanager_backends

    arn = secret_arn(reference, call.account, call.region)
    found = [] if reading else [Need(action="secretsmanager:GetSecretValue", resource=arn)]
    secret = next(
        (s for s in secretsmanager_backends[call.account][call.region].secrets.values() if s.arn == arn),
        None,
    )
    key = resource_policies.key(getattr(secret, "kms_key_id", None), call.account, call.region)
    if key is not None:
        found.append(on_key(key, "secretsmanager", call.region, call.account, {"SecretARN": arn}))
    return found


def _statements(call: Call) -> list[Need]:
    return _secrets(call) if call.operation in ("ExecuteStatement", "BatchExecuteStatement") else []


_DEPENDENTS: Final[dict[str, Callable[[Call], list[Need]]]] = {
    "dynamodb": _tables,
    "s3": _objects,
    "sns": _topics,
    "sqs": _queues,
    "secretsmanager": _secrets,
    "redshift-data": _statements,
}
