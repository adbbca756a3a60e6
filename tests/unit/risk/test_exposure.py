"""What the world can reach: each rule fires with and without a baseline, and keeps quiet."""

from __future__ import annotations

from typing import Any

import pytest
from risk_samples import ACCOUNT, allow, changed, document, findings, item, snapshot

from landfall.risk import rank
from landfall.risk.exposure import SETTINGS, Setting
from landfall.risk.ingress import GROUP, INGRESS
from landfall.risk.model import Finding
from landfall.risk.permissions import PERMISSION
from sandbox.engines import schema

BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
SHUT = dict.fromkeys(
    ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True
)
OPEN: dict[str, Any] = {
    "publiclyAccessible": True, "acl": "public-read", "authorizationType": "NONE",
    "associatePublicIpAddress": True, "mapPublicIpOnLaunch": True, "internal": False,
    "vpcConfig.publicAccessCidrs": ["0.0.0.0/0"], "repositoryName": "r", "permissions.accountIds": "All",
    "sharedAccounts": ["all"],
}  # fmt: skip
CLOSED: dict[str, Any] = {
    "publiclyAccessible": False, "acl": "private", "authorizationType": "AWS_IAM",
    "associatePublicIpAddress": False, "mapPublicIpOnLaunch": False, "internal": True,
    "vpcConfig.publicAccessCidrs": ["10.0.0.0/8"], "permissions.accountIds": "111111111111",
    "sharedAccounts": ["111111111111"],
}  # fmt: skip


def alone(*items: Any) -> list[tuple[str, str]]:
    """Findings of a first preview."""
    found = rank.assess(None, snapshot(*items)).findings
    assert {one.category.value for one in found} <= {"exposure"}
    return [(one.rule, one.severity.value) for one in found]


def exposures(found: tuple[Finding, ...]) -> list[str]:
    return [one.rule for one in found if one.category.value == "exposure"]


def at(path: str, value: Any) -> dict[str, Any]:
    first, _, rest = path.partition(".")
    return {first: at(rest, value) if rest else value}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: f"{one.type}-{one.path}")
def test_a_setting_that_opens_is_found_with_and_without_a_baseline(setting: Setting) -> None:
    opened = at(setting.path, OPEN[setting.path])
    closed = at(setting.path, CLOSED[setting.path]) if setting.path in CLOSED else {}
    assert alone(item(setting.type, inputs=opened)) == [(setting.rule, setting.severity.value)]
    assert alone(item(setting.type, inputs=closed)) == []
    assert exposures(changed(setting.type, closed, opened)) == [setting.rule]
    assert exposures(changed(setting.type, opened, closed)) == []
    assert exposures(changed(setting.type, opened, {**opened, "tags": {"a": "b"}})) == []


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: f"{one.type}-{one.path}")
def test_settings_name_inputs_of_the_provider(setting: Setting) -> None:
    known = schema.type_schema(setting.type)
    assert known is not None
    assert setting.path.split(".")[0] in known.inputs


@pytest.mark.parametrize(
    ("condition", "public"),
    [
        (None, True),
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, False),
        ({"StringEquals": {"AWS:PrincipalOrgID": "o-1"}}, False),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:events:*:1:rule/x"}}, False),
        ({"ArnLike": {"aws:SourceArn": "*"}}, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, False),
        ({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "0.0.0.0/0"]}}, True),
        ({"StringNotEquals": {"aws:SourceAccount": ACCOUNT}}, True),
        ({"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, True),
        ({"StringEquals": {"aws:PrincipalTag/team": "data"}}, False),
    ],
)
def test_a_policy_for_everybody_is_public_unless_a_condition_says_who(condition: Any, public: bool) -> None:
    more = {"Condition": condition} if condition else {}
    policy = item(BUCKET_POLICY, inputs={"policy": document(allow(Principal="*", **more))})
    assert alone(policy) == ([("public-policy", "critical")] if public else [])


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Deny", "Action": "s3:*", "Principal": "*", "Resource": "*"},
        allow(Principal={"AWS": ACCOUNT}),
        allow(Principal={"Service": "lambda.amazonaws.com"}),
    ],
)
def test_a_denial_or_a_named_principal_is_not_public(statement: dict[str, Any]) -> None:
    assert alone(item(BUCKET_POLICY, inputs={"policy": document(statement)})) == []


def test_everybody_but_somebody_is_everybody() -> None:
    statement = {"Effect": "Allow", "Action": "s3:Get*", "NotPrincipal": {"AWS": ACCOUNT}, "Resource": "*"}
    assert alone(item(BUCKET_POLICY, inputs={"policy": document(statement)})) == [
        ("public-policy", "critical")
    ]


def test_a_public_policy_that_allows_more_is_reported_again() -> None:
    old = {"policy": document(allow(Principal="*"))}
    new = {"policy": document(allow(["s3:GetObject", "s3:PutObject"], Principal="*"))}
    assert exposures(changed(BUCKET_POLICY, old, new)) == ["public-policy"]
    assert exposures(changed(BUCKET_POLICY, new, new)) == []


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "0.0.0.0/0"}, "high"),
        ({"ipProtocol": "tcp", "fromPort": 0, "toPort": 1024, "cidrIpv4": "0.0.0.0/0"}, "critical"),
        ({"ipProtocol": "tcp", "fromPort": 5439, "toPort": 5439, "cidrIpv6": "::/0"}, "critical"),
        ({"ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"}, "critical"),
        ({"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIpv4": "10.0.0.0/8"}, None),
    ],
)
def test_a_port_that_is_open_to_the_internet_is_found(inputs: dict[str, Any], expected: str | None) -> None:
    wanted = [("open-to-internet", expected)] if expected else []
    assert alone(item(INGRESS, inputs=inputs)) == wanted


def test_a_rule_inside_a_group_counts_as_well() -> None:
    inline = [{"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrBlocks": ["0.0.0.0/0"]}]
    assert alone(item(GROUP, inputs={"ingress": inline})) == [("open-to-internet", "critical")]
    assert alone(item(GROUP, inputs={"egress": inline})) == []


@pytest.mark.parametrize("key", sorted(SHUT))
def test_each_part_of_a_public_access_block_counts(key: str) -> None:
    assert alone(item(BLOCK, inputs=SHUT)) == []
    assert alone(item(BLOCK, inputs={**SHUT, key: False})) == [("public-access-block-off", "high")]
    assert exposures(changed(BLOCK, SHUT, {**SHUT, key: False})) == ["public-access-block-off"]


@pytest.mark.parametrize("bucket_stays", [True, False])
def test_a_public_access_block_that_goes_counts_while_its_bucket_stays(bucket_stays: bool) -> None:
    bucket = item("aws:s3/bucket:Bucket", "b", retain=True)
    block = item(BLOCK, "p", inputs=SHUT, property_dependencies={"bucket": (bucket.urn,)})
    found = findings([bucket, block], [bucket] if bucket_stays else [])
    assert exposures(found) == (["public-access-block-off"] if bucket_stays else [])


def test_a_function_that_everybody_may_call_is_public() -> None:
    inputs = {"action": "lambda:InvokeFunction", "function": "f", "principal": "*"}
    assert alone(item(PERMISSION, inputs=inputs)) == [("public-function", "critical")]
    assert alone(item(PERMISSION, inputs={**inputs, "principalOrgId": "o-1"})) == []
    assert alone(item(PERMISSION, inputs={**inputs, "principal": "events.amazonaws.com"})) == []
