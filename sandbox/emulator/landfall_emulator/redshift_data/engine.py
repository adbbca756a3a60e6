"""Runs statements in the background, so that the API answers at once."""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from localemu.aws.connect import connect_to

from landfall_emulator.dialect.errors import failure_of
from landfall_emulator.dialect.execute import execute
from landfall_emulator.redshift_data.connections import Connection, Session, Sessions
from landfall_emulator.redshift_data.events import send_event
from landfall_emulator.redshift_data.limits import RESULT_BYTES
from landfall_emulator.redshift_data.model import ENDED, Statement, Step, Target

_LOG = logging.getLogger(__name__)
_WORKERS = 50
_CANCEL_SECONDS = 5.0


class Engine:
    """A pool of workers; a statement waits in SUBMITTED until one is free."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="redshift-data")
        self._query_ids = itertools.count(int(time.time()))
        self._running: dict[str, Connection] = {}
        self._lock = threading.Lock()

    def submit(self, statement: Statement, session: Session | None) -> None:
        """Run the statement as soon as a worker is free."""
        self._pool.submit(self._work, statement, session)

    def cancel(self, statement: Statement) -> bool:
        """Cancel a statement that has not ended: in PostgreSQL where it runs already.

        Returns whether it ended cancelled; False where it was faster.
        """
        with self._lock:
            statement.cancel_requested = True
            waiting = statement.status == "SUBMITTED"
            if waiting:
                self._end(statement, "ABORTED")
        deadline = time.monotonic() + _CANCEL_SECONDS
        while not statement.done.is_set() and time.monotonic() < deadline:
            # Repeated: the first request may arrive before the statement does.
            with self._lock:
                connection = self._running.get(statement.id)
            if connection is not None:
                with contextlib.suppress(psycopg.Error):
                    connection.cancel_safe(timeout=1.0)
            statement.done.wait(0.05)
        return statement.status == "ABORTED"

    def _work(self, statement: Statement, session: Session | None) -> None:
        """From PICKED to the end, whatever happens."""
        with self._lock:
            if statement.status in ENDED:
                return
            statement.move("PICKED")
        try:
            with self._sessions.borrow(statement.target, session) as connection:
                statement.pid = connection.info.backend_pid
                with self._lock:
                    self._running[statement.id] = connection
                try:
                    self._run(statement, connection)
                finally:
                    with self._lock:
                        self._running.pop(statement.id, None)
        except Exception as error:
            self._fail(statement, statement.steps[0], error)

    def _run(self, statement: Statement, connection: Connection) -> None:
        """Run every step; those of a batch are one transaction."""
        statement.move("STARTED")
        began = time.monotonic_ns()
        current = statement.steps[0]
        try:
            if statement.batch:
                connection.execute("BEGIN")
            for current in statement.steps:
                self._step(statement, current, connection)
            if statement.batch:
                connection.execute("COMMIT")
        except Exception as error:
            statement.duration_ns = time.monotonic_ns() - began
            if statement.batch:
                with contextlib.suppress(psycopg.Error):
                    connection.execute("ROLLBACK")
            self._fail(statement, current, error)
            return
        statement.duration_ns = time.monotonic_ns() - began
        self._end(statement, "FINISHED")

    def _step(self, statement: Statement, step: Step, connection: Connection) -> None:
        """Run one SQL statement."""
        if statement.cancel_requested:
            raise psycopg.errors.QueryCanceled("canceled")
        step.query_id = next(self._query_ids)
        step.move("STARTED")
        began = time.monotonic_ns()
        try:
            step.outcome = execute(
                connection,
                step.sql if statement.batch else statement.bound_sql,
                _s3_of(statement.target),
                statement.bound_values,
                maximum_bytes=RESULT_BYTES,
            )
        finally:
            step.duration_ns = time.monotonic_ns() - began
        step.move("FINISHED")

    def _fail(self, statement: Statement, step: Step, error: Exception) -> None:
        """The step failed, or the whole was cancelled; what comes after it never runs."""
        failure = failure_of(error)
        cancelled = statement.cancel_requested and failure.sqlstate == "57014"
        if failure.sqlstate == "XX000" and not isinstance(error, psycopg.Error):
            _LOG.info("statement %s failed", statement.id, exc_info=error)
        text = str(failure)
        step.move("ABORTED" if cancelled else "FAILED")
        step.error = None if cancelled else text
        for other in statement.steps:
            if other.status not in ENDED:
                other.move("ABORTED")
        if not cancelled:
            position = statement.steps.index(step) + 1
            statement.error = f"Query #{position} failed with {text}" if statement.batch else text
        self._end(statement, "ABORTED" if cancelled else "FAILED")

    def _end(self, statement: Statement, status: str) -> None:
        """Enter the final state and tell who waits."""
        for step in statement.steps:
            if step.status not in ENDED:
                step.move(status)
        statement.move(status)
        statement.done.set()
        if statement.with_event:
            self._pool.submit(send_event, statement)


def _s3_of(target: Target) -> Callable[[], Any]:
    """The emulated S3 of the account."""
    return lambda: connect_to(aws_access_key_id=target.account, region_name=target.region).s3
