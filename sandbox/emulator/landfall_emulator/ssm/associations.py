"""Associations: a document that is kept applied to hosts, at once, after every change, and on new hosts."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from landfall_emulator.ssm.commands import Command

_LOOK_SECONDS: Final = 0.25


@dataclass
class Association:
    """One association; `runs` holds the command that applied the current version, by host."""

    account: str
    region: str
    name: str
    arguments: dict[str, Any]
    association_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    version: int = 1
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))
    last_run: datetime | None = None
    runs: dict[str, Command] = field(default_factory=dict)
    refused: str = ""
    """Why the document could not be run; empty when it could."""

    def change(self, arguments: dict[str, Any]) -> None:
        """Take over new arguments as the next version, to be applied again."""
        self.arguments |= arguments
        self.version += 1
        self.updated = datetime.now(UTC)
        self.again()

    def again(self) -> None:
        """Apply the current version anew."""
        self.runs.clear()
        self.refused = ""

    def status(self) -> tuple[str, dict[str, int]]:
        """Overall status (Pending, Success, Failed) and the number of hosts by status."""
        counts: dict[str, int] = {}
        for command in self.runs.values():
            state = command.status()[0]
            key = {"Success": "Success"}.get(
                state, "Failed" if state in ("Failed", "TimedOut", "Cancelled") else "Pending"
            )
            counts[key] = counts.get(key, 0) + 1
        if self.refused or counts.get("Failed"):
            return "Failed", counts
        if not counts or counts.get("Pending"):
            return "Pending", counts
        return "Success", counts


class Keeper:
    """Applies associations to the hosts that lack them, in a thread that starts with the first of them."""

    def __init__(self, apply: Callable[[Association], None]) -> None:
        self._apply = apply
        self._associations: dict[str, Association] = {}
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def keep(self, association: Association) -> None:
        """Keep it applied from now on; the first application starts before this returns."""
        with self._lock:
            self._associations[association.association_id] = association
            self._apply(association)
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="ssm-associations", daemon=True)
                self._thread.start()

    def drop(self, association: Association) -> None:
        """Apply it no more."""
        with self._lock:
            self._associations.pop(association.association_id, None)

    def _loop(self) -> None:
        while not self._wake.wait(_LOOK_SECONDS):
            with self._lock:
                for association in list(self._associations.values()):
                    self._apply(association)
