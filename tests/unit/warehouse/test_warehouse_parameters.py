"""Named parameters are bound by position; the values never meet the statement."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from landfall_emulator.dialect import ParameterError, bind_parameters, parameter_names


def test_names_become_positions_in_order_of_appearance() -> None:
    sql, values = bind_parameters("select :b, :a, :b::int", {"a": "1", "b": "2"})

    assert (sql, values) == ("select $1, $2, $1::int", ["2", "1"])


def test_colons_in_literals_names_comments_and_casts_are_no_parameters() -> None:
    sql = "select ':a', \":b\", x::text -- :c\n/* :d */ from t where e = :e"

    assert parameter_names(sql) == ["e"]


def test_a_statement_without_values_is_left_alone() -> None:
    assert bind_parameters("select :a", None) == ("select :a", [])


def test_a_name_without_value_is_refused() -> None:
    with pytest.raises(ParameterError, match="Cannot find parameter: b"):
        bind_parameters("select :a, :b", {"a": "1"})


def test_a_value_without_name_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"Unused parameters: \[b, c\]"):
        bind_parameters("select :a", {"a": "1", "b": "2", "c": "3"})


@given(st.text(min_size=1))
def test_the_text_does_not_depend_on_the_value(value: str) -> None:
    assert bind_parameters("select :a || ':a'", {"a": value}) == ("select $1 || ':a'", [value])
