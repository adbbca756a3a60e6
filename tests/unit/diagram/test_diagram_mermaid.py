"""Mermaid texts: inside the grammar, whatever the names are."""

from __future__ import annotations

import pytest
from diagram_plans import PlanMaker, big_plan
from diagram_workflows import forty_jobs
from hypothesis import given, settings
from hypothesis import strategies as st
from mermaid_rules import problems

from landfall.config.workflows import WorkflowDefinition
from landfall.diagram import mermaid, model
from workflows import picture
from workflows.asl import draw
from workflows.asl.machine import StateMachine
from workflows.asl.states import State
from workflows.etl import EtlSpec, definition

NASTY = ["end", 'a"]; x --> <b>', "`md`", "# c", "%% comment", "&amp;", "a\nb", "\\n", "x]y}z)", ";", "\x00"]
names = st.one_of(st.sampled_from(NASTY), st.text(min_size=1, max_size=40))


def test_a_strict_reading_finds_what_is_wrong() -> None:
    assert problems("flowchart LR\n  a --> b\n") == ["nothing is a", "nothing is b"]
    assert problems('flowchart LR\n  a["x"y"]\n') == ['no line of a flowchart: \'a["x"y"]\'']
    assert problems('flowchart LR\n  subgraph a ["x"]\n  end\n  end\n') == [
        "an end too many",
        "-1 subgraphs do not end",
    ]
    assert problems('graph\n  end["x"]\n') == ["it begins with 'graph'", "end is a word of Mermaid"]


def test_the_machine_and_each_of_its_scopes_are_in_the_grammar() -> None:
    machine = definition(EtlSpec(stack="sandbox"))
    assert problems(draw.mermaid(machine)) == []
    for scope in draw.scope_names(machine):
        assert problems(draw.mermaid(machine, scope)) == []


def test_a_large_workflow_and_a_large_stack_are_in_the_grammar() -> None:
    assert problems(picture.mermaid("nightly", forty_jobs())) == []
    assert problems(mermaid.architecture(model.architecture(big_plan()))) == []


def drawn(text: str) -> str:
    """The SVG that Mermaid itself makes of a text; raises what its parser says."""
    import mermaidx

    return str(mermaidx.render(text).svg())


def test_mermaid_itself_refuses_what_is_wrong() -> None:
    with pytest.raises(RuntimeError, match="Parse error"):
        drawn('flowchart LR\n  a["x"y"]\n')


def test_mermaid_itself_draws_a_stack_with_hostile_names() -> None:
    maker = PlanMaker('na"sty: [x] #1')
    before: tuple[str, ...] = ()
    for number, name in enumerate(NASTY[:4]):
        top = maker.add("landfall:network:Part", name, custom=False)
        urn = maker.add("aws:s3/bucket:Bucket", str(number), parent=top, account=name, dependencies=before)
        before = (urn,)
    svg = drawn(mermaid.architecture(model.architecture(maker.plan(), depth=1)))
    assert "S3 bucket" in svg and "<script" not in svg


def test_mermaid_itself_draws_a_workflow_and_a_machine() -> None:
    stage = forty_jobs().workflow_stages[2]
    workflow = forty_jobs().model_copy(update={"workflow_stages": [stage]})
    assert "customers.sh" in drawn(picture.mermaid("nightly", workflow))
    machine = definition(EtlSpec(stack="sandbox"))
    assert "StageFailed" in drawn(draw.mermaid(machine, "Stages"))


@settings(max_examples=40, deadline=None)
@given(st.lists(names, min_size=1, max_size=5, unique=True))
def test_any_names_of_states_are_in_the_grammar(found: list[str]) -> None:
    states = {
        name: State(fields={"Type": "Wait", "Next": following})
        for name, following in zip(found, found[1:] + found[:1], strict=True)
    }
    machine = StateMachine(start_at=found[0], states=states, comment="", timeout_seconds=60)
    assert problems(draw.mermaid(machine)) == []


@settings(max_examples=40, deadline=None)
@given(stack=names, found=st.lists(names, min_size=1, max_size=5, unique=True))
def test_any_names_of_components_are_in_the_grammar(stack: str, found: list[str]) -> None:
    maker = PlanMaker(stack)
    before: tuple[str, ...] = ()
    for number, name in enumerate(found):
        top = maker.add("landfall:network:Part", name, custom=False)
        urn = maker.add(
            "aws:s3/bucket:Bucket", f"b{number}", parent=top, account=name, region=name, dependencies=before
        )
        before = (urn,)
    text = mermaid.architecture(model.architecture(maker.plan(), depth=1))
    assert problems(text) == []
    assert text.count(" --> ") + text.count(" ==> ") == len(found) - 1


@pytest.mark.parametrize("text", NASTY)
def test_any_description_of_a_stage_is_in_the_grammar(text: str) -> None:
    workflow = WorkflowDefinition.model_construct(
        workflow_stages=forty_jobs().workflow_stages,
        **{"schedule": None, "trigger": None},
    )
    stage = workflow.workflow_stages[0].model_copy(update={"stage_description": text})
    told = workflow.model_copy(update={"workflow_stages": [stage]})
    assert problems(picture.mermaid("any", told)) == []
