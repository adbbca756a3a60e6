"""How executions and callback tasks of the emulator end, where LocalEmu differs from the service.

(source: Step Functions Developer Guide, "Events for execution status change", "Wait for a Callback with Task
Token"; Amazon States Language, "Errors")
"""

from __future__ import annotations

import functools
import json
import logging
from datetime import datetime
from typing import Any

from localemu.services.stepfunctions.asl.component.common.error_name.failure_event import (
    FailureEventException,
)
from localemu.services.stepfunctions.asl.component.eval_component import EvalComponent
from localemu.services.stepfunctions.asl.component.state.state_execution.state_task.service import (
    state_task_service_dynamodb as dynamodb,
)
from localemu.services.stepfunctions.asl.eval.callback.callback import CallbackEndpoint
from localemu.services.stepfunctions.backend import execution as executions

LOG = logging.getLogger(__name__)


def install() -> None:
    """Apply every patch of this module."""
    _status_events_carry_milliseconds()
    _an_early_answer_is_heard()
    _an_early_heartbeat_is_heard()
    _failures_keep_their_names_in_dynamodb_tasks()
    _a_failure_is_logged_in_one_line()


def _status_events_carry_milliseconds() -> None:
    """`startDate` and `stopDate` of a status change event are milliseconds since the epoch, not text."""
    to_text = executions.to_json_str

    def with_milliseconds(value: Any, *arguments: Any, **options: Any) -> str:
        text: str = to_text(value, *arguments, **options)
        if not isinstance(value, dict) or "startDate" not in value:
            return text
        detail = json.loads(text)
        for key in ("startDate", "stopDate"):
            if isinstance(detail.get(key), str):
                detail[key] = int(datetime.fromisoformat(detail[key]).timestamp() * 1000)
        return json.dumps(detail)

    executions.to_json_str = with_milliseconds


def _an_early_answer_is_heard() -> None:
    """A token that was answered before the task waits for heartbeats ends the task at once."""
    original = CallbackEndpoint.setup_heartbeat_endpoint

    @functools.wraps(original)
    def setup(self: CallbackEndpoint, heartbeat_seconds: int) -> Any:
        endpoint = original(self, heartbeat_seconds)
        if self._outcome is not None:
            endpoint.notify()
        return endpoint

    CallbackEndpoint.setup_heartbeat_endpoint = setup


def _an_early_heartbeat_is_heard() -> None:
    """A heartbeat for a token that is open is accepted, also before (or without) waiting for heartbeats.

    LocalEmu calls such a token invalid, and a host that is faster than the state machine gives its job up.
    """
    original = CallbackEndpoint.notify_heartbeat

    @functools.wraps(original)
    def heard(self: CallbackEndpoint) -> bool:
        return bool(original(self)) or (self._heartbeat_endpoint is None and self._outcome is None)

    CallbackEndpoint.notify_heartbeat = heard


def _failures_keep_their_names_in_dynamodb_tasks() -> None:
    """An expression that fails in a DynamoDB task is `States.QueryEvaluationError`, no DynamoDB error."""
    service = dynamodb.StateTaskServiceDynamoDB
    original = service._from_error

    @functools.wraps(original)
    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        return ex.failure_event if isinstance(ex, FailureEventException) else original(self, env, ex)

    service._from_error = from_error


def _a_failure_is_logged_in_one_line() -> None:
    """LocalEmu writes the whole definition for each level that a failure passes; one line says as much."""

    def log(self: EvalComponent, failure_event_exception: FailureEventException) -> None:
        name = failure_event_exception.failure_event.error_name
        LOG.info("%s failed: %s", type(self).__name__, name.error_name if name else "no name")

    EvalComponent._log_failure_event_exception = log
