"""Patterns of IAM: covering is never claimed wrongly, and disjointness neither."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landfall.risk.globs import covers, overlap

PATTERNS = st.text(alphabet="ab*?", max_size=6)
TEXTS = st.text(alphabet="ab", max_size=6)


def matches(pattern: str, text: str) -> bool:
    """The meaning of a pattern, by another way than the code under test."""
    regular = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch(regular, text, re.DOTALL) is not None


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("*", "s3:GetObject", True),
        ("s3:*", "s3:Get*", True),
        ("s3:Get*", "s3:*", False),
        ("s3:Get?bject", "s3:GetObject", True),
        ("s3:Get?bject", "s3:Get*bject", False),
        ("s3:G*t", "s3:GetObject*", False),
        ("a?", "a?", True),
        ("", "", True),
        ("**", "*", True),
    ],
)
def test_a_pattern_covers_what_it_surely_matches(wide: str, narrow: str, expected: bool) -> None:
    assert covers(wide, narrow) is expected


@given(PATTERNS, PATTERNS, TEXTS)
def test_whoever_is_covered_matches_nothing_more(wide: str, narrow: str, text: str) -> None:
    if covers(wide, narrow) and matches(narrow, text):
        assert matches(wide, text)


@given(PATTERNS, TEXTS)
def test_a_text_is_covered_exactly_when_it_matches(pattern: str, text: str) -> None:
    assert covers(pattern, text) is matches(pattern, text)
    assert overlap(pattern, text) is matches(pattern, text)


@given(PATTERNS, PATTERNS, TEXTS)
def test_two_patterns_that_match_one_text_overlap(one: str, other: str, text: str) -> None:
    if matches(one, text) and matches(other, text):
        assert overlap(one, other)
    assert overlap(one, other) is overlap(other, one)


@pytest.mark.parametrize(
    ("one", "other"), [("a*", "b*"), ("*a", "*b"), ("a?", "a"), ("s3:Get*", "s3:Put*"), ("", "?")]
)
def test_patterns_without_a_common_text_do_not_overlap(one: str, other: str) -> None:
    assert not overlap(one, other)
