"""No task of a state machine waits for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..frame.documents import decode
from ..frame.resource import Resource
from ..frame.rule import Report, Rule, Severity

# Without a timeout, Step Functions waits 99999999 seconds: more than three years.
_FOR_EVER = 99_999_999


def check(resource: Resource, report: Report) -> None:
    """Require `TimeoutSeconds` (or its JSONPath form) on each Task, inside Map and Parallel too."""
    definition = decode(resource.at("definition"), report, "definition")
    if definition is None:
        return
    if not isinstance(definition, Mapping) or not isinstance(definition.get("States"), Mapping):
        report.violation("`definition` is not a state machine with States")
        return
    for name, state in _states(definition):
        if state.get("Type") == "Task" and not _limited(state):
            report.violation(f"the task {name} has no TimeoutSeconds")


def _states(machine: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, state in (machine.get("States") or {}).items():
        yield name, state
        inner = [state.get("ItemProcessor"), state.get("Iterator"), *(state.get("Branches") or ())]
        for machine_inside in filter(None, inner):
            yield from _states(machine_inside)


def _limited(state: Mapping[str, Any]) -> bool:
    if isinstance(state.get("TimeoutSecondsPath"), str):
        return True
    timeout = state.get("TimeoutSeconds")
    if isinstance(timeout, str):  # JSONata, computed at run time
        return timeout.startswith("{%") and timeout.endswith("%}")
    return isinstance(timeout, int) and not isinstance(timeout, bool) and 0 < timeout < _FOR_EVER


STATE_MACHINE_TASK_TIMEOUTS = Rule(
    name="state-machine-task-timeouts",
    severity=Severity.HIGH,
    description=(
        "Every Task of a state machine has a timeout, so that a lost worker cannot hold a run for years."
    ),
    remediation=(
        "Give each Task TimeoutSeconds, and build the definition from ARNs that are known beforehand."
    ),
    resource_types=("aws:sfn/stateMachine:StateMachine",),
    check=check,
)
