"""The rules on what our own program makes: it passes, and each rule fires where it is misconfigured."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policy_packs.guardrails.evaluate import Verdict, describe, evaluate
from sandbox.engines.embedded import plan

from .plans import TODAY, UNKNOWN

ROOT = Path(__file__).resolve().parents[2]
TABLE = "aws:dynamodb/table:Table"
LOGS = "aws:cloudwatch/logGroup:LogGroup"
KEY = "aws:kms/key:Key"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
MACHINE = "aws:sfn/stateMachine:StateMachine"
FUNCTION = "aws:lambda/function:Function"
QUEUE = "aws:sqs/queue:Queue"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"

Record = dict[str, Any]
Breakage = Callable[[Record], None]


@pytest.fixture(scope="module")
def prod() -> list[Record]:
    """The recorded resources of the production stack, which has every plane."""
    return [resource.to_json() for resource in plan(ROOT, "prod").resources]


def judged(resources: list[Record]) -> list[Verdict]:
    return evaluate(resources, environment="prod", waivers={}, today=TODAY)


@pytest.mark.parametrize(
    "stack", sorted(path.stem.removeprefix("Pulumi.") for path in ROOT.glob("stacks/Pulumi.*.yaml"))
)
def test_every_shipped_stack_passes_as_if_it_were_production(stack: str) -> None:
    assert judged([resource.to_json() for resource in plan(ROOT, stack).resources]) == []


def set_to(path: str, value: Any) -> Breakage:
    """Give an input another value; None takes it away."""

    def change(record: Record) -> None:
        *way, last = path.split(".")
        place = record["inputs"]
        for step in way:
            place = place[int(step)] if step.isdecimal() else place[step]
        assert last in place, f"{record['urn']} has no {path} that could be misconfigured"
        place[last] = value

    return change


def in_document(path: str, change: Callable[[Any], None]) -> Breakage:
    """Change the JSON document that an input holds."""

    def rewrite(record: Record) -> None:
        document = json.loads(record["inputs"][path])
        change(document)
        record["inputs"][path] = json.dumps(document)

    return rewrite


def first_statement(**elements: Any) -> Callable[[Any], None]:
    return lambda document: document["Statement"][0].update(elements)


def without_timeouts(machine: Any) -> None:
    for value in (
        machine.values() if isinstance(machine, dict) else machine if isinstance(machine, list) else ()
    ):
        without_timeouts(value)
    if isinstance(machine, dict) and machine.get("Type") == "Task":
        machine.pop("TimeoutSeconds", None)


def secret_variable(record: Record) -> None:
    record["inputs"]["environment"]["variables"]["PGPASSWORD"] = "hunter2"


def no_provider(record: Record) -> None:
    record["provider"] = None


def own_tags_only(record: Record) -> None:
    record["inputs"]["defaultTags"] = json.dumps({"tags": {"landfall:platform": "landfall"}})


def elsewhere(record: Record) -> None:
    record["inputs"]["bucket"] = "another-bucket"
    record["propertyDependencies"] = {}


def other_type(record: Record) -> None:
    record["type"] = "aws:s3/gone:Gone"


BREAKAGES: list[tuple[str, str, Breakage]] = [
    ("bucket-companions", BLOCK, other_type),
    ("bucket-companions", ENCRYPTION, elsewhere),
    ("bucket-tls-only", BUCKET_POLICY, other_type),
    ("bucket-tls-only", BUCKET_POLICY, in_document("policy", lambda document: document["Statement"].clear())),
    ("bucket-tls-only", BUCKET_POLICY, set_to("policy", UNKNOWN)),
    ("dynamodb-point-in-time-recovery", TABLE, set_to("pointInTimeRecovery.enabled", False)),
    ("dynamodb-point-in-time-recovery", TABLE, set_to("pointInTimeRecovery", UNKNOWN)),
    ("encryption-customer-key", TABLE, set_to("serverSideEncryption", None)),
    ("encryption-customer-key", QUEUE, set_to("kmsMasterKeyId", "alias/aws/sqs")),
    ("encryption-customer-key", LOGS, set_to("kmsKeyId", None)),
    ("encryption-customer-key", FUNCTION, set_to("kmsKeyArn", None)),
    (
        "encryption-customer-key",
        ENCRYPTION,
        set_to("rules.0.applyServerSideEncryptionByDefault.sseAlgorithm", "AES256"),
    ),
    ("function-log-group", LOGS, other_type),
    ("iam-no-wildcard-actions", ROLE_POLICY, in_document("policy", first_statement(Action="dynamodb:*"))),
    ("iam-no-wildcard-actions", ROLE_POLICY, set_to("policy", UNKNOWN)),
    ("iam-no-wildcard-actions", KEY, in_document("policy", first_statement(Action="kms:*"))),
    ("kms-key-rotation", KEY, set_to("enableKeyRotation", False)),
    ("log-retention", LOGS, set_to("retentionInDays", 0)),
    ("no-default-provider", TABLE, no_provider),
    ("no-public-bucket", BLOCK, set_to("blockPublicPolicy", False)),
    (
        "no-public-bucket",
        BUCKET_POLICY,
        in_document("policy", first_statement(Effect="Allow", Principal="*", Condition={})),
    ),
    ("no-secrets-in-environment", FUNCTION, secret_variable),
    ("required-tags", "pulumi:providers:aws", own_tags_only),
    ("state-machine-logging-and-tracing", MACHINE, set_to("tracingConfiguration.enabled", False)),
    ("state-machine-logging-and-tracing", MACHINE, set_to("loggingConfiguration.level", "OFF")),
    ("state-machine-task-timeouts", MACHINE, in_document("definition", without_timeouts)),
    ("state-machine-task-timeouts", MACHINE, set_to("definition", UNKNOWN)),
]


@pytest.mark.parametrize(("rule", "kind", "change"), BREAKAGES)
def test_a_misconfigured_resource_of_ours_is_reported(
    prod: list[Record], rule: str, kind: str, change: Breakage
) -> None:
    broken = copy.deepcopy(prod)
    affected = [record for record in broken if record["type"] == kind]
    assert affected, f"the production stack makes no {kind}"
    for record in affected:
        change(record)
    assert (rule, "mandatory") in {(verdict.policy, verdict.level) for verdict in judged(broken)}


def test_every_rule_is_tried_on_our_own_plan() -> None:
    assert {rule for rule, _, _ in BREAKAGES} == {entry["name"] for entry in describe()}
