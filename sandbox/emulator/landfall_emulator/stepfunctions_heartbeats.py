"""A task that waits for its token may not hang in its call for longer than its heartbeat.

The service counts from the start of the task; LocalEmu from the answer of the call, so that a call without an
answer holds the task until its whole time is over.

(source: Step Functions Developer Guide, "Task workflow state", HeartbeatSeconds)
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from localemu.services.stepfunctions.asl.component.state.state_execution.state_task.service import (
    state_task_service_callback,
)
from localemu.services.stepfunctions.asl.component.state.state_execution.state_task.service.resource import (
    ResourceCondition,
)
from localemu.services.stepfunctions.asl.eval.callback.callback import HeartbeatTimeoutError
from localemu.services.stepfunctions.asl.eval.environment import Environment

from landfall_emulator.faults import callers


def install() -> None:
    """Watch the calls of all tasks that can wait for a token."""
    service = state_task_service_callback.StateTaskServiceCallback
    for owner in callers.overriding(service, "_eval_service_task"):
        original = owner._eval_service_task

        def watched(self: Any, env: Environment, _original: Any = original, **arguments: Any) -> None:
            def call() -> None:
                _original(self, env=env, **arguments)

            if self.heartbeat is None or self.resource.condition != ResourceCondition.WaitForTaskToken:
                call()
                return
            # Before the call: it leaves its answer on the same stack.
            self.heartbeat.eval(env=env)
            _within(env.stack.pop(), call, self.name, callers.execution_of(env))

        owner._eval_service_task = functools.wraps(original)(watched)


def _within(seconds: float, call: Callable[[], None], state: str, execution: str) -> None:
    """The call, in a thread that is left alone when its time is over; raises what it raises."""
    ended = threading.Event()
    raised: list[Exception] = []

    def run() -> None:
        try:
            with callers.calling(state, execution):
                call()
        except Exception as error:
            raised.append(error)
        ended.set()

    threading.Thread(target=run, daemon=True, name=f"call of {state}").start()
    if not ended.wait(seconds):
        raise HeartbeatTimeoutError
    if raised:
        raise raised[0]
