"""Puts our JSONata engine into LocalEmu's Step Functions interpreter.

LocalEmu writes variables into the expression's text before it evaluates it; text that holds quotes then
breaks, and large payloads are parsed again at every use. Here expressions are parsed once and variables are
bound as values.
"""

from __future__ import annotations

import re
from typing import Any, Final

from localemu.aws.api.stepfunctions import EvaluationFailedEventDetails, HistoryEventType
from localemu.services.stepfunctions.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from localemu.services.stepfunctions.asl.component.common.error_name.states_error_name import StatesErrorName
from localemu.services.stepfunctions.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from localemu.services.stepfunctions.asl.component.common.string.string_expression import (
    StringJSONata,
    StringVariableSample,
)
from localemu.services.stepfunctions.asl.eval.environment import Environment
from localemu.services.stepfunctions.asl.eval.event.event_detail import EventDetails
from localemu.services.stepfunctions.asl.eval.variable_store import NoSuchVariable

from landfall_emulator import jsonata_eval

_STATES: Final = "states"
_INTERNAL_FIELD = re.compile(r"^JSONata|^AssignTemplate|^StringJSONata")


def install() -> None:
    """Replace the evaluation of `{% ... %}` and of `$variable` paths."""
    StringJSONata._eval_body = _eval_jsonata
    StringVariableSample._eval_body = _eval_variable_path


def variable(env: Environment, name: str) -> Any:
    """Value of `$name` in the state that `env` evaluates; LookupError when it has none."""
    if name == _STATES:
        return env.states._states_data
    try:
        return env.variable_store.get(name)
    except NoSuchVariable as missing:
        raise LookupError(name) from missing


def _eval_jsonata(self: StringJSONata, env: Environment) -> None:
    """Push the value of a JSONata expression, or fail as `States.QueryEvaluationError`."""
    try:
        env.stack.append(jsonata_eval.evaluate(self.expression, lambda name: variable(env, name)))
    except jsonata_eval.QueryEvaluationError as error:
        raise failure(env, self.expression, str(error)) from error


def _eval_variable_path(self: StringVariableSample, env: Environment) -> None:
    """Push the value of a JSONPath state's `$variable.path`; nothing there is null, as LocalEmu has it."""
    try:
        env.stack.append(jsonata_eval.evaluate(self.expression, lambda name: variable(env, name)))
    except jsonata_eval.Undefined:
        env.stack.append(None)
    except jsonata_eval.QueryEvaluationError as error:
        raise failure(env, self.expression, str(error)) from error


def failure(env: Environment, expression: str, reason: str) -> FailureEventException:
    """The failure that the service reports for an expression; the text follows the service's."""
    field = env.next_field_name
    location = None if field is None or _INTERNAL_FIELD.match(field) else field.removesuffix("JSONata")
    where = f" specified for the field '{location}'" if location else ""
    cause = f"The JSONata expression '{expression}'{where} {reason}"
    details = EvaluationFailedEventDetails(
        error=StatesErrorNameType.StatesQueryEvaluationError.to_name(),
        cause=cause if cause.endswith(".") else f"{cause}.",
    )
    if location:
        details["location"] = location
    return FailureEventException(
        failure_event=FailureEvent(
            env=env,
            error_name=StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError),
            event_type=HistoryEventType.EvaluationFailed,
            event_details=EventDetails(evaluationFailedEventDetails=details),
        )
    )
