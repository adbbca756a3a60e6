"""The eight statements "It works when" of specs/rsql-orchestration, each executed for real.

The machine runs on the emulator; scripts run on a host agent by the job runner, on a real database.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hosts import SAMPLE_SCRIPTS, HostedPlane, eventually

from landfall.config.workflows import WorkflowDefinition
from sandbox.launcher import Sandbox
from workflows.history import lambda_invocations, state_transitions
from workflows.items import to_item

pytestmark = pytest.mark.emulator

SAMPLE = WorkflowDefinition.model_validate(
    {
        "workflow_id": "blog_test_workflow",
        "workflow_description": "Test Workflow for Blog",
        "workflow_stages": [
            {
                "execution_flag": "y",
                "execution_type": "sequential",
                "scripts": ["rsql_blog_script_1.sh", "rsql_blog_script_2.sh"],
                "stage_description": "Schema & Table Creation Stage",
            },
            {
                "execution_flag": "y",
                "execution_type": "parallel",
                "scripts": ["rsql_blog_script_3.sh", "rsql_blog_script_4.sh"],
                "stage_description": "Data Insertion Stage 1",
            },
            {
                "execution_flag": "y",
                "execution_type": "parallel",
                "scripts": ["rsql_blog_script_5.sh", "rsql_blog_script_6.sh"],
                "stage_description": "Data Insertion Stage 2",
            },
        ],
    }
)

HOSTILE = ["a;touch x", "$(id)", 'it\'s "quoted".sh', "with spaces.sh", "später 数.sh"]


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's scripts and the tests' own."""
    folder = tmp_path_factory.mktemp("scripts")
    for script in SAMPLE_SCRIPTS.iterdir():
        shutil.copy(script, folder / script.name)
    (folder / "sleeps.sh").write_text('#!/bin/sh\necho $$ > "$1"\nexec sleep 300\n')
    (folder / "notes.sh").write_text("#!/bin/sh\nsleep 1\n")
    statement = "insert into many values (:'job');"
    (folder / "insert_row.sh").write_text(
        f'#!/bin/sh\necho "{statement}" | rsql -v ON_ERROR_STOP=1 -v job="$1"\n'
    )
    for name in HOSTILE:
        (folder / name).write_text("#!/bin/sh\necho ran\n")
    return folder


@pytest.fixture(scope="module")
def plane(sandbox: Sandbox, scripts: Path) -> Iterator[HostedPlane]:
    made = HostedPlane(sandbox, scripts)
    yield made
    made.stop_host()


@pytest.fixture
def sample(plane: HostedPlane) -> str:
    """The sample workflow, on a database without its schema."""
    plane.query("drop schema if exists rsql_blog cascade")
    item = to_item("blog_test_workflow", SAMPLE)
    plane.put("blog_test_workflow", item["workflow_stages"])
    return "blog_test_workflow"


def unique(name: str) -> str:
    return f"{name}_{uuid.uuid4().hex[:6]}"


def one(*jobs: Any, kind: str = "parallel", **stage: Any) -> list[dict[str, Any]]:
    return [{"execution_type": kind, "scripts": list(jobs), **stage}]


def test_1_the_sample_runs_end_to_end(plane: HostedPlane, sample: str) -> None:
    event = {"workflow_id": sample, "workflow_execution_id": unique("demo_test_26")}
    run = plane.finish(plane.start(event), 120)
    assert run.status == "SUCCEEDED", run.cause
    assert plane.query("select count(*) from rsql_blog.blog_table") == [[4]]
    assert [record["execution_status"] for record in run.jobs.values()] == ["Completed"] * 6
    assert all(record["execution_start_ts"] < record["execution_end_ts"] for record in run.jobs.values())
    assert all(record["instance_id"] == plane.host.instance_id for record in run.jobs.values())
    assert run.record["execution_status"] == "Completed"
    assert run.record["execution_start_ts"] < run.record["execution_end_ts"]
    assert len(plane.streams(event["workflow_execution_id"])) == 6
    assert len(plane.states.list_executions(stateMachineArn=plane.machine_arn)["executions"]) >= 1
    assert state_transitions(run.events) <= 13
    assert lambda_invocations(run.events) == 0
    assert run.messages == []


def test_2_order_is_strict_within_stage_1_and_across_stages(plane: HostedPlane, sample: str) -> None:
    run = plane.run(sample, unique("order"), 120)
    assert run.status == "SUCCEEDED", run.cause
    spans = [
        (record["execution_start_ts"], record["execution_end_ts"]) for _, record in sorted(run.jobs.items())
    ]
    first, second, third, fourth, fifth, sixth = spans
    assert first[1] <= second[0]
    assert second[1] <= min(third[0], fourth[0])
    assert max(third[1], fourth[1]) <= min(fifth[0], sixth[0])

    name = unique("overlap")
    plane.put(name, [*one("notes.sh", "notes.sh"), *one("notes.sh", "notes.sh")])
    run = plane.run(name, unique("overlap"), 120)
    a, b, c, d = (
        (record["execution_start_ts"], record["execution_end_ts"]) for _, record in sorted(run.jobs.items())
    )
    assert max(a[0], b[0]) < min(a[1], b[1]), "the jobs of stage 1 overlap"
    assert max(c[0], d[0]) < min(c[1], d[1]), "the jobs of stage 2 overlap"
    assert max(a[1], b[1]) <= min(c[0], d[0]), "the stages do not"


def test_3_a_failed_script_is_audited_told_and_resumed(
    plane: HostedPlane, sample: str, scripts: Path
) -> None:
    script = scripts / "rsql_blog_script_4.sh"
    whole = script.read_text()
    script.write_text(whole.replace("rsql_blog.blog_table (id", "rsql_blog.no_such_table (id"))
    plane.install(scripts)
    failed_id, resumed_id = unique("fails"), unique("resumed")
    try:
        run = plane.run(sample, failed_id, 120)
    finally:
        script.write_text(whole)
        plane.install(scripts)
    assert run.status == "FAILED"
    assert plane.query("select script_name from rsql_blog.blog_table") == [["rsql_blog_script_3.sh"]]
    assert not [job_id for job_id in run.jobs if job_id.startswith("003")]
    record = run.jobs["002.0002.rsql_blog_script_4.sh"]
    assert record["execution_status"] == "Failed"
    assert "no_such_table" in record["error_message"]
    assert run.record["execution_status"] == "Failed"
    assert "no_such_table" in run.record["error_message"]
    time.sleep(2)
    told = run.messages + plane.messages(wait=2)
    assert len(told) == 1
    assert "no_such_table" in told[0]["Message"]
    assert f"landfall workflow resume {failed_id} --stack sandbox" in told[0]["Message"]

    resumed = plane.run(sample, resumed_id, 120, resume_from=failed_id)
    assert resumed.status == "SUCCEEDED", resumed.cause
    ran = {
        record["job_name"] for record in resumed.jobs.values() if record["execution_status"] == "Completed"
    }
    assert ran == {f"rsql_blog_script_{number}.sh" for number in (4, 5, 6)}
    assert len(plane.streams(resumed_id)) == 3
    assert resumed.record["execution_status"] == "Completed"
    assert plane.query("select count(*) from rsql_blog.blog_table") == [[4]]


def test_4_a_host_that_dies_is_noticed_within_two_heartbeats(plane: HostedPlane, tmp_path: Path) -> None:
    name, note = unique("dies"), tmp_path / "pid"
    job = {"script": "sleeps.sh", "args": [str(note)], "heartbeat_seconds": 6, "timeout_seconds": 86_400}
    plane.put(name, one(job))
    arn = plane.start({"workflow_id": name, "workflow_execution_id": name})
    pid = int(eventually(lambda: note.read_text().strip() if note.exists() else ""))
    killed = time.time()
    try:
        plane.kill_host()
        run = plane.finish(arn, 60)
    finally:
        plane.start_host()
    noticed = next(event["timestamp"].timestamp() for event in run.events if event["type"] == "TaskTimedOut")
    assert noticed - killed < 2 * 6
    assert run.status == "FAILED"
    assert run.jobs["001.0001.sleeps.sh"]["execution_status"] == "Failed"
    assert "no heartbeat for 6 s" in run.jobs["001.0001.sleeps.sh"]["error_message"]
    assert run.record["execution_status"] == "Failed"
    assert len(run.messages) == 1
    assert not Path(f"/proc/{pid}").exists()


def test_5_the_same_event_twice_at_once_is_one_execution(plane: HostedPlane) -> None:
    name = unique("twice")
    plane.put(name, one("notes.sh"))
    answers: list[str] = []

    def start() -> None:
        request = {"workflow_id": name, "workflow_execution_id": name, "request_id": uuid.uuid4().hex}
        try:
            answers.append(plane.start(request))
        except ClientError as refused:
            answers.append(refused.response["Error"]["Code"])

    callers = [threading.Thread(target=start) for _ in range(2)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert sorted(answers)[0] == "ExecutionAlreadyExists"
    run = plane.finish(sorted(answers)[1])
    assert run.status == "SUCCEEDED"
    assert len(run.jobs) == 1
    listed = plane.states.list_executions(stateMachineArn=plane.machine_arn)["executions"]
    assert [execution["name"] for execution in listed].count(name) == 1

    again = plane.finish(
        plane.start({"workflow_id": name, "workflow_execution_id": name}, name=f"{name}-again")
    )
    assert again.error == "WorkflowAlreadyRunning"
    assert again.record == run.record


def test_6_hostile_names_run_as_names_and_what_cannot_run_is_refused(
    plane: HostedPlane, scripts: Path
) -> None:
    name = unique("hostile")
    plane.put(name, one(*HOSTILE))
    run = plane.run(name, name, 120)
    assert run.status == "SUCCEEDED", run.cause
    assert sorted(record["job_name"] for record in run.jobs.values()) == sorted(HOSTILE)
    assert {record["execution_status"] for record in run.jobs.values()} == {"Completed"}

    outside = unique("outside")
    plane.put(outside, one("../x.sh"))
    run = plane.run(outside, outside, 60)
    assert (run.status, run.error) == ("FAILED", "ScriptRefused")

    for stages, problem in (
        ([], "has no stages"),
        (one(), "stage 1: has no scripts"),
        (one("notes.sh", kind="paralel"), 'stage 1: unknown execution_type "paralel"'),
    ):
        refused = unique("refused")
        plane.put(refused, stages)
        run = plane.run(refused, refused)
        assert run.error == "InvalidConfiguration"
        assert problem in str(run.cause)
        assert run.record["execution_status"] == "Failed"
        assert run.jobs == {}
    run = plane.run("no such workflow", unique("unknown"))
    assert run.cause == 'unknown workflow_id "no such workflow"'


@pytest.mark.large
def test_6_a_thousand_scripts_in_one_stage(sandbox: Sandbox, tmp_path: Path) -> None:
    names = [f"{number}.sh" for number in range(1000)]
    for name in names:
        (tmp_path / name).write_text('#!/bin/sh\necho "$0"\n')
    plane = HostedPlane(sandbox, tmp_path)
    try:
        workflow = unique("thousand")
        plane.put(workflow, one(*names))
        run = plane.run(workflow, workflow, 1800)
    finally:
        plane.stop_host()
    assert run.status == "SUCCEEDED", run.cause
    assert sorted(record["job_name"] for record in run.jobs.values()) == sorted(names)
    assert {record["execution_status"] for record in run.jobs.values()} == {"Completed"}
    assert len(plane.streams(workflow)) == 1000
    assert run.entered["Jobs (large)"] == 1
    assert len(run.events) < 25_000


@pytest.mark.parametrize(
    ("stages", "width"), [(3, 5), pytest.param(10, 30, marks=pytest.mark.large)], ids=["15", "300"]
)
def test_7_every_job_leaves_one_record_and_one_row(plane: HostedPlane, stages: int, width: int) -> None:
    name = unique("many")
    plane.query("drop table if exists many")
    plane.query("create table many (job varchar(20))")
    plane.put(
        name,
        [
            stage
            for number in range(stages)
            for stage in one(
                *({"script": "insert_row.sh", "args": [f"{number}-{job}"]} for job in range(width))
            )
        ],
    )
    run = plane.run(name, name, 900)
    assert run.status == "SUCCEEDED", run.cause
    assert len(run.jobs) == stages * width
    assert {record["execution_status"] for record in run.jobs.values()} == {"Completed"}
    assert plane.query("select count(*), count(distinct job) from many") == [[stages * width] * 2]
    assert run.entered["Stages"] == 1, "still inline"
    assert len(run.events) < 25_000
    assert max(len(json.dumps(event, default=str)) for event in run.events) < 256 * 1024


def test_7_larger_workflows_switch_to_distributed_maps(sandbox: Sandbox, scripts: Path) -> None:
    plane = HostedPlane(sandbox, scripts, inline_events=300)
    try:
        plane.query("drop table if exists many")
        plane.query("create table many (job varchar(20))")
        large = unique("larger")
        plane.put(large, one(*({"script": "insert_row.sh", "args": [str(job)]} for job in range(10))))
        run = plane.run(large, large, 300)
    finally:
        plane.stop_host()
    assert run.status == "SUCCEEDED", run.cause
    assert run.entered["Stages (large)"] == 1
    assert len(run.jobs) == 10
    assert plane.query("select count(*), count(distinct job) from many") == [[10, 10]]


def test_8_an_aborted_execution_leaves_nothing_running(plane: HostedPlane, tmp_path: Path) -> None:
    name = unique("aborted")
    notes = [tmp_path / "1", tmp_path / "2"]
    plane.put(name, one(*({"script": "sleeps.sh", "args": [str(note)]} for note in notes)))
    arn = plane.start({"workflow_id": name, "workflow_execution_id": name})
    pids = [
        int(eventually(lambda note=note: note.read_text().strip() if note.exists() else "")) for note in notes
    ]
    assert all(Path(f"/proc/{pid}").exists() for pid in pids)
    plane.states.stop_execution(executionArn=arn, cause="a test")
    eventually(lambda: plane.workflow_record(name)["execution_status"] == "Aborted")
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
    run = plane.finish(arn)
    assert run.status == "ABORTED"
    assert [record["execution_status"] for record in run.jobs.values()] == ["Aborted"] * 2
    assert run.record["execution_end_ts"]
    assert len(run.messages + plane.messages(wait=20)) == 1
