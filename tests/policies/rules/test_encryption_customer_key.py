from __future__ import annotations

from typing import Any

import pytest

from ..plans import KEY_ARN, SECRET, UNKNOWN, messages, resource, verdicts

RULE = "encryption-customer-key"
TABLE = "aws:dynamodb/table:Table"
QUEUE = "aws:sqs/queue:Queue"
TOPIC = "aws:sns/topic:Topic"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
VAULT = "aws:secretsmanager/secret:Secret"
FUNCTION = "aws:lambda/function:Function"
BUCKET = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"


def bucket(algorithm: str = "aws:kms", **settings: Any) -> dict[str, Any]:
    return {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": algorithm, **settings}}]}


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        (TABLE, {"serverSideEncryption": {"enabled": True, "kmsKeyArn": KEY_ARN}}),
        (TABLE, {"serverSideEncryption": {"enabled": True, "kmsKeyArn": UNKNOWN}}),
        (QUEUE, {"kmsMasterKeyId": "alias/landfall"}),
        (TOPIC, {"kmsMasterKeyId": UNKNOWN}),
        (LOGS, {"kmsKeyId": KEY_ARN}),
        (VAULT, {"kmsKeyId": SECRET}),
        (FUNCTION, {"environment": {"variables": {"TABLE": "t"}}, "kmsKeyArn": UNKNOWN}),
        (FUNCTION, {}),
        (FUNCTION, {"environment": {"variables": {}}}),
        (BUCKET, bucket(kmsMasterKeyId=UNKNOWN)),
        ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"}),
    ],
)
def test_passes_a_reference_to_a_customer_key(kind: str, inputs: dict[str, Any]) -> None:
    assert messages(RULE, resource(kind, inputs)) == []


@pytest.mark.parametrize(
    ("kind", "inputs", "said"),
    [
        (
            TABLE,
            {},
            [
                "`serverSideEncryption.enabled` is absent; it must be true",
                "`serverSideEncryption.kmsKeyArn` is absent",
            ],
        ),
        (
            TABLE,
            {"serverSideEncryption": {"enabled": False, "kmsKeyArn": KEY_ARN}},
            ["`serverSideEncryption.enabled` is false; it must be true"],
        ),
        (
            TABLE,
            {"serverSideEncryption": {"enabled": UNKNOWN, "kmsKeyArn": KEY_ARN}},
            [
                "`serverSideEncryption.enabled` is not known before the update, "
                "so nobody can tell that it is right; it must be true"
            ],
        ),
        (QUEUE, {"sqsManagedSseEnabled": True}, ["`kmsMasterKeyId` is absent"]),
        (QUEUE, {"kmsMasterKeyId": ""}, ["`kmsMasterKeyId` is absent"]),
        (
            TOPIC,
            {"kmsMasterKeyId": "alias/aws/sns"},
            ["`kmsMasterKeyId` is alias/aws/sns, a key of AWS"],
        ),
        (LOGS, {"retentionInDays": 90}, ["`kmsKeyId` is absent"]),
        (VAULT, {}, ["`kmsKeyId` is absent"]),
        (FUNCTION, {"environment": {"variables": {"TABLE": "t"}}}, ["`kmsKeyArn` is absent"]),
        (FUNCTION, {"environment": UNKNOWN}, ["`kmsKeyArn` is absent"]),
        (
            BUCKET,
            bucket("AES256"),
            [
                "`rules.0.applyServerSideEncryptionByDefault.kmsMasterKeyId` is absent",
                '`rules.0.applyServerSideEncryptionByDefault.sseAlgorithm` is "AES256"; it must be aws:kms',
            ],
        ),
        (BUCKET, {}, ["`rules` is absent; it must be set"]),
        (
            BUCKET,
            {"rules": UNKNOWN},
            ["`rules` is not known before the update, so nobody can tell that it is right; it must be set"],
        ),
    ],
)
def test_reports_what_is_not_encrypted_so(kind: str, inputs: dict[str, Any], said: list[str]) -> None:
    assert messages(RULE, resource(kind, inputs)) == said


@pytest.mark.parametrize("environment", ["sandbox", "dev", "staging", "prod"])
def test_is_mandatory_in_every_environment(environment: str) -> None:
    found = verdicts(resource(QUEUE, {}), environment=environment)
    assert [(v.policy, v.level, v.severity) for v in found] == [(RULE, "mandatory", "high")]
