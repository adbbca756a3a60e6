"""The language of RSQL scripts: pieces, variables, arguments, conditions, flow, reports, formats, options."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from landfall_emulator.dialect.execute import Outcome, ResultColumn

from sandbox.rsql.arguments import split_arguments
from sandbox.rsql.expressions import ExpressionError, evaluate
from sandbox.rsql.flow import Flow, FlowError
from sandbox.rsql.options import Options, UsageError, parse
from sandbox.rsql.output import Format, SettingError, render
from sandbox.rsql.reports import Report, ReportError
from sandbox.rsql.script import pieces
from sandbox.rsql.variables import Variables


def variables(**values: str) -> Variables:
    made = Variables()
    for name, value in values.items():
        made[name] = value
    return made


def test_a_script_is_cut_into_sql_ends_and_commands() -> None:
    found = [
        (p.kind, p.text, p.rest) for p in pieces("select '\\x;';\n\\echo don't ; \\n\nselect 2\\gset p_\n")
    ]

    joined = "".join(text for kind, text, _ in found if kind == "sql").split()
    assert joined == ["select", "'\\x;'", "select", "2"]
    assert [(text, rest) for kind, text, rest in found if kind == "meta"] == [
        ("echo", "don't ; \\n"),
        ("gset", "p_"),
    ]
    assert sum(kind == "end" for kind, _, _ in found) == 1


@given(st.text(alphabet="ab'\"\\;()\n$-/*", max_size=60))
def test_no_script_breaks_the_reader(script: str) -> None:
    for piece in pieces(script):
        assert piece.kind in ("sql", "end", "meta")


def test_variables_are_substituted_outside_literals_only() -> None:
    known = variables(t="tab", v="it's")

    assert known.substitute("select ':v', :'v', :\"t\", x::t, :unknown from :t -- :v") == (
        "select ':v', 'it''s', \"tab\", x::t, :unknown from tab -- :v"
    )


def test_rsqls_own_variables_are_found_in_either_case() -> None:
    known = Variables()
    known.failed("42P01", "gone")

    assert (known["error"], known["ErrorCode"], known["ACTIVITYCOUNT"]) == ("true", "42P01", "0")
    assert "other" not in known


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"'a b\n' c", ["a b\n", "c"]),
        ("'it''s' x'y'z", ["it's", "xyz"]),
        (":v :'v' :nope", ["1 2", "'1 2'", ":nope"]),
        ('"keeps quotes"', ['"keeps quotes"']),
        ("`printf 'x y'`", ["x y"]),
        ("", []),
    ],
)
def test_arguments(text: str, expected: list[str]) -> None:
    assert split_arguments(text, variables(v="1 2")) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (":ERROR <> 0", False),
        (":ERROR", False),
        ("NOT :ERROR", True),
        (":'ERRORCODE' = '00000'", True),
        (":ACTIVITYCOUNT > 0", True),
        (":n >= 10 AND :n < 11", True),
        ("(:n = 9 OR :n = 10) and not false", True),
        (":name = 'O''Hara' ;", True),
        ("'10' = 10.0", True),
        ("abc < abd", True),
        ("1", True),
        ("off", False),
    ],
)
def test_conditions(condition: str, expected: bool) -> None:
    known = variables(n="10", name="O'Hara")
    known.succeeded(3)

    assert evaluate(condition, known) is expected


def test_an_error_is_seen_by_the_condition() -> None:
    known = Variables()
    known.failed("23505", "double")

    assert evaluate(":ERROR <> 0", known)
    assert evaluate(":ERROR = 1 AND :ACTIVITYCOUNT = 0", known)


@pytest.mark.parametrize("condition", ["", ":unknown", "1 =", "1 = 1 2", "(1", "AND", "maybe"])
def test_a_bad_condition_is_an_error(condition: str) -> None:
    with pytest.raises(ExpressionError, match="Boolean expression expected"):
        evaluate(condition, Variables())


@given(st.text(max_size=30))
def test_a_variables_value_is_one_operand_whatever_it_contains(value: str) -> None:
    assert evaluate(":a = :b", variables(a=value, b=value))


def test_only_one_branch_runs() -> None:
    flow = Flow()
    flow.begin(False)
    flow.otherwise(True, last=False)
    second = flow.active
    flow.otherwise(True, last=True)
    third = flow.active
    flow.finish()

    assert (second, third, flow.active) == (True, False, True)


def test_nothing_inside_a_skipped_block_runs() -> None:
    flow = Flow()
    flow.begin(False)
    flow.begin(True)
    inner = flow.active
    flow.otherwise(True, last=True)

    assert not inner
    assert not flow.active


def test_goto_leaves_its_block_and_goes_on_at_the_label() -> None:
    flow = Flow()
    flow.begin(True)
    flow.seek("B")
    flow.finish()

    assert flow.reach("A") is False
    assert not flow.active
    assert flow.reach("b") is True
    assert flow.active


def test_blocks_must_fit() -> None:
    with pytest.raises(FlowError, match="no matching"):
        Flow().finish()


def test_error_levels() -> None:
    report = Report()
    report.set("errorlevel 42P01, 42703 severity 2")
    report.set("errorlevel * severity 5")

    assert [report.severity(code) for code in ("42P01", "42703", "22012")] == [2, 2, 5]
    assert report.set("maxerror 7") == "Maxerror is 7."
    assert report.set("maxerror 0") == "Maxerror is default."
    assert report.maximum is None
    with pytest.raises(ReportError, match="unknown option"):
        report.set("colour red")


def result(*rows: tuple[str | None, ...]) -> Outcome:
    return Outcome(
        "SELECT", len(rows), (ResultColumn("id", 23, -1), ResultColumn("name", 25, -1)), list(rows)
    )


def test_the_aligned_table_is_psqls() -> None:
    assert render(result(("1", "x"), ("20", None)), Format()) == (
        " id | name \n----+------\n  1 | x\n 20 |\n(2 rows)\n\n"
    )


def test_other_formats() -> None:
    one = result(("1", "a,b"))

    assert render(one, Format(format="unaligned")) == "id|name\n1|a,b\n(1 row)\n"
    assert render(one, Format(format="unaligned", tuples_only=True, fieldsep=";")) == "1;a,b\n"
    assert render(one, Format(format="csv")) == 'id,name\n1,"a,b"\n'
    assert render(one, Format(expanded=True)) == "-[ RECORD 1 ]\nid   | 1\nname | a,b\n\n"
    assert "<td>a,b</td>" in render(one, Format(format="html"))


def test_an_unknown_setting_is_an_error() -> None:
    with pytest.raises(SettingError, match="unknown option: colour"):
        Format().with_setting("colour", "red")


def test_the_command_line_wins_over_the_environment() -> None:
    options = parse(
        ["-hdb", "-p5000", "-Ume", "-ddev", "-f", "a.sql", "-v", "X=1", "-tA", "-F;", "-c", "select 1"],
        {"PGHOST": "other", "PGPORT": "1", "PGPASSWORD": "secret"},
    )

    assert isinstance(options, Options)
    assert (options.connection.host, options.connection.port, options.connection.user) == ("db", 5000, "me")
    assert options.connection.password == "secret"
    assert options.actions == (("file", "a.sql"), ("command", "select 1"))
    assert options.variables == (("X", "1"),)
    assert dict(options.settings) == {"format": "unaligned", "tuples_only": "on", "fieldsep": ";"}


def test_the_environment_and_the_default_port() -> None:
    options = parse([], {"PGHOST": "h", "PGUSER": "u", "RSPASSWORD": "first", "PGPASSWORD": "second"})

    assert isinstance(options, Options)
    assert (options.connection.port, options.connection.database) == (5439, "u")
    assert options.connection.password == "first"


def test_a_data_source(tmp_path: Path) -> None:
    (tmp_path / "odbc.ini").write_text("[etl]\nServer=db\nPort=5440\nDatabase=dev\nUID=me\nPwd=pw%1\n")
    options = parse(["-D", "etl"], {"ODBCINI": str(tmp_path / "odbc.ini")})

    assert isinstance(options, Options)
    assert options.connection.host == "db"
    assert (options.connection.port, options.connection.database, options.connection.user) == (
        5440,
        "dev",
        "me",
    )
    assert options.connection.password == "pw%1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--colour"], "unrecognized arguments"),
        (["-p", "x"], "invalid port"),
        (["-v", "=1"], "invalid assignment"),
        (["-D", "nope"], "not found"),
        (["a", "b", "c"], "extra command-line argument"),
    ],
)
def test_wrong_use_is_one_sentence(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(arguments, {"ODBCINI": "/nonexistent"})
