"""Checks of a state machine that no service makes before it runs.

Pure: a JSONata parser is handed in where syntax is to be checked. (source: DESIGN section 6; CRAFT section
3.3, what each public tool misses)"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workflows.asl.machine import StateMachine
from workflows.asl.states import REFUSED_RETRY, TRANSIENT_RETRY, Processor, State

MAX_DEFINITION_BYTES = 1_048_576
"""Largest definition. (source: Step Functions Developer Guide, "Quotas")"""
MAX_PAYLOAD_BYTES = 262_144
"""Largest input or output of a state. (source: Step Functions Developer Guide, "Quotas")"""
MAX_NAME = 80
"""Longest name of a state, in characters."""

JSONPATH_FIELDS = frozenset(
    {
        "CausePath",
        "ErrorPath",
        "HeartbeatSecondsPath",
        "InputPath",
        "ItemsPath",
        "MaxConcurrencyPath",
        "OutputPath",
        "Parameters",
        "ResultPath",
        "ResultSelector",
        "SecondsPath",
        "TimeoutSecondsPath",
        "TimestampPath",
        "Variable",
    }
)
"""Fields that do not exist where the query language is JSONata."""

FUNCTIONS = frozenset(
    (
        "abs",
        "append",
        "assert",
        "average",
        "base64decode",
        "base64encode",
        "boolean",
        "ceil",
        "contains",
        "count",
        "decodeUrl",
        "decodeUrlComponent",
        "distinct",
        "each",
        "encodeUrl",
        "encodeUrlComponent",
        "error",
        "exists",
        "filter",
        "floor",
        "formatBase",
        "formatInteger",
        "formatNumber",
        "fromMillis",
        "hash",
        "join",
        "keys",
        "length",
        "lookup",
        "lowercase",
        "map",
        "match",
        "max",
        "merge",
        "millis",
        "min",
        "not",
        "now",
        "number",
        "pad",
        "parse",
        "parseInteger",
        "partition",
        "power",
        "random",
        "range",
        "reduce",
        "replace",
        "reverse",
        "round",
        "shuffle",
        "sift",
        "single",
        "sort",
        "split",
        "spread",
        "sqrt",
        "string",
        "substring",
        "substringAfter",
        "substringBefore",
        "sum",
        "toMillis",
        "trim",
        "type",
        "uppercase",
        "uuid",
        "zip",
    )
)
"""Functions of JSONata in Step Functions; ``$eval`` is not among them.

(source: Step Functions Developer Guide, "Transforming data with JSONata")
"""

Parse = Callable[[str], str | None]
"""Says why an expression does not parse, or ``None``."""


@dataclass(frozen=True, kw_only=True, order=True)
class Problem:
    """Something wrong with a machine."""

    state: str
    """Name of the state, empty for the machine itself."""
    message: str

    def __str__(self) -> str:
        return f"{self.state}: {self.message}" if self.state else self.message


def check(machine: StateMachine, *, parse: Parse | None = None) -> tuple[Problem, ...]:
    """All problems of a machine, sorted; empty for a good one."""
    problems = [*_size(machine), *_names(machine)]
    problems += _scope(Processor(start_at=machine.start_at, states=machine.states), frozenset(), frozenset())
    for name, state in machine.walk():
        problems += _fields(name, state)
        problems += _task(name, state)
        if parse is not None:
            problems += _syntax(name, state, parse)
    return tuple(sorted(set(problems)))


def _size(machine: StateMachine) -> Iterator[Problem]:
    size = len(machine.canonical())
    if size > MAX_DEFINITION_BYTES:
        yield Problem(
            state="", message=f"the definition has {size} bytes, at most {MAX_DEFINITION_BYTES} are possible"
        )


def _names(machine: StateMachine) -> Iterator[Problem]:
    seen: set[str] = set()
    for name, _ in machine.walk():
        if name in seen:
            yield Problem(state=name, message="the name is used by two states")
        if not 0 < len(name) <= MAX_NAME:
            yield Problem(state=name, message=f"a name has 1 to {MAX_NAME} characters")
        seen.add(name)


# The graph


def targets(state: State) -> list[tuple[str, Mapping[str, Any]]]:
    """Where a state can lead, each with the variables that are assigned on the way."""
    fields = state.fields
    own = fields.get("Assign", {})
    found: list[tuple[str, Mapping[str, Any]]] = []
    if "Next" in fields:
        found.append((fields["Next"], own))
    if "Default" in fields:
        found.append((fields["Default"], own))
    found += [(rule["Next"], own | rule.get("Assign", {})) for rule in fields.get("Choices", ())]
    found += [(catcher["Next"], catcher.get("Assign", {})) for catcher in fields.get("Catch", ())]
    return found


def _scope(processor: Processor, outer: frozenset[str], outer_writable: frozenset[str]) -> Iterator[Problem]:
    states = processor.states
    if processor.start_at not in states:
        yield Problem(state="", message=f'StartAt names "{processor.start_at}", which does not exist')
        return
    for name, state in states.items():
        for target, _ in targets(state):
            if target not in states:
                yield Problem(state=name, message=f'leads to "{target}", which does not exist here')
        yield from _ending(name, state)
    known = _assigned_before(processor, outer)
    for name, state in states.items():
        if name not in known:
            yield Problem(state=name, message="no state leads here")
            continue
        for variable in sorted(_used(state) - known[name]):
            yield Problem(state=name, message=f"the variable ${variable} is not assigned on every way here")
        for variable in sorted(_assigns(state) & outer_writable):
            yield Problem(state=name, message=f"the variable ${variable} belongs to an outer scope")
        if state.processor is not None:
            inside = frozenset() if state.processor.distributed else known[name]
            taken = frozenset() if state.processor.distributed else outer_writable | _all_assigned(processor)
            yield from _scope(state.processor, inside, taken)


def _all_assigned(processor: Processor) -> frozenset[str]:
    return frozenset(name for state in processor.states.values() for name in _assigns(state))


def _assigns(state: State) -> frozenset[str]:
    return frozenset(
        [*state.fields.get("Assign", {}), *(name for _, assign in targets(state) for name in assign)]
    )


def _assigned_before(processor: Processor, outer: frozenset[str]) -> dict[str, frozenset[str]]:
    """Variables that are assigned on every way to each reachable state."""
    known = {processor.start_at: outer}
    waiting = [processor.start_at]
    while waiting:
        name = waiting.pop()
        for target, assign in targets(processor.states[name]):
            if target not in processor.states:
                continue
            arriving = known[name] | frozenset(assign)
            merged = arriving & known[target] if target in known else arriving
            if known.get(target) != merged:
                known[target] = merged
                waiting.append(target)
    return known


_ENDINGS = {"Succeed", "Fail", "Choice"}


def _ending(name: str, state: State) -> Iterator[Problem]:
    fields = state.fields
    if fields["Type"] in _ENDINGS:
        if "Next" in fields or "End" in fields:
            yield Problem(state=name, message=f"a {fields['Type']} has neither Next nor End")
    elif ("Next" in fields) == bool(fields.get("End")):
        yield Problem(state=name, message="needs Next or End, and only one of them")


# The fields


def _fields(name: str, state: State) -> Iterator[Problem]:
    for field in sorted(JSONPATH_FIELDS & state.fields.keys()):
        yield Problem(state=name, message=f"{field} is a JSONPath field, the query language is JSONata")
    for key, value in _literals(state.fields):
        if key.endswith(".$"):
            yield Problem(state=name, message=f'"{key}" is JSONPath, the query language is JSONata')
        if isinstance(value, str) and value.count("{%") != value.count("%}"):
            yield Problem(state=name, message=f"{key}: an expression is not closed")
    if state.fields["Type"] == "Fail" and str(state.fields.get("Error", "")).startswith("States."):
        yield Problem(state=name, message="error names that begin with States. are reserved")
    if state.fields["Type"] == "Choice" and "Default" not in state.fields:
        yield Problem(state=name, message="a Choice needs a Default")
    for rule in state.fields.get("Choices", ()):
        if "Condition" not in rule:
            yield Problem(state=name, message="a rule without Condition")


def _literals(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for inner_key, inner in value.items():
            yield str(inner_key), inner
            yield from _literals(inner, str(inner_key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield key, inner
            yield from _literals(inner, key)


def _task(name: str, state: State) -> Iterator[Problem]:
    fields = state.fields
    for policy in ("Retry", "Catch"):
        for index, entry in enumerate(fields.get(policy, ())):
            if "States.ALL" in entry["ErrorEquals"] and (
                len(entry["ErrorEquals"]) > 1 or index < len(fields[policy]) - 1
            ):
                yield Problem(state=name, message=f"{policy}: States.ALL stands alone and last")
    if fields["Type"] != "Task":
        return
    if "TimeoutSeconds" not in fields:
        yield Problem(state=name, message="a Task needs a timeout")
    timeout, heartbeat = fields.get("TimeoutSeconds"), fields.get("HeartbeatSeconds")
    if isinstance(timeout, int) and timeout < 1:
        yield Problem(state=name, message="a timeout has at least one second")
    if isinstance(timeout, int) and isinstance(heartbeat, int) and heartbeat >= timeout:
        yield Problem(state=name, message="a heartbeat is shorter than the timeout")
    if not any(dict(retry) in fields.get("Retry", ()) for retry in (TRANSIENT_RETRY, REFUSED_RETRY)):
        yield Problem(state=name, message="a Task needs the shared transient Retry")
    if not any("States.ALL" in catcher["ErrorEquals"] for catcher in fields.get("Catch", ())):
        yield Problem(state=name, message="a Task needs a Catch of States.ALL")
    if str(fields["Resource"]).endswith(
        ".waitForTaskToken"
    ) and "$states.context.Task.Token" not in json.dumps(fields.get("Arguments")):
        yield Problem(state=name, message="waits for a task token that it does not pass on")
    if len(json.dumps(fields.get("Arguments")).encode()) > MAX_PAYLOAD_BYTES:
        yield Problem(state=name, message=f"its Arguments are larger than {MAX_PAYLOAD_BYTES} bytes")


# The expressions

_EXPRESSION = re.compile(r"^\{%(.*)%\}$", re.DOTALL)
_TEXT = re.compile(
    r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|`[^`]*`|/\*.*?\*/|(?<=[(,~])\s*/(?:\\.|[^/\\])+/', re.DOTALL
)
_LOCAL = re.compile(r"\$(\w+)\s*:=")
_PARAMETERS = re.compile(r"function\s*\(([^)]*)\)")
_REFERENCE = re.compile(r"\$(\w+)")


def expressions(value: Any) -> Iterator[str]:
    """The sources of all JSONata expressions in a field."""
    if isinstance(value, str):
        if found := _EXPRESSION.match(value):
            yield found[1].strip()
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from expressions(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from expressions(inner)


def variables(source: str) -> frozenset[str]:
    """Names of the state machine's variables that an expression reads."""
    bare = _TEXT.sub(" ", source)
    local = set(_LOCAL.findall(bare))
    for parameters in _PARAMETERS.findall(bare):
        local.update(_REFERENCE.findall(parameters))
    return frozenset(_REFERENCE.findall(bare)) - local - FUNCTIONS - {"states"}


def _used(state: State) -> frozenset[str]:
    return frozenset(name for source in expressions(state.fields) for name in variables(source))


def _syntax(name: str, state: State, parse: Parse) -> Iterator[Problem]:
    for source in expressions(state.fields):
        if reason := parse(source):
            yield Problem(state=name, message=f"does not parse: {source[:60]}: {reason}")
