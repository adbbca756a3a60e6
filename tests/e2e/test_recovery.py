"""After a kill -9 of each part the next command says what happened, and the workflow comes to its end.

One moment for each victim; `make kills` plays fifty random ones for each.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator

import pytest

from benchmarks.kills_rounds import Bench, Ended
from landfall.cli.demo import WORKFLOW
from sandbox import launcher
from sandbox.state import read_state

pytestmark = [pytest.mark.engine, pytest.mark.emulator, pytest.mark.large]

BOUND = 240.0
"""Seconds that no command may take, on a machine that does other things as well."""


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """A sandbox whose first deployment loses its command: the tests go on from there, in their order."""
    made = Bench(f"recovery-{os.getpid()}", seed=1, bound=BOUND)
    yield made
    made.landfall("sandbox", "down", "--discard")
    assert made.left() == []


def kill(bench: Bench, name: str) -> None:
    """Kill a process of the sandbox."""
    state = read_state(bench.folder)
    process = state.process(name) if state else None
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)


def completed(bench: Bench, ended: Ended) -> None:
    """The command brought the workflow to its end, with all its rows and no record left open."""
    assert ended.code == 0, ended.err
    run = json.loads(ended.out)
    assert run["status"] == "Completed"
    assert len(bench.rows()) == 4
    bench.consistent()


def test_landfall_killed_while_it_deploys(bench: Bench) -> None:
    with bench.begun("sandbox", "up") as command:
        assert command.stderr is not None
        for line in command.stderr:
            if line.startswith("… stack sandbox"):
                break
        time.sleep(1.0)
        command.kill()
        bench.ended(command)
    ended = bench.landfall("workflow", "run", WORKFLOW, "--execution-id", "first", "--json")
    # Pulumi lives on, or had not begun and dies of its closed pipe: both are told.
    goes_on = "a deployment goes on whose command was killed; waiting for its end" in ended.err
    cut_off = "was cut off" in ended.err and "starts anew" in ended.err
    assert goes_on != cut_off, ended.err
    completed(bench, ended)


def test_the_job_runner_killed_in_its_first_moment(bench: Bench) -> None:
    with bench.begun("workflow", "run", WORKFLOW, "--execution-id", "runner", "--json") as command:
        deadline = time.monotonic() + BOUND
        while not (runners := bench.runners()):
            assert time.monotonic() < deadline, "no job runner begins"
            time.sleep(0.005)
        os.kill(runners[0], signal.SIGKILL)
        killed = time.monotonic()
        ended = bench.ended(command)
    assert ended.code == 1
    assert "the job's runner was killed before it could report" in ended.out
    assert time.monotonic() - killed < 40, "before the heartbeat of 60 seconds was missed"
    completed(bench, bench.landfall("workflow", "resume", "runner", "--json"))


def test_postgres_killed_between_two_runs(bench: Bench) -> None:
    kill(bench, "warehouse")
    status = bench.landfall("sandbox", "status", "--json")
    assert status.code == 3
    (problem,) = json.loads(status.out)["problems"]
    assert problem.startswith("the warehouse's PostgreSQL server ended unexpectedly (signal 9) at ")
    generation = read_state(bench.folder)
    ended = bench.landfall("workflow", "run", WORKFLOW, "--json")
    assert "PostgreSQL server ended unexpectedly (signal 9) at" in ended.err
    assert "starting it again, its rows are kept" in ended.err
    assert "stack sandbox, deployed" not in ended.err
    completed(bench, ended)
    after = read_state(bench.folder)
    assert generation is not None and after is not None
    assert generation.generation == after.generation, "the emulator went on"


def test_the_emulator_killed_after_a_run(bench: Bench) -> None:
    kill(bench, "emulator")
    status = bench.landfall("workflow", "status", "first")
    assert status.code == 3
    assert status.last.startswith("the emulator ended unexpectedly (signal 9) at ")
    assert status.last.endswith("; start it again with: landfall sandbox up")
    ended = bench.landfall("workflow", "resume", "first", "--json")
    assert "the emulator ended unexpectedly (signal 9) at" in ended.err
    assert f"workflow execution first of {WORKFLOW} is lost" in ended.err
    completed(bench, ended)
    assert json.loads(ended.out)["workflow"]["rerun_of"] == "first"
    assert launcher.attach(bench.name) is not None
    bench.down()
