"""Splitting and quoting of SQL: laws, and the opinion of a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from landfall_emulator.dialect import bind_parameters
from landfall_emulator.dialect import split_statements as split_by_the_warehouse

from landfall.config.sql import split_statements
from sandbox.rsql.variables import Variables
from sandbox.warehouse import start_postgres

ANY = st.text("select'\"$;-/*\\ \n\tab1é", max_size=60) | st.text(max_size=30)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30) | st.sampled_from(
    [
        "'; drop table canary; --",
        "\\'; drop table canary; --",
        "$$; drop table canary; $$",
        "*/ --",
        "%s",
        ":v",
    ]
)


def literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def dollar(text: str) -> str:
    """A text between dollar quotes of a tag that it does not hold."""
    tag = next(f"$t{number}$" for number in range(100) if f"$t{number}" not in text)
    return f"{tag}{text}{tag}"


HIDDEN = st.text("a;'\"$-/*\n ", max_size=12)
PIECES = (
    st.sampled_from(["select 1", "a$1", "x::int", "+", "()"])
    | HIDDEN.map(literal)
    | HIDDEN.map(dollar)
    | HIDDEN.map(lambda text: '"' + text.replace('"', '""') + '"')
    | st.text("a;'$ ", max_size=8).map(lambda text: f"/* {text} /* ; */ {text} */")
    | st.text("a;'\"$/* ", max_size=8).map(lambda text: f"-- {text}\n")
)
STATEMENTS = st.lists(PIECES, max_size=5).map(lambda pieces: " ".join(["select 1", *pieces, ", 2"]))


@given(st.lists(STATEMENTS, max_size=6))
def test_as_many_statements_come_out_as_went_in(statements: list[str]) -> None:
    assert split_statements(";".join(statements)) == tuple(statements)
    assert split_statements(" ;\n;; ".join(statements) + ";") == tuple(statements)


@given(ANY)
@example("\x85")
@example("\x1c;\u3000")
def test_splitting_again_changes_nothing_and_loses_nothing(text: str) -> None:
    statements = split_statements(text)
    for statement in statements:
        assert statement in text
        assert split_statements(statement) == (statement,)
    once_more = split_statements(";\n".join(statements))
    open_at_the_end = [
        one for one in statements if split_statements(f"{one}\n;select 1") != (one, "select 1")
    ]
    # Only the last one may be open: half of a statement takes the rest of the text.
    assert open_at_the_end in ([], list(statements[-1:]))
    assert once_more == statements


@given(st.lists(STATEMENTS, max_size=4))
def test_config_and_warehouse_split_alike(statements: list[str]) -> None:
    text = ";\n".join(statements)
    assert len(split_by_the_warehouse(text)) == len(split_statements(text))


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection[Any]]:
    """A PostgreSQL of this module's own, with a table that nothing may touch."""
    server = start_postgres(tmp_path_factory.mktemp("sql"))
    try:
        with psycopg.connect(
            host=server.dsn.host, port=server.dsn.port, user=server.dsn.admin_user,
            password=server.dsn.admin_password, dbname=server.dsn.database, autocommit=True,
        ) as connection:  # fmt: skip
            connection.execute("create table canary (a int)")
            yield connection
            assert connection.execute("select count(*) from canary").fetchone() == (0,)
    finally:
        server.stop()


OF_THE_DATABASE = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.emulator
@OF_THE_DATABASE
@given(value=VALUES)
def test_a_bound_value_arrives_as_it_is(warehouse: psycopg.Connection[Any], value: str) -> None:
    sql, values = bind_parameters(
        'select :v::text, \':v\', ":v".a from (select 1 as a) as ":v"', {"v": value}
    )
    with psycopg.RawCursor(warehouse) as cursor:
        assert cursor.execute(sql, values).fetchone() == (value, ":v", 1)


@pytest.mark.emulator
@OF_THE_DATABASE
@given(value=VALUES)
def test_a_quoted_variable_of_a_script_is_one_literal(warehouse: psycopg.Connection[Any], value: str) -> None:
    variables = Variables()
    variables["v"] = value
    sql = variables.substitute("select :'v'")
    with psycopg.RawCursor(warehouse) as cursor:
        assert cursor.execute(sql.encode()).fetchone() == (value,)


COMMENTS = st.sampled_from(["", "/* ; ' /* $$ */ */", "-- ; ' $$ /*\n", '/* " */'])
COLUMNS = st.tuples(HIDDEN, st.sampled_from([literal, dollar]), COMMENTS)


@pytest.mark.emulator
@OF_THE_DATABASE
@given(statements=st.lists(st.lists(COLUMNS, min_size=1, max_size=3), min_size=1, max_size=4))
def test_postgresql_sees_the_same_statements(
    warehouse: psycopg.Connection[Any], statements: list[list[tuple[str, Any, str]]]
) -> None:
    texts = [
        "select " + ", ".join(f"{quoted(value)}{comment}" for value, quoted, comment in columns)
        for columns in statements
    ]
    assert split_statements(";".join(texts)) == tuple(text.strip() for text in texts)
    with psycopg.ClientCursor(warehouse) as cursor:
        cursor.execute(";".join(texts).encode())
        results = [cursor.fetchall()]
        while cursor.nextset():
            results.append(cursor.fetchall())
    assert results == [[tuple(value for value, _, _ in columns)] for columns in statements]
