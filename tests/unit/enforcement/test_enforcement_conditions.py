"""Condition blocks, as the IAM User Guide describes their operators."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from landfall_emulator.iam_enforcement.conditions import holds, substituted

CONTEXT = {
    "aws:requestedregion": "eu-central-1",
    "aws:userid": "AROA1:session",
    "aws:principalarn": "arn:aws:iam::111111111111:role/landfall-sandbox-etl",
    "aws:sourceip": "10.20.1.7",
    "aws:securetransport": "true",
    "aws:currenttime": "2026-11-21T10:00:00Z",
    "s3:max-keys": "10",
    "kms:resourcealiases": ["alias/one", "alias/two"],
}


@pytest.mark.parametrize(
    ("operator", "key", "value", "expected"),
    [
        ("StringEquals", "aws:RequestedRegion", "eu-central-1", True),
        ("StringEquals", "aws:RequestedRegion", "eu-*", False),
        ("StringEquals", "aws:RequestedRegion", ["us-east-1", "eu-central-1"], True),
        ("StringEquals", "aws:Absent", "x", False),
        ("StringEqualsIfExists", "aws:Absent", "x", True),
        ("StringNotEquals", "aws:RequestedRegion", ["us-east-1", "eu-central-1"], False),
        ("StringNotEquals", "aws:Absent", "x", True),
        ("StringEqualsIgnoreCase", "aws:RequestedRegion", "EU-CENTRAL-1", True),
        ("StringLike", "aws:RequestedRegion", "eu-*-?", True),
        ("StringLike", "aws:RequestedRegion", "eu-central-?1", False),
        ("StringNotLike", "aws:RequestedRegion", "us-*", True),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/landfall-*", True),
        ("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::111111111111:role/*", True),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:*", False),
        ("ArnNotEquals", "aws:PrincipalArn", "arn:aws:iam::222222222222:role/*", True),
        ("Bool", "aws:SecureTransport", "false", False),
        ("Bool", "aws:SecureTransport", True, True),
        ("Null", "aws:Absent", "true", True),
        ("Null", "aws:RequestedRegion", True, False),
        ("IpAddress", "aws:SourceIp", "10.20.0.0/20", True),
        ("NotIpAddress", "aws:SourceIp", "10.20.0.0/20", False),
        ("NumericLessThanEquals", "s3:max-keys", 10, True),
        ("NumericGreaterThan", "s3:max-keys", "10", False),
        ("DateLessThan", "aws:CurrentTime", "2026-11-22T00:00:00Z", True),
        ("DateGreaterThan", "aws:CurrentTime", "1795300000", False),
        ("ForAnyValue:StringEquals", "kms:ResourceAliases", "alias/two", True),
        ("ForAnyValue:StringEquals", "kms:ResourceAliases", "alias/three", False),
        ("ForAnyValue:StringEquals", "kms:Absent", "alias/two", False),
        ("ForAllValues:StringLike", "kms:ResourceAliases", "alias/*", True),
        ("ForAllValues:StringEquals", "kms:ResourceAliases", "alias/two", False),
        ("ForAllValues:StringEquals", "kms:Absent", "alias/two", True),
        ("StringEquals", "aws:userid", "${aws:userid}", True),
        ("StringEquals", "aws:userid", "${aws:username}", False),
        ("NumericEquals", "aws:RequestedRegion", "1", False),
        ("NoSuchOperator", "aws:RequestedRegion", "eu-central-1", False),
    ],
)
def test_an_operator_answers_as_documented(operator: str, key: str, value: Any, expected: bool) -> None:
    assert holds({operator: {key: value}}, CONTEXT) is expected


def test_all_operators_and_keys_must_hold() -> None:
    both = {"StringEquals": {"aws:RequestedRegion": "eu-central-1", "aws:userid": "nobody"}}
    assert not holds(both, CONTEXT)
    assert holds(None, CONTEXT)


def test_a_variable_without_a_value_matches_nothing() -> None:
    assert substituted("arn:${aws:username}/*", CONTEXT) is None
    assert substituted("${aws:username, 'nobody'}", CONTEXT) == "nobody"


@given(st.text(alphabet="ab*?[]{}$.", max_size=8))
def test_a_negated_operator_is_the_opposite_for_a_key_with_one_value(text: str) -> None:
    context = {"k": "ab[]"}
    block = {"k": text}
    assert holds({"StringLike": block}, context) is not holds({"StringNotLike": block}, context)


@given(st.text(max_size=12))
def test_signs_other_than_star_and_question_mark_stand_for_themselves(text: str) -> None:
    plain = text.replace("*", "").replace("?", "").replace("$", "").replace("\0", "")
    assert holds({"StringLike": {"k": plain}}, {"k": plain or "x"}) is bool(plain)
