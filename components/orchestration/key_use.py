"""Permission to use the keys of the orchestration plane: the plane's own and the operations account's.

Decrypt comes with GenerateDataKey: what is written with a data key in parts, or sent to an encrypted queue or
topic, takes leave to decrypt too. (source: Amazon S3 User Guide, "Multipart upload API and permissions";
Amazon SQS Developer Guide, "Key management"; Amazon SNS Developer Guide, "Key management")
"""

from __future__ import annotations

from components.handles import OperationsHandles, Placement
from components.iam import Statement, use_of_key

_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")


def use_of_plane_key(placement: Placement, alias: str) -> Statement:
    """Leave to read and write what the plane's key protects."""
    return _use("UsePlaneKey", placement, alias)


def reading_with_plane_key(placement: Placement, alias: str) -> Statement:
    """Leave to read what the plane's key protects, and to write items of its tables.

    DynamoDB decrypts a table's key for whoever reads or writes items. (source: DynamoDB Developer Guide,
    "DynamoDB encryption at rest: usage notes")
    """
    return use_of_key(
        "ReadWithPlaneKey",
        ["kms:Decrypt"],
        region=placement.region,
        account_id=placement.account_id,
        alias=alias,
    )


def use_of_operations_key(operations: OperationsHandles) -> Statement:
    """Leave to publish to the notification topic and to write into the log archive."""
    return _use("UseOperationsKey", operations.placement, operations.key_alias)


def _use(sid: str, placement: Placement, alias: str) -> Statement:
    return use_of_key(sid, _ACTIONS, region=placement.region, account_id=placement.account_id, alias=alias)
