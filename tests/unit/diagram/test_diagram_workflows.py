"""Pictures of workflows and of the state machine."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from diagram_workflows import forty_jobs
from hypothesis import given, settings
from hypothesis import strategies as st
from scene_rules import document, problems

from landfall.config.workflows import WorkflowDefinition
from landfall.diagram.scene import Scene
from workflows import picture
from workflows.asl import draw
from workflows.asl.machine import StateMachine
from workflows.asl.states import State
from workflows.etl import EtlSpec, definition

ETL = definition(EtlSpec(stack="sandbox"))


@cache
def drawn_machine() -> Scene:
    return draw.scene(ETL, "ETL state machine")


def test_the_machine_can_be_read_and_has_every_state_that_is_not_drawn_as_another() -> None:
    scene = drawn_machine()
    assert problems(scene) == []
    document(scene)
    drawn = {box.key.removeprefix("state ") for box in scene.boxes if box.key.startswith("state ")}
    told = " ".join(text.text for box in scene.boxes if box.is_frame for text in box.texts)
    for name, processor in draw.scopes(ETL):
        if not drawn >= set(processor.states):
            assert f"the same in {name}" in told


def test_errors_that_are_caught_and_retries_look_different() -> None:
    scene = drawn_machine()
    kinds = {(line.source, line.target): line.kind for line in scene.lines}
    assert kinds["state Complete", "state CloseWorkflow"] == "caught"
    assert kinds["state NotifyFailure", "state Failed"] == "flow"
    (task,) = [box for box in scene.boxes if box.key == "state ReadConfiguration"]
    assert "retry 5" in [text.text for text in task.texts]


def test_a_line_says_why_it_is_taken() -> None:
    states = {
        "Choose": State(
            fields={
                "Type": "Choice",
                "Choices": [{"Condition": "{% $x = 1 %}", "Next": "One"}],
                "Default": "Two",
            }
        ),
        "One": State(fields={"Type": "Pass", "End": True}),
        "Two": State(
            fields={
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "End": True,
                "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "One"}],
            }
        ),
    }
    machine = StateMachine(start_at="Choose", states=states, comment="", timeout_seconds=60)
    said = [line.tooltip for line in draw.scene(machine, "m").lines]
    assert "Choose to One when {% $x = 1 %}" in said
    assert "Choose to Two when otherwise" in said
    assert "Two to One on States.Timeout" in said


@st.composite
def machines(draw_: st.DrawFn) -> StateMachine:
    """Machines whose states lead anywhere, circles included."""
    names = draw_(st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=12, unique=True))
    states = {}
    for name in names:
        choices = draw_(st.lists(st.sampled_from(names), max_size=3))
        fields: dict[str, Any] = {"Type": draw_(st.sampled_from(["Task", "Choice", "Wait", "Fail"]))}
        if choices:
            fields |= {"Choices": [{"Condition": "c", "Next": target} for target in choices]}
        if draw_(st.booleans()):
            fields["Catch"] = [{"ErrorEquals": ["E"], "Next": draw_(st.sampled_from(names))}]
        fields["Next"] = draw_(st.sampled_from(names))
        states[name] = State(fields=fields)
    return StateMachine(start_at=names[0], states=states, comment="c", timeout_seconds=60)


@settings(max_examples=20, deadline=None)
@given(machine=machines())
def test_any_machine_can_be_read(machine: StateMachine) -> None:
    scene = draw.scene(machine, "machine")
    assert problems(scene) == []
    document(scene)


def test_forty_jobs_can_be_read() -> None:
    scene = picture.scene("nightly", forty_jobs())
    assert problems(scene) == []
    jobs = [box for box in scene.boxes if " job " in box.key]
    assert len(jobs) == 40
    arrows = {(line.source, line.target) for line in scene.lines}
    assert ("stage 3 job margin", "stage 3 job publish") in arrows
    assert ("stage 1 job create_schema_0.sh", "stage 1 job create_schema_1.sh") in arrows
    assert ("stage 5", "stage 6") in arrows


def test_a_workflow_shows_what_starts_it_what_it_waits_for_and_what_is_off() -> None:
    scene = picture.scene("nightly", forty_jobs())
    texts = {text.whole or text.text for text in scene.every_text()}
    assert "cron(0 2 * * ? *) Europe/Berlin" in texts
    assert "landfall.sales on bus default" in texts
    assert "sales.orders has 1000+ rows" in texts
    assert "01:00 to 05:00 Europe/Berlin" in texts
    assert "1 h, 2 retries" in texts
    assert [box.key for box in scene.boxes if box.is_frame and box.dashed] == ["stage 4"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(90, "1 min 30 s"), (3600, "1 h"), (172_800, "2 d"), (0, "0 s"), (86_461, "1 d 1 min 1 s")],
)
def test_time_limits_are_told_in_large_units(seconds: int, text: str) -> None:
    assert picture.duration(seconds) == text


def stage(kind: str, scripts: list[Any]) -> dict[str, Any]:
    return {"execution_type": kind, "scripts": scripts}


@st.composite
def workflows(draw_: st.DrawFn) -> WorkflowDefinition:
    stages = []
    for number in range(draw_(st.integers(1, 5))):
        kind = draw_(st.sampled_from(["sequential", "parallel", "graph"]))
        count = draw_(st.integers(1, 20))
        jobs: list[dict[str, Any]] = []
        for place in range(count):
            job: dict[str, Any] = {"script": f"s{number}_{place}{'x' * draw_(st.integers(0, 60))}.sh"}
            if kind == "graph" and jobs:
                before = draw_(st.lists(st.sampled_from(range(place)), max_size=3, unique=True))
                job["depends_on"] = [jobs[index]["script"] for index in before]
            jobs.append(job)
        stages.append(stage(kind, jobs))
    return WorkflowDefinition.model_validate({"workflow_stages": stages})


@settings(max_examples=10, deadline=None)
@given(workflow=workflows())
def test_any_workflow_can_be_read(workflow: WorkflowDefinition) -> None:
    scene = picture.scene("any", workflow)
    assert problems(scene) == []
    document(scene)
    text = picture.mermaid("any", workflow)
    lines = [line.strip() for line in text.splitlines()]
    assert sum(line.startswith("subgraph ") for line in lines) == lines.count("end")


def test_mermaid_of_a_workflow_has_its_preconditions_and_dependencies() -> None:
    text = picture.mermaid("nightly", forty_jobs())
    assert 'p1x2{{"sales.orders has 1000+ rows"}}' in text
    assert "j3x6 --> j3x7" in text
    assert "style stage4 stroke-dasharray" in text
