"""Runs cases on a sandbox, many at once, and gathers what they show."""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.faults import Faults, fail
from sandbox.faults.client import ask
from sandbox.launcher import Sandbox
from tests.faults.matrix.bench import Bench
from tests.faults.matrix.cases import Case, Lane
from tests.faults.matrix.evidence import Ended, Seen, violations
from tests.faults.matrix.scenarios import BESIDES, Scenario, scenario_of
from workflows.asl.machine import StateMachine

TRACE_PATH = "/_landfall/trace"
PARALLEL = 12
"""Cases at once; more only make them wait for the emulator."""
_EXECUTION = re.compile(r"[mb][a-z]?\d+-faulty")


@dataclass(frozen=True, kw_only=True)
class Result:
    """One cell after its run."""

    state: str
    fault: str
    lane: Lane
    workflow: str
    seconds: float = 0.0
    seen: Seen | None = None
    attempts: int = 0
    """Calls of the state in the faulty execution, those that met the fault included."""
    problems: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every invariant held."""
        return not self.problems


@dataclass(kw_only=True)
class Matrix:
    """All results, the machine that they are of, and its coverage."""

    machine: StateMachine
    results: list[Result] = field(default_factory=list)
    counts: list[Mapping[str, Any]] = field(default_factory=list)
    seconds: float = 0.0


def run(
    sandbox: Sandbox,
    wanted: Iterable[Case],
    *,
    besides: bool = True,
    parallel: int = PARALLEL,
    progress: Callable[[Result], None] = lambda _: None,
) -> Matrix:
    """Run the cases and, with `besides`, the runs without faults that complete the coverage."""
    began = time.monotonic()
    listed = list(wanted)
    faults = Faults(sandbox)
    ask(sandbox.endpoint, "POST", TRACE_PATH)
    try:
        with ExitStack() as stack:
            lanes: tuple[Lane, ...] = ("inline", "large")
            used = [lane for lane in lanes if besides or any(case.lane == lane for case in listed)]
            benches = {lane: stack.enter_context(Bench(sandbox, lane)) for lane in used}
            matrix = Matrix(machine=next(iter(benches.values())).machine)
            pool = stack.enter_context(ThreadPoolExecutor(parallel))
            jobs = [pool.submit(_case, benches[case.lane], faults, case) for case in listed]
            if besides:
                jobs += [
                    pool.submit(_besides, benches[lane], name, scenario, f"b{lane[0]}{number:02d}")
                    for lane in used
                    for number, (name, scenario) in enumerate(BESIDES.items())
                    if lane in scenario.lanes
                ]
            for job in as_completed(jobs):
                result = job.result()
                matrix.results.append(result)
                progress(result)
            matrix.counts = ask(sandbox.endpoint, "GET", TRACE_PATH)["counts"]
    finally:
        ask(sandbox.endpoint, "DELETE", TRACE_PATH)
    order = {case.workflow: case.number for case in listed}
    matrix.results.sort(key=lambda result: (order.get(result.workflow, sys.maxsize), result.workflow))
    calls = attempts(matrix.counts)
    matrix.results = [
        replace(result, attempts=calls[_faulty(result.workflow), result.state]) for result in matrix.results
    ]
    matrix.seconds = time.monotonic() - began
    return matrix


def attempts(counts: Iterable[Mapping[str, Any]]) -> Counter[tuple[str, str]]:
    """Calls by the name of an execution and state: each entry, and each retry after it.

    A child of a distributed Map counts for the execution whose name its own ARN ends with.
    """
    found: Counter[tuple[str, str]] = Counter()
    for count in counts:
        if count["kind"] in ("entered", "retry"):
            named = _EXECUTION.search(count["execution"])
            found[named.group() if named else "", count["state"]] += count["count"]
    return found


def _faulty(workflow: str) -> str:
    return f"{workflow}-faulty"


def _case(bench: Bench, faults: Faults, case: Case) -> Result:
    empty = Result(state=case.state, fault=case.fault.name, lane=case.lane, workflow=case.workflow)
    scenario = scenario_of(case.state, case.base)
    return _judged(empty, lambda: _observe(bench, scenario, case.workflow, faults, case))


def _besides(bench: Bench, name: str, scenario: Scenario, workflow: str) -> Result:
    lane: Lane = "inline" if bench.spec.inline_events > 1 else "large"
    empty = Result(state=name, fault="", lane=lane, workflow=workflow)
    return _judged(empty, lambda: _observe(bench, scenario, workflow, None, None))


def _judged(empty: Result, observe: Callable[[], Seen]) -> Result:
    began = time.monotonic()
    try:
        seen = observe()
    except Exception as error:  # a case that cannot be judged has failed
        return replace(empty, problems=(f"{type(error).__name__}: {error}",))
    return replace(empty, seconds=time.monotonic() - began, seen=seen, problems=tuple(violations(seen)))


def _observe(
    bench: Bench, scenario: Scenario, workflow: str, faults: Faults | None, case: Case | None
) -> Seen:
    names = bench.names(workflow)
    order = scenario.effects()
    bench.put(workflow, scenario.stages(names))
    middle = str((scenario.job or {}).get("script", ""))
    bench.host.behaviours[workflow, middle] = scenario.behaviour
    earlier: list[Ended] = []
    request: dict[str, Any] = {"workflow_id": workflow, "workflow_execution_id": f"{workflow}.1"}
    if scenario.before != "nothing":
        earlier.append(bench.ended(bench.start(request)))
        if scenario.records:
            bench.add_records(f"{workflow}.1", workflow, scenario.records)
        if scenario.before == "failed run" or scenario.resumes:
            _cure(bench, scenario, workflow, names, middle)
            request |= {"workflow_execution_id": f"{workflow}.2", "resume_from": f"{workflow}.1"}
    duplicate = scenario.before == "completed run" and not scenario.resumes
    execution_name = _faulty(workflow)
    fired = 0
    if faults is not None and case is not None:
        rules = [case.rule(execution_name)]
        if scenario.unsent:
            rules.append(fail("sns", "Publish", state="NotifyFailure", execution=execution_name))
        with faults.active(*rules) as (rule, *_):
            faulty = bench.ended(bench.start(request, name=execution_name), refused=duplicate)
            fired = faults.fired(rule.id)
    else:
        faulty = bench.ended(bench.start(request, name=execution_name), refused=duplicate)
    effects = bench.effects(workflow, order)
    resumed: list[Ended] = []
    if faulty.status == "FAILED" and not duplicate and not scenario.resumes:
        _cure(bench, scenario, workflow, names, middle)
        resumed.append(
            bench.ended(
                bench.start(
                    {
                        "workflow_id": workflow,
                        "workflow_execution_id": f"{workflow}.9",
                        "resume_from": faulty.execution_id,
                    }
                )
            )
        )
    return Seen(
        state=case.state if case else "",
        base=case.base if case else "",
        fault=case.fault.name if case else "",
        absorbed=case.fault.absorbed if case else True,
        fails=scenario.fails,
        order=order,
        faulty=faulty,
        earlier=earlier,
        resumable=not scenario.resumes,
        resumed=resumed,
        fired=fired,
        effects=effects,
        effects_at_end=bench.effects(workflow, order),
    )


def _cure(bench: Bench, scenario: Scenario, workflow: str, names: Mapping[str, str], middle: str) -> None:
    """Remove what made the workflow fail by itself."""
    bench.host.behaviours[workflow, middle] = "ok"
    bench.put(workflow, scenario.stages(names, cured=True))
    if scenario.precondition is not None and scenario.fails:
        bench.s3.put_object(Bucket=bench.bucket, Key=workflow, Body=b"")
