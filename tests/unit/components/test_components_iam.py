"""Policy documents as data: what is refused, and what a document looks like."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.iam import (
    PolicyDocumentError,
    document,
    instance_trust,
    service_trust,
    statement,
    tls_only,
    use_of_key,
)

ARN = "arn:aws:dynamodb:eu-central-1:111111111111:table/t"


@pytest.mark.parametrize("action", ["*", "dynamodb:*", "dynamodb:Get*", "s3:*Object", "GetItem", ""])
def test_an_allowed_action_is_named_in_full(action: str) -> None:
    with pytest.raises(PolicyDocumentError, match=r"statement Read: .*refused"):
        statement("Read", [action], [ARN])


def test_one_wildcard_among_good_actions_is_refused() -> None:
    with pytest.raises(PolicyDocumentError, match=r'wildcard action "dynamodb:\*"'):
        statement("Read", ["dynamodb:GetItem", "dynamodb:*"], [ARN])


def test_a_statement_without_actions_or_resources_is_refused() -> None:
    with pytest.raises(PolicyDocumentError, match="statement Read: no action"):
        statement("Read", [], [ARN])
    with pytest.raises(PolicyDocumentError, match="statement Read: no resource"):
        statement("Read", ["dynamodb:GetItem"], [])


def test_every_resource_needs_a_condition_in_an_identity_policy() -> None:
    with pytest.raises(PolicyDocumentError, match='resource "\\*" needs a condition'):
        statement("Trace", ["xray:PutTraceSegments"], ["*"])
    with pytest.raises(PolicyDocumentError, match='resource "\\*" needs a condition'):
        statement("Trace", ["xray:PutTraceSegments"], [ARN, "*"])
    conditions = {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}
    made = statement("Trace", ["xray:PutTraceSegments"], ["*"], conditions=conditions)
    assert made["Condition"] == conditions


def test_a_resource_policy_may_name_its_own_resource_by_a_star() -> None:
    made = statement("Use", ["kms:Decrypt"], ["*"], principals={"AWS": ["arn:aws:iam::111111111111:root"]})
    assert made["Resource"] == ["*"]
    assert made["Principal"] == {"AWS": ["arn:aws:iam::111111111111:root"]}


def test_a_denial_may_deny_everything() -> None:
    made = tls_only(["arn:aws:s3:::b", "arn:aws:s3:::b/*"], "s3")
    assert made == {
        "Sid": "DenyWithoutTls",
        "Effect": "Deny",
        "Action": ["s3:*"],
        "Principal": "*",
        "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


ACTIONS = st.lists(
    st.sampled_from(["dynamodb:GetItem", "dynamodb:Query", "s3:GetObject", "sqs:SendMessage"]), min_size=1
)


@given(ACTIONS, st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(actions: list[str], order: object) -> None:
    mixed = [*actions, *actions]
    order.shuffle(mixed)  # type: ignore[attr-defined]
    arns = [f"{ARN}{number}" for number in range(3)]
    one = statement("S", actions, arns, conditions={"A": {"k": ["b", "a"]}, "B": {"l": "x"}})
    other = statement("S", mixed, arns[::-1], conditions={"B": {"l": "x"}, "A": {"k": ["a", "b", "a"]}})
    assert document([one]) == document([other])
    assert one["Action"] == sorted(set(actions))


def test_a_document_keeps_the_order_of_its_statements_and_is_compact() -> None:
    second, first = (
        statement("B", ["s3:GetObject"], ["arn:aws:s3:::b/*"]),
        statement("A", ["s3:PutObject"], ["arn:aws:s3:::b/*"]),
    )
    text = document([second, first])
    assert [entry["Sid"] for entry in json.loads(text)["Statement"]] == ["B", "A"]
    assert json.loads(text)["Version"] == "2012-10-17"
    assert ": " not in text and ", " not in text


def test_a_service_assumes_a_role_for_one_account_and_source_only() -> None:
    source = "arn:aws:lambda:eu-central-1:111111111111:function:f"
    trust = service_trust("lambda.amazonaws.com", account_id="111111111111", source_arn=source)
    (entry,) = json.loads(trust)["Statement"]
    assert entry == {
        "Sid": "ServiceAssumesRole",
        "Effect": "Allow",
        "Action": ["sts:AssumeRole"],
        "Principal": {"Service": ["lambda.amazonaws.com"]},
        "Condition": {
            "ArnLike": {"aws:SourceArn": source},
            "StringEquals": {"aws:SourceAccount": "111111111111"},
        },
    }
    (without,) = json.loads(service_trust("backup.amazonaws.com", account_id="111111111111"))["Statement"]
    assert without["Condition"] == {"StringEquals": {"aws:SourceAccount": "111111111111"}}


def test_a_role_of_hosts_has_no_condition_that_ec2_cannot_meet() -> None:
    (entry,) = json.loads(instance_trust())["Statement"]
    assert entry == {
        "Sid": "ServiceAssumesRole",
        "Effect": "Allow",
        "Action": ["sts:AssumeRole"],
        "Principal": {"Service": ["ec2.amazonaws.com"]},
    }


def test_use_of_a_key_is_use_of_the_key_behind_one_alias() -> None:
    made = use_of_key(
        "UseKey", ["kms:Decrypt"], region="eu-central-1", account_id="111111111111", alias="alias/landfall"
    )
    assert made["Resource"] == ["arn:aws:kms:eu-central-1:111111111111:key/*"]
    assert made["Condition"] == {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/landfall"}}
