"""`allowedPattern` of command documents: matched in a bounded time, which other threads do not use up."""

from __future__ import annotations

from typing import Any

import pytest
import regex
from landfall_emulator.ssm import patterns


def test_a_text_has_a_pattern_from_end_to_end() -> None:
    assert patterns.matches("^[A-Za-z0-9+/=]+$", "YQ==")
    assert not patterns.matches("^[A-Za-z0-9+/=]+$", "YQ== ")
    assert not patterns.matches("[a-z]+", "abc\n")


def test_a_pattern_without_end_ends() -> None:
    with pytest.raises(TimeoutError):
        patterns.matches("(a|aa)+", "a" * 60 + "b")


def test_time_that_other_threads_have_used_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    match, late = regex.fullmatch, [TimeoutError("regex timed out")] * 3

    def on_a_busy_process(pattern: str, text: str, **options: Any) -> Any:
        if late:
            raise late.pop()
        return match(pattern, text, **options)

    monkeypatch.setattr(regex, "fullmatch", on_a_busy_process)
    assert patterns.matches("a+", "aaa")
    assert late == []
