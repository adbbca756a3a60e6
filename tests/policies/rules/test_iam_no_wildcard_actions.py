from __future__ import annotations

from typing import Any

import pytest

from policy_packs.guardrails.rules.iam_no_wildcard_actions import ACTIONS, DOCUMENTS

from ..plans import SECRET, UNKNOWN, document, messages, resource

RULE = "iam-no-wildcard-actions"
ROLE = "aws:iam/role:Role"
POLICY = "aws:iam/policy:Policy"
ASSUME = {
    "Sid": "Assume",
    "Effect": "Allow",
    "Principal": {"Service": "states.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
READ = {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}
DENY = {"Sid": "Deny", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}


def allow(**elements: Any) -> str:
    return document({"Sid": "It", "Effect": "Allow", "Resource": "*", **elements})


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        (ROLE, {"assumeRolePolicy": document(ASSUME)}),
        (ROLE, {"assumeRolePolicy": document(ASSUME), "inlinePolicies": [{"policy": document(READ)}]}),
        (
            ROLE,
            {"assumeRolePolicy": document(ASSUME), "inlinePolicies": [{}], "managedPolicyArns": [UNKNOWN]},
        ),
        (POLICY, {"policy": document(READ, DENY)}),
        (POLICY, {"policy": document({"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"})}),
        (POLICY, {"policy": {"Statement": READ}}),
        ("aws:kms/key:Key", {}),
        ("aws:lambda/permission:Permission", {"action": "lambda:InvokeFunction"}),
        ("aws:iam/rolePolicyAttachment:RolePolicyAttachment", {"policyArn": UNKNOWN}),
        (
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            {"policyArn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"},
        ),
        ("aws:ssm/document:Document", {"content": document({"Action": "*"})}),
    ],
)
def test_passes_named_actions(kind: str, inputs: dict[str, Any]) -> None:
    assert messages(RULE, resource(kind, inputs)) == []


@pytest.mark.parametrize(
    ("kind", "inputs", "said"),
    [
        (POLICY, {"policy": allow(Action="*")}, ["`policy`, It allows *"]),
        (POLICY, {"policy": allow(Action=["s3:GetObject", "s3:Put*"])}, ["`policy`, It allows s3:Put*"]),
        (POLICY, {"policy": allow(Action="ec2:Describe?pcs")}, ["`policy`, It allows ec2:Describe?pcs"]),
        (
            POLICY,
            {"policy": allow(NotAction="iam:PassRole")},
            ["`policy`, It allows by NotAction, so every action but those named"],
        ),
        (POLICY, {"policy": allow()}, ["`policy`, It allows without naming an action"]),
        (
            POLICY,
            {"policy": document({"Effect": "Allow", "Action": "a:*", "Resource": "*"})},
            ["`policy`, statement 1 allows a:*"],
        ),
        (
            ROLE,
            {"assumeRolePolicy": document({**ASSUME, "Action": "sts:*"})},
            ["`assumeRolePolicy`, Assume allows sts:*"],
        ),
        (
            ROLE,
            {
                "assumeRolePolicy": document(ASSUME),
                "inlinePolicies": [{"policy": document(READ)}, {"policy": allow(Action="dynamodb:*")}],
            },
            ["`inlinePolicies.1.policy`, It allows dynamodb:*"],
        ),
        ("aws:lambda/permission:Permission", {"action": "lambda:*"}, ["`action` allows lambda:*"]),
        (
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
            ["`policyArn` attaches AdministratorAccess, which allows whole services"],
        ),
        (
            ROLE,
            {
                "assumeRolePolicy": document(ASSUME),
                "managedPolicyArns": ["arn:aws:iam::aws:policy/AmazonS3FullAccess"],
            },
            ["`managedPolicyArns` attaches AmazonS3FullAccess, which allows whole services"],
        ),
        (POLICY, {"policy": "{"}, ["`policy` is not valid JSON"]),
        (POLICY, {"policy": "[]"}, ["`policy` is not a policy document with statements"]),
    ],
)
def test_reports_patterns_of_actions(kind: str, inputs: dict[str, Any], said: list[str]) -> None:
    assert messages(RULE, resource(kind, inputs)) == said


@pytest.mark.parametrize("kind", sorted(DOCUMENTS))
@pytest.mark.parametrize("value", [UNKNOWN, SECRET])
def test_reports_a_document_that_cannot_be_read(kind: str, value: str) -> None:
    (path,) = DOCUMENTS[kind]
    (said,) = messages(RULE, resource(kind, {path: value}))
    assert f"`{path}` is" in said
    assert "nobody can tell what it allows" in said


@pytest.mark.parametrize("kind", sorted(DOCUMENTS))
def test_judges_every_kind_of_document(kind: str) -> None:
    (path,) = DOCUMENTS[kind]
    (said,) = messages(RULE, resource(kind, {path: allow(Action="kms:*")}))
    assert said == f"`{path}`, It allows kms:*"


@pytest.mark.parametrize("kind", sorted(ACTIONS))
def test_reports_an_unknown_single_action(kind: str) -> None:
    assert messages(RULE, resource(kind, {ACTIONS[kind]: UNKNOWN})) != []


def test_reports_inline_policies_that_are_unknown_as_a_whole() -> None:
    (said,) = messages(
        RULE, resource(ROLE, {"assumeRolePolicy": document(ASSUME), "inlinePolicies": UNKNOWN})
    )
    assert said.startswith("`inlinePolicies` is not known before the update")


def test_reports_a_document_with_an_unknown_part() -> None:
    (said,) = messages(RULE, resource(POLICY, {"policy": {"Statement": [{**READ, "Resource": UNKNOWN}]}}))
    assert said == "`policy`, Read has a part that is not known before the update"
