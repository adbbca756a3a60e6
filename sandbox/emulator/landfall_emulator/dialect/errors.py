"""What went wrong with a statement, as a client of Redshift sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from landfall_emulator.dialect.translate import NotAvailable


class WarehouseError(Exception):
    """An error of the warehouse that PostgreSQL did not raise itself."""

    def __init__(self, message: str, sqlstate: str = "XX000", detail: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.sqlstate = sqlstate
        self.detail = detail


@dataclass(frozen=True)
class Failure:
    """Message without severity, five-character SQLSTATE, and what else the server said."""

    message: str
    sqlstate: str
    detail: str | None = None
    hint: str | None = None
    severity: str = "ERROR"

    def __str__(self) -> str:
        """`ERROR: message`, with the detail and the hint on lines of their own."""
        lines = [f"{self.severity}: {self.message}"]
        if self.detail:
            lines.append(f"  Detail: {self.detail}")
        if self.hint:
            lines.append(f"  Hint: {self.hint}")
        return "\n".join(lines)


def failure_of(error: Exception) -> Failure:
    """The failure behind any exception that `execute` raises; a lost connection is 08006."""
    if isinstance(error, WarehouseError):
        return Failure(error.message, error.sqlstate, error.detail)
    if isinstance(error, NotAvailable):
        return Failure(str(error), "0A000")
    if isinstance(error, psycopg.Error):
        diagnostic: Any = error.diag
        if diagnostic.message_primary:
            return Failure(
                diagnostic.message_primary,
                diagnostic.sqlstate or "XX000",
                diagnostic.message_detail,
                diagnostic.message_hint,
                diagnostic.severity or "ERROR",
            )
        fatal = "FATAL" if isinstance(error, psycopg.OperationalError) and "FATAL:" in str(error) else "ERROR"
        return Failure(_connection_message(str(error)), error.sqlstate or "08006", severity=fatal)
    return Failure(f"{type(error).__name__}: {error}", "XX000")


def _connection_message(text: str) -> str:
    """libpq's connection errors carry the address and advice; the server's own words follow the severity."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["connection lost"]
    told = next((line for line in reversed(lines) if "FATAL:" in line), lines[0])
    _, fatal, rest = told.rpartition("FATAL:")
    return rest.strip() if fatal else told
