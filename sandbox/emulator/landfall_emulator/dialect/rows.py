"""The rows of the files that COPY loads: delimited text, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from landfall_emulator.dialect.transfers import Options

Values = list[str | None]

_JSON_STEP = re.compile(r"\.([A-Za-z_][\w]*)|\[(\d+)\]|\[['\"]([^'\"]+)['\"]\]")


class RowError(ValueError):
    """A line that cannot be loaded."""

    def __init__(self, line: int, message: str, column: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.column = column


@dataclass(frozen=True)
class Column:
    """A column to load: its name, whether it holds characters, and the greatest length."""

    name: str
    text: bool
    length: int | None


def read_rows(
    data: bytes, columns: list[Column], options: Options, json_paths: list[str] | None
) -> Iterator[tuple[int, Values]]:
    """Line number (from 1) and values of each row, in the order of `columns`.

    Raises:
        RowError: a line does not fit the columns, or is not UTF-8.
    """
    text = _decode(data, options)
    if options.format == "json":
        rows = _json_rows(text, columns, json_paths)
    elif options.format == "csv":
        rows = _csv_rows(text, options)
    else:
        rows = _delimited_rows(text, options)
    for line, values in rows:
        if options.format != "json":
            if line <= options.ignore_header:
                continue
            values = _fit(line, values, columns, options)
        yield line, [_convert(value, column, options) for value, column in zip(values, columns, strict=True)]


def _decode(data: bytes, options: Options) -> str:
    """UTF-8 with or without a byte-order mark."""
    try:
        return data.decode("utf-8-sig", errors="replace" if "acceptinvchars" in options.flags else "strict")
    except UnicodeDecodeError as broken:
        line = data.count(b"\n", 0, broken.start) + 1
        found = f"Bad UTF8 hex sequence: {data[broken.start]:02x}"
        raise RowError(line, f"String contains invalid or unsupported UTF8 codepoints. {found}") from broken


def _csv_rows(text: str, options: Options) -> Iterator[tuple[int, Values]]:
    """RFC 4180 rows; a quoted field may hold line breaks."""
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=options.delimiter or ",",
        quotechar=options.quote,
        doublequote=True,
        strict=True,
    )
    line = 1
    try:
        for values in reader:
            if values:
                yield line, list(values)
            line = reader.line_num + 1
    except csv.Error as broken:
        raise RowError(line, f"Invalid quote formatting for CSV: {broken}") from broken


def _delimited_rows(text: str, options: Options) -> Iterator[tuple[int, Values]]:
    """Lines cut at the delimiter; with ESCAPE a backslash takes the next character as it is."""
    delimiter = options.delimiter or "|"
    escape = "escape" in options.flags
    lines = re.split(r"(?<!\\)\r?\n", text) if escape else text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    number = 0
    for raw in lines:
        number += 1
        line = raw.removesuffix("\r")
        if not line.strip() and "ignoreblanklines" in options.flags:
            continue
        fields = _escaped_fields(line, delimiter, options) if escape else list(line.split(delimiter))
        if "removequotes" in options.flags:
            fields = [_unquoted(field) for field in fields]
        yield number, fields
        number += raw.count("\n")


def _escaped_fields(line: str, delimiter: str, options: Options) -> Values:
    """Fields of a line with escapes; the NULL marker is compared before it is unescaped."""
    null = "\\N" if options.null is None else options.null
    fields: Values = []
    for raw in re.split(rf"(?<!\\){re.escape(delimiter)}", line):
        fields.append(None if raw == null else re.sub(r"\\(.)", r"\1", raw, flags=re.DOTALL))
    return fields


def _unquoted(field: str | None) -> str | None:
    """A field without the quotation marks around it."""
    if field and len(field) >= 2 and field[0] == field[-1] and field[0] in "'\"":
        return field[1:-1]
    return field


def _fit(line: int, values: Values, columns: list[Column], options: Options) -> Values:
    """As many values as columns, or the service's word for what is wrong."""
    # A delimiter at the end of the line is allowed in delimited files.
    if len(values) == len(columns) + 1 and not values[-1] and options.format != "csv":
        values = values[:-1]
    if len(values) > len(columns):
        raise RowError(line, "Extra column(s) found")
    if len(values) < len(columns):
        if "fillrecord" not in options.flags:
            raise RowError(line, "Delimiter not found", columns[len(values)].name)
        values = values + [None] * (len(columns) - len(values))
    return values


def _convert(value: str | None, column: Column, options: Options) -> str | None:
    """One value as PostgreSQL shall read it."""
    if value is None or value == ("\\N" if options.null is None else options.null):
        return None
    if not column.text:
        return None if not value.strip() else value.strip()
    if value == "" and "emptyasnull" in options.flags:
        return None
    if value.isspace() and "blanksasnull" in options.flags:
        return None
    if "trimblanks" in options.flags:
        value = value.rstrip(" ")
    if "truncatecolumns" in options.flags and column.length is not None:
        value = value[: column.length]
    return value


def _json_rows(text: str, columns: list[Column], paths: list[str] | None) -> Iterator[tuple[int, Values]]:
    """Objects one after another, or in one array; members by column name, or by path."""
    decoder = json.JSONDecoder(parse_float=str)
    at = 0
    while True:
        while at < len(text) and (text[at].isspace() or text[at] == ","):
            at += 1
        if at >= len(text):
            return
        line = text.count("\n", 0, at) + 1
        try:
            value, at = decoder.raw_decode(text, at)
        except ValueError as broken:
            raise RowError(line, f"Invalid JSON: {broken}") from broken
        for record in value if isinstance(value, list) and paths is None else [value]:
            if paths is not None:
                found = [_by_path(record, path) for path in paths]
                if len(found) != len(columns):
                    raise RowError(line, "Number of jsonpaths and the number of columns should match")
                yield line, [_json_text(item) for item in found]
            elif not isinstance(record, dict):
                raise RowError(line, "Invalid JSON: an object was expected")
            else:
                yield line, [_json_text(record.get(column.name)) for column in columns]


def _by_path(record: Any, path: str) -> Any:
    """The value at a path such as `$.a['b'][0]`; nothing there is null."""
    for name, position, quoted in _JSON_STEP.findall(path.removeprefix("$")):
        key: str | int = int(position) if position else name or quoted
        if isinstance(key, int):
            record = record[key] if isinstance(record, list) and key < len(record) else None
        else:
            record = record.get(key) if isinstance(record, dict) else None
    return record


def _json_text(value: Any) -> str | None:
    """A JSON value as text: strings bare, objects and arrays as JSON."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
