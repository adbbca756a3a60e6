"""The statements of every account and Region, forgotten a day after they began."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from landfall_emulator.redshift_data.exceptions import (
    ActiveStatementsExceededException,
    ResourceNotFoundException,
    ValidationException,
)
from landfall_emulator.redshift_data.limits import ACTIVE_STATEMENTS, RETENTION_SECONDS, TOKEN_SECONDS
from landfall_emulator.redshift_data.model import ENDED, Statement

Scope = tuple[str, str]
"""Account and Region."""


class Registry:
    """Statements by scope; safe for many threads."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._statements: dict[Scope, dict[str, Statement]] = {}
        self._tokens: dict[tuple[Scope, str], tuple[float, str, str]] = {}

    def add(self, scope: Scope, statement: Statement, token: str | None, fingerprint: str) -> Statement:
        """Keep the statement, or return the one that the same client token began.

        Raises:
            ValidationException: the token was used for another request.
            ActiveStatementsExceededException: 500 statements have not ended yet.
        """
        with self._lock:
            self._forget()
            kept = self._statements.setdefault(scope, {})
            if token is not None and (known := self._tokens.get((scope, token))) is not None:
                _, identifier, same = known
                if identifier in kept:
                    if same != fingerprint:
                        raise ValidationException("ClientToken was used before with different parameters.")
                    return kept[identifier]
            if sum(other.status not in ENDED for other in kept.values()) >= ACTIVE_STATEMENTS:
                raise ActiveStatementsExceededException("Active statements exceeded the allowed quota (500).")
            kept[statement.id] = statement
            if token is not None:
                self._tokens[(scope, token)] = (self._clock(), statement.id, fingerprint)
            return statement

    def get(self, scope: Scope, identifier: str) -> Statement:
        """The statement with this id, or the batch that the id of a part belongs to.

        Raises:
            ResourceNotFoundException: there is none in this account and Region.
        """
        with self._lock:
            self._forget()
            statement = self._statements.get(scope, {}).get(identifier.partition(":")[0])
        if statement is None or (":" in identifier and statement.step(identifier) is None):
            raise ResourceNotFoundException("Query does not exist.", identifier)
        return statement

    def all(self, scope: Scope) -> list[Statement]:
        """Every statement, the latest first."""
        with self._lock:
            self._forget()
            return list(reversed(self._statements.get(scope, {}).values()))

    def _forget(self) -> None:
        """Drop what is too old."""
        now = self._clock()
        for kept in self._statements.values():
            for identifier in [i for i, s in kept.items() if now - s.created > RETENTION_SECONDS]:
                del kept[identifier]
        for key in [key for key, (at, _, _) in self._tokens.items() if now - at > TOKEN_SECONDS]:
            del self._tokens[key]
