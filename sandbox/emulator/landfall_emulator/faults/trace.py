"""What executions did, edge by edge, children of distributed Maps included.

The emulator keeps no histories of such children; coverage of a state machine is counted from this record
instead. It is off until somebody asks for it, and holds counts, not events.
"""

from __future__ import annotations

import functools
import threading
from collections import Counter
from typing import Any, Final

from localemu.services.stepfunctions.asl.component.common.catch.catch_decl import CatchDecl
from localemu.services.stepfunctions.asl.component.common.catch.catch_outcome import CatchOutcome
from localemu.services.stepfunctions.asl.component.common.retry.retry_outcome import RetryOutcome
from localemu.services.stepfunctions.asl.component.state.state import CommonStateField
from localemu.services.stepfunctions.asl.component.state.state_execution import execute_state
from localemu.services.stepfunctions.asl.eval.environment import Environment

from landfall_emulator.faults.callers import execution_of
from landfall_emulator.faults.rules import Call

_LOCK: Final = threading.Lock()
_COUNTS: Final[Counter[tuple[str, str, str, str]]] = Counter()
_ON = threading.Event()


def install() -> None:
    """Count states, retries and catches where the interpreter evaluates them."""
    _states()
    _retries_and_catches()


def switch(on: bool) -> None:
    """Begin anew, or stop and forget."""
    with _LOCK:
        _COUNTS.clear()
    (_ON.set if on else _ON.clear)()


def report(execution: str = "") -> list[dict[str, Any]]:
    """Counts of the executions whose ARN contains the text."""
    with _LOCK:
        items = sorted(_COUNTS.items())
    return [
        {"execution": arn, "state": state, "kind": kind, "detail": detail, "count": count}
        for (arn, state, kind, detail), count in items
        if execution in arn
    ]


def executed(call: Call) -> None:
    """A call of an execution reached its service."""
    if call.state:
        _count(call.execution, call.state, "executed", f"{call.service}:{call.operation}")


def faulted(call: Call, effect: str) -> None:
    """A call of an execution met a fault."""
    if call.state:
        _count(call.execution, call.state, "fault", effect)


def _count(execution: str, state: str, kind: str, detail: str = "") -> None:
    if _ON.is_set():
        with _LOCK:
            _COUNTS[(execution, state, kind, detail)] += 1


def _states() -> None:
    original = CommonStateField._eval_body

    @functools.wraps(original)
    def body(self: CommonStateField, env: Environment) -> None:
        if not _ON.is_set():
            original(self, env)
            return
        execution = execution_of(env)
        _count(execution, self.name, "entered")
        original(self, env)
        following = env.next_state_name
        if following and following != self.name:
            _count(execution, self.name, "next", following)

    CommonStateField._eval_body = body


def _retries_and_catches() -> None:
    state = execute_state.ExecutionState
    retry = state._handle_retry
    catch = state._handle_catch

    @functools.wraps(retry)
    def retried(self: Any, env: Environment, failure_event: Any) -> Any:
        outcome = retry(self, env, failure_event)
        if outcome == RetryOutcome.CanRetry:
            _count(execution_of(env), self.name, "retry", _error_of(failure_event))
        return outcome

    @functools.wraps(catch)
    def caught(self: Any, env: Environment, failure_event: Any) -> None:
        catch(self, env, failure_event)
        if env.stack and env.stack[-1] == CatchOutcome.Caught:
            _count(execution_of(env), self.name, "catch", _catcher_of(self.catch, failure_event, env))

    state._handle_retry = retried
    state._handle_catch = caught


def _error_of(failure_event: Any) -> str:
    name = failure_event.error_name
    return str(name.error_name) if name else ""


def _catcher_of(declared: CatchDecl, failure_event: Any, env: Environment) -> str:
    """Which catcher took the error: its place in the state's list, and where it leads."""
    for place, catcher in enumerate(declared.catchers):
        env.stack.append(failure_event.error_name)
        catcher.error_equals.eval(env)
        if env.stack.pop():
            return f"{place}:{env.next_state_name}"
    return f"?:{env.next_state_name}"
