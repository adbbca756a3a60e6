"""Policy documents of every kind of place, before and after: each rule fires, and keeps quiet."""

from __future__ import annotations

from typing import Any

import pytest
from risk_samples import ACCOUNT, allow, changed, document, findings, item, urn

from landfall.risk import rank
from landfall.risk.model import SECRET, UNKNOWN, Finding, Severity
from landfall.risk.permissions import MANAGED, POLICIES
from landfall.risk.snapshot import Snapshot
from sandbox.engines import schema

ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
KEY = "aws:kms/key:Key"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
FUNCTION = "aws:lambda/permission:Permission"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
US = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/r"}
DENY_PLAIN = {
    "Effect": "Deny", "Action": "s3:*", "Principal": "*", "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}  # fmt: skip
PLACES = [(type_, place) for type_, places in sorted(POLICIES.items()) for place in places]


def rules(found: tuple[Finding, ...]) -> list[tuple[str, str]]:
    return [(one.rule, one.severity.value) for one in found]


@pytest.mark.parametrize(("type_", "place"), PLACES, ids=lambda value: str(getattr(value, "path", value)))
def test_an_action_more_is_a_finding_and_one_less_is_none(type_: str, place: Any) -> None:
    principal = {} if place.kind in ("identity", "organization") else {"Principal": US}
    narrow = {place.path: document(allow(["s3:GetObject"], **principal))}
    wide = {place.path: document(allow(["s3:GetObject", "s3:PutObject"], **principal))}
    [found] = changed(type_, narrow, wide)
    assert found.category.value == "permissions"
    assert "s3:PutObject" in found.details[0] and "s3:GetObject" not in found.details[0]
    assert found.properties[0].path == place.path
    assert changed(type_, wide, narrow) == ()


@pytest.mark.parametrize(("type_", "place"), PLACES, ids=lambda value: str(getattr(value, "path", value)))
def test_the_table_names_types_and_inputs_of_the_provider(type_: str, place: Any) -> None:
    known = schema.type_schema(type_)
    assert known is not None
    assert {place.path, *([place.subject] if place.subject else [])} <= known.inputs


@pytest.mark.parametrize(("type_", "properties"), sorted(MANAGED.items()))
def test_attachments_name_inputs_of_the_provider(type_: str, properties: tuple[str, str]) -> None:
    known = schema.type_schema(type_)
    assert known is not None
    assert {name for name in properties if name} <= known.inputs


def test_a_document_that_is_only_written_otherwise_is_no_change() -> None:
    one = document(allow(["s3:GetObject", "s3:PutObject"]))
    other = (
        '{"Statement": ['
        + ",".join(
            f'{{"Effect":"Allow","Action":"{action}","Resource":"arn:a"}}'
            for action in ("s3:PutObject", "s3:GetObject")
        )
        + "]}"
    )
    assert changed(ROLE_POLICY, {"policy": one}, {"policy": other}) == ()


@pytest.mark.parametrize(
    ("statement", "severity"),
    [
        (allow("s3:PutObject"), "high"),
        (allow("s3:*", "*"), "critical"),
        (allow("*", "arn:a"), "critical"),
        (allow("s3:*", "arn:a"), "high"),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "arn:a"}, "critical"),
    ],
)
def test_whole_services_on_everything_are_critical(statement: dict[str, Any], severity: str) -> None:
    found = changed(ROLE_POLICY, {"policy": document()}, {"policy": document(statement)})
    assert rules(found) == [("permissions-added", severity)]


@pytest.mark.parametrize(
    ("action", "role_known", "severity"),
    [
        ("dynamodb:PutItem", False, "medium"),
        ("iam:PassRole", False, "high"),
        ("secretsmanager:Get*", False, "high"),
        ("dynamodb:PutItem", True, "high"),
    ],
)
def test_grants_of_a_new_role_are_less_surprising_than_more_for_an_old_one(
    action: str, role_known: bool, severity: str
) -> None:
    role = item(ROLE, "r", inputs={"name": "the-role"})
    policy = item(
        ROLE_POLICY, "p",
        inputs={"policy": document(allow(action)), "role": UNKNOWN},
        property_dependencies={"role": (role.urn,)},
    )  # fmt: skip
    [found] = findings([role] if role_known else [], [role, policy])
    assert (found.rule, found.severity.value, found.aws_name) == ("permissions-added", severity, "the-role")


def test_a_policy_that_goes_to_another_role_is_all_new_there() -> None:
    inputs = {"policy": document(allow())}
    [found] = changed(ROLE_POLICY, {**inputs, "role": "a"}, {**inputs, "role": "b"})
    assert found.details == ("+ s3:GetObject on arn:a (action added)",)


@pytest.mark.parametrize(
    ("principal", "severity"),
    [
        ({"Service": "lambda.amazonaws.com"}, "high"),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"}, "high"),
        ({"AWS": "999999999999"}, "critical"),
        ("*", "critical"),
    ],
)
def test_whoever_may_become_a_role_now_is_named(principal: Any, severity: str) -> None:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": US}
    old, new = document(trust), document(trust, {**trust, "Principal": principal})
    found = changed(ROLE, {"assumeRolePolicy": old}, {"assumeRolePolicy": new})
    assert ("trust-widened", severity) in rules(found)
    assert any("principal added" in line for one in found for line in one.details)


def test_a_key_policy_is_compared_principal_by_principal() -> None:
    use = allow("kms:Decrypt", "*", Principal=US)
    old, new = (
        document(use),
        document({**use, "Principal": {"AWS": [US["AWS"], f"arn:aws:iam::{ACCOUNT}:root"]}}),
    )
    [found] = changed(KEY, {"policy": old}, {"policy": new})
    assert found.rule == "resource-policy-widened"
    assert found.details == (f"+ kms:Decrypt on * for AWS:arn:aws:iam::{ACCOUNT}:root (principal added)",)


def test_a_denial_that_goes_is_a_broadening() -> None:
    old, new = document(DENY_PLAIN), document()
    [found] = changed(BUCKET_POLICY, {"policy": old}, {"policy": new})
    assert rules((found,)) == [("resource-policy-widened", "high")]
    assert "1 denial no longer holds" in found.why
    assert found.details == ("- Deny s3:* on * for everybody when aws:SecureTransport Bool false",)


@pytest.mark.parametrize("bucket_stays", [True, False])
def test_a_deleted_policy_is_missed_only_where_its_bucket_stays(bucket_stays: bool) -> None:
    bucket = item("aws:s3/bucket:Bucket", "b", retain=True)
    policy = item(
        BUCKET_POLICY, "p", inputs={"policy": document(DENY_PLAIN)},
        property_dependencies={"bucket": (bucket.urn,)},
    )  # fmt: skip
    found = findings([bucket, policy], [bucket] if bucket_stays else [])
    assert ("resource-policy-widened" in {one.rule for one in found}) is bucket_stays


def test_an_organization_policy_that_denies_less_is_loosened() -> None:
    inputs = {"content": document({"Effect": "Deny", "Action": ["a:B", "c:D"], "Resource": "*"})}
    less = {"content": document({"Effect": "Deny", "Action": ["a:B"], "Resource": "*"})}
    [found] = changed("aws:organizations/policy:Policy", inputs, less)
    assert rules((found,)) == [("organization-policy-loosened", "high")]


def test_an_endpoint_without_a_policy_lets_everything_through() -> None:
    narrow = {"policy": document(allow(Principal="*"))}
    [found] = changed(ENDPOINT, narrow, {})
    assert rules((found,)) == [("endpoint-policy-widened", "medium")]
    assert changed(ENDPOINT, {}, narrow) == ()
    assert findings([], [item(ENDPOINT)]) == ()


@pytest.mark.parametrize("text", [UNKNOWN, SECRET, "no json"])
def test_what_cannot_be_compared_is_said(text: str) -> None:
    [found] = changed(ROLE_POLICY, {"policy": document()}, {"policy": text})
    assert rules((found,)) == [("policy-not-comparable", "medium")]
    assert changed(ROLE_POLICY, {"policy": text}, {"policy": text}) == ()


def test_a_deployed_policy_that_the_plan_does_not_know_is_said_too() -> None:
    old = item(ROLE_POLICY, inputs={"policy": document(), "role": "r"})
    new = item(ROLE_POLICY, inputs={"policy": UNKNOWN, "role": UNKNOWN})
    deployed = Snapshot({old.urn: old}, deployed=True)
    found = rank.assess(deployed, Snapshot({new.urn: new}), "state").findings
    assert rules(found) == [("policy-not-comparable", "medium")]


def test_inline_policies_are_compared_as_one() -> None:
    before = {"inlinePolicies": [{"name": "a", "policy": document(allow())}]}
    after = {
        "inlinePolicies": [*before["inlinePolicies"], {"name": "b", "policy": document(allow("s3:Put*"))}]
    }
    [found] = changed(ROLE, before, after)
    assert found.details == ("+ s3:Put* on arn:a (action added)",)
    assert changed(ROLE, after, before) == ()


@pytest.mark.parametrize(
    ("arn", "severity"),
    [
        ("arn:aws:iam::aws:policy/AdministratorAccess", "critical"),
        ("arn:aws:iam::aws:policy/AmazonS3FullAccess", "critical"),
        ("arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore", "high"),
    ],
)
def test_a_managed_policy_that_is_attached_is_a_finding(arn: str, severity: str) -> None:
    role = item(ROLE, "r", inputs={"name": "r"})
    [found] = findings([role], [role, item(ATTACHMENT, "a", inputs={"policyArn": arn, "role": "r"})])
    assert rules((found,)) == [("managed-policy-attached", severity)]
    attached = item(ATTACHMENT, "a", inputs={"policyArn": arn, "role": "r"})
    assert findings([role, attached], [role]) == ()
    [listed] = changed(ROLE, {"managedPolicyArns": []}, {"managedPolicyArns": [arn]})
    assert listed.rule == "managed-policy-attached"


@pytest.mark.parametrize(("after", "count"), [({}, 1), ({"permissionsBoundary": "arn:c"}, 1)])
def test_a_boundary_that_goes_or_changes_is_a_finding(after: dict[str, str], count: int) -> None:
    assert (
        rules(changed(ROLE, {"permissionsBoundary": "arn:b"}, after))
        == [("boundary-changed", "high")] * count
    )
    assert changed(ROLE, {}, {"permissionsBoundary": "arn:b"}) == ()


def test_a_function_permission_without_its_source_is_wider() -> None:
    bound = {
        "action": "lambda:InvokeFunction", "function": "f", "principal": "events.amazonaws.com",
        "sourceArn": "arn:rule",
    }  # fmt: skip
    free = {key: value for key, value in bound.items() if key != "sourceArn"}
    [found] = changed(FUNCTION, bound, free)
    assert rules((found,)) == [("function-permission-added", "high")]
    assert [change.path for change in found.properties] == ["sourceArn"]
    assert changed(FUNCTION, free, bound) == ()


def test_a_finding_says_what_to_do_and_where() -> None:
    [found] = changed(ROLE_POLICY, {"policy": document()}, {"policy": document(allow())})
    assert found.urn == urn(ROLE_POLICY, "it")
    assert (found.account, found.component) == (ACCOUNT, "it")
    assert "Grant only what the change needs" in found.remedy
    assert found.severity is Severity.HIGH
