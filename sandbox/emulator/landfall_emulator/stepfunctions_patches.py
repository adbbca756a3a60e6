"""Differences between LocalEmu's Step Functions and the service, each put right by one small function.

The behaviour aimed at is the Amazon States Language specification's and the Step Functions Developer
Guide's. What stays different is listed in `docs/limits.md`: no RedriveExecution, and a lost heartbeat is
named `States.Timeout` (the service: `States.HeartbeatTimeout`), so state machines catch both.
"""

from __future__ import annotations

import functools
import json
import re
from typing import Any, Final

from localemu.aws.api.stepfunctions import HistoryEventType, MapRunFailedEventDetails
from localemu.services.stepfunctions.asl.component.common.assign.assign_decl import AssignDecl
from localemu.services.stepfunctions.asl.component.common.error_name.custom_error_name import CustomErrorName
from localemu.services.stepfunctions.asl.component.common.error_name.error_name import ErrorName
from localemu.services.stepfunctions.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from localemu.services.stepfunctions.asl.component.common.error_name.states_error_name import StatesErrorName
from localemu.services.stepfunctions.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from localemu.services.stepfunctions.asl.component.common.path import result_path
from localemu.services.stepfunctions.asl.component.eval_component import EvalComponent
from localemu.services.stepfunctions.asl.component.state.state import CommonStateField
from localemu.services.stepfunctions.asl.component.state.state_execution import execute_state
from localemu.services.stepfunctions.asl.component.state.state_execution.state_map.iteration import (
    distributed_iteration_component as distributed,
)
from localemu.services.stepfunctions.asl.component.state.state_execution.state_map.iteration import (
    iteration_worker,
)
from localemu.services.stepfunctions.asl.component.state.state_execution.state_task.service import (
    state_task_service_aws_sdk as aws_sdk,
)
from localemu.services.stepfunctions.asl.component.state.state_execution.state_task.service.state_task_service import (  # noqa: E501
    StateTaskService,
)
from localemu.services.stepfunctions.asl.eval.environment import Environment
from localemu.services.stepfunctions.asl.eval.event.event_detail import EventDetails
from localemu.services.stepfunctions.asl.eval.variable_store import VariableStore
from localemu.services.stepfunctions.asl.parse import asl_parser, preprocessor
from localemu.services.stepfunctions.asl.utils import json_path

from landfall_emulator import (
    stepfunctions_clients,
    stepfunctions_endings,
    stepfunctions_heartbeats,
    stepfunctions_jsonata,
    stepfunctions_stops,
    stepfunctions_sync,
)

# Step Functions' name of a service -> botocore's, and the prefix of its error names.
SERVICES: Final[dict[str, tuple[str, str]]] = {
    "redshiftdata": ("redshift-data", "RedshiftData"),
    "redshiftserverless": ("redshift-serverless", "RedshiftServerless"),
    "emrserverless": ("emr-serverless", "EmrServerless"),
    "secretsmanager": ("secretsmanager", "SecretsManager"),
    "ssm": ("ssm", "Ssm"),
    "sns": ("sns", "Sns"),
    "sqs": ("sqs", "Sqs"),
    "kms": ("kms", "Kms"),
    "cloudwatchlogs": ("logs", "CloudWatchLogs"),
    "eventbridge": ("events", "EventBridge"),
    "resourcegroupstaggingapi": ("resourcegroupstaggingapi", "ResourceGroupsTaggingApi"),
}

_OUTPUT_DONE: Final = object()
_STAGED: Final = "_landfall_staged"
_THRESHOLD: Final = StatesErrorNameType.StatesExceedToleratedFailureThreshold


def install() -> None:
    """Apply every patch of this module, once."""
    if getattr(StateTaskService, "_landfall", False):
        return
    StateTaskService._landfall = True
    stepfunctions_jsonata.install()
    stepfunctions_sync.install()
    stepfunctions_clients.install()
    stepfunctions_endings.install()
    stepfunctions_heartbeats.install()
    stepfunctions_stops.install()
    _service_names()
    _assign_takes_effect_with_output()
    _output_errors_can_be_caught()
    _evaluation_failures_outside_tasks_are_logged()
    _context_object_reaches_arguments()
    _assigned_variables_are_json()
    _whole_percentages_parse()
    _strings_are_json()
    _paths_are_parsed_once()
    _definitions_are_parsed_once()
    _failed_items_fail_the_map()
    _service_errors_leave_an_inline_map()


def _service_names() -> None:
    """AWS SDK integrations of services whose Step Functions name differs from botocore's."""
    for name, (botocore_name, error_prefix) in SERVICES.items():
        StateTaskService._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES[name] = botocore_name
        aws_sdk._SERVICE_ERROR_NAMES[name] = error_prefix


def _assign_takes_effect_with_output() -> None:
    """Assign and Output of a state see the same old variables; LocalEmu lets Output see the new ones.

    Values are staged while the state is evaluated and become variables when the state is left.
    """

    def stage(self: AssignDecl, env: Environment) -> None:
        values: dict[str, Any] = {}
        for binding in self.declaration_bindings:
            binding.eval(env=env)
            values.update(env.stack.pop())
        env.__dict__.setdefault(_STAGED, {}).update(values)

    original = CommonStateField._get_state_exited_event_details

    @functools.wraps(original)
    def commit(self: CommonStateField, env: Environment) -> Any:
        for name, value in env.__dict__.pop(_STAGED, {}).items():
            env.variable_store.set(variable_identifier=name, variable_value=value)
        return original(self, env)

    AssignDecl._eval_body = stage
    CommonStateField._get_state_exited_event_details = commit


def _output_errors_can_be_caught() -> None:
    """A failing Output of a Task, Map or Parallel meets Retry and Catch; LocalEmu ends the execution."""
    state = execute_state.ExecutionState
    evaluate = state._evaluate_with_timeout
    finish = state._eval_state_output

    @functools.wraps(evaluate)
    def evaluate_with_output(self: Any, env: Environment) -> None:
        depth = len(env.stack)
        try:
            evaluate(self, env)
            if self.output is not None:
                self.output.eval(env=env)
                env.stack.append(_OUTPUT_DONE)
        except BaseException:
            # A retry starts from the state's input, without the half-made result or its variables.
            del env.stack[depth:]
            env.__dict__.pop(_STAGED, None)
            raise

    @functools.wraps(finish)
    def finish_once(self: Any, env: Environment) -> None:
        if env.stack and env.stack[-1] is _OUTPUT_DONE:
            env.stack.pop()
            return
        finish(self, env)

    state._evaluate_with_timeout = evaluate_with_output
    state._eval_state_output = finish_once


def _evaluation_failures_outside_tasks_are_logged() -> None:
    """A failing expression of a Choice, Pass, Wait, Succeed or Fail state leaves an EvaluationFailed event.

    Task, Map and Parallel states write their failure events themselves.
    """
    original = CommonStateField._eval_body

    @functools.wraps(original)
    def body(self: CommonStateField, env: Environment) -> None:
        try:
            original(self, env)
        except FailureEventException as error:
            event = error.failure_event
            own = not isinstance(self, execute_state.ExecutionState)
            if own and event.event_type == HistoryEventType.EvaluationFailed:
                env.event_manager.add_event(
                    context=env.event_history_context,
                    event_type=HistoryEventType.EvaluationFailed,
                    event_details=EventDetails(
                        evaluationFailedEventDetails=error.get_evaluation_failed_event_details()
                    ),
                )
            raise

    CommonStateField._eval_body = body


def _context_object_reaches_arguments() -> None:
    """`$states.context.State` is there in Arguments; LocalEmu evaluates them in a frame that lacks it."""
    original = Environment.as_inner_frame_of.__func__

    @functools.wraps(original)
    def frame_of(cls: type[Environment], env: Environment, *args: Any, **kwargs: Any) -> Environment:
        frame = original(cls, env, *args, **kwargs)
        source = env.states.context_object.context_object_data
        if "State" in source:
            frame.states.context_object.context_object_data.setdefault("State", source["State"])
        return frame

    Environment.as_inner_frame_of = classmethod(frame_of)


def _assigned_variables_are_json() -> None:
    """`assignedVariables` of the history holds JSON texts; LocalEmu does not escape strings."""

    def assigned(self: VariableStore) -> dict[str, str]:
        return {
            name: json.dumps(self.get(name), separators=(",", ":"), default=str, ensure_ascii=False)
            for name in sorted(self._declaration_tracing)
        }

    VariableStore.get_assigned_variables = assigned


def _whole_percentages_parse() -> None:
    """`"ToleratedFailurePercentage": 5` is valid; LocalEmu's grammar only takes `5.0`."""
    parser = asl_parser.AmazonStateLanguageParser
    original = parser.parse
    whole = re.compile(r'("ToleratedFailurePercentage"\s*:\s*)(\d+)(?=\s*[,}\]])')

    def parse(definition: str) -> Any:
        return original(whole.sub(r"\g<1>\g<2>.0", definition))

    parser.parse = staticmethod(parse)


def _strings_are_json() -> None:
    """Strings of a definition are JSON; LocalEmu leaves some escapes and reads others as Python's.

    Quotes and backslashes in plain values, and characters beyond U+FFFF, come out right only this way.
    """
    reader = preprocessor.Preprocessor._inner_string_of

    def text_of(parser_rule_context: Any) -> str | None:
        inner: str | None = reader(parser_rule_context)
        text = parser_rule_context.getText()
        if inner is None or not (len(text) > 1 and text[0] == text[-1] == '"'):
            return inner
        try:
            return str(json.loads(text, strict=False))
        except ValueError:
            return inner

    preprocessor.Preprocessor._inner_string_of = staticmethod(text_of)
    preprocessor.from_string_literal = text_of


def _paths_are_parsed_once() -> None:
    """Reference paths are kept parsed; LocalEmu builds a parser, 20 ms of work, at the end of every state."""
    for module in (result_path, json_path):
        module.parse = functools.lru_cache(maxsize=4096)(module.parse)


def _definitions_are_parsed_once() -> None:
    """Definitions are kept parsed; LocalEmu parses one at each start: a second of work for 130 states.

    Components hold nothing of an execution but a key into its heap, by which retries are counted. The key is
    drawn when it is first asked for, which two executions could do at once; an object's identity is there
    from the beginning.
    """
    parser = asl_parser.AmazonStateLanguageParser
    parser.parse = staticmethod(functools.lru_cache(maxsize=64)(parser.parse))
    EvalComponent.heap_key = property(lambda component: str(id(component)))


def _failed_items_fail_the_map() -> None:
    """A distributed Map fails when more items failed than tolerated; LocalEmu ignores failed items."""
    component = distributed.DistributedIterationComponent
    original = component._map_run

    @functools.wraps(original)
    def map_run(self: Any, env: Environment, eval_input: Any) -> None:
        original(self, env, eval_input)
        items = eval_input.map_run_record.item_counter
        failed = sum(counter.get() for counter in (items.failed, items.timed_out, items.aborted))
        total = items.total.get()
        share = 100.0 * failed / total if total else 0.0
        allowed = failed <= eval_input.tolerated_failure_count or (
            eval_input.tolerated_failure_percentage > 0 and share <= eval_input.tolerated_failure_percentage
        )
        if not allowed:
            cause = "The specified tolerated failure threshold was exceeded"
            raise FailureEventException(
                failure_event=FailureEvent(
                    env=env,
                    error_name=StatesErrorName(typ=_THRESHOLD),
                    event_type=HistoryEventType.MapRunFailed,
                    event_details=EventDetails(
                        mapRunFailedEventDetails=MapRunFailedEventDetails(
                            error=_THRESHOLD.to_name(), cause=cause
                        )
                    ),
                )
            )

    component._map_run = map_run


def _service_errors_leave_an_inline_map() -> None:
    """An uncaught `States.*` error of an iteration is the Map's; LocalEmu refuses the reserved prefix."""

    def named(error_name: str | None) -> ErrorName:
        try:
            return StatesErrorName.from_name(error_name or "")
        except ValueError:
            return CustomErrorName(error_name=error_name)

    iteration_worker.CustomErrorName = named
