"""Tells which state of which execution makes a call.

The Step Functions interpreter calls services over the emulator's own endpoint. Its clients get two headers
more, from the thread that runs the task.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote, unquote

from botocore.exceptions import BotoCoreError, ClientError
from localemu.aws.api.stepfunctions import HistoryEventType, TaskFailedEventDetails
from localemu.services.stepfunctions.asl.component.common.error_name.custom_error_name import CustomErrorName
from localemu.services.stepfunctions.asl.component.common.error_name.failure_event import FailureEvent
from localemu.services.stepfunctions.asl.component.state.state_execution.state_task import state_task
from localemu.services.stepfunctions.asl.component.state.state_execution.state_task.service import (
    state_task_service,
)
from localemu.services.stepfunctions.asl.eval.environment import Environment
from localemu.services.stepfunctions.asl.eval.event.event_detail import EventDetails

STATE_HEADER: Final = "x-landfall-state"
EXECUTION_HEADER: Final = "x-landfall-execution"

_CURRENT = threading.local()


def install() -> None:
    """Remember in each task's thread whose task it is, and name what the network does to its calls."""
    _tasks_are_known()
    _network_failures_are_named()


def name_calls(client: Any) -> Any:
    """The client, which from now on says in its requests which state calls."""
    client.meta.events.register("before-send.*.*", _add_headers)
    return client


def of_request(request: Any) -> tuple[str, str]:
    """State and execution that a request names; empty texts where it comes from elsewhere."""
    headers = request.headers
    return unquote(headers.get(STATE_HEADER, "")), unquote(headers.get(EXECUTION_HEADER, ""))


def execution_of(env: Environment) -> str:
    """ARN of the execution that a state belongs to; children of a distributed Map have their own."""
    data = env.states.context_object.context_object_data
    return str(data.get("Execution", {}).get("Id", ""))


def current_execution() -> str:
    """ARN of the execution whose state this thread works for; empty where it works for none."""
    return str(getattr(_CURRENT, "execution", ""))


@contextmanager
def calling(state: str, execution: str) -> Iterator[None]:
    """Calls that this thread makes meanwhile are this state's."""
    before = getattr(_CURRENT, "state", ""), getattr(_CURRENT, "execution", "")
    _CURRENT.state, _CURRENT.execution = state, execution
    try:
        yield
    finally:
        _CURRENT.state, _CURRENT.execution = before


def _add_headers(request: Any, **_: Any) -> None:
    state = getattr(_CURRENT, "state", "")
    if state:
        request.headers[STATE_HEADER] = quote(state)
        request.headers[EXECUTION_HEADER] = quote(_CURRENT.execution)


def _tasks_are_known() -> None:
    service = state_task_service.StateTaskService
    for owner in (service, *overriding(service, "_eval_execution")):
        original = owner._eval_execution

        def known(self: Any, env: Environment, _original: Any = original) -> None:
            with calling(self.name, execution_of(env)):
                _original(self, env)

        owner._eval_execution = functools.wraps(original)(known)


def _network_failures_are_named() -> None:
    """A call whose connection fails is ``<Service>.SdkClientException``; LocalEmu says States.Runtime.

    (source: Step Functions Developer Guide, "Handle transient Lambda service exceptions")
    """
    task = state_task.StateTask
    for owner in (task, *overriding(task, "_from_error")):
        original = owner._from_error

        def named(self: Any, env: Environment, ex: Exception, _original: Any = original) -> Any:
            if not hasattr(self, "resource"):
                return _original(self, env, ex)
            if isinstance(ex, ClientError):
                return _original(self, env, _as_step_functions_calls_it(self, ex))
            if not isinstance(ex, BotoCoreError):
                return _original(self, env, ex)
            return _sdk_failure(self, env, ex)

        owner._from_error = functools.wraps(original)(named)


def overriding(owner: type, method: str) -> list[Any]:
    """Subclasses, near and far, that have the method for themselves."""
    found: list[Any] = []
    kind: type
    for kind in owner.__subclasses__():
        if method in vars(kind):
            found.append(kind)
        found.extend(overriding(kind, method))
    return found


_NAMES: Final = {
    "dynamodb": "DynamoDB",
    "emr-serverless": "EMRServerless",
    "glue": "Glue",
    "lambda": "Lambda",
    "sns": "SNS",
    "sqs": "SQS",
    "states": "StepFunctions",
}
"""How the optimised integrations call their services in error names."""


def _as_step_functions_calls_it(task: Any, error: ClientError) -> ClientError:
    """An error of StartExecution that its model lacks (throttling, no permission) has the SDK's general name.

    LocalEmu appends ``Exception`` to any code, so that there would be a ThrottlingExceptionException.
    """
    code = error.response["Error"]["Code"]
    if task.resource.service_name != "states" or not code.endswith("Exception"):
        return error
    response = {**error.response, "Error": {**error.response["Error"], "Code": "AWSStepFunctions"}}
    return ClientError(response, error.operation_name)


def _sdk_failure(task: Any, env: Environment, ex: Exception) -> FailureEvent:
    own = getattr(task, "_normalise_service_error_name", None)
    service = task.resource.service_name
    prefix = own(task.resource.api_name) if own is not None else _NAMES.get(service, service)
    error = f"{prefix}.SdkClientException"
    return FailureEvent(
        env=env,
        error_name=CustomErrorName(error),
        event_type=HistoryEventType.TaskFailed,
        event_details=EventDetails(
            taskFailedEventDetails=TaskFailedEventDetails(
                resource=task._get_sfn_resource(),
                resourceType=task._get_sfn_resource_type(),
                error=error,
                cause=f"Unable to execute HTTP request: {ex}",
            )
        ),
    )
