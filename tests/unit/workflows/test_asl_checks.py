"""The graph checks find each kind of defect and nothing in the machines that we ship."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from jsonata import Jsonata

from workflows.asl.checks import MAX_DEFINITION_BYTES, check, expressions, variables
from workflows.asl.machine import StateMachine
from workflows.asl.states import Processor, State, catch, choice, fail, map_, pass_, task, wait
from workflows.etl import EtlSpec, definition

SPECS = [
    EtlSpec(stack="sandbox"),
    EtlSpec(stack="prod", notify_on_success=True, warehouse="cluster", instance_ids=("i-0123456789abcdef0",)),
]


def parse(source: str) -> str | None:
    """Why JSONata refuses an expression."""
    try:
        Jsonata(source)
    except Exception as refused:  # the library raises several types
        return str(refused)
    return None


def machine(**states: State) -> StateMachine:
    return StateMachine(start_at=next(iter(states)), states=states, comment="", timeout_seconds=60)


def call(**changes: Any) -> State:
    """A good Task with changes to its fields; `None` removes one."""
    good = task(
        "arn:aws:states:::sns:publish",
        {"TopicArn": "${Topic}", "Message": "x"},
        timeout=60,
        catches=[catch(["States.ALL"], "Bad")],
        then="Good",
    )
    fields = {name: value for name, value in (dict(good.fields) | changes).items() if value is not None}
    return replace(good, fields=fields)


def messages(found: StateMachine) -> list[str]:
    return [str(problem) for problem in check(found, parse=parse)]


def around(state: State) -> StateMachine:
    return machine(Call=state, Good=pass_(then=None), Bad=fail("Bad", "it went wrong"))


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stack)
def test_the_etl_machine_has_no_problem(spec: EtlSpec) -> None:
    assert messages(definition(spec)) == []


def test_a_good_machine_has_no_problem() -> None:
    assert messages(around(call())) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"TimeoutSeconds": None}, "a Task needs a timeout"),
        ({"TimeoutSeconds": 0}, "a timeout has at least one second"),
        ({"HeartbeatSeconds": 60}, "a heartbeat is shorter than the timeout"),
        ({"Retry": None}, "a Task needs the shared transient Retry"),
        ({"Catch": [catch(["Other"], "Bad")]}, "a Task needs a Catch of States.ALL"),
        (
            {"Catch": [catch(["States.ALL"], "Bad"), catch(["Other"], "Bad")]},
            "Catch: States.ALL stands alone and last",
        ),
        ({"ResultPath": "$.x"}, "ResultPath is a JSONPath field, the query language is JSONata"),
        ({"Arguments": {"a.$": "$.b"}}, '"a.$" is JSONPath, the query language is JSONata'),
        ({"Arguments": {"a": "{% $x"}}, "a: an expression is not closed"),
        ({"Arguments": {"a": "{% 1 + %}"}}, "does not parse: 1 +"),
        ({"Arguments": {"a": "{% $nowhere %}"}}, "the variable $nowhere is not assigned on every way here"),
        ({"Arguments": {"a": "x" * 300_000}}, "its Arguments are larger than 262144 bytes"),
        ({"Next": None}, "needs Next or End, and only one of them"),
        ({"End": True}, "needs Next or End, and only one of them"),
        ({"Next": "Nowhere"}, 'leads to "Nowhere", which does not exist here'),
        ({"Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken"}, "waits for a task token"),
    ],
)
def test_each_defect_of_a_task_is_found(changes: Mapping[str, Any], message: str) -> None:
    assert any(f"Call: {message}" in found for found in messages(around(call(**changes))))


def test_a_start_that_does_not_exist_is_found() -> None:
    broken = StateMachine(start_at="Nowhere", states={"A": pass_(then=None)}, comment="", timeout_seconds=1)
    assert messages(broken) == ['StartAt names "Nowhere", which does not exist']


def test_a_state_that_nothing_leads_to_is_found() -> None:
    assert messages(machine(A=pass_(then=None), B=pass_(then=None))) == ["B: no state leads here"]


def test_a_choice_needs_conditions_and_a_default() -> None:
    broken = State(fields={"Type": "Choice", "Choices": [{"Next": "B"}]})
    assert messages(machine(A=broken, B=pass_(then=None))) == [
        "A: a Choice needs a Default",
        "A: a rule without Condition",
    ]


def test_reserved_error_names_and_endings_of_fails_are_found() -> None:
    broken = State(fields={"Type": "Fail", "Error": "States.Mine", "Cause": "", "End": True})
    assert messages(machine(A=broken)) == [
        "A: a Fail has neither Next nor End",
        "A: error names that begin with States. are reserved",
    ]


def test_a_variable_must_be_assigned_on_every_way() -> None:
    def shape(*, both: bool) -> StateMachine:
        return machine(
            Fork=choice([("{% $states.input.x %}", "Left")], default="Right"),
            Left=pass_(then="Use", assign={"found": 1}),
            Right=pass_(then="Use", assign={"found": 2} if both else {"other": 2}),
            Use=pass_(then=None, output="{% $found %}"),
        )

    assert messages(shape(both=True)) == []
    assert messages(shape(both=False)) == ["Use: the variable $found is not assigned on every way here"]


def test_a_loop_keeps_what_was_assigned_before_it() -> None:
    looping = machine(
        Set=pass_(then="Again", assign={"n": 1}),
        Again=choice([("{% $n > 3 %}", "End")], default="Wait"),
        Wait=wait("{% $n %}", then="Count"),
        Count=pass_(then="Again", assign={"n": "{% $n + 1 %}"}),
        End=pass_(then=None),
    )
    assert messages(looping) == []


def inside(
    *states: tuple[str, State], distributed: bool = False, before: Mapping[str, Any] | None = None
) -> StateMachine:
    processor = Processor(start_at=states[0][0], states=dict(states), distributed=distributed)
    loop = map_("{% [1] %}", processor, selector={}, concurrency=1, then="After")
    return machine(
        Before=pass_(then="Loop", assign=before or {"outer": 1}),
        Loop=loop,
        After=pass_(then=None, output="{% $outer %}"),
    )


def test_variables_reach_into_an_inline_map_but_not_out_of_it() -> None:
    inner = pass_(then=None, assign={"mine": "{% $outer %}"})
    assert messages(inside(("Inner", inner))) == []
    leaking = inside(("Inner", pass_(then=None, assign={"outer2": 1})), before={"other": 1})
    assert messages(leaking) == ["After: the variable $outer is not assigned on every way here"]


def test_variables_do_not_reach_into_a_distributed_map() -> None:
    inner = pass_(then=None, output="{% $outer %}")
    assert messages(inside(("Inner", inner), distributed=True)) == [
        "Inner: the variable $outer is not assigned on every way here"
    ]


def test_a_map_may_not_assign_an_outer_variable() -> None:
    inner = pass_(then=None, assign={"outer": 2})
    assert messages(inside(("Inner", inner))) == ["Inner: the variable $outer belongs to an outer scope"]


def test_a_name_is_used_once_and_is_not_too_long() -> None:
    long = "x" * 81
    assert f"{long}: a name has 1 to 80 characters" in messages(machine(**{long: pass_(then=None)}))
    twice = inside(("Before", pass_(then=None)))
    assert "Before: the name is used by two states" in messages(twice)


def test_a_definition_that_is_too_large_is_found() -> None:
    large = machine(A=pass_(then=None, output="x" * MAX_DEFINITION_BYTES))
    assert "the definition has" in messages(large)[0]


def test_variables_are_told_from_locals_functions_texts_and_patterns() -> None:
    source = """( $a := $states.input; $f := function($b) { $b & $outer };
      '$text' & "$other" & $map([$a], $f) & $replace($named, /^$pattern/, '') & `$field` /* $comment */ )"""
    assert variables(source) == {"outer", "named"}
    assert list(expressions({"a": ["{% 1 %}", {"b": "{% 2 %}"}], "c": "plain"})) == ["1", "2"]
