"""What the least-privilege proof takes away, what counts as proved, and the page that tells of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.least_privilege.page import page
from benchmarks.least_privilege.policies import Grant, grants, reduced
from benchmarks.least_privilege.proof import Outcome, Proof

STATEMENTS = [
    {
        "Sid": "Table",
        "Effect": "Allow",
        "Action": ["dynamodb:GetItem", "dynamodb:PutItem"],
        "Resource": ["a"],
    },
    {"Sid": "Logs", "Effect": "Allow", "Action": ["logs:PutLogEvents"], "Resource": ["group", "group:*"]},
    {"Sid": "Topic", "Effect": "Allow", "Action": ["sns:Publish"], "Resource": ["topic"]},
]
DOCUMENT = {"Version": "2012-10-17", "Statement": STATEMENTS}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Taken",
            "Effect": "Allow",
            "Principal": {"Service": ["states.amazonaws.com"]},
            "Action": ["sts:AssumeRole"],
        }
    ],
}
ROLES = "arn:aws:iam::111111111111:role"
MANAGED = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"


class Iam:
    """Two roles; the platform's has three statements, a trust policy and a managed policy."""

    def list_roles(self) -> dict[str, Any]:
        return {"Roles": [{"RoleName": name, "Arn": f"{ROLES}/{name}"} for name in ("theirs", "our-etl")]}

    def get_role(self, RoleName: str) -> dict[str, Any]:
        return {"Role": {"AssumeRolePolicyDocument": TRUST}}

    def list_role_policies(self, RoleName: str) -> dict[str, Any]:
        return {"PolicyNames": ["inline"]}

    def get_role_policy(self, RoleName: str, PolicyName: str) -> dict[str, Any]:
        return {"PolicyDocument": DOCUMENT}

    def list_attached_role_policies(self, RoleName: str) -> dict[str, Any]:
        return {"AttachedPolicies": [{"PolicyArn": MANAGED}]}


def test_each_action_and_each_resource_of_several_is_a_part_of_its_own() -> None:
    assert [(each.role, each.title) for each in grants(Iam(), "our-")] == [
        ("our-etl", "Table: dynamodb:GetItem"),
        ("our-etl", "Table: dynamodb:PutItem"),
        ("our-etl", "Logs: on group"),
        ("our-etl", "Logs: on group:*"),
        ("our-etl", "Topic"),
        ("our-etl", "Taken"),
        ("our-etl", "AmazonSSMManagedInstanceCore"),
    ]
    whole = [each.title for each in grants(Iam(), "our-", whole=True)]
    assert whole == ["Table", "Logs", "Topic", "Taken", "AmazonSSMManagedInstanceCore"]


def test_a_role_loses_the_part_and_nothing_else() -> None:
    found = {each.title: each for each in grants(Iam(), "our-")}
    without_get = reduced(DOCUMENT, found["Table: dynamodb:GetItem"])["Statement"]
    assert without_get == [{**STATEMENTS[0], "Action": ["dynamodb:PutItem"]}, *STATEMENTS[1:]]
    without_group = reduced(DOCUMENT, found["Logs: on group"])["Statement"]
    assert without_group == [STATEMENTS[0], {**STATEMENTS[1], "Resource": ["group:*"]}, STATEMENTS[2]]
    assert reduced(DOCUMENT, found["Topic"])["Statement"] == STATEMENTS[:2]


def test_a_role_that_loses_its_only_statement_is_left_with_one_that_allows_nothing() -> None:
    (topic,) = (each for each in grants(Iam(), "our-") if each.sid == "Topic")
    (left,) = reduced({**DOCUMENT, "Statement": STATEMENTS[2:]}, topic)["Statement"]
    assert left["Effect"] == "Deny"
    assert left["Action"] == ["none:Nothing"]


def test_a_role_without_its_trust_policy_is_left_with_one_that_admits_nobody() -> None:
    (taken,) = (each for each in grants(Iam(), "our-") if each.sid == "Taken")
    assert taken.policy == f"trust of {ROLES}/our-etl"
    (left,) = reduced(TRUST, taken)["Statement"]
    assert left["Effect"] == "Deny"
    assert "Resource" not in left


def grant(**parts: Any) -> Grant:
    return Grant(role="r", policy="p", sid="S", actions=("s3:GetObject", "s3:PutObject"), **parts)


@pytest.mark.parametrize(
    ("part", "action", "resource", "covered"),
    [
        ({}, "s3:GetObject", "anything", True),
        ({}, "s3:ListBucket", "anything", False),
        ({"action": "s3:PutObject"}, "s3:GetObject", "anything", False),
        ({"resource": "arn:a/*"}, "s3:GetObject", "arn:a/b/c", True),
        ({"resource": "arn:a/?"}, "s3:GetObject", "arn:a/bc", False),
        ({"resource": "arn:a.b"}, "s3:GetObject", "arn:axb", False),
    ],
)
def test_a_refusal_counts_only_for_the_part_that_is_missing(
    part: dict[str, str], action: str, resource: str, covered: bool
) -> None:
    assert grant(**part).covers(action, resource) is covered


@given(st.text(alphabet="ab:/*?.", min_size=1, max_size=12))
def test_a_resource_without_wildcards_covers_itself_and_a_star_covers_everything(text: str) -> None:
    assert grant(resource="*").covers("s3:GetObject", text)
    assert grant(resource=text).covers("s3:GetObject", text.replace("*", "").replace("?", "x"))


OUTCOME = Outcome(
    role="our-etl", statement="Topic", scenario="abort", refused="sns:Publish", seen="no | message <arrives>"
)


def proof(*outcomes: Outcome, **broken: str) -> Proof:
    return Proof(
        scenarios={"abort": "A stopped execution"},
        decisions=7,
        statements=len(outcomes),
        outcomes=outcomes,
        broken=broken,
    )


def test_a_part_is_proved_only_by_a_failure_and_its_refusal() -> None:
    assert proof(OUTCOME).complete
    assert not proof(replace(OUTCOME, refused="")).complete, "it failed for another reason"
    assert not proof(replace(OUTCOME, seen="")).complete, "it went on as if nothing had happened"
    assert not proof(OUTCOME, abort="the topic is gone").complete, "it fails with nothing taken away"


def test_what_the_emulator_cannot_show_is_named_with_its_reason() -> None:
    unseen = replace(OUTCOME, statement="GlueJobs5: glue:GetJobRuns", scenario="", refused="", seen="")
    assert proof(OUTCOME, unseen).complete
    text = page(proof(OUTCOME, unseen))
    assert "1 of 2 parts of the 2 statements of 1 roles were found needed" in text
    assert "- `our-etl`, `GlueJobs5: glue:GetJobRuns`: AWS lists the action" in text


def test_the_page_keeps_its_tables_whatever_an_error_says() -> None:
    text = page(proof(OUTCOME))
    assert "| `Topic` | `abort` | `sns:Publish` | no \\| message &lt;arrives> |" in text
