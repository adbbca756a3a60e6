"""The line of the file under an error: the mark is at the right place, and nothing secret is shown."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landfall.config import LoadResult, report
from landfall.config.excerpt import WIDEST, excerpt, lines_of
from tests.unit.config.conftest import BASE, edited

type Check = Callable[[str | bytes], LoadResult]

LAMBDA_ARGS = 'args: {day: "2027-01-31"}'


def drawn(text: str, line: int, column: int) -> tuple[str, str]:
    """The shown line and what stands above its marks."""
    found = excerpt(lines_of(text), line, column)
    assert found is not None
    return found.text, found.text[found.start : found.start + found.length]


@pytest.mark.parametrize(
    ("text", "column", "marked"),
    [
        ("    environment: dve", 18, "dve"),
        ("    environment: dve", 5, "environment"),
        ("a: {b: [eu-central-1a, x], c: 1}", 9, "eu-central-1a"),
        ('a: {id: "11, 11", b: 1}', 9, '"11, 11"'),
        ("a: 'it''s': b", 4, "'it''s'"),
        ("reason: two words # why", 9, "two words"),
        ("- {kind: sql}", 3, "{"),
        ("a: arn:aws:iam::1:role/x", 4, "arn:aws:iam::1:role/x"),
        ("a: größer", 4, "größer"),
    ],
)
def test_the_mark_is_as_long_as_what_is_wrong(text: str, column: int, marked: str) -> None:
    assert drawn(text, 1, column) == (text, marked)


def test_tabs_and_wide_letters_move_the_mark_by_what_they_take() -> None:
    tabbed = excerpt(["\tdve"], 1, 2)
    assert tabbed is not None
    assert (tabbed.text, tabbed.start) == ("    dve", 4)
    wide = excerpt(["名: dve"], 1, 4)
    assert wide is not None
    assert (wide.start, wide.length) == (4, 3)


def test_what_a_terminal_would_obey_is_not_shown() -> None:
    text, _ = drawn("a: \x1b[31mred\u202e", 1, 1)
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_long_line_is_cut_around_the_mark() -> None:
    line = "a: [" + ", ".join(f"script_{number}.sh" for number in range(60)) + "]"
    column = line.index("script_30.sh") + 1
    text, marked = drawn(line, 1, column)
    assert marked == "script_30.sh"
    assert len(text) <= WIDEST + 2
    assert text.startswith("…")
    assert text.endswith("…")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("  password: hunter2", "  password: …"),
        ("  pasword: hunter2", "  pasword: …"),
        ("  a: {secret: hunter2, b: 1}", "  a: {secret: …, b: 1}"),
        ("  a: {db_token: 'hunter2, or so', b: 1}", "  a: {db_token: …, b: 1}"),
        ('  a: {"password":"hunter2", b: 1}', '  a: {"password":…, b: 1}'),
        ("  a: {secure: v1:hunter2}", "  a: {secure: …}"),
        ("  url: postgres://me:hunter2@host/db", "  url: …"),
        ("  a: [x, AKIAIOSFODNN7HUNTER2]", "  a: [x, …"),
        ("  credentials: {user: me, word: hunter2}", "  credentials: …"),
    ],
)
def test_what_may_be_a_secret_is_left_out(line: str, shown: str) -> None:
    found = excerpt([line], 1, 3)
    assert found is not None
    assert found.text == shown


def test_lines_of_a_text_under_a_secret_key_are_not_shown() -> None:
    lines = ["password: |", "  one", "", "  hunter2", "other: 1"]
    assert excerpt(lines, 4, 3) is None
    assert excerpt(lines, 5, 1) is not None
    deep = ["token: >", *["  word"] * 1000]
    assert excerpt(deep, 1001, 3) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (LAMBDA_ARGS, "args: {db: {password: hunter2}}"),
        (LAMBDA_ARGS, "args: {password: hunter2, day: 2027-01-31}"),
        (LAMBDA_ARGS, "args: {pwd: hunter2}, colour: red"),
        ("secret: landfall/sandbox/warehouse", "secret: 'hunter2 it is'"),
        ("secret: landfall/sandbox/warehouse", "secrt: hunter2"),
        ("workgroup: etl, ", "workgroup: etl, passwd: hunter2, wrong: 1, "),
        ("    owner: data-platform", "    owner: data-platform\n    key: {secure: 'hunter2'}"),
        ("    owner: data-platform", '    owner: data-platform\n    password: "hunter2'),
        ("    owner: data-platform", "    owner: data-platform\n\tpassword: hunter2"),
        ("    owner: data-platform", "    owner: !!python/x {password: hunter2}"),
    ],
)
def test_no_report_shows_a_secret(check: Check, old: str, new: str) -> None:
    result = check(edited(old, new))
    assert result.issues
    assert "hunter2" not in report(result.issues)


def test_the_report_counts_files_and_errors(check: Check) -> None:
    assert report(()) == ""
    one = check(edited("environment: sandbox", "environment: test"))
    text = report(one.issues)
    assert text.splitlines()[2:] == [
        "  5 |     environment: test",
        "    |                  ^^^^",
        "",
        "landfall explain LF0103 says more about an error.",
        "1 error in 1 file",
    ]
    from dataclasses import replace

    other = tuple(replace(issue, file="other.yaml") for issue in one.issues)
    both = report((*one.issues, *other))
    assert "other.yaml: 1 error\n\nother.yaml:5:18  LF0103" in both
    assert both.endswith("2 errors in 2 files")


def test_files_are_named_from_a_folder(check: Check) -> None:
    result = check(edited("environment: sandbox", "environment: test"))
    text = report(result.issues, result.path.parent.parent)
    assert text.startswith("stacks/Pulumi.dev.yaml:5:18  LF0103")
    assert report(result.issues, result.path / "elsewhere") == report(result.issues)


@settings(max_examples=300, deadline=None)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
    line=st.integers(-1, 5),
    column=st.integers(-1, 400),
)
def test_any_place_in_any_text_gives_one_printable_line_or_nothing(text: str, line: int, column: int) -> None:
    found = excerpt(lines_of(text), line, column)
    if found is not None:
        assert all(not unicodedata.category(character).startswith("C") for character in found.text)
        assert found.start >= 0
        assert found.length >= 1
        assert len(lines_of(found.text)) == 1


def test_a_line_that_makes_patterns_slow_is_not_shown() -> None:
    assert excerpt(["a: x" + " " * 1_000_000], 1, 4) is None


def test_the_base_file_has_an_excerpt_for_every_key(check: Check) -> None:
    lines = lines_of(BASE)
    source = check(BASE).source
    for key, mark in source.key_marks.items():
        found = excerpt(lines, mark.line, mark.column)
        assert found is not None
        assert found.text[found.start : found.start + found.length].removeprefix("landfall:") == key
