"""The fault matrix's own logic: which cases there are, what counts as covered, what counts as broken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from handlers.close_execution.logic import CLOSER
from tests.faults.matrix.cases import FAULTS, base_of, cases, operation_of, tasks
from tests.faults.matrix.coverage import Edge, coverage, edges
from tests.faults.matrix.evidence import Ended, Seen, violations
from tests.faults.matrix.page import coverage_lines, page, verdict
from tests.faults.matrix.run import Matrix, Result, attempts
from tests.faults.matrix.scenarios import BESIDES, FAST, SCENARIOS, scenario_of
from workflows.etl import EtlSpec, definition
from workflows.etl.closing import CLOSING_FUNCTION

MACHINE = definition(EtlSpec(stack="sandbox", tag_key="role", tag_value="host", notify_on_success=True))
STATES = {name: dict(state.fields) for name, state in MACHINE.walk()}


def test_every_task_state_meets_every_fault_once() -> None:
    found = [(case.state, case.fault.name) for case in cases(MACHINE)]
    assert len(found) == len(set(found))
    assert set(found) == {(state, fault.name) for state in tasks(MACHINE) for fault in FAULTS}
    assert len(FAULTS) == 6


def test_every_task_state_has_a_workflow_that_reaches_it_and_none_has_gone() -> None:
    for case in cases(MACHINE):
        assert scenario_of(case.state, case.base).stages({}), case.state
    assert {base_of(state) for state in tasks(MACHINE)} == set(SCENARIOS)
    assert set(SCENARIOS) >= FAST


def test_no_workflow_id_begins_with_another_because_rules_look_for_them_in_names() -> None:
    ids = [case.workflow for case in cases(MACHINE)]
    assert not [(one, other) for one in ids for other in ids if one != other and other.startswith(one)]


def test_cases_are_asked_for_by_state_lane_and_fault() -> None:
    def found(*only: str) -> set[tuple[str, str]]:
        return {(case.state, case.fault.name) for case in cases(MACHINE, only)}

    assert len(found("RunScript")) == 18
    assert len(found("RunScript (large)")) == 6
    assert found("RunScript (full)/hung") == {("RunScript (full)", "hung")}
    assert found("CloseWorkflow/failed", "Complete/hung") == {
        ("CloseWorkflow", "failed"),
        ("Complete", "hung"),
    }
    assert found("NoSuchState") == set()


def test_a_rule_is_for_the_states_own_operation_in_one_execution() -> None:
    [case] = cases(MACHINE, ["RunGlueJob (full)/hung"])
    rule = case.rule("m0001-faulty")
    assert (rule.effect, rule.service, rule.operation) == ("hang", "*", "StartJobRun")
    assert (rule.state, rule.execution, rule.first) == ("RunGlueJob (full)", "m0001-faulty", 1)


@pytest.mark.parametrize(
    ("resource", "operation"),
    [
        ("arn:aws:states:::dynamodb:getItem", "GetItem"),
        ("arn:aws:states:::aws-sdk:ssm:sendCommand.waitForTaskToken", "SendCommand"),
        ("arn:aws:states:::emr-serverless:startJobRun.sync", "StartJobRun"),
        ("arn:aws:states:::states:startExecution.sync:2", "StartExecution"),
        ("arn:aws:states:::lambda:invoke", "Invoke"),
    ],
)
def test_operations_are_read_from_resources(resource: str, operation: str) -> None:
    assert operation_of(resource) == operation


# -- coverage -----------------------------------------------------------------------------------


def count(state: str, kind: str, detail: str = "", execution: str = "arn:m0001-faulty") -> dict[str, Any]:
    return {"execution": execution, "state": state, "kind": kind, "detail": detail, "count": 1}


def test_every_catcher_retry_and_choice_is_an_edge() -> None:
    found = edges(MACHINE)
    for state, fields in STATES.items():
        assert len([edge for edge in found if (edge.state, edge.kind) == (state, "catch")]) == len(
            fields.get("Catch", ())
        )
        assert (Edge("retry", state, state) in found) == bool(fields.get("Retry"))
        for rule in fields.get("Choices", ()):
            assert Edge("next", state, rule["Next"]) in found


def test_what_is_not_taken_is_named() -> None:
    found = coverage(
        MACHINE,
        [
            count("StartAudit", "entered"),
            count("StartAudit", "next", "Stages"),
            count("StartAudit", "retry", "DynamoDB.ThrottlingException"),
            count("StartAudit", "catch", "1:Route"),
            count("OfAnotherMachine", "entered"),
        ],
    )
    assert found.entered == {"StartAudit"}
    assert found.share("next")[0] == found.share("retry")[0] == found.share("catch")[0] == 1
    assert "CloseWorkflow" in found.missing_states
    assert Edge("catch", "StartAudit", "ReadExisting", 0) in found.missing("catch")
    assert Edge("catch", "StartAudit", "Route", 1) not in found.missing("catch")
    assert not found.complete
    text = "\n".join(coverage_lines(found))
    assert "States: 1 of" in text
    assert "not taken: `StartAudit ⇢ ReadExisting`" in text


def test_everything_taken_is_complete() -> None:
    counts = [count(state, "entered") for state in STATES]
    for edge in edges(MACHINE):
        detail = {"next": edge.to, "retry": "Error", "catch": f"{edge.place}:{edge.to}"}[edge.kind]
        counts.append(count(edge.state, edge.kind, detail))
    found = coverage(MACHINE, counts)
    assert found.complete
    assert "not taken" not in "\n".join(coverage_lines(found))


def test_calls_are_counted_for_the_faulty_execution_and_its_children() -> None:
    found = attempts(
        [
            count("RunScript", "entered"),
            {**count("RunScript", "retry", "Throttled"), "count": 5},
            count("RunScript", "retry", "Throttled", "arn:map:m0001-faulty:child"),
            count("RunScript", "entered", execution="arn:m0001.9"),
            count("RunScript", "next", "Done"),
        ]
    )
    assert found["m0001-faulty", "RunScript"] == 7


# -- invariants ---------------------------------------------------------------------------------


def job(name: str, status: str = "Completed", **more: Any) -> dict[str, Any]:
    ended = {} if status == "Running" else {"execution_end_ts": "t"}
    return {"job_name": name, "execution_status": status, "attempt": 1, **ended, **more}


def ended(status: str, *jobs: Mapping[str, Any], letters: int = 0, **record: Any) -> Ended:
    recorded = {"SUCCEEDED": "Completed", "FAILED": "Failed"}[status]
    return Ended(
        execution_id="e.1",
        status=status,
        record={"execution_status": recorded, "execution_end_ts": "t", **record},
        jobs={str(entry["job_name"]): entry for entry in jobs},
        failures=("text",) * letters,
    )


GOOD = Seen(
    state="Complete",
    base="Complete",
    fault="throttled once",
    absorbed=True,
    fails=False,
    order=("first.sh", "last.sh"),
    faulty=ended("SUCCEEDED", job("first.sh"), job("last.sh")),
    fired=1,
    effects={"first.sh": 1, "last.sh": 1},
    effects_at_end={"first.sh": 1, "last.sh": 1},
)
FAILED = replace(
    GOOD,
    fault="failed",
    absorbed=False,
    faulty=ended("FAILED", job("first.sh"), job("last.sh", "Failed"), letters=1),
    resumed=(ended("SUCCEEDED", job("first.sh", "Skipped"), job("last.sh")),),
    effects={"first.sh": 1},
)


@pytest.mark.parametrize("seen", [GOOD, FAILED])
def test_what_is_right_breaks_nothing(seen: Seen) -> None:
    assert violations(seen) == []


@pytest.mark.parametrize(
    ("seen", "problem"),
    [
        (replace(GOOD, fired=0), "the fault never fired"),
        (replace(GOOD, faulty=ended("SUCCEEDED", job("first.sh", "Running"))), "is left Running"),
        (
            replace(GOOD, faulty=ended("SUCCEEDED", execution_status="Running")),
            "ended SUCCEEDED, its record says Running",
        ),
        (
            replace(GOOD, effects_at_end={"first.sh": 2, "last.sh": 1}),
            "first.sh took effect 2 times, its records tell of 1",
        ),
        (replace(GOOD, effects={"last.sh": 1}), "no prefix"),
        (
            replace(GOOD, effects_at_end={"first.sh": 1}),
            "last.sh is recorded as Completed and took no effect",
        ),
        (replace(GOOD, faulty=FAILED.faulty, resumed=FAILED.resumed), "without the fault it ends SUCCEEDED"),
        (
            replace(GOOD, faulty=ended("SUCCEEDED", job("first.sh"), letters=1)),
            "ended SUCCEEDED with 1 failure notifications",
        ),
        (
            replace(FAILED, faulty=replace(FAILED.faulty, failures=())),
            "ended FAILED with 0 failure notifications",
        ),
        (
            replace(FAILED, faulty=replace(FAILED.faulty, failures=("a", "a"))),
            "ended FAILED with 2 failure notifications",
        ),
        (replace(FAILED, resumed=()), "resume ended not at all"),
        (
            replace(FAILED, effects_at_end={"first.sh": 2, "last.sh": 1}),
            "resume ran first.sh again, which had completed",
        ),
    ],
)
def test_every_broken_invariant_is_a_sentence(seen: Seen, problem: str) -> None:
    assert any(problem in text for text in violations(seen)), violations(seen)


def test_a_published_message_may_come_twice_only_where_its_publication_did() -> None:
    twice = replace(FAILED.faulty, failures=("a", "a"))
    assert violations(replace(FAILED, faulty=twice))
    assert not violations(replace(FAILED, base="NotifyFailure", fault="result lost", faulty=twice))


# -- the page -----------------------------------------------------------------------------------


def test_the_page_has_a_row_for_each_state_and_names_what_broke() -> None:
    matrix = Matrix(
        machine=MACHINE,
        results=[
            Result(
                state="Complete", fault="failed", lane="inline", workflow="m0001", seen=FAILED, attempts=1
            ),
            Result(
                state="Complete",
                fault="hung",
                lane="inline",
                workflow="m0002",
                problems=("it went wrong",),
            ),
            Result(state=next(iter(BESIDES)), fault="", lane="large", workflow="bl00", seen=GOOD),
        ],
    )
    text = page(matrix, coverage(MACHINE, []), "2 cores")
    assert "| Complete |  |  | Failed ×1 ✉1 ↻ | **not judged** |  |  |" in text
    assert "- Complete / hung [inline]: **not judged** (0.0 s); it went wrong" in text
    assert verdict(matrix).startswith("1 of 2 cases")
    assert "{" not in text.split("## Cases")[0]


# -- what the matrix has found ------------------------------------------------------------------


def test_what_the_machine_cannot_close_or_send_is_left_to_the_closing_function() -> None:
    assert CLOSING_FUNCTION == CLOSER
    for state in ("CloseWorkflow", "NotifyFailure"):
        *_, last = STATES[state]["Catch"]
        assert (last["ErrorEquals"], last["Next"]) == (["States.ALL"], "LeaveNotification")
    left = STATES["LeaveNotification"]
    assert left["Arguments"]["ExpressionAttributeValues"][":notified"] == {"S": CLOSER}
    assert left["Arguments"]["ConditionExpression"] == "execution_arn = :me AND #notified = :me"
    assert {left["Next"], *(catcher["Next"] for catcher in left["Catch"])} == {"Failed"}
