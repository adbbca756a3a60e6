"""The life of a command: who gets it, how many at once, when it is over.

Statuses and limits: https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html and
`send-commands-multiple.html` beside it. A command for a tag goes to **every** matching host, `MaxConcurrency`
at a time, until more than `MaxErrors` have failed. With a concurrency of 1 a second host therefore still gets
the command after the first has finished; that a job runs once is the work of the job runner, whose
conditional claim of the audit record succeeds on the first host only.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from landfall_emulator.ssm.spool import Spool

STDOUT_LIMIT: Final = 24_000
"""Characters of output that GetCommandInvocation shows."""
STDERR_LIMIT: Final = 8_000
TICK_SECONDS: Final = 0.05
_STEP_SECONDS: Final = 3600
_TERMINAL: Final = frozenset({"Success", "Failed", "Cancelled", "TimedOut"})
# Time for an agent to report what it stopped itself, before this side gives it up.
_REPORT_SECONDS: Final = 30


@dataclass
class Invocation:
    """A command on one host."""

    instance_id: str
    status: str = "Pending"
    details: str = "Pending"
    code: int = -1
    stdout: str = ""
    stderr: str = ""
    sent: float = 0.0
    started: datetime | None = None
    ended: datetime | None = None
    cancelling: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing changes any more."""
        return self.status in _TERMINAL

    def end(self, status: str, details: str) -> None:
        """Close it from this side."""
        self.status, self.details = status, details
        self.ended = datetime.now(UTC)


@dataclass
class Command:
    """One SendCommand."""

    document_name: str
    document_version: str
    parameters: dict[str, list[str]]
    steps: list[dict[str, Any]]
    account: str
    region: str
    invocations: dict[str, Invocation]
    max_concurrency: str = "50"
    max_errors: str = "0"
    timeout_seconds: int = 3600
    comment: str = ""
    instance_ids: list[str] = field(default_factory=list)
    targets: list[dict[str, Any]] = field(default_factory=list)
    service_role: str = ""
    association: bool = False
    command_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    requested: datetime = field(default_factory=lambda: datetime.now(UTC))
    cancelled: bool = False

    @property
    def execution_seconds(self) -> float:
        """Seconds that the steps may take together."""
        return float(sum(step_timeout(step) for step in self.steps))

    @property
    def expires(self) -> datetime:
        """When an undelivered command is given up."""
        return self.requested + timedelta(seconds=self.timeout_seconds)

    @property
    def errors(self) -> int:
        """Invocations that count against MaxErrors; those that were never sent do not."""
        return sum(
            each.status in ("Failed", "TimedOut") and each.sent > 0 for each in self.invocations.values()
        )

    def status(self) -> tuple[str, str]:
        """Status and details of the command as a whole."""
        states = [each.status for each in self.invocations.values()]
        if not states:
            return "Failed", "NoInstancesInTag"
        if not all(each.over for each in self.invocations.values()):
            if self.cancelled:
                return "Cancelling", "Cancelling"
            began = any(state != "Pending" for state in states)
            return ("InProgress", "InProgress") if began else ("Pending", "Pending")
        for status in ("Failed", "TimedOut", "Cancelled"):
            if status in states:
                details = next(each.details for each in self.invocations.values() if each.status == status)
                return status, details
        return "Success", "Success"


def step_timeout(step: Mapping[str, Any]) -> float:
    """`timeoutSeconds` of a step, else the service's 3,600."""
    try:
        return float((step.get("inputs") or {}).get("timeoutSeconds") or _STEP_SECONDS)
    except (TypeError, ValueError):
        return float(_STEP_SECONDS)


def share(text: str, total: int, *, least: int) -> int:
    """`"5"` or `"20%"` of `total`, rounded down, at least `least`."""
    if text.endswith("%"):
        return max(least, total * int(text[:-1]) // 100)
    return max(least, int(text))


class Dispatcher:
    """Delivers commands to the spool and takes in what the agents answer, in one thread."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._lock = threading.RLock()
        self._active: dict[str, Command] = {}
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, command: Command) -> None:
        """Take a command over."""
        with self._lock:
            self._active[command.command_id] = command
            self._advance(command)
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="ssm-commands", daemon=True)
                self._thread.start()
        self._wake.set()

    def cancel(self, command: Command, instance_ids: list[str]) -> None:
        """Cancel on the given hosts, or on all; hosts that are finished stay as they are."""
        with self._lock:
            for invocation in command.invocations.values():
                if invocation.over or (instance_ids and invocation.instance_id not in instance_ids):
                    continue
                undelivered = invocation.sent == 0 or self._spool.withdraw(
                    invocation.instance_id, command.command_id
                )
                if undelivered:
                    invocation.end("Cancelled", "Cancelled")
                else:
                    invocation.cancelling = True
                    invocation.details = "Cancelling"
                    self._spool.cancel(invocation.instance_id, command.command_id)
            command.cancelled = command.cancelled or not instance_ids

    def _loop(self) -> None:
        while True:
            with self._lock:
                for command in list(self._active.values()):
                    self._advance(command)
                    if all(each.over for each in command.invocations.values()):
                        del self._active[command.command_id]
                idle = not self._active
            if idle:
                self._wake.wait()
            self._wake.clear()
            time.sleep(TICK_SECONDS)

    def _advance(self, command: Command) -> None:
        for invocation in command.invocations.values():
            if not invocation.over and invocation.sent:
                self._take_answer(command, invocation)
        total = len(command.invocations)
        waiting = [each for each in command.invocations.values() if not each.over and not each.sent]
        running = sum(1 for each in command.invocations.values() if not each.over and each.sent)
        if waiting and command.errors > share(command.max_errors, total, least=0):
            for invocation in waiting:
                invocation.end("Failed", "Terminated")
            return
        for invocation in waiting[: max(0, share(command.max_concurrency, total, least=1) - running)]:
            if not self._spool.managed(invocation.instance_id):
                if time.time() - command.requested.timestamp() > command.timeout_seconds:
                    invocation.end("TimedOut", "DeliveryTimedOut")
                continue
            invocation.sent = time.time()
            self._spool.deliver(
                invocation.instance_id,
                command.command_id,
                {
                    "command_id": command.command_id,
                    "document": command.document_name,
                    "account": command.account,
                    "region": command.region,
                    "steps": command.steps,
                    "association": command.association,
                },
            )

    def _take_answer(self, command: Command, invocation: Invocation) -> None:
        answer = self._spool.answer(invocation.instance_id, command.command_id)
        now = time.time()
        if answer is None:
            late = now - command.requested.timestamp() > command.timeout_seconds
            if late and self._spool.withdraw(invocation.instance_id, command.command_id):
                invocation.end("TimedOut", "DeliveryTimedOut")
            return
        invocation.status = str(answer["status"])
        invocation.details = "Cancelling" if invocation.cancelling else str(answer["details"])
        invocation.code = int(answer["response_code"])
        invocation.stdout = str(answer["stdout"])
        invocation.stderr = str(answer["stderr"])
        invocation.started = datetime.fromtimestamp(float(answer["started"]), UTC)
        if invocation.over:
            invocation.details = str(answer["details"])
            invocation.ended = datetime.fromtimestamp(float(answer["ended"]), UTC)
            self._spool.forget(invocation.instance_id, command.command_id)
        elif now - float(answer["started"]) > command.execution_seconds + _REPORT_SECONDS:
            invocation.end("TimedOut", "ExecutionTimedOut")
