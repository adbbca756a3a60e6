"""SQL is cut without losing a character, and only where a statement really ends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from landfall_emulator.dialect import split_statements, tokenize
from landfall_emulator.dialect.lexer import join

# Whole pieces of SQL that hide a semicolon; none of them ends a statement.
HIDDEN = st.sampled_from([
    "'a;b'", "'it''s; fine'", r"'back\'s;lash'", '"na;me"', "$$ a; b $$", "$tag$ $$;$$ $tag$",
    "/* ; /* ; */ */", "-- ; '\n", "(a; b)", "E'x;\\'y'", "''", '""', "x", "1.5", "::", ":p", "$1",
])  # fmt: skip
ANY_SQL = st.text(alphabet="ab;'\"$\\/*-()\n :e1#é", max_size=60)


@given(ANY_SQL)
def test_tokens_joined_are_the_source(sql: str) -> None:
    assert join(tokenize(sql)) == sql


@given(st.lists(st.lists(HIDDEN, min_size=1, max_size=5), max_size=6))
def test_a_script_of_n_statements_is_cut_into_n(statements: list[list[str]]) -> None:
    texts = ["select " + " ".join(parts) for parts in statements]

    assert split_statements(";\n".join(texts)) == [text.strip() for text in texts]


@given(ANY_SQL)
def test_cutting_twice_changes_nothing(sql: str) -> None:
    # A closing semicolon in an unfinished quote may stay: what was cut once must not be cut again.
    for statement in split_statements(sql):
        assert split_statements(statement) == [statement]


def test_comments_alone_are_no_statement() -> None:
    assert split_statements("-- one\n; /* two */ ;;\n") == []


def test_a_comment_before_a_statement_stays_with_it() -> None:
    assert split_statements("/* why */ select 1; select 2 -- last") == [
        "/* why */ select 1",
        "select 2 -- last",
    ]


def test_a_procedure_body_is_one_statement() -> None:
    body = "create procedure p() as $$ begin insert into t values (';'); end; $$ language plpgsql"

    assert split_statements(f"{body}; call p();") == [body, "call p()"]


def test_an_open_quote_takes_the_rest() -> None:
    assert split_statements("select 'a; select 2") == ["select 'a; select 2"]
