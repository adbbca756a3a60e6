"""ListDatabases, ListSchemas, ListTables and DescribeTable: answered at once from the database's catalog."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import psycopg

from landfall_emulator.dialect.errors import WarehouseError, failure_of
from landfall_emulator.dialect.execute import ResultColumn
from landfall_emulator.redshift_data.connections import connect
from landfall_emulator.redshift_data.exceptions import (
    DatabaseConnectionException,
    ResourceNotFoundException,
    ValidationException,
)
from landfall_emulator.redshift_data.limits import CATALOG_PAGE
from landfall_emulator.redshift_data.model import Target
from landfall_emulator.redshift_data.results import column_metadata, make_token, read_token

_DATABASES = """
SELECT datname FROM pg_database WHERE NOT datistemplate AND datallowconn AND datname <> 'postgres' ORDER BY
datname
"""
_SCHEMAS = r"""
SELECT nspname FROM pg_namespace
WHERE nspname NOT LIKE 'pg\_toast%%' AND nspname NOT LIKE 'pg\_temp\_%%' AND nspname LIKE %s ORDER BY nspname
"""
_TABLES = r"""
SELECT c.relname, n.nspname,
       CASE WHEN n.nspname IN ('pg_catalog', 'information_schema')
              THEN CASE WHEN c.relkind = 'v' THEN 'SYSTEM VIEW' ELSE 'SYSTEM TABLE' END
            WHEN c.relkind IN ('v', 'm') THEN 'VIEW' ELSE 'TABLE' END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname NOT LIKE 'pg\_toast%%' AND n.nspname NOT LIKE
'pg\_temp\_%%'   AND n.nspname LIKE %s AND c.relname LIKE %s
  AND (has_table_privilege(c.oid, 'SELECT') OR has_table_privilege(c.oid, 'INSERT'))
ORDER BY n.nspname, c.relname
"""
_COLUMNS = """
SELECT a.attname, coalesce(nullif(t.typbasetype, 0), t.oid)::bigint, a.atttypmod, a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid), n.nspname
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE n.nspname = coalesce(%s, n.nspname) AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped
  AND (%s::text IS NOT NULL OR n.nspname = ANY (current_schemas(true)))
ORDER BY n.nspname, a.attnum
"""


def list_databases(target: Target, request: dict[str, Any]) -> dict[str, Any]:
    """Names of the databases."""
    names = [row[0] for row in _rows(target, _DATABASES)]
    return _paged("Databases", names, request)


def list_schemas(target: Target, request: dict[str, Any]) -> dict[str, Any]:
    """Names of the schemas that match."""
    names = [row[0] for row in _rows(target, _SCHEMAS, [request.get("SchemaPattern") or "%"])]
    return _paged("Schemas", names, request)


def list_tables(target: Target, request: dict[str, Any]) -> dict[str, Any]:
    """Tables and views that match and that the user may use."""
    patterns = [request.get("SchemaPattern") or "%", request.get("TablePattern") or "%"]
    rows = _rows(target, _TABLES, patterns)
    tables = [{"name": name, "schema": schema, "type": kind} for name, schema, kind in rows]
    return _paged("Tables", tables, request)


def describe_table(target: Target, request: dict[str, Any]) -> dict[str, Any]:
    """Columns of a table."""
    table = request.get("Table")
    if not table:
        raise ValidationException("Table name is required.")
    schema = request.get("Schema")
    rows = _rows(target, _COLUMNS, [schema, table, schema])
    if not rows:
        raise ResourceNotFoundException("Table does not exist.", table)
    columns = []
    for name, oid, modifier, not_null, default, found_schema in rows:
        metadata = column_metadata(ResultColumn(name, oid, modifier))
        metadata.update(
            nullable=0 if not_null else 1,
            schemaName=found_schema,
            tableName=table,
            length=metadata["precision"],
        )
        if default is not None:
            metadata["columnDefault"] = default
        columns.append(metadata)
    return {"TableName": table, **_paged("ColumnList", columns, request)}


def _rows(target: Target, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run a catalog query as the caller's user."""
    try:
        with contextlib.closing(connect(target)) as connection:
            rows: list[tuple[Any, ...]] = connection.execute(query, list(parameters) or None).fetchall()
            return rows
    except (psycopg.Error, WarehouseError) as refused:
        raise DatabaseConnectionException(str(failure_of(refused))) from refused


def _paged(member: str, entries: list[Any], request: dict[str, Any]) -> dict[str, Any]:
    """The page that the request asks for."""
    token = request.get("NextToken")
    start = read_token(member, token) if token else 0
    end = start + (request.get("MaxResults") or CATALOG_PAGE)
    page: dict[str, Any] = {member: entries[start:end]}
    if end < len(entries):
        page["NextToken"] = make_token(member, end)
    return page
