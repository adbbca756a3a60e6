"""Runs one Redshift statement on the warehouse."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import pq

from landfall_emulator.dialect.errors import WarehouseError
from landfall_emulator.dialect.export import export
from landfall_emulator.dialect.load import load
from landfall_emulator.dialect.objects import S3Factory
from landfall_emulator.dialect.split import split_statements
from landfall_emulator.dialect.transfers import Copy, Unload, parse_transfer
from landfall_emulator.dialect.translate import NotAvailable, translate

MAXIMUM_RESULT_BYTES = 100 * 1024 * 1024


@dataclass(frozen=True)
class ResultColumn:
    """A column of a result: name, PostgreSQL's type number and modifier."""

    name: str
    oid: int
    modifier: int


@dataclass(frozen=True)
class Outcome:
    """What a statement did: its command tag, rows returned or affected (-1: not counted), and the result if
    it has one.

    Values are PostgreSQL's own text, so that nothing is lost on the way.
    """

    tag: str
    count: int
    columns: tuple[ResultColumn, ...] = ()
    rows: list[tuple[str | None, ...]] = field(default_factory=list)
    size: int = 0
    """Bytes of the values."""

    @property
    def has_rows(self) -> bool:
        """Whether the statement returns a result, be it an empty one."""
        return bool(self.columns)


def execute(
    connection: psycopg.Connection[Any],
    sql: str,
    s3_factory: S3Factory,
    parameters: Sequence[str] = (),
    *,
    maximum_bytes: int | None = None,
) -> Outcome:
    """Run `sql` (one statement; `$1`, `$2` stand for `parameters`) on an autocommit connection.

    Raises:
        psycopg.Error: the database refused it.
        WarehouseError: COPY or UNLOAD failed, or the result is larger than `maximum_bytes`.
        NotAvailable: the sandbox's warehouse does not have what it asks for.
    """
    try:
        return _execute(connection, sql, s3_factory, parameters, maximum_bytes)
    except (WarehouseError, NotAvailable):
        _abort_transaction(connection)
        raise


def _execute(
    connection: psycopg.Connection[Any],
    sql: str,
    s3_factory: S3Factory,
    parameters: Sequence[str],
    maximum_bytes: int | None,
) -> Outcome:
    """`execute` without the care for an open transaction."""
    if len(split_statements(sql)) > 1:
        raise WarehouseError("cannot insert multiple commands into a prepared statement", "42601")
    transfer = parse_transfer(sql)
    if isinstance(transfer, Copy):
        rows = load(connection, transfer, s3_factory)
        return Outcome("COPY", rows)
    if isinstance(transfer, Unload):
        rows = export(connection, transfer, s3_factory)
        return Outcome("UNLOAD", rows)
    with psycopg.RawCursor(connection) as cursor:
        cursor.execute(translate(sql).encode(), tuple(parameters) or None, prepare=False)
        return _outcome(cursor, maximum_bytes)


def _abort_transaction(connection: psycopg.Connection[Any]) -> None:
    """An error that PostgreSQL did not see ends the open transaction all the same."""
    if connection.info.transaction_status == pq.TransactionStatus.INTRANS:
        with contextlib.suppress(psycopg.Error):
            connection.execute("DO $$ BEGIN RAISE EXCEPTION 'aborted'; END $$")


def _outcome(cursor: psycopg.RawCursor[Any], maximum_bytes: int | None) -> Outcome:
    """Read the result as text."""
    result = cursor.pgresult
    if result is None:
        return Outcome("", -1)
    tag = (result.command_status or b"").decode()
    if result.status != pq.ExecStatus.TUPLES_OK:
        return Outcome(tag, result.command_tuples if result.command_tuples is not None else -1)
    columns = tuple(
        ResultColumn((result.fname(at) or b"").decode(), result.ftype(at), result.fmod(at))
        for at in range(result.nfields)
    )
    rows: list[tuple[str | None, ...]] = []
    size = 0
    for number in range(result.ntuples):
        values = [result.get_value(number, at) for at in range(result.nfields)]
        size += sum(len(value) for value in values if value is not None)
        if maximum_bytes is not None and size > maximum_bytes:
            raise WarehouseError(
                f"Query result exceeds the maximum size of {maximum_bytes // (1024 * 1024)} MB", "54000"
            )
        rows.append(tuple(None if value is None else bytes(value).decode() for value in values))
    return Outcome(tag, len(rows), columns, rows, size)
