"""One program with faults under both engines: the same verdicts, the same sentences, the same waivers."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sandbox.engines.embedded import plan
from sandbox.engines.guardrails import guardrails_for
from sandbox.engines.plan import Violation
from sandbox.engines.project import Project
from sandbox.engines.pulumi_engine import PulumiEngine

PACK = Path(__file__).resolve().parents[2] / "policy_packs/guardrails"
PROJECT = """\
name: landfall
runtime: python
stackConfigDir: stacks
"""
PROGRAM = """\
import pulumi
import pulumi_aws as aws

account = aws.Provider(
    "data",
    region="eu-central-1",
    allowed_account_ids=["111111111111"],
    default_tags={"tags": {"landfall:platform": "landfall", "landfall:owner": "data-platform"}},
)
opts = pulumi.ResourceOptions(provider=account)
key = aws.kms.Key("key", enable_key_rotation=True, opts=opts)
table = {"attributes": [{"name": "id", "type": "S"}], "hash_key": "id", "billing_mode": "PAY_PER_REQUEST"}
aws.dynamodb.Table(
    "encrypted", server_side_encryption={"enabled": True, "kms_key_arn": key.arn}, opts=opts, **table
)
aws.dynamodb.Table("plain", point_in_time_recovery={"enabled": True}, opts=opts, **table)
aws.sqs.Queue("waived", opts=opts)
aws.sqs.Queue("expired", opts=opts)
bucket = aws.s3.Bucket("bucket", opts=opts)
aws.s3.BucketPublicAccessBlock(
    "bucket",
    bucket=bucket.id,
    block_public_acls=True,
    block_public_policy=True,
    ignore_public_acls=True,
    restrict_public_buckets=False,
    opts=opts,
)
aws.iam.Policy("unknown", policy=pulumi.Output.json_dumps({"Statement": [{"Resource": key.arn}]}), opts=opts)
"""
STACK = """\
config:
  landfall:platform: {{environment: {environment}}}
  landfall:guardrails:
    waivers:
      waived:
        {{rule: encryption-customer-key, urn: "*Queue::waived", reason: r, owner: o, expires: 2999-01-01}}
      expired:
        {{rule: encryption-customer-key, urn: "*Queue::expired", reason: r, owner: o, expires: 2001-01-01}}
      unused: {{rule: log-retention, urn: "*", reason: r, owner: o, expires: "2999-01-01"}}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "stacks").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text(PROJECT)
    (folder / "__main__.py").write_text(PROGRAM)
    for environment in ("dev", "prod"):
        stack = folder / f"stacks/Pulumi.{environment}.yaml"
        stack.write_text(STACK.format(environment=environment))
    return folder


def comparable(violations: tuple[Violation, ...]) -> list[tuple[str, ...]]:
    return sorted((v.urn or "", v.policy, v.level, v.severity, v.message) for v in violations)


@pytest.mark.engine
@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_both_engines_report_the_same_verdicts(root: Path, tmp_path: Path, environment: str) -> None:
    judge = guardrails_for(Project.load(root), environment, date.today())
    embedded = plan(root, environment, guardrails=judge)
    real = PulumiEngine(tmp_path / "state", root=root).preview(environment, PACK)

    assert comparable(real.violations) == comparable(embedded.violations)
    found = {(v.policy, v.level, (v.urn or "").rpartition("::")[2]) for v in real.violations}
    backups = "mandatory" if environment == "prod" else "advisory"
    assert found >= {
        ("encryption-customer-key", "mandatory", "plain"),
        ("encryption-customer-key", "mandatory", "expired"),
        ("encryption-customer-key", "advisory", "waived"),
        ("dynamodb-point-in-time-recovery", backups, "encrypted"),
        ("iam-no-wildcard-actions", "mandatory", "unknown"),
        ("no-public-bucket", "mandatory", "bucket"),
        ("bucket-tls-only", "mandatory", "bucket"),
        ("bucket-companions", "mandatory", "bucket"),
        ("required-tags", "mandatory", "plain"),
        ("waiver-unused", "advisory", f"landfall-{environment}"),
    }
    assert ("encryption-customer-key", "mandatory", "encrypted") not in found
