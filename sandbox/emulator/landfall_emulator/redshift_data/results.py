"""Results in the service's shapes: typed fields, column metadata, CSV, pages."""

from __future__ import annotations

import base64
import csv
import io
import json
from typing import Any

from landfall_emulator.dialect.execute import Outcome, ResultColumn
from landfall_emulator.redshift_data.exceptions import ValidationException
from landfall_emulator.redshift_data.limits import PAGE_BYTES, PAGE_ROWS

_LONG = frozenset({20, 21, 23, 26})
_DOUBLE = frozenset({700, 701})
_BOOLEAN = 16
_NUMERIC = 1700
_CHARACTER = frozenset({1042, 1043})
# PostgreSQL's type numbers to Redshift's names, and the sizes of types without a modifier.
_NAMES = {
    16: ("bool", 1),
    17: ("varbyte", 0),
    18: ("char", 1),
    19: ("name", 64),
    20: ("int8", 19),
    21: ("int2", 5),
    23: ("int4", 10),
    25: ("varchar", 65535),
    26: ("oid", 10),
    114: ("super", 0),
    700: ("float4", 8),
    701: ("float8", 17),
    705: ("varchar", 65535),
    1042: ("bpchar", 1),
    1043: ("varchar", 65535),
    1082: ("date", 13),
    1083: ("time", 15),
    1114: ("timestamp", 29),
    1184: ("timestamptz", 35),
    1186: ("interval", 49),
    1266: ("timetz", 21),
    1700: ("numeric", 38),
    3802: ("super", 0),
}


def type_name(oid: int) -> str:
    """Redshift's name of a PostgreSQL type."""
    return _NAMES.get(oid, ("varchar", 65535))[0]


def column_metadata(column: ResultColumn) -> dict[str, Any]:
    """What the service tells of a result column."""
    name, precision = _NAMES.get(column.oid, ("varchar", 65535))
    scale = 0
    if column.oid == _NUMERIC and column.modifier > 4:
        precision, scale = (column.modifier - 4) >> 16, (column.modifier - 4) & 0xFFFF
    elif column.oid in _CHARACTER and column.modifier > 4:
        precision = column.modifier - 4
    return {
        "name": column.name,
        "label": column.name,
        "typeName": name,
        "nullable": 1,
        "precision": precision,
        "scale": scale,
        "length": 0,
        "isSigned": column.oid in _LONG or column.oid in _DOUBLE or column.oid == _NUMERIC,
        "isCaseSensitive": column.oid in _CHARACTER or column.oid == 25,
        "isCurrency": False,
        "schemaName": "",
        "tableName": "",
    }


def field(value: str | None, oid: int) -> dict[str, Any]:
    """One value as the union that the service returns."""
    if value is None:
        return {"isNull": True}
    if oid in _LONG:
        return {"longValue": int(value)}
    if oid in _DOUBLE:
        number = float(value)
        # JSON has no infinity: such a value stays text.
        return {"doubleValue": number} if number - number == 0 else {"stringValue": value}
    if oid == _BOOLEAN:
        return {"booleanValue": value == "t"}
    return {"stringValue": value}


def json_page(identifier: str, outcome: Outcome, token: str | None) -> dict[str, Any]:
    """A page of GetStatementResult."""
    start, end = _bounds(identifier, outcome, token)
    oids = [column.oid for column in outcome.columns]
    records = [
        [field(value, oid) for value, oid in zip(row, oids, strict=True)] for row in outcome.rows[start:end]
    ]
    return _page(identifier, outcome, records, end)


def csv_page(identifier: str, outcome: Outcome, token: str | None) -> dict[str, Any]:
    """A page of GetStatementResultV2: one CSV text with a heading on the first page."""
    start, end = _bounds(identifier, outcome, token)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    if start == 0:
        writer.writerow([column.name for column in outcome.columns])
    writer.writerows([["" if value is None else value for value in row] for row in outcome.rows[start:end]])
    page = _page(identifier, outcome, [{"CSVRecords": out.getvalue()}], end)
    return {**page, "ResultFormat": "CSV"}


def _page(identifier: str, outcome: Outcome, records: list[Any], end: int) -> dict[str, Any]:
    """The members that both forms share."""
    page: dict[str, Any] = {
        "Records": records,
        "ColumnMetadata": [column_metadata(column) for column in outcome.columns],
        "TotalNumRows": len(outcome.rows),
    }
    if end < len(outcome.rows):
        page["NextToken"] = make_token(identifier, end)
    return page


def _bounds(identifier: str, outcome: Outcome, token: str | None) -> tuple[int, int]:
    """First row of the page and the first of the next."""
    start = read_token(identifier, token) if token else 0
    end = start
    size = 0
    while end < len(outcome.rows) and end - start < PAGE_ROWS:
        size += sum(len(value) for value in outcome.rows[end] if value is not None)
        if size > PAGE_BYTES and end > start:
            break
        end += 1
    return start, end


def make_token(scope: str, start: int) -> str:
    """An opaque token for the page that begins at `start`."""
    return base64.urlsafe_b64encode(json.dumps([scope, start]).encode()).decode()


def read_token(scope: str, token: str) -> int:
    """The start in a token of the same request.

    Raises:
        ValidationException: the token is not one of ours.
    """
    try:
        given, start = json.loads(base64.urlsafe_b64decode(token.encode()))
        if given == scope and isinstance(start, int) and start >= 0:
            return start
    except (ValueError, TypeError):
        pass
    raise ValidationException("NextToken is not valid.")
