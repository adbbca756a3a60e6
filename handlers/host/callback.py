"""The task token: heartbeats while the job runs, and exactly one answer at its end."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from handlers.host.clock import Clock
from handlers.host.retry import error_code, persistently

# Limits of SendTaskFailure: https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskFailure.html
_LONGEST_ERROR = 256
_LONGEST_CAUSE = 32_768
_GONE = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})


class TaskToken:
    """One token of Step Functions. It takes one answer; Step Functions refuses any further one."""

    def __init__(self, states: Any, token: str, clock: Clock) -> None:
        self._states = states
        self._token = token
        self._clock = clock

    def heartbeat(self, *, bound_seconds: float = 0.0) -> bool:
        """Say that the job is alive; False when the workflow no longer waits for it.

        Raises BotoCoreError, ClientError or OSError when the service cannot be reached within the bound.
        """
        return self._send(lambda: self._states.send_task_heartbeat(taskToken=self._token), bound_seconds)

    def succeed(self, output: Mapping[str, Any], *, bound_seconds: float) -> bool:
        """Answer with success; False when the workflow no longer waits. Raises as `heartbeat` does."""
        text = json.dumps(output, sort_keys=True)
        return self._send(
            lambda: self._states.send_task_success(taskToken=self._token, output=text), bound_seconds
        )

    def fail(self, error: str, cause: str, *, bound_seconds: float) -> bool:
        """Answer with failure; False when the workflow no longer waits. Raises as `heartbeat` does."""
        return self._send(
            lambda: self._states.send_task_failure(
                taskToken=self._token, error=error[:_LONGEST_ERROR], cause=cause[:_LONGEST_CAUSE]
            ),
            bound_seconds,
        )

    def _send(self, call: Callable[[], Any], bound_seconds: float) -> bool:
        try:
            persistently(call, bound_seconds=bound_seconds, clock=self._clock)
        except ClientError as error:
            if error_code(error) in _GONE:
                return False
            raise
        return True


class Heartbeats:
    """Keeps the task alive from a thread, and reports when nobody waits for the job any more.

    Three heartbeats go into each `interval_seconds` (the state's HeartbeatSeconds). A lost network is bridged
    for that long: after it Step Functions has given the task up and may have started the job elsewhere, so
    the job has to stop here (`on_lost`).
    """

    def __init__(
        self, token: TaskToken, interval_seconds: float, on_lost: Callable[[str], None], clock: Clock
    ) -> None:
        self._token = token
        self._interval = interval_seconds
        self._on_lost = on_lost
        self._clock = clock
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._last = clock.monotonic()
        self._due = self._last

    def start(self) -> None:
        """Begin, or go on after a pause; nothing where they go on. The caller has just sent a heartbeat."""
        if self._thread is not None and not self._stop.is_set():
            return
        if self._thread is None:
            self._last = self._clock.monotonic()
            self._due = self._last + self._interval / 3
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, args=(self._stop,), name="heartbeats", daemon=True)
        self._thread.start()

    def pause(self) -> None:
        """End the thread, with the call that it has under way."""
        self.stop()
        if self._thread is not None:
            self._thread.join()

    def stop(self) -> None:
        """End, without waiting for a call that is under way."""
        self._stop.set()

    def _beat(self, stop: threading.Event) -> None:
        while not stop.wait(max(0.0, self._due - self._clock.monotonic())):
            self._due = self._clock.monotonic() + self._interval / 3
            try:
                alive = self._token.heartbeat()
            except (BotoCoreError, ClientError, OSError):
                if self._clock.monotonic() - self._last > self._interval:
                    self._on_lost("the workflow could not be reached for longer than the heartbeat allows")
                    return
                continue
            if not alive:
                self._on_lost("the workflow no longer waits for this job")
                return
            self._last = self._clock.monotonic()
