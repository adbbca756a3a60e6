"""Schedule expressions: what EventBridge Scheduler takes, and what it does not."""

from __future__ import annotations

import pytest

from landfall.config.schedules import BadSchedule, parse


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 6 * * ? *)",
        "cron(15 10 ? * 6L 2022-2023)",
        "cron(0/10 * ? * MON-FRI *)",
        "cron(0 18 ? * FRI-MON *)",
        "cron(0,30 8-10,14 L * ? *)",
        "cron(0 9 L-3 JAN,jul ? 2027/2)",
        "cron(0 9 15W * ? *)",
        "cron(0 9 LW * ? *)",
        "cron(0 9 ? * TUE#2 *)",
        "rate(1 minute)",
        "rate(15 minutes)",
        "rate(7 days)",
        "at(2028-02-29T06:00:00)",
    ],
)
def test_right_expressions_pass(expression: str) -> None:
    assert parse(expression) == expression


@pytest.mark.parametrize(
    ("expression", "message", "suggestion"),
    [
        ("cron(0 6 * * *)", "six fields", "cron(0 6 * * ? *)"),
        ("0 6 * * ?", "expected cron", "cron(0 6 * * ? *)"),
        ("cron(0 6 ? * ? *)", "exactly one", "cron(0 6 * * ? *)"),
        ("cron(0 6 1 * 2 *)", "exactly one", None),
        ("cron(60 6 * * ? *)", 'minutes must be 0-59, not "60"', None),
        ("cron(0 24 * * ? *)", "hours must be 0-23", None),
        ("cron(0 6 32 * ? *)", "day of month must be 1-31", None),
        ("cron(0 6 * 13 ? *)", "month must be 1-12 or JAN-DEC", None),
        ("cron(0 6 ? * 8 *)", "day of week must be 1-7 or SUN-SAT", None),
        ("cron(0 6 * * ? 1969)", "year must be 1970-2199", None),
        ("cron(0 10-8 * * ? *)", "backwards", None),
        ("cron(0/0 6 * * ? *)", "bad step", None),
        ("cron(0 6 ? * MON/2 *)", "step", None),
        ("cron(0 6 ? * MON#6 *)", "first to fifth", None),
        ("cron(0 6 3L * ? *)", "takes L, LW or L-3", None),
        ("cron(0,,5 6 * * ? *)", "minutes must be", None),
        ("cron(? 6 * * ? *)", "minutes must be", None),
        ("cron()", "six fields", None),
        ("corn(0 6 * * ? *)", "no kind of schedule", "cron(0 6 * * ? *)"),
        ("rate(0 minutes)", "positive whole number", None),
        ("rate(1.5 hours)", "positive whole number", None),
        ("rate(5 weeks)", "no unit", None),
        ("rate(5 minuts)", "no unit", "rate(5 minutes)"),
        ("at(2027-02-29T06:00:00)", "date and time that exist", None),
        ("at(2027-02-28 06:00)", "date and time that exist", None),
        ("", "expected cron", None),
        ("@daily", "expected cron", None),
    ],
)
def test_wrong_expressions_are_refused(expression: str, message: str, suggestion: str | None) -> None:
    with pytest.raises(BadSchedule) as caught:
        parse(expression)
    assert message in str(caught.value)
    assert caught.value.suggestion == suggestion
