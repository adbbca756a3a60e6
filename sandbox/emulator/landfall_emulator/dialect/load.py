"""COPY: objects into a table, all of them or none."""

from __future__ import annotations

import json
import re
from typing import Any

import psycopg
from psycopg import sql

from landfall_emulator.dialect.errors import WarehouseError, failure_of
from landfall_emulator.dialect.objects import S3Factory, address, read_object, source_objects
from landfall_emulator.dialect.rows import Column, RowError, Values, read_rows
from landfall_emulator.dialect.transfers import Copy

_CONTEXT = re.compile(r"COPY .*?, line (\d+)(?:, column (\S+?):)?")
_COLUMNS = """
SELECT a.attname, t.typcategory = 'S',
       CASE WHEN t.typcategory = 'S' AND a.atttypmod > 4 THEN a.atttypmod - 4 END, a.attidentity <> ''
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""


def load(connection: psycopg.Connection[Any], copy: Copy, s3_factory: S3Factory) -> int:
    """Run the COPY on an autocommit connection (or in the transaction that is open) and return the rows
    loaded.

    What cannot be loaded is written to `sys_load_error_detail` in a session of its own, because the load's
    own transaction is rolled back.

    Raises:
        WarehouseError: nothing was loaded.
    """
    columns = _target_columns(connection, copy)
    s3 = s3_factory()
    rows: list[Values] = []
    origins: list[tuple[str, int]] = []
    paths = _json_paths(s3, copy)
    for bucket, key in source_objects(s3, copy.source, manifest=copy.options.manifest):
        name = f"s3://{bucket}/{key}"
        data = read_object(s3, bucket, key, copy.options.compression)
        try:
            for line, values in read_rows(data, columns, copy.options, paths):
                rows.append(values)
                origins.append((name, line))
        except RowError as broken:
            raise _refused(connection, copy.table, name, broken.line, broken.column, str(broken)) from broken
    if "noload" in copy.options.flags:
        return 0
    # The table's name comes from the statement's own tokens and stands where a name stands; columns are
    # quoted.
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.SQL(copy.table), names)
    try:
        with connection.cursor() as cursor, cursor.copy(statement) as stream:
            for values in rows:
                stream.write_row(values)
    except psycopg.DataError as refused:
        raise _traced(connection, copy.table, refused, origins) from refused
    except psycopg.IntegrityError as refused:
        raise _traced(connection, copy.table, refused, origins) from refused
    return len(rows)


def _target_columns(connection: psycopg.Connection[Any], copy: Copy) -> list[Column]:
    """The columns to fill, in the order of the file."""
    with connection.cursor() as cursor:
        found = cursor.execute(_COLUMNS, (copy.table,)).fetchall()
    if not found:
        raise WarehouseError(f"Cannot COPY into nonexistent table {copy.table.strip(chr(34))}", "42P01")
    known = {name: Column(name, text, length) for name, text, length, _ in found}
    if not copy.columns:
        explicit = "explicit_ids" in copy.options.flags
        return [known[name] for name, _, _, identity in found if explicit or not identity]
    columns = []
    for written in copy.columns:
        name = written[1:-1].replace('""', '"') if written.startswith('"') else written.lower()
        if name not in known:
            raise WarehouseError(f'column "{name}" of relation "{copy.table}" does not exist', "42703")
        columns.append(known[name])
    return columns


def _json_paths(s3: Any, copy: Copy) -> list[str] | None:
    """The paths of a JSONPaths file; `None` with JSON 'auto'."""
    given = copy.options.json
    if copy.options.format != "json" or given.lower() == "auto":
        return None
    if not given.lower().startswith("s3://"):
        raise WarehouseError(
            f"JSON option '{given}' is not valid: use 'auto' or the address of a JSONPaths file", "22023"
        )
    try:
        paths = json.loads(read_object(s3, *address(given)))["jsonpaths"]
    except (ValueError, KeyError, TypeError) as broken:
        raise WarehouseError(f"{given} is not a JSONPaths file", "22023") from broken
    return [str(path) for path in paths]


def _traced(
    connection: psycopg.Connection[Any], table: str, refused: psycopg.Error, origins: list[tuple[str, int]]
) -> WarehouseError:
    """The database's refusal with the file and line that it comes from."""
    match = _CONTEXT.search(refused.diag.context or "")
    number = int(match.group(1)) - 1 if match else 0
    file, line = origins[number] if number < len(origins) else ("", 0)
    column = refused.diag.column_name or (match.group(2) if match and match.group(2) else "")
    return _refused(connection, table, file, line, column, failure_of(refused).message)


def _refused(
    connection: psycopg.Connection[Any], table: str, file: str, line: int, column: str, message: str
) -> WarehouseError:
    """Record the load error and make Redshift's message for it."""
    info = connection.info
    with psycopg.connect(
        host=info.host,
        port=info.port,
        dbname=info.dbname,
        user=info.user,
        password=info.password,
        autocommit=True,
    ) as other:
        other.execute(
            "SELECT landfall_record_load_error(%s, %s, %s, %s, %s)", (table, file, line, column, message)
        )
    return WarehouseError(
        f"Load into table '{table}' failed. Check 'sys_load_error_detail' system table for details.",
        "XX000",
        f"{file} line {line}{f' column {column}' if column else ''}: {message}",
    )
