"""The `.sync` integrations that LocalEmu lacks: EMR Serverless, and stopping a job on abort.

Source: Step Functions Developer Guide, "Integrate services", pages for AWS Glue and EMR Serverless, and "Run
a Job (.sync)": "If a task using this pattern is aborted, Step Functions makes a best-effort attempt to
cancel the task."
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from localemu.aws.api.stepfunctions import HistoryEventType, TaskFailedEventDetails
from localemu.services.stepfunctions.asl.component.common.error_name.custom_error_name import CustomErrorName
from localemu.services.stepfunctions.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from localemu.services.stepfunctions.asl.component.common.error_name.states_error_name import StatesErrorName
from localemu.services.stepfunctions.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from localemu.services.stepfunctions.asl.component.state.state_execution.state_task import state_task_factory
from localemu.services.stepfunctions.asl.component.state.state_execution.state_task.service.resource import (
    ResourceCondition,
)
from localemu.services.stepfunctions.asl.component.state.state_execution.state_task.service.state_task_service_callback import (  # noqa: E501
    StateTaskServiceCallback,
)
from localemu.services.stepfunctions.asl.component.state.state_execution.state_task.service.state_task_service_glue import (  # noqa: E501
    StateTaskServiceGlue,
)
from localemu.services.stepfunctions.asl.component.state.state_execution.state_task.service.state_task_service_sfn import (  # noqa: E501
    StateTaskServiceSfn,
)
from localemu.services.stepfunctions.asl.eval.callback.callback import CallbackOutcomeTimedOut
from localemu.services.stepfunctions.asl.eval.environment import Environment
from localemu.services.stepfunctions.asl.eval.event.event_detail import EventDetails
from localemu.services.stepfunctions.asl.utils.boto_client import boto_client_for
from localemu.services.stepfunctions.asl.utils.encoding import to_json_str

_SERVICE: Final = "emr-serverless"
_ERROR_PREFIX: Final = "EMRServerless"
_SUCCEEDED: Final = "SUCCESS"
_ENDED: Final = frozenset({_SUCCEEDED, "FAILED", "CANCELLED"})
_START_JOB_RUN: Final = frozenset(
    {
        "ApplicationId", "ClientToken", "ExecutionRoleArn", "ExecutionIamPolicy", "JobDriver",
        "ConfigurationOverrides", "Tags", "ExecutionTimeoutMinutes", "Name", "Mode", "RetryPolicy",
    }
)  # fmt: skip


def install() -> None:
    """Register the EMR Serverless integration and the cancellation of aborted jobs."""
    original = state_task_factory.state_task_service_for

    @functools.wraps(original)
    def service_for(service_name: str) -> Any:
        return StateTaskServiceEmrServerless() if service_name == _SERVICE else original(service_name)

    state_task_factory.state_task_service_for = service_for
    _cancel_on_abort()


class StateTaskServiceEmrServerless(StateTaskServiceCallback):
    """`arn:aws:states:::emr-serverless:startJobRun` and its `.sync` form."""

    def __init__(self) -> None:
        super().__init__(supported_integration_patterns={ResourceCondition.Sync})

    def _get_supported_parameters(self) -> set[str] | None:
        return set(_START_JOB_RUN) if self.resource.api_action.lower() == "startjobrun" else None

    def _from_error(self, env: Environment, ex: Exception) -> FailureEvent:
        if isinstance(ex, ClientError):
            error = f"{_ERROR_PREFIX}.{ex.response['Error']['Code']}"
            return self._failed(env, CustomErrorName(error), error, ex.response["Error"]["Message"])
        return super()._from_error(env=env, ex=ex)

    def _eval_service_task(
        self, env: Environment, resource_runtime_part: Any, normalised_parameters: dict[str, Any],
        state_credentials: Any,
    ) -> None:  # fmt: skip
        client = boto_client_for(_SERVICE, resource_runtime_part.region, state_credentials)
        response = client.start_job_run(**normalised_parameters)
        response.pop("ResponseMetadata", None)
        env.stack.append(response)

    def _build_sync_resolver(
        self, env: Environment, resource_runtime_part: Any, normalised_parameters: dict[str, Any],
        state_credentials: Any,
    ) -> Callable[[], Any | None]:  # fmt: skip
        started = env.stack.pop()
        application, run = started["ApplicationId"], started["JobRunId"]
        client = boto_client_for(_SERVICE, resource_runtime_part.region, state_credentials)

        def look() -> Any | None:
            job = client.get_job_run(applicationId=application, jobRunId=run)["jobRun"]
            if job["state"] not in _ENDED:
                return None
            output = {"JobRun": _pascal_case(job)}
            if job["state"] == _SUCCEEDED:
                return output
            error = StatesErrorNameType.StatesTaskFailed
            raise FailureEventException(
                self._failed(env, StatesErrorName(typ=error), error.to_name(), to_json_str(output))
            )

        def cancel() -> None:
            client.cancel_job_run(applicationId=application, jobRunId=run)

        look.cancel = cancel  # type: ignore[attr-defined]
        return look

    def _failed(self, env: Environment, name: Any, error: str, cause: str) -> FailureEvent:
        return FailureEvent(
            env=env,
            error_name=name,
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(
                taskFailedEventDetails=TaskFailedEventDetails(
                    error=error,
                    cause=cause,
                    resource=self._get_sfn_resource(),
                    resourceType=self._get_sfn_resource_type(),
                )
            ),
        )


def _cancel_on_abort() -> None:
    """A `.sync` task that is aborted or times out stops its job, as far as it can."""
    glue_resolver = StateTaskServiceGlue._sync_to_start_job_run
    child_resolvers = {
        name: getattr(StateTaskServiceSfn, name) for name in ("_build_sync_resolver", "_build_sync2_resolver")
    }
    eval_sync = StateTaskServiceCallback._eval_sync

    @functools.wraps(glue_resolver)
    def glue_with_cancel(
        self: Any, env: Environment, resource_runtime_part: Any, parameters: dict[str, Any], credentials: Any
    ) -> Callable[[], Any | None]:
        started = env.stack[-1]
        look: Callable[[], Any | None] = glue_resolver(
            self, env, resource_runtime_part, parameters, credentials
        )
        client = self._get_glue_client(resource_runtime_part, credentials)

        def cancel() -> None:
            client.batch_stop_job_run(JobName=started["JobName"], JobRunIds=[started["JobRunId"]])

        look.cancel = cancel  # type: ignore[attr-defined]
        return look

    def child_with_cancel(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def build(self: Any, env: Environment, **parts: Any) -> Callable[[], Any | None]:
            execution = env.stack[-1]["ExecutionArn"]
            look: Callable[[], Any | None] = original(self, env, **parts)
            region = parts["resource_runtime_part"].region
            client = boto_client_for("stepfunctions", region, parts["state_credentials"])

            def cancel() -> None:
                client.stop_execution(executionArn=execution)

            look.cancel = cancel  # type: ignore[attr-defined]
            return look

        return build

    @functools.wraps(eval_sync)
    def eval_and_cancel(self: Any, env: Environment, sync_resolver: Any, *args: Any, **kwargs: Any) -> Any:
        outcome = eval_sync(self, env, sync_resolver, *args, **kwargs)
        cancel = getattr(sync_resolver, "cancel", None)
        # A child execution could answer by token as well: its wait is woken by a stop, as if by a timeout.
        unfinished = outcome is None or isinstance(outcome, CallbackOutcomeTimedOut)
        if unfinished and cancel is not None and not env.is_running():
            with contextlib.suppress(ClientError, BotoCoreError):
                cancel()
        return outcome

    StateTaskServiceGlue._sync_to_start_job_run = glue_with_cancel
    for name, resolver in child_resolvers.items():
        setattr(StateTaskServiceSfn, name, child_with_cancel(resolver))
    StateTaskServiceCallback._eval_sync = eval_and_cancel


def _pascal_case(value: Any) -> Any:
    """Member names as Step Functions shows them; keys of maps that the caller made stay as they are."""
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: _pascal_case(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_pascal_case(item) for item in value]
    return value
