"""The benchmark rebuilds the source's design truly: its counts, by the histories of its executions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.source_design.compare import SCRIPTS, WORKFLOW, OurPlane, both
from benchmarks.source_design.plane import SourcePlane
from sandbox.launcher import Sandbox
from tests.e2e.hosts_plane import eventually

pytestmark = pytest.mark.emulator


@pytest.fixture(scope="module")
def planes(sandbox: Sandbox) -> Iterator[tuple[SourcePlane, OurPlane]]:
    with both(sandbox) as made:
        yield made


def test_the_rebuilt_design_costs_what_the_source_was_measured_to_cost(
    planes: tuple[SourcePlane, OurPlane],
) -> None:
    source, _ = planes
    measured = source.run(WORKFLOW)
    assert measured.executions == 4, "a master, and a child for each stage"
    assert (measured.state_transitions, measured.lambda_invocations) == (41, 19)
    assert source.job_statuses() == ["Completed"] * len(SCRIPTS)
    logged = eventually(source.invocations_logged, lambda count: count >= measured.lambda_invocations)
    assert logged == measured.lambda_invocations, "the functions' logs say the same"


def test_ours_runs_the_same_scripts_with_13_transitions_and_no_function(
    planes: tuple[SourcePlane, OurPlane],
) -> None:
    _, ours = planes
    measured = ours.run()
    assert (measured.state_transitions, measured.lambda_invocations) == (13, 0)


@pytest.mark.parametrize(
    ("scripts", "kind", "transitions"),
    [
        (1, "sequential", 6 + 3 * 1 + 3 + 2),
        (4, "sequential", 6 + 3 * 4 + 3 + 2),
        (4, "parallel", 6 + 4 + 4 + 2),
    ],
)
def test_its_costs_grow_with_the_scripts_as_the_source_says(
    planes: tuple[SourcePlane, OurPlane], scripts: int, kind: str, transitions: int
) -> None:
    source, _ = planes
    source.put("one_stage", [{"execution_flag": "y", "execution_type": kind, "scripts": SCRIPTS[:scripts]}])
    assert source.run("one_stage").state_transitions == transitions


def test_stages_that_are_switched_off_are_left_out(planes: tuple[SourcePlane, OurPlane]) -> None:
    source, _ = planes
    stages = [
        {"execution_flag": flag, "execution_type": "sequential", "scripts": SCRIPTS[:1]} for flag in "yn"
    ]
    source.put("one_of_two", stages)
    assert source.run("one_of_two").executions == 2
