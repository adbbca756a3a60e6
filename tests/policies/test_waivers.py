"""Waivers: they let a violation pass, expire, and are reported when nothing needs them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy_packs.guardrails.evaluate import Verdict
from policy_packs.guardrails.frame.waivers import Waiver, WaiverError, matches, read_waivers

from .plans import STACK_URN, resource, verdicts

QUEUE = "aws:sqs/queue:Queue"
IN = resource(QUEUE, {}, name="imports")
RULE = "encryption-customer-key"


def waiver(**changes: Any) -> dict[str, Any]:
    return {
        "rule": RULE,
        "urn": "*::imports",
        "reason": "migrated in June",
        "owner": "data-platform",
        "expires": "2026-06-30",
        **changes,
    }


def judged(today: date = date(2026, 6, 1), **changes: Any) -> list[Verdict]:
    return verdicts(IN, waivers={"imports": waiver(**changes)}, today=today)


def test_a_waived_violation_is_advice_and_says_who_waived_it() -> None:
    (verdict,) = judged()
    assert (verdict.policy, verdict.level, verdict.waived, verdict.blocks) == (RULE, "advisory", True, False)
    assert verdict.message.startswith(
        "Waived until 2026-06-30 by data-platform (imports: migrated in June). `kmsMasterKeyId` is absent."
    )
    assert (verdict.reason, verdict.owner, verdict.expires) == (
        "migrated in June",
        "data-platform",
        "2026-06-30",
    )
    assert verdict.to_json()["waived"] is True


@pytest.mark.parametrize(
    ("today", "blocks"), [(date(2026, 6, 29), False), (date(2026, 6, 30), False), (date(2026, 7, 1), True)]
)
def test_a_waiver_holds_to_the_end_of_its_last_day(today: date, blocks: bool) -> None:
    (verdict,) = judged(today=today)
    assert verdict.blocks is blocks


def test_an_expired_waiver_fails_and_is_named() -> None:
    (verdict,) = judged(today=date(2026, 7, 1))
    assert verdict.message.endswith("Waiver imports of data-platform expired on 2026-06-30.")
    assert (verdict.level, verdict.waived, verdict.waiver) == ("mandatory", False, "imports")


def test_a_valid_waiver_counts_even_if_another_has_expired() -> None:
    both = {"a": waiver(expires="2026-01-01"), "b": waiver(expires=date(2026, 12, 31))}
    (verdict,) = verdicts(IN, waivers=both)
    assert (verdict.waived, verdict.waiver) == (True, "b")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"urn": "*::exports"},
            "Waiver imports of data-platform covers no violation of encryption-customer-key on "
            "*::exports: remove it.",
        ),
        (
            {"rule": "log-retention"},
            "Waiver imports of data-platform covers no violation of log-retention on *::imports: remove it.",
        ),
        (
            {"rule": "no-such-rule"},
            "Waiver imports of data-platform names no-such-rule, which is no rule: remove or correct it.",
        ),
    ],
)
def test_an_unused_waiver_warns_and_waives_nothing(changes: dict[str, Any], said: str) -> None:
    violation, unused = sorted(judged(**changes), key=lambda verdict: verdict.level, reverse=True)
    assert (violation.policy, violation.level, violation.waived) == (RULE, "mandatory", False)
    assert (unused.policy, unused.level, unused.message, unused.urn) == (
        "waiver-unused",
        "advisory",
        said,
        STACK_URN,
    )


def test_reads_objects_with_attributes() -> None:
    @dataclass(frozen=True)
    class ConfigWaiver:
        rule: str = RULE
        urn: str = "*"
        reason: str = "r"
        owner: str = "o"
        expires: date = date(2026, 6, 30)

    assert read_waivers({"w": ConfigWaiver()}) == [
        Waiver(name="w", rule=RULE, urn="*", reason="r", owner="o", expires=date(2026, 6, 30))
    ]


@pytest.mark.parametrize("field", ["rule", "urn", "reason", "owner", "expires"])
@pytest.mark.parametrize("value", [None, ""])
def test_refuses_a_waiver_without_a_field(field: str, value: str | None) -> None:
    with pytest.raises(WaiverError, match=f"waiver w has no {field}"):
        read_waivers({"w": waiver(**{field: value})})


@pytest.mark.parametrize(
    "value",
    [
        "2027-01-31",
        "2027-01-31T00:00:00Z",
        "2027-01-31T00:00:00+00:00",
        date(2027, 1, 31),
        datetime(2027, 1, 31),
    ],
)
def test_takes_a_date_in_every_form_that_a_stack_file_gives_it(value: Any) -> None:
    assert [w.expires for w in read_waivers({"w": waiver(expires=value)})] == [date(2027, 1, 31)]
    assert type(read_waivers({"w": waiver(expires=value)})[0].expires) is date


@pytest.mark.parametrize("value", ["soon", "2027-02-30", "2027-01-31T12:00:00Z", "31.01.2027", 20270131])
def test_refuses_a_date_that_is_none(value: Any) -> None:
    with pytest.raises(WaiverError, match=f"waiver w expires on {value}, which is no date"):
        read_waivers({"w": waiver(expires=value)})


def test_waivers_that_cannot_be_read_waive_nothing_and_are_reported() -> None:
    violation, problem = sorted(judged(expires="soon"), key=lambda verdict: verdict.level, reverse=True)
    assert violation.blocks
    assert problem.policy == "guardrail-settings"
    assert problem.message == (
        "Waivers cannot be read (waiver imports expires on soon, which is no date (YYYY-MM-DD)). "
        "None of them is applied."
    )


TEXT = st.text(alphabet="ab:[].*?\\^$/\n", max_size=12)


@given(TEXT)
def test_a_urn_without_wildcards_matches_itself_alone(urn: str) -> None:
    plain = re.sub(r"[*?]", "x", urn)
    assert matches(plain, plain)
    assert not matches(plain, plain + "x")
    assert not matches(plain, "x" + plain)


@given(TEXT, TEXT, TEXT)
def test_a_star_stands_for_any_text(before: str, between: str, after: str) -> None:
    quiet = [re.sub(r"[*?]", "x", part) for part in (before, after)]
    assert matches(f"{quiet[0]}*{quiet[1]}", f"{quiet[0]}{between}{quiet[1]}")


@given(TEXT, TEXT)
def test_agrees_with_a_simple_matcher(pattern: str, urn: str) -> None:
    assert matches(pattern, urn) == simple(pattern, urn)


def simple(pattern: str, text: str) -> bool:
    """Glob matching by the definition, without regular expressions."""
    possible = {0}
    for character in pattern:
        if character == "*":
            possible = {end for start in possible for end in range(start, len(text) + 1)}
        else:
            possible = {i + 1 for i in possible if i < len(text) and character in ("?", text[i])}
    return len(text) in possible


def test_many_stars_are_not_slow() -> None:
    assert not matches("*a" * 12 + "b", "a" * 60)
