"""What the soak draws, and what its audit finds."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.soak import SHAPES, plans
from benchmarks.soak_audit import Audit, Ran, audit
from tests.faults.matrix.__main__ import MACHINE
from tests.faults.matrix.cases import tasks
from workflows.items import marshal


def test_the_same_seed_draws_the_same_runs_and_exactly_the_share_meets_a_fault() -> None:
    found = plans(1_000, 0.2, 1)
    assert found == plans(1_000, 0.2, 1)
    assert found != plans(1_000, 0.2, 2)
    assert sum(plan.case is not None for plan in found) == 200
    assert len({plan.execution for plan in found}) == 1_000
    assert {plan.shape for plan in found} == set(SHAPES)
    assert {plan.case.fault.name for plan in found if plan.case} == {
        "throttled once",
        "throttled for long",
        "failed",
        "hung",
        "answered twice",
        "result lost",
    }


def test_faults_meet_states_of_the_machine_and_definitions_can_be_stored() -> None:
    for _, states in SHAPES.values():
        assert set(states) <= set(tasks(MACHINE))
    for plan in plans(50, 0.5, 3):
        assert marshal({"workflow_stages": plan.stages()})


RAN = Ran(workflow="w1", execution="w1.1", status="SUCCEEDED", jobs=("load",))
FLOW = {"workflow_id": "w1", "execution_status": "Completed", "execution_end_ts": "t"}
JOB = {
    "workflow_id": "w1",
    "job_name": "load",
    "execution_status": "Completed",
    "execution_end_ts": "t",
    "attempt": "1",
}


def audited(
    run: Ran = RAN, flows: Any = (FLOW,), jobs: Any = (JOB,), times: int = 1, scripts: Any = None
) -> Audit:
    return audit([run], flows, jobs, {("w1", "load"): times} if times else {}, scripts or {})


def test_a_whole_audit_has_no_problem() -> None:
    found = audited()
    assert not found.problems
    assert found.verdict().startswith("0 audit records lost, 0 doubled, 0 left Running, 0 contradict")


@pytest.mark.parametrize(
    ("found", "kind", "says"),
    [
        (audited(flows=()), "lost", "w1 (no fault) has no record"),
        (audited(flows=(FLOW, FLOW)), "doubled", "w1 has 2 records"),
        (audited(flows=({**FLOW, "execution_status": "Running"},)), "running", "left Running"),
        (
            audited(flows=({**FLOW, "execution_status": "Failed"},)),
            "wrong",
            "ended SUCCEEDED, its record says",
        ),
        (audited(jobs=()), "lost", "job load left a row and has no record"),
        (audited(jobs=(JOB, JOB)), "doubled", "job load has 2 records"),
        (audited(jobs=({**JOB, "execution_status": "Running"},)), "running", "job load (no fault) is left"),
        (audited(times=0), "wrong", "job load is Completed and left no row"),
        (audited(times=2), "doubled", "job load left 2 rows"),
        (audited(scripts={"load": 0}), "wrong", "1 jobs are Completed and left 0 rows"),
        (audited(scripts={"load": 2}), "doubled", "1 attempts left 2 rows"),
        (audited(flows=(FLOW, {**FLOW, "workflow_id": "w2"})), "doubled", "w2 has records and never ran"),
    ],
)
def test_every_gap_is_counted_and_named(found: Audit, kind: str, says: str) -> None:
    assert getattr(found, kind) >= 1
    assert any(says in problem for problem in found.problems), found.problems
