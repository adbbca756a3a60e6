"""UNLOAD: the rows of a query into objects."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import psycopg
from psycopg import sql

from landfall_emulator.dialect.errors import WarehouseError
from landfall_emulator.dialect.objects import (
    S3Factory,
    address,
    compress,
    delete_objects,
    list_keys,
    write_object,
)
from landfall_emulator.dialect.transfers import Options, Unload
from landfall_emulator.dialect.translate import translate

_SLICES = 2
_NOT_EMPTY = (
    "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, manually "
    "removing "
    "the target files in S3, or using the ALLOWOVERWRITE option."
)
_NUMBERS = frozenset({20, 21, 23, 26, 700, 701, 1700})
_BOOLEAN = 16
_JSON_TYPES = frozenset({114, 3802})

_Row = tuple[str | None, ...]


def export(connection: psycopg.Connection[Any], unload: Unload, s3_factory: S3Factory) -> int:
    """Run the UNLOAD and return the rows written.

    Names of the objects are Redshift's: `<prefix>0000_part_00`, … one per slice, `<prefix>000` with PARALLEL
    OFF, `<prefix>manifest`.

    Raises:
        WarehouseError: the destination is not empty, or S3 refuses.
        psycopg.Error: the query fails.
    """
    options = unload.options
    names, oids, rows = _query(connection, unload.query)
    s3 = s3_factory()
    bucket, prefix = address(unload.target)
    present = list_keys(s3, bucket, prefix)
    if options.clean_path:
        delete_objects(s3, bucket, present)
    elif present and not options.allow_overwrite:
        raise WarehouseError(_NOT_EMPTY, "XX000")
    if options.parallel:
        parts = [(f"{number:04d}_part_00", rows[number::_SLICES]) for number in range(_SLICES)]
    else:
        parts = [("000", rows)]
    entries = []
    for name, part in parts:
        data, suffix = compress(_render(names, oids, part, options), options.compression)
        key = f"{prefix}{name}{options.extension}{suffix}"
        write_object(s3, bucket, key, data)
        entries.append({"url": f"s3://{bucket}/{key}", "meta": {"content_length": len(data)}})
    if options.manifest:
        write_object(s3, bucket, f"{prefix}manifest", json.dumps({"entries": entries}, indent=1).encode())
    return len(rows)


def _query(connection: psycopg.Connection[Any], query: str) -> tuple[list[str], list[int], list[_Row]]:
    """Column names, type numbers and rows as text."""
    translated = translate(query)
    text = sql.SQL(translated)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT * FROM ({}) AS unloaded LIMIT 0").format(text))
        description = cursor.description or []
        rows: list[_Row] = []
        with cursor.copy(sql.SQL("COPY ({}) TO STDOUT").format(text)) as stream:
            rows.extend(stream.rows())
    return [column.name for column in description], [column.type_code for column in description], rows


def _render(names: list[str], oids: list[int], rows: list[_Row], options: Options) -> bytes:
    """One object's content."""
    if options.format == "json":
        lines = [
            json.dumps(
                {name: _json_value(value, oid) for name, value, oid in zip(names, row, oids, strict=True)},
                ensure_ascii=False, separators=(",", ":"),
            )
            for row in rows
        ]  # fmt: skip
        return "".join(f"{line}\n" for line in lines).encode()
    if options.format == "csv":
        return _csv(names, rows, options)
    delimiter = options.delimiter or "|"
    lines = [delimiter.join(names)] if options.header else []
    lines += [delimiter.join(_field(value, delimiter, options) for value in row) for row in rows]
    return "".join(f"{line}\n" for line in lines).encode()


def _csv(names: list[str], rows: list[_Row], options: Options) -> bytes:
    """Comma-separated values; NULL is an empty field unless NULL AS says otherwise."""
    out = io.StringIO(newline="")
    writer = csv.writer(
        out,
        delimiter=options.delimiter or ",",
        lineterminator="\n",
        quoting=csv.QUOTE_ALL if "addquotes" in options.flags else csv.QUOTE_MINIMAL,
    )
    if options.header:
        writer.writerow(names)
    null = options.null or ""
    for row in rows:
        writer.writerow([null if value is None else value for value in row])
    return out.getvalue().encode()


def _field(value: str | None, delimiter: str, options: Options) -> str:
    """A field of a delimited file."""
    if value is None:
        return options.null if options.null is not None else ("\\N" if "escape" in options.flags else "")
    if "escape" in options.flags:
        for special in ("\\", "\n", "\r", '"', "'", delimiter):
            value = value.replace(special, f"\\{special}")
    if "addquotes" in options.flags:
        doubled = value.replace('"', '""')
        return f'"{doubled}"'
    return value


def _json_value(value: str | None, oid: int) -> Any:
    """A value with its JSON type."""
    if value is None:
        return None
    if oid == _BOOLEAN:
        return value == "t"
    if oid in _JSON_TYPES:
        return json.loads(value)
    if oid in _NUMBERS and value not in ("NaN", "Infinity", "-Infinity"):
        return float(value) if any(mark in value for mark in ".eE") else int(value)
    return value
