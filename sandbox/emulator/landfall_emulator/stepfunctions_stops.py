"""A stopped execution stays stopped, at once.

LocalEmu lets a task that notices the stop overwrite it with its own failure, so that the execution ends as
FAILED, and lets a task that waits for its token go on waiting until the next heartbeat.
(source: Step Functions API Reference, "StopExecution")
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from localemu.services.stepfunctions.asl.eval.environment import Environment
from localemu.services.stepfunctions.asl.eval.program_state import ProgramStopped


def install() -> None:
    """Apply every patch of this module."""
    for name in ("set_error", "set_timed_out"):
        setattr(Environment, name, _unless_stopped(getattr(Environment, name)))
    _waiting_tasks_are_woken()


def _unless_stopped(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def end(self: Environment, *arguments: Any, **options: Any) -> None:
        if not isinstance(self.program_state(), ProgramStopped):
            original(self, *arguments, **options)

    return end


def _waiting_tasks_are_woken() -> None:
    original = Environment.set_stop

    @functools.wraps(original)
    def stop(self: Environment, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        if not self.is_frame():
            for endpoint in list(self.callback_pool_manager._pool.values()):
                endpoint.interrupt_all()

    Environment.set_stop = stop
