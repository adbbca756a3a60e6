"""Sessions on the warehouse."""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from landfall_emulator.dialect.errors import WarehouseError
from landfall_emulator.redshift_data.exceptions import (
    ActiveSessionsExceededException,
    ResourceNotFoundException,
)
from landfall_emulator.redshift_data.limits import ACTIVE_SESSIONS
from landfall_emulator.redshift_data.model import Target
from landfall_emulator.redshift_data.targets import server

type Connection = psycopg.Connection[Any]

_CONNECT_SECONDS = 10


def connect(target: Target) -> Connection:
    """Open an autocommit session as the target's user.

    With a secret the server itself checks the password. Temporary credentials have none: the server's
    superuser opens the session and hands it over to the user, who must exist; the caller's own identity is
    made on first use, with the administrator's rights.

    Raises:
        psycopg.OperationalError: no such database, wrong password, server down.
        WarehouseError: no such user.
    """
    warehouse = server()
    own = target.password is not None
    connection: Connection = psycopg.connect(
        host=warehouse.host,
        port=warehouse.port,
        dbname=target.database,
        user=target.username if own else warehouse.user,
        password=target.password if own else warehouse.password,
        application_name="Redshift Data API",
        connect_timeout=_CONNECT_SECONDS,
        autocommit=True,
    )
    if not own:
        try:
            _hand_over(connection, target, warehouse.admin_user)
        except BaseException:
            connection.close()
            raise
    return connection


def _hand_over(connection: Connection, target: Target, admin_user: str) -> None:
    """Make the session the user's."""
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (target.username,)).fetchone()
    if known is None and target.db_user is None:
        with contextlib.suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN CREATEDB IN ROLE {}").format(
                    sql.Identifier(target.username), sql.Identifier(admin_user)
                )
            )
    elif known is None:
        raise WarehouseError(f'user "{target.username}" does not exist', "28000")
    connection.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(target.username)))


@dataclass
class Session:
    """A session that outlives a statement (`SessionKeepAliveSeconds`)."""

    id: str
    target: Target
    keep_alive: int
    connection: Connection | None = None
    used: float = field(default_factory=time.monotonic)
    busy: threading.Lock = field(default_factory=threading.Lock)


class Sessions:
    """The kept sessions; one idle for longer than asked for is closed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}

    def create(self, target: Target, keep_alive: int) -> Session:
        """A new session, connected by its first statement.

        Raises:
            ActiveSessionsExceededException: the account has 500 sessions.
        """
        self.expire()
        with self._lock:
            mine = sum(session.target.account == target.account for session in self._sessions.values())
            if mine >= ACTIVE_SESSIONS:
                raise ActiveSessionsExceededException("Active sessions exceeded the allowed quota (500).")
            session = Session(str(uuid.uuid4()), target, keep_alive)
            self._sessions[session.id] = session
            return session

    def get(self, account: str, region: str, identifier: str) -> Session:
        """A session of this account and Region.

        Raises:
            ResourceNotFoundException: it does not exist or has expired.
        """
        self.expire()
        with self._lock:
            session = self._sessions.get(identifier)
        if session is None or (session.target.account, session.target.region) != (account, region):
            raise ResourceNotFoundException("Session is not available.", identifier)
        return session

    def expire(self) -> None:
        """Close idle sessions."""
        with self._lock:
            for session in list(self._sessions.values()):
                idle = time.monotonic() - session.used
                if idle <= session.keep_alive or not session.busy.acquire(blocking=False):
                    continue
                del self._sessions[session.id]
                if session.connection is not None:
                    session.connection.close()
                session.busy.release()

    @contextlib.contextmanager
    def borrow(self, target: Target, session: Session | None) -> Iterator[Connection]:
        """A connection for one statement: the session's own, or a new one that is closed afterwards."""
        if session is None:
            with contextlib.closing(connect(target)) as connection:
                yield connection
            return
        with session.busy:
            if session.connection is None or session.connection.closed:
                session.connection = connect(target)
            try:
                yield session.connection
            finally:
                session.used = time.monotonic()
