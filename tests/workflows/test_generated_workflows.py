"""Generated workflows, executed: each ends, runs what it should and no more, is audited and resumed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from plane import FakeRunner, Outcome, Plane, Run

from landfall.config.workflows import Stage, WorkflowDefinition
from workflows.history import lambda_invocations
from workflows.items import marshal, to_item, waves

pytestmark = [pytest.mark.emulator, pytest.mark.large]

EXAMPLES = 40
NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Generated:
    """A workflow, and the scripts of it that fail in its first run."""

    definition: WorkflowDefinition
    failing: frozenset[str]

    def steps(self) -> Iterator[list[str]]:
        """Scripts that run together, one group after the other."""
        for stage in self.definition.workflow_stages:
            if stage.execution_flag == "y":
                yield from _steps(stage)

    def first_run(self) -> list[list[str]]:
        """Groups that begin: none after one in which a script fails."""
        begun: list[list[str]] = []
        for group in self.steps():
            begun.append(group)
            if self.failing & set(group):
                break
        return begun


def _steps(stage: Stage) -> Iterator[list[str]]:
    names = [job.job_name for job in stage.jobs]
    if stage.execution_type == "graph":
        yield from ([job.job_name for job in wave] for wave in waves(stage.jobs))
    elif stage.execution_type == "parallel":
        yield names
    else:
        yield from ([name] for name in names)


@st.composite
def workflows(draw: st.DrawFn) -> Generated:
    """One to four stages of every type and either flag, with up to four scripts each; some scripts fail."""
    stages = []
    scripts: list[str] = []
    for stage in range(1, draw(st.integers(1, 4)) + 1):
        kind = draw(st.sampled_from(["sequential", "parallel", "graph"]))
        names = [f"{stage}-{job}.sh" for job in range(1, draw(st.integers(1, 4)) + 1)]
        jobs: list[Any] = list(names)
        if kind == "graph":
            jobs = draw(st.permutations([_depending(draw, names[:place], name)
                                         for place, name in enumerate(names)]))  # fmt: skip
        flag = draw(st.sampled_from(["y", "y", "y", "n"]))
        stages.append({"execution_type": kind, "execution_flag": flag, "scripts": jobs})
        scripts += names
    failing = draw(st.sets(st.sampled_from(scripts), max_size=2))
    return Generated(WorkflowDefinition.model_validate({"workflow_stages": stages}), frozenset(failing))


def _depending(draw: st.DrawFn, before: Sequence[str], script: str) -> dict[str, Any]:
    needed = draw(st.sets(st.sampled_from(before))) if before else set()
    return {"script": script, "depends_on": sorted(needed)}


@pytest.fixture(scope="module")
def answering(plane: Plane) -> Iterator[FakeRunner]:
    with FakeRunner(plane) as running:
        yield running


@given(generated=workflows())
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    phases=[Phase.generate],  # an example takes seconds: what fails is small enough to be read
    suppress_health_check=list(HealthCheck),
)
def test_a_generated_workflow_ends_and_is_audited_and_resumed(
    plane: Plane, answering: FakeRunner, generated: Generated
) -> None:
    workflow = f"generated_{next(NUMBERS)}"
    item = to_item(workflow, generated.definition)
    plane.dynamodb.put_item(TableName=plane.config_table, Item=marshal(item))

    first = _run(plane, answering, workflow, f"{workflow}.1", generated.failing)
    begun = generated.first_run()
    failed = generated.failing & {name for group in begun for name in group}
    assert sorted(answering.scripts) == sorted(name for group in begun for name in group)
    _in_order(answering, begun)
    assert _of(first, "Failed") == failed
    assert _of(first, "Completed") == {name for group in begun for name in group} - failed
    assert _ended(first) == ("FAILED" if failed else "SUCCEEDED", "Failed" if failed else "Completed")
    assert len(first.messages) == bool(failed)
    if not failed:
        return

    resumed = _run(plane, answering, workflow, f"{workflow}.2", frozenset(), resume_from=f"{workflow}.1")
    left = [[name for name in group if name not in _of(first, "Completed")] for group in generated.steps()]
    assert sorted(answering.scripts) == sorted(name for group in left for name in group)
    _in_order(answering, [group for group in left if group])
    assert _ended(resumed) == ("SUCCEEDED", "Completed")
    assert _of(resumed, "Failed") == set()


def _run(
    plane: Plane, runner: FakeRunner, workflow: str, execution: str, failing: frozenset[str], **more: Any
) -> Run:
    runner.seen.clear()
    runner.spans.clear()
    runner.behaviours = {name: Outcome("fail") for name in failing}
    return plane.run(workflow, execution, **more)


def _of(run: Run, status: str) -> set[str]:
    """Scripts whose record has this status."""
    return {job["job_name"] for job in run.jobs.values() if job["execution_status"] == status}


def _ended(run: Run) -> tuple[str, str]:
    """How the execution ended and what its record says; every record of a job is closed."""
    assert {job["execution_status"] for job in run.jobs.values()} <= {"Completed", "Failed", "Skipped"}
    assert lambda_invocations(run.events) == 0
    return run.status, run.record["execution_status"]


def _in_order(runner: FakeRunner, groups: Sequence[Sequence[str]]) -> None:
    """No script of a group begins before all of the group before it have ended."""
    spans = {job_id.partition(".")[2].partition(".")[2]: span for job_id, span in runner.spans.items()}
    for before, after in itertools.pairwise(groups):
        assert max(spans[name][1] for name in before) <= min(spans[name][0] for name in after)
