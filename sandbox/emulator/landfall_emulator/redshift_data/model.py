"""Statements and where they run."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from landfall_emulator.dialect.execute import Outcome

ENDED = ("FINISHED", "FAILED", "ABORTED")


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a request goes and as whom: exactly one of secret, database user and the caller's own
    identity."""

    account: str
    region: str
    cluster: str | None = None
    workgroup: str | None = None
    database: str
    secret_arn: str | None = None
    db_user: str | None = None
    username: str
    """Name of the database user."""
    password: str | None = field(default=None, repr=False)
    """The user's password from the secret; `None` stands for temporary credentials."""

    def named(self) -> dict[str, Any]:
        """The members that responses repeat."""
        members = {
            "ClusterIdentifier": self.cluster,
            "WorkgroupName": self.workgroup,
            "Database": self.database,
            "SecretArn": self.secret_arn,
            "DbUser": self.db_user,
        }
        return {name: value for name, value in members.items() if value is not None}


@dataclass(kw_only=True)
class Step:
    """One SQL statement: the whole of ExecuteStatement, or one of a batch."""

    id: str
    sql: str
    created: float
    status: str = "SUBMITTED"
    updated: float = 0.0
    duration_ns: int = 0
    query_id: int = 0
    error: str | None = None
    outcome: Outcome | None = None

    def move(self, status: str) -> None:
        """Enter a state."""
        self.status = status
        self.updated = time.time()

    def facts(self) -> dict[str, Any]:
        """The members that DescribeStatement tells of a statement and of each of a batch."""
        outcome = self.outcome
        facts: dict[str, Any] = {
            "Id": self.id,
            "Status": self.status,
            "QueryString": self.sql,
            "CreatedAt": self.created,
            "UpdatedAt": self.updated or self.created,
            "Duration": self.duration_ns if self.status in ENDED else -1,
            "HasResultSet": bool(outcome and outcome.has_rows),
            "ResultRows": max(outcome.count, 0) if outcome else -1,
            "ResultSize": outcome.size if outcome else -1,
            "RedshiftQueryId": self.query_id or -1,
        }
        if self.error is not None:
            facts["Error"] = self.error
        return facts


@dataclass(kw_only=True)
class Statement:
    """What ExecuteStatement or BatchExecuteStatement started."""

    id: str
    target: Target
    steps: list[Step]
    batch: bool
    created: float
    name: str | None = None
    with_event: bool = False
    parameters: list[dict[str, str]] = field(default_factory=list)
    bound_sql: str = ""
    bound_values: list[str] = field(default_factory=list)
    result_format: str = "JSON"
    session_id: str | None = None
    status: str = "SUBMITTED"
    updated: float = 0.0
    duration_ns: int = 0
    pid: int = 0
    error: str | None = None
    cancel_requested: bool = False
    done: threading.Event = field(default_factory=threading.Event)

    def move(self, status: str) -> None:
        """Enter a state; one that has ended stays as it is."""
        if self.status in ENDED:
            return
        self.status = status
        self.updated = time.time()

    def step(self, identifier: str) -> Step | None:
        """The step with this id: `<id>:<n>` in a batch, the statement itself otherwise."""
        return next((step for step in self.steps if step.id == identifier), None)
