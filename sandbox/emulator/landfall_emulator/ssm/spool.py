"""The file spool between Systems Manager and the host agents.

A host is a folder `hosts/<instance id>/` in the sandbox's state directory. The agent keeps `host.json` (who
the host is) and `agent.json` (pid and heartbeat); this side writes `inbox/<command id>.json` and
`inbox/<command id>.cancel`; the agent answers in `outbox/<command id>.json`. All writes are renames, so
nobody reads half a file.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

MAY_REPORT: Callable[[str, Mapping[str, Any]], bool] = lambda instance_id, host: True  # noqa: E731
"""Whether the role of a host lets its agent report; IAM enforcement puts its judgement here."""

ONLINE_SECONDS: Final = 5.0
"""Age of the heartbeat up to which a host counts as online."""


@dataclass(frozen=True)
class SpoolHost:
    """A host as its agent declared it."""

    instance_id: str
    account: str
    region: str
    tags: Mapping[str, str]
    heartbeat: float
    """Seconds since the epoch; 0 when the agent never ran."""
    managed: bool = True
    """Whether the host's role lets its agent report to Systems Manager."""

    @property
    def online(self) -> bool:
        """Whether the agent is alive and may report."""
        return self.managed and time.time() - self.heartbeat < ONLINE_SECONDS


class Spool:
    """All hosts of the sandbox."""

    def __init__(self, state_dir: Path) -> None:
        self._hosts = state_dir / "hosts"

    def hosts(self, account: str, region: str) -> list[SpoolHost]:
        """Hosts of one account and Region, by instance id."""
        found = []
        for declaration in sorted(self._hosts.glob("*/host.json")):
            host = _read(declaration)
            if host.get("account") != account or host.get("region") != region:
                continue
            agent = _read(declaration.with_name("agent.json"))
            found.append(
                SpoolHost(
                    instance_id=declaration.parent.name,
                    account=account,
                    region=region,
                    tags=host.get("tags") or {},
                    heartbeat=float(agent.get("heartbeat") or 0),
                    managed=MAY_REPORT(declaration.parent.name, host),
                )
            )
        return found

    def managed(self, instance_id: str) -> bool:
        """Whether the host's role lets its agent fetch commands."""
        return MAY_REPORT(instance_id, _read(self._hosts / instance_id / "host.json"))

    def deliver(self, instance_id: str, command_id: str, command: Mapping[str, Any]) -> None:
        """Put a command into the host's inbox."""
        inbox = self._hosts / instance_id / "inbox"
        inbox.mkdir(parents=True, exist_ok=True)
        _write(inbox / f"{command_id}.json", command)

    def withdraw(self, instance_id: str, command_id: str) -> bool:
        """Take back a command that the agent has not picked up; False when it has."""
        try:
            (self._hosts / instance_id / "inbox" / f"{command_id}.json").unlink()
        except FileNotFoundError:
            return False
        return True

    def cancel(self, instance_id: str, command_id: str) -> None:
        """Ask the agent to stop a command that it has picked up."""
        inbox = self._hosts / instance_id / "inbox"
        with contextlib.suppress(OSError):
            (inbox / f"{command_id}.cancel").touch()

    def answer(self, instance_id: str, command_id: str) -> dict[str, Any] | None:
        """What the agent last said about a command."""
        return _read(self._hosts / instance_id / "outbox" / f"{command_id}.json") or None

    def forget(self, instance_id: str, command_id: str) -> None:
        """Remove the answer of a command that has ended."""
        for leftover in (f"outbox/{command_id}.json", f"inbox/{command_id}.cancel"):
            with contextlib.suppress(OSError):
                (self._hosts / instance_id / leftover).unlink()


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _write(path: Path, value: Mapping[str, Any]) -> None:
    part = path.with_name(f".{path.name}.part")
    # Parameters of a command may be sensitive.
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file)
    part.replace(path)
