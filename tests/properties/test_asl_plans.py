"""Properties of generated workflows: waves respect dependencies, plans keep what was written."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonata import Jsonata

from landfall.config.jobs import RsqlJob
from landfall.config.workflows import WorkflowDefinition
from workflows.asl.checks import check, expressions
from workflows.etl import EtlSpec, definition
from workflows.etl.plan import job, plan
from workflows.items import marshal, to_item, waves

SPEC = EtlSpec(stack="sandbox")
PLAN = Jsonata(next(expressions(plan(SPEC))))
JOB = Jsonata(next(expressions(job(may_skip=False))))
NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)
SEEDS = {
    "strings": NAMES | st.just("") | st.just("$error('x')"),
    "json": st.recursive(
        NAMES | st.integers(-1000, 1000) | st.booleans(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=3),
        max_leaves=8,
    ),
}


def evaluate(program: Jsonata, **variables: Any) -> Any:
    frame = program.create_frame()
    for name, value in variables.items():
        frame.bind(name, value)
    return program.evaluate(None, frame)


@st.composite
def graphs(draw: st.DrawFn) -> list[RsqlJob]:
    """Jobs whose dependencies only lead back, in any order."""
    count = draw(st.integers(1, 12))
    needs = [
        draw(st.sets(st.integers(0, number - 1), max_size=4)) if number else set() for number in range(count)
    ]
    jobs = [
        RsqlJob(script=f"{number}.sh", depends_on=tuple(f"{other}.sh" for other in sorted(after)))
        for number, after in enumerate(needs)
    ]
    return draw(st.permutations(jobs))


@given(graphs())
def test_waves_hold_every_job_once_after_all_that_it_needs(jobs: list[RsqlJob]) -> None:
    split = waves(jobs)
    place = {entry.job_name: number for number, wave in enumerate(split) for entry in wave}
    assert sum(len(wave) for wave in split) == len(jobs) == len(place)
    for entry in jobs:
        assert place[entry.job_name] == max((place[name] + 1 for name in entry.depends_on), default=0)


@given(graphs())
@settings(max_examples=30)
def test_a_graph_makes_a_plan_that_the_machine_accepts(jobs: list[RsqlJob]) -> None:
    written = [entry.model_dump(mode="json", exclude_defaults=True) for entry in jobs]
    stage = {"execution_type": "graph", "scripts": written}
    item = to_item("w", WorkflowDefinition.model_validate({"workflow_stages": [stage]}))
    made = evaluate(PLAN, states=reading(item))
    assert (made["lane"], made["problem"]) == ("fast", "")
    assert [wave["jobs"] for wave in made["stages"]] == [
        [entry.script for entry in wave] for wave in waves(jobs)
    ]


def reading(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "input": {"workflow_id": "w", "workflow_execution_id": "e"},
        "context": {"Execution": {"Name": "e", "Id": "arn"}},
        "result": {"Item": marshal(item)},
    }


@given(st.lists(SEEDS["strings"], min_size=1, max_size=8), st.sampled_from(["sequential", "parallel"]))
@settings(max_examples=60)
def test_script_names_go_through_the_plan_as_they_are(names: list[str], kind: str) -> None:
    item = {"workflow_id": "w", "workflow_stages": [{"execution_type": kind, "scripts": names}]}
    made = evaluate(PLAN, states=reading(item))
    if "" in names:
        assert made["problem"] == "stage 1: a script name is empty"
        return
    [stage] = made["stages"]
    assert stage["jobs"] == names
    for index, name in enumerate(names):
        states = {
            "input": {"stage": stage | {"number": 1}},
            "context": {"Map": {"Item": {"Index": index, "Value": name}}},
        }
        found = evaluate(JOB, states=states)
        assert (found["script"], found["name"], found["id"]) == (name, name, f"001.{index + 1:04}.{name}")


@given(SEEDS["json"])
@settings(max_examples=80)
def test_arguments_come_out_of_the_item_as_they_went_in(value: Any) -> None:
    entry = {"kind": "lambda", "name": "f", "function": "f", "args": {"value": value}}
    item = {"workflow_id": "w", "workflow_stages": [{"execution_type": "parallel", "scripts": [entry]}]}
    made = evaluate(PLAN, states=reading(item))
    assert made["stages"][0]["jobs"][0]["args"] == {"value": value}


@given(NAMES)
@settings(max_examples=80)
def test_the_job_document_is_ascii_and_says_what_was_meant(name: str) -> None:
    [source] = [
        source
        for state_name, state in definition(SPEC).walk()
        if state_name == "RunScript"
        for source in expressions(state.fields["Arguments"])
        if "base64encode" in source
    ]
    entry = {
        "id": f"001.0001.{name}", "name": name, "script": name, "stage": 1, "attempt": 1,
        "timeout_seconds": 60, "heartbeat_seconds": 10,
    }  # fmt: skip
    states = {
        "input": {"job": entry, "run": {"workflow_id": "w", "id": "e"}},
        "context": {"Task": {"Token": "t"}},
    }
    text = base64.b64decode(evaluate(Jsonata(source), states=states)).decode("ascii")
    assert json.loads(text)["script"] == name
    assert json.loads(text)["job_id"] == entry["id"]


@given(st.booleans(), st.sampled_from(["workgroup", "cluster"]), st.integers(1, 4000), st.integers(1, 25_000))
@settings(max_examples=10, deadline=None)
def test_every_spec_gives_a_machine_without_problems(
    notify: bool, warehouse: Any, days: int, events: int
) -> None:
    spec = EtlSpec(
        stack="s", notify_on_success=notify, warehouse=warehouse, retention_days=days, inline_events=events
    )
    assert check(definition(spec)) == ()
