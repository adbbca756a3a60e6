"""The connection of a run."""

from __future__ import annotations

import getpass
import os
import sys
from typing import Any

import psycopg
from landfall_emulator.dialect.errors import failure_of
from landfall_emulator.dialect.execute import Outcome, execute
from psycopg import pq

from sandbox.rsql.options import ConnectionOptions


class ConnectError(Exception):
    """The warehouse cannot be reached; one sentence for the user."""


class Session:
    """A connection to the warehouse, kept in autocommit unless the script says BEGIN."""

    def __init__(self, options: ConnectionOptions, *, ask_password: bool) -> None:
        self.options = options
        password = options.password
        if password is None and ask_password and sys.stdin.isatty():
            password = getpass.getpass(f"Password for user {options.user}: ")
        try:
            self._connection: psycopg.Connection[Any] = psycopg.connect(
                host=options.host,
                port=options.port,
                user=options.user,
                dbname=options.database,
                password=password,
                application_name="rsql",
                connect_timeout=15,
                autocommit=True,
            )
        except psycopg.Error as refused:
            told = failure_of(refused).message
            raise ConnectError(f"could not connect to server: {told}") from refused
        self._connection.add_notice_handler(_show_notice)

    @property
    def alive(self) -> bool:
        """Whether the connection still works."""
        return not self._connection.broken and not self._connection.closed

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return bool(self._connection.info.transaction_status != pq.TransactionStatus.IDLE)

    def run(self, sql: str, parameters: tuple[str, ...] = ()) -> Outcome:
        """Run one statement of Redshift SQL."""
        return execute(self._connection, sql, _s3, parameters)

    def cancel(self) -> None:
        """Cancel what is running."""
        self._connection.cancel_safe(timeout=5.0)

    def close(self) -> None:
        """End the session; an open transaction is rolled back."""
        self._connection.close()


def _show_notice(diagnostic: Any) -> None:
    """Notices and warnings of the server."""
    sys.stdout.flush()
    sys.stderr.write(f"{diagnostic.severity}:  {diagnostic.message_primary}\n")
    sys.stderr.flush()


def _s3() -> Any:
    """The S3 that COPY and UNLOAD use: the host's own Region, credentials and endpoint."""
    import boto3

    return boto3.client(
        "s3", region_name=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    )
