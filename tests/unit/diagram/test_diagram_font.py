"""Widths of texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landfall.diagram import font


@pytest.mark.parametrize(
    ("text", "bold", "units"),
    [("A", False, 1366), ("i", False, 455), ("W", False, 1933), ("0", False, 1139), ("A", True, 1479)],
)
def test_letters_are_as_wide_as_arial_has_them(text: str, bold: bool, units: int) -> None:
    assert font.width(text, 2048, bold=bold) == pytest.approx(units)


def test_letters_that_the_font_lacks_count_as_an_em() -> None:
    assert font.width("漢", 10) == 10


@given(st.text(max_size=80), st.floats(0, 400), st.booleans())
def test_what_fits_is_kept_and_what_does_not_is_elided_to_fit(text: str, room: float, bold: bool) -> None:
    short = font.fit(text, room, 12, bold=bold)
    assert font.width(short, 12, bold=bold) <= room or not short
    if font.width(text, 12, bold=bold) <= room:
        assert short == text


def test_the_middle_of_a_long_name_goes() -> None:
    short = font.fit("landfall-prod-orders-eu-central-1", 120, 12)
    assert short.startswith("landfall") and short.endswith("-1") and font.ELLIPSIS in short
