"""Properties of the state machine for every spec: it ends, it does not spin, and what it runs is recorded."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.asl.checks import targets
from workflows.asl.states import State
from workflows.etl import EtlSpec, definition

States = Mapping[str, State]

SPECS = st.builds(
    EtlSpec,
    stack=st.just("s"),
    notify_on_success=st.booleans(),
    warehouse=st.sampled_from(["workgroup", "cluster"]),
    retention_days=st.integers(1, 4000),
    inline_events=st.integers(1, 25_000),
)
WORK = ("InvokeFunction", "RunGlueJob", "RunSparkJob", "RunStateMachine", "ExecuteStatement", "ExecuteBatch")
RECORDS = ("RecordCompleted", "RecordFailure")
PAGES = frozenset({"ReadCompletedJobs", "MoreCompletedJobs"})
"""The one loop that needs no wait: it ends with the last page."""


def levels(states: States) -> Iterator[States]:
    """The states of every level: the machine's own, and those inside each Map."""
    yield states
    for state in states.values():
        if state.processor is not None:
            yield from levels(state.processor.states)


def ends(state: State) -> bool:
    """Whether a level can end with this state: also where it has no error to catch and ends by itself."""
    return state.fields.get("End", False) or state.fields["Type"] in ("Fail", "Succeed")


def reached(states: States, start: str, without: Collection[str] = ()) -> set[str]:
    """The states that can follow `start`, itself included, on ways that pass none of `without`."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in found and name not in without:
            found.add(name)
            waiting += [target for target, _ in targets(states[name])]
    return found


def base(name: str) -> str:
    """The name without its lane: `RunScript (full)` is `RunScript`."""
    return name.partition(" (")[0]


def named(states: States, names: Collection[str]) -> list[str]:
    return [name for name in states if base(name) in names]


@given(SPECS)
@settings(max_examples=8, deadline=None)
def test_an_end_can_be_reached_from_every_state(spec: EtlSpec) -> None:
    for states in levels(definition(spec).states):
        for name in states:
            assert any(ends(states[other]) for other in reached(states, name)), name


@given(SPECS)
@settings(max_examples=8, deadline=None)
def test_no_loop_spins_without_a_wait(spec: EtlSpec) -> None:
    for states in levels(definition(spec).states):
        waits = {name for name, state in states.items() if state.fields["Type"] == "Wait"}
        for name in set(states) - waits - PAGES:
            followers = [target for target, _ in targets(states[name])]
            back = {other for start in followers for other in reached(states, start, waits | PAGES)}
            assert name not in back, name


@given(SPECS)
@settings(max_examples=8, deadline=None)
def test_whatever_is_run_is_recorded_before_its_level_ends(spec: EtlSpec) -> None:
    seen: set[str] = set()
    for states in levels(definition(spec).states):
        records = named(states, RECORDS)
        for name in named(states, WORK):
            seen.add(base(name))
            after = [target for target, _ in targets(states[name])]
            unrecorded = {other for start in after for other in reached(states, start, records)}
            assert not [other for other in unrecorded if ends(states[other])], name
            assert not ends(states[name]), name
    assert seen == set(WORK)


@given(SPECS)
@settings(max_examples=8, deadline=None)
def test_a_script_that_fails_is_recorded_and_a_workflow_is_closed_on_every_way(spec: EtlSpec) -> None:
    top = definition(spec).states
    for states in levels(top):
        for name in named(states, ["RunScript"]):
            caught: list[dict[str, Any]] = states[name].fields["Catch"]
            assert {base(entry["Next"]) for entry in caught} == {"RecordFailure"}
            assert {error for entry in caught for error in entry["ErrorEquals"]} >= {"States.ALL"}
    [stages] = [name for name in top if name == "Stages"]
    left_open = reached(top, stages, ("Complete", "CloseWorkflow"))
    assert not [name for name in left_open if ends(top[name])]
