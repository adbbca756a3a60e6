"""COPY and UNLOAD are read as Redshift reads them, and their files row by row."""

from __future__ import annotations

import pytest
from landfall_emulator.dialect import NotAvailable
from landfall_emulator.dialect.errors import WarehouseError
from landfall_emulator.dialect.rows import Column, RowError, read_rows
from landfall_emulator.dialect.transfers import Copy, Options, Unload, parse_transfer

ROLE = "iam_role 'arn:aws:iam::111111111111:role/load'"
COLUMNS = [Column("a", False, None), Column("b", True, 3)]


def rows(data: bytes, sql: str, columns: list[Column] | None = None) -> list[tuple[int, list[str | None]]]:
    copy = parse_transfer(f"copy t from 's3://b/k' {ROLE} {sql}")
    assert isinstance(copy, Copy)
    return list(read_rows(data, columns or COLUMNS, copy.options, None))


def test_copy_is_read_with_its_options() -> None:
    copy = parse_transfer(
        f"COPY s.t (a, \"B\") FROM 's3://bucket/in/' {ROLE} CSV QUOTE AS '%' DELIMITER '\\t' GZIP "
        "IGNOREHEADER AS 2 MANIFEST NULL AS 'nil' TRUNCATECOLUMNS COMPUPDATE OFF "
        "STATUPDATE ON REGION 'eu-central-1' MAXERROR 0;"
    )

    assert isinstance(copy, Copy)
    assert (copy.table, copy.columns, copy.source) == ("s.t", ("a", '"B"'), "s3://bucket/in/")
    assert copy.options == Options(
        format="csv", delimiter="\t", quote="%", compression="gzip", null="nil", ignore_header=2,
        manifest=True, flags={"truncatecolumns"},
    )  # fmt: skip


def test_unload_keeps_the_query_with_its_quotes() -> None:
    for query in (r"'select * from t where a = \'x\''", "'select * from t where a = ''x'''"):
        unload = parse_transfer(f"unload ({query}) to 's3://b/out_' {ROLE} header parallel off")

        assert isinstance(unload, Unload)
        assert unload.query == "select * from t where a = 'x'"
        assert (unload.options.header, unload.options.parallel) == (True, False)


def test_other_statements_are_no_transfer() -> None:
    assert parse_transfer("select 'copy t from'") is None


@pytest.mark.parametrize(
    ("sql", "error", "message"),
    [
        ("copy t from 's3://b/k' csv", WarehouseError, "IAM_ROLE"),
        (f"copy t from 's3://b/k' {ROLE} colour 'red'", WarehouseError, 'syntax error at or near "colour"'),
        ("copy t from 's3://b/k' iam_role 'me'", WarehouseError, "Invalid IAM role ARN"),
        (f"copy t from 's3://b/k' {ROLE} delimiter", WarehouseError, "syntax error at end of input"),
        ("copy t", WarehouseError, "syntax error at end of input"),
        (f"copy t from 's3://b/k' {ROLE} format as parquet", NotAvailable, "FORMAT PARQUET"),
        (f"copy t from 's3://b/k' {ROLE} maxerror 10", NotAvailable, "MAXERROR"),
        ("copy t from 's3://b/k' access_key_id 'a' secret_access_key 'b'", NotAvailable, "ACCESS_KEY_ID"),
        (f"copy t from 'emr://b/k' {ROLE}", NotAvailable, "Amazon S3 only"),
    ],
)
def test_what_cannot_be_done_is_refused(sql: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        parse_transfer(sql)


def test_delimited_text() -> None:
    assert rows(b"1|x\n2|\n|y|\n", "") == [(1, ["1", "x"]), (2, ["2", ""]), (3, [None, "y"])]


def test_delimited_text_with_escapes() -> None:
    assert rows(b"1|a\\|b\n2|c\\\nd\n3|\\N\n", "escape") == [
        (1, ["1", "a|b"]),
        (2, ["2", "c\nd"]),
        (4, ["3", None]),
    ]


def test_csv_with_header_quotes_and_line_breaks() -> None:
    assert rows(b'a,b\r\n1,"x,""y"\r\n2,"p\nq"\r\n', "csv ignoreheader 1") == [
        (2, ["1", 'x,"y']),
        (3, ["2", "p\nq"]),
    ]


def test_values_that_stand_for_null() -> None:
    assert rows(b"nil,nil\n,\n", "csv null 'nil' emptyasnull") == [(1, [None, None]), (2, [None, None])]


def test_columns_are_truncated_on_request_only() -> None:
    assert rows(b"1,abcd\n", "csv truncatecolumns") == [(1, ["1", "abc"])]
    assert rows(b"1,abcd\n", "csv") == [(1, ["1", "abcd"])]


def test_json_objects_one_after_another() -> None:
    data = b'{"a": 1, "b": "x"}\n{"b": {"k": [1.50]}}'

    assert rows(data, "json 'auto'") == [(1, ["1", "x"]), (2, [None, '{"k": ["1.50"]}'])]


@pytest.mark.parametrize(
    ("data", "sql", "line", "message"),
    [
        (b"1,x\n2\n", "csv", 2, "Delimiter not found"),
        (b"1,x,y\n", "csv", 1, r"Extra column\(s\) found"),
        (b"1|x\n2|\xff\n", "", 2, "Bad UTF8 hex sequence: ff"),
        (b'{"a": 1}\n{"a": ', "json 'auto'", 2, "Invalid JSON"),
        (b"[1]", "json 'auto'", 1, "an object was expected"),
    ],
)
def test_a_bad_line_is_named(data: bytes, sql: str, line: int, message: str) -> None:
    with pytest.raises(RowError, match=message) as refused:
        rows(data, sql)

    assert refused.value.line == line


def test_short_records_are_filled_on_request() -> None:
    assert rows(b"1\n", "fillrecord") == [(1, ["1", None])]
