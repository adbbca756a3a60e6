"""Every branch of the ETL machine, executed on the emulator with a fake host runner."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from plane import COVERED, FakeRunner, Outcome, Plane, all_states

from sandbox.faults import Faults, fail
from workflows.etl import EtlSpec
from workflows.history import lambda_invocations, state_transitions

pytestmark = pytest.mark.emulator

SAMPLE = [
    {"execution_flag": "y", "execution_type": "sequential", "scripts": ["1.sh", "2.sh"]},
    {"execution_flag": "y", "execution_type": "parallel", "scripts": ["3.sh", "4.sh"]},
    {"execution_flag": "y", "execution_type": "parallel", "scripts": ["5.sh", "6.sh"]},
]


IN_CHILDREN_ONLY = {"JobOrder", "ReadWorkflow", "HasFailed", "NotStarted"}
"""Only children of distributed Maps enter these, and the emulator keeps no histories of children. What they
do is seen in `test_large_workflows_run_as_distributed_maps`: the second script of a sequential stage does not
run."""


def one(*jobs: Any, kind: str = "sequential", **stage: Any) -> list[dict[str, Any]]:
    return [{"execution_type": kind, "scripts": list(jobs), **stage}]


@pytest.fixture
def workflow() -> str:
    """A workflow id of the test's own."""
    return f"w_{uuid.uuid4().hex[:8]}"


def statuses(jobs: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    return {job_id: record["execution_status"] for job_id, record in jobs.items()}


# The fast lane


def test_the_sample_takes_thirteen_transitions_and_no_function(
    plane: Plane, runner: FakeRunner, workflow: str
) -> None:
    plane.put(workflow, SAMPLE)
    run = plane.run(workflow, f"{workflow}.1")
    assert run.status == "SUCCEEDED"
    assert state_transitions(run.events) == 13
    assert lambda_invocations(run.events) == 0
    assert run.record["execution_status"] == "Completed"
    assert run.record["execution_start_ts"] < run.record["execution_end_ts"]
    assert run.record["rsql_jobs"] == ["1.sh", "2.sh", "3.sh", "4.sh", "5.sh", "6.sh"]
    assert set(statuses(run.jobs).values()) == {"Completed"}
    assert run.messages == []


def test_stages_never_overlap_and_parallel_jobs_do(plane: Plane, runner: FakeRunner, workflow: str) -> None:
    at_once = threading.Barrier(2, timeout=60)

    def together(_: Mapping[str, Any]) -> Outcome:
        at_once.wait()
        return Outcome(seconds=0.4)

    slow = Outcome(seconds=0.4)
    runner.behaviours = {f"{number}.sh": slow for number in (1, 2, 5, 6)} | {
        "3.sh": together,
        "4.sh": together,
    }
    plane.put(workflow, SAMPLE)
    assert plane.run(workflow, f"{workflow}.1").status == "SUCCEEDED"
    spans = {job_id[9:]: span for job_id, span in runner.spans.items()}
    assert spans["1.sh"][1] <= spans["2.sh"][0]
    assert max(spans["3.sh"][0], spans["4.sh"][0]) < min(spans["3.sh"][1], spans["4.sh"][1])
    assert max(spans["1.sh"][1], spans["2.sh"][1]) <= min(spans["3.sh"][0], spans["4.sh"][0])
    assert max(spans["3.sh"][1], spans["4.sh"][1]) <= min(spans["5.sh"][0], spans["6.sh"][0])


def test_hostile_names_reach_the_runner_as_they_are(plane: Plane, runner: FakeRunner, workflow: str) -> None:
    names = [
        "a;touch x",
        "$(id)",
        "../x.sh",
        'it\'s "quoted" .sh',
        "später Ģ 数 😀.sh",
        "{% $states %}",
        "${Topic}",
    ]
    plane.put(workflow, one(*names, kind="parallel"))
    run = plane.run(workflow, f"{workflow}.1")
    assert run.status == "SUCCEEDED"
    assert sorted(runner.scripts) == sorted(names)
    assert sorted(record["job_name"] for record in run.jobs.values()) == sorted(names)


def test_an_execution_without_an_id_takes_its_own_name(
    plane: Plane, runner: FakeRunner, workflow: str
) -> None:
    plane.put(workflow, one("1.sh"))
    run = plane.finish(plane.start({"workflow_id": workflow}, name=f"{workflow}-own"))
    assert run.record["workflow_execution_id"] == f"{workflow}-own"


def test_a_workflow_that_completes_tells_who_wants_to_know(sandbox: Any, workflow: str) -> None:
    plane = Plane(sandbox, spec=EtlSpec(stack="sandbox", notify_on_success=True))
    plane.put(workflow, one("1.sh"))
    with FakeRunner(plane):
        run = plane.run(workflow, f"{workflow}.1")
    assert run.status == "SUCCEEDED"
    assert [message["Subject"] for message in run.messages] == [f"Completed: {workflow} {workflow}.1"]


# Failures of jobs


def test_a_failed_job_stops_a_sequential_stage(plane: Plane, runner: FakeRunner, workflow: str) -> None:
    runner.behaviours = {"1.sh": Outcome("fail", message="ERROR:  relation is gone")}
    plane.put(workflow, SAMPLE)
    run = plane.run(workflow, f"{workflow}.1")
    assert (run.status, run.error) == ("FAILED", "JobFailed")
    assert run.cause == "job 1.sh: ERROR:  relation is gone"
    assert runner.scripts == ["1.sh"]
    assert run.record["failed_job"] == "1.sh"
    assert run.entered["StopStage"] == 1


def test_siblings_of_a_failed_job_finish_and_the_first_error_is_told_once(
    plane: Plane, runner: FakeRunner, workflow: str
) -> None:
    runner.behaviours = {
        "3.sh": Outcome(seconds=3),
        "4.sh": Outcome("fail", message="ERROR:  first"),
    }
    plane.put(workflow, SAMPLE)
    run = plane.run(workflow, f"{workflow}.1")
    assert run.status == "FAILED"
    assert run.jobs["002.0001.3.sh"]["execution_status"] == "Completed"
    assert run.jobs["002.0002.4.sh"]["error_message"] == "ERROR:  first"
    assert "5.sh" not in runner.scripts
    assert run.record["execution_status"] == "Failed"
    assert run.record["error_message"] == "ERROR:  first"
    assert run.record["execution_end_ts"]
    [message] = run.messages
    assert message["Subject"] == f"Failed: {workflow} {workflow}.1"
    assert "Failed job: 4.sh\nError: JobFailed\nERROR:  first" in message["Message"]
    assert f"landfall workflow resume {workflow}.1 --stack sandbox" in message["Message"]
    assert f"log-events/{workflow}$252F{workflow}.1$252F002.0002.4.sh$252F1" in message["Message"]


def test_a_host_that_goes_silent_fails_the_job_within_two_heartbeats(
    plane: Plane, runner: FakeRunner, workflow: str
) -> None:
    runner.behaviours = {"1.sh": Outcome("silent")}
    plane.put(workflow, one({"script": "1.sh", "heartbeat_seconds": 5}))
    run = plane.run(workflow, f"{workflow}.1")
    times = {event["type"]: event["timestamp"] for event in run.events}
    assert (times["TaskTimedOut"] - times["TaskSubmitted"]).total_seconds() < 2 * 5
    assert run.status == "FAILED"
    assert run.error == "Timeout"
    assert run.jobs["001.0001.1.sh"]["execution_status"] == "Failed"
    assert run.jobs["001.0001.1.sh"]["error_message"] == ("no heartbeat for 5 s, or no answer within 3600 s")
    assert len(run.messages) == 1


def test_a_job_whose_runner_never_wrote_gets_its_record_from_the_machine(
    plane: Plane, runner: FakeRunner, workflow: str
) -> None:
    runner.behaviours = {
        "1.sh": Outcome("fail", error="ScriptRefused", message="no such script", records=False)
    }
    plane.put(workflow, one({"script": "1.sh", "retries": {"count": 3, "interval_seconds": 1}}))
    run = plane.run(workflow, f"{workflow}.1")
    record = run.jobs["001.0001.1.sh"]
    assert record["execution_status"] == "Failed"
    assert record["error_name"] == "ScriptRefused"
    assert record["execution_start_ts"] and record["execution_end_ts"] and record["expires_at"]
    assert runner.scripts == ["1.sh"], "a refused script is not tried again"


def test_a_job_whose_answer_was_lost_counts_as_completed(
    plane: Plane, runner: FakeRunner, workflow: str
) -> None:
    runner.behaviours = {"1.sh": Outcome("lost")}
    plane.put(workflow, one({"script": "1.sh", "heartbeat_seconds": 5}, "2.sh"))
    run = plane.run(workflow, f"{workflow}.1")
    assert run.status == "SUCCEEDED"
    assert set(statuses(run.jobs).values()) == {"Completed"}
    assert run.entered["CompletedAfterAll"] == 1


def test_a_job_is_tried_again_as_often_as_its_definition_says(
    plane: Plane, runner: FakeRunner, workflow: str
) -> None:
    runner.behaviours = {"1.sh": lambda job: Outcome("fail" if job["attempt"] < 3 else "ok")}
    retries = {"count": 2, "interval_seconds": 1, "backoff_rate": 1.5}
    plane.put(workflow, one({"script": "1.sh", "retries": retries}))
    run = plane.run(workflow, f"{workflow}.1")
    assert run.status == "SUCCEEDED"
    assert [job["attempt"] for job in runner.seen] == [1, 2, 3]
    assert run.jobs["001.0001.1.sh"]["attempt"] == 3

    runner.behaviours = {"1.sh": Outcome("fail")}
    run = plane.run(workflow, f"{workflow}.2")
    assert run.status == "FAILED"
    assert [job["attempt"] for job in runner.seen][3:] == [1, 2, 3]


def test_the_workflows_own_time_limit_ends_its_jobs(plane: Plane, runner: FakeRunner, workflow: str) -> None:
    runner.behaviours = {"1.sh": Outcome("silent")}
    plane.put(workflow, one({"script": "1.sh", "heartbeat_seconds": 600}), timeout_seconds=3)
    began = time.monotonic()
    run = plane.run(workflow, f"{workflow}.1")
    assert run.status == "FAILED"
    assert time.monotonic() - began < 60, "long before the heartbeat is missed"


# Refusals


@pytest.mark.parametrize(
    ("stages", "problem"),
    [
        (
            one("a", kind="paralel"),
            'stage 1: unknown execution_type "paralel"; allowed: sequential, parallel, graph',
        ),
        ([], "has no stages"),
        (one(), "stage 1: has no scripts"),
        (one(""), "stage 1: a script name is empty"),
        (one({"kind": "cron", "name": "x"}), 'stage 1: job "x" has unknown kind "cron"'),
        (one({"kind": "lambda", "name": "x"}), 'stage 1: job "x" has no function'),
        (one("a", preconditions=[{"kind": "table_rows", "table": "a; drop"}]), "is not a table name"),
    ],
)
def test_a_configuration_that_cannot_run_is_refused_and_audited(
    plane: Plane, runner: FakeRunner, workflow: str, stages: list[dict[str, Any]], problem: str
) -> None:
    plane.put(workflow, stages)
    run = plane.run(workflow, f"{workflow}.1")
    assert (run.status, run.error) == ("FAILED", "InvalidConfiguration")
    assert problem in str(run.cause)
    assert run.record["execution_status"] == "Failed"
    assert problem in run.record["error_message"]
    assert len(run.messages) == 1
    assert runner.seen == []


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        ({}, "the input has no workflow_id"),
        ({"workflow_id": 5}, "the input has no workflow_id"),
        ({"workflow_id": "no such"}, 'unknown workflow_id "no such"'),
    ],
)
def test_an_input_that_names_no_workflow_is_refused_and_audited(
    plane: Plane, request_: dict[str, Any], problem: str
) -> None:
    run = plane.finish(plane.start(request_))
    assert (run.status, run.cause) == ("FAILED", problem)
    assert run.record["execution_status"] == "Failed"


def test_an_id_with_strange_characters_is_refused(plane: Plane, workflow: str) -> None:
    plane.put(workflow, one("1.sh"))
    name = f"{workflow}-odd"
    arn = plane.start({"workflow_id": workflow, "workflow_execution_id": "a/../b"}, name=name)
    ended = plane.wait(arn)
    assert 'workflow_execution_id "a/../b" is not allowed' in ended["cause"]
    assert plane.workflow_record("a/../b")["execution_status"] == "Failed"
    assert len(plane.messages(wait=20)) == 1


def test_an_id_that_has_a_record_changes_nothing(plane: Plane, runner: FakeRunner, workflow: str) -> None:
    plane.put(workflow, one("1.sh"))
    first = plane.run(workflow, f"{workflow}.1")
    again = plane.finish(
        plane.start({"workflow_id": workflow, "workflow_execution_id": f"{workflow}.1"}, name=f"{workflow}-2")
    )
    assert (again.status, again.error) == ("FAILED", "WorkflowAlreadyRunning")
    assert again.cause == f"workflow execution {workflow}.1 has already ended (Completed)"
    assert again.record == first.record
    assert again.messages == []
    assert runner.scripts == ["1.sh"]


def test_an_id_that_is_running_is_refused_as_running(plane: Plane, runner: FakeRunner, workflow: str) -> None:
    refused = threading.Event()

    def until_refused(_: Mapping[str, Any]) -> Outcome:
        refused.wait(60)
        return Outcome()

    runner.behaviours = {"1.sh": until_refused}
    plane.put(workflow, one("1.sh"))
    request = {"workflow_id": workflow, "workflow_execution_id": f"{workflow}.1"}
    first = plane.start(request)
    while not plane.workflow_record(f"{workflow}.1"):
        time.sleep(0.05)
    second = plane.wait(plane.start(request, name=f"{workflow}-2"))
    refused.set()
    assert second["cause"] == f"workflow execution {workflow}.1 is already running"
    assert plane.finish(first).status == "SUCCEEDED"


# Skipping and resuming


def test_stages_that_are_switched_off_are_recorded_as_skipped(
    plane: Plane, runner: FakeRunner, workflow: str
) -> None:
    off = {"execution_flag": "n", "execution_type": "parallel", "scripts": ["2.sh", "3.sh"]}
    plane.put(workflow, [*one("1.sh"), off, *one("4.sh")])
    run = plane.run(workflow, f"{workflow}.1")
    assert run.status == "SUCCEEDED"
    assert runner.scripts == ["1.sh", "4.sh"]
    assert statuses(run.jobs) == {
        "001.0001.1.sh": "Completed",
        "002.0001.2.sh": "Skipped",
        "002.0002.3.sh": "Skipped",
        "003.0001.4.sh": "Completed",
    }


def test_resume_runs_only_what_did_not_complete_even_twice(
    plane: Plane, runner: FakeRunner, workflow: str
) -> None:
    runner.behaviours = {"4.sh": Outcome("fail")}
    plane.put(workflow, SAMPLE)
    first = plane.run(workflow, f"{workflow}.1")
    assert list(statuses(first.jobs).values()) == ["Completed"] * 3 + ["Failed"], first.jobs
    runner.seen.clear()
    second = plane.run(workflow, f"{workflow}.2", resume_from=f"{workflow}.1")
    assert second.status == "FAILED"
    assert runner.scripts == ["4.sh"]
    runner.behaviours = {}
    runner.seen.clear()
    third = plane.run(workflow, f"{workflow}.3", resume_from=f"{workflow}.2")
    assert third.status == "SUCCEEDED"
    assert sorted(runner.scripts) == ["4.sh", "5.sh", "6.sh"]
    assert third.record["resumed_from"] == f"{workflow}.2"
    assert third.jobs["001.0001.1.sh"]["completed_in"] == f"{workflow}.1"
    assert list(statuses(third.jobs).values()) == ["Skipped"] * 3 + ["Completed"] * 3


def test_a_rerun_runs_everything_and_says_of_what(plane: Plane, runner: FakeRunner, workflow: str) -> None:
    plane.put(workflow, one("1.sh"))
    plane.run(workflow, f"{workflow}.1")
    run = plane.run(workflow, f"{workflow}.2", rerun_of=f"{workflow}.1")
    assert run.record["rerun_of"] == f"{workflow}.1"
    assert runner.scripts == ["1.sh", "1.sh"]


def test_what_cannot_be_resumed_is_refused_with_the_reason(
    plane: Plane, runner: FakeRunner, workflow: str
) -> None:
    plane.put(workflow, one("1.sh"))
    missing = plane.run(workflow, f"{workflow}.1", resume_from="nothing")
    assert missing.cause == "cannot resume nothing: there is no such execution"
    plane.run(workflow, f"{workflow}.2")
    completed = plane.run(workflow, f"{workflow}.3", resume_from=f"{workflow}.2")
    assert completed.cause == f"cannot resume {workflow}.2: it has completed; rerun it instead"
    assert completed.record["execution_status"] == "Failed"


def test_a_resume_counts_what_the_runs_before_had_completed(
    plane: Plane, runner: FakeRunner, workflow: str
) -> None:
    plane.put(workflow, one("1.sh", "2.sh"))
    runner.behaviours = {"2.sh": Outcome("fail")}
    assert plane.run(workflow, f"{workflow}.1").status == "FAILED"
    refused = fail("dynamodb", "GetItem", state="ReadResumed", execution=f"{workflow}.2", error="Refused")
    with Faults(plane.sandbox).active(refused):
        second = plane.run(workflow, f"{workflow}.2", resume_from=f"{workflow}.1")
    assert (second.status, second.jobs) == ("FAILED", {}), "it has recorded nothing"
    runner.behaviours = {}
    runner.seen.clear()
    third = plane.run(workflow, f"{workflow}.3", resume_from=f"{workflow}.2")
    assert third.status == "SUCCEEDED"
    assert runner.scripts == ["2.sh"]
    assert third.jobs["001.0001.1.sh"]["completed_in"] == f"{workflow}.1"
    plane.run(workflow, f"{workflow}.4", resume_from=f"{workflow}.3")
    again = plane.run(workflow, f"{workflow}.5", resume_from=f"{workflow}.4")
    assert again.cause == (
        f"cannot resume {workflow}.4: it resumed {workflow}.3, and it has completed; rerun it instead"
    )


def test_a_message_that_cannot_be_sent_is_left_to_the_closing_function(
    plane: Plane, runner: FakeRunner, workflow: str
) -> None:
    plane.put(workflow, one("1.sh"))
    runner.behaviours = {"1.sh": Outcome("fail")}
    refused = fail("sns", "Publish", state="NotifyFailure", execution=f"{workflow}.1", error="Refused")
    with Faults(plane.sandbox).active(refused):
        run = plane.run(workflow, f"{workflow}.1")
    assert (run.status, run.error) == ("FAILED", "JobFailed"), "the first error stays"
    assert run.entered["LeaveNotification"] == 1
    assert run.record["notified"] == "close_execution"
    assert run.record["execution_status"] == "Failed"
    assert run.messages == []


# Other kinds of jobs


def sql(*statements: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "sql",
        "name": "sql",
        "sql": statements[0] if len(statements) == 1 else list(statements),
        **more,
    }


def test_sql_jobs_run_a_statement_or_a_batch_with_parameters(plane: Plane, workflow: str) -> None:
    table = f"t_{workflow}"
    jobs = (
        sql(f"create table {table} (a varchar(20))", f"insert into {table} values ('x')"),
        sql(f"insert into {table} values (:a)", parameters={"a": "it's $1; --"}),
    )
    plane.put(workflow, one(*jobs))
    run = plane.run(workflow, f"{workflow}.1")
    assert run.status == "SUCCEEDED", run.cause
    assert set(statuses(run.jobs).values()) == {"Completed"}
    assert run.jobs["001.0001.sql"]["statement_id"]
    assert run.jobs["001.0001.sql"]["kind"] == "sql"
    data = plane.sandbox.client("redshift-data", "data")
    statement = data.execute_statement(
        WorkgroupName="etl",
        Database="dev",
        SecretArn=plane.secret_arn,
        Sql=f"select a from {table} order by a",
    )
    while data.describe_statement(Id=statement["Id"])["Status"] != "FINISHED":
        time.sleep(0.1)
    rows = data.get_statement_result(Id=statement["Id"])["Records"]
    assert [row[0]["stringValue"] for row in rows] == ["it's $1; --", "x"]


def test_a_failing_statement_fails_its_job_with_the_databases_words(plane: Plane, workflow: str) -> None:
    plane.put(workflow, one(sql("select * from no_such_table")))
    run = plane.run(workflow, f"{workflow}.1")
    assert (run.status, run.error) == ("FAILED", "StatementFailed")
    assert "no_such_table" in run.jobs["001.0001.sql"]["error_message"]
    assert run.record["failed_log_stream"] == ""


def test_a_statement_that_takes_too_long_is_cancelled(plane: Plane, workflow: str) -> None:
    plane.put(workflow, one(sql("select pg_sleep(30)", timeout_seconds=2)))
    run = plane.run(workflow, f"{workflow}.1")
    assert (run.status, run.error) == ("FAILED", "JobTimedOut")
    record = run.jobs["001.0001.sql"]
    assert record["execution_status"] == "Failed"
    data = plane.sandbox.client("redshift-data", "data")
    assert data.describe_statement(Id=record["statement_id"])["Status"] == "ABORTED"


def test_a_refused_statement_fails_its_job(plane: Plane, workflow: str) -> None:
    plane.put(workflow, one(sql("select 1", database="no_such_database")))
    run = plane.run(workflow, f"{workflow}.1")
    assert run.status == "FAILED"
    assert statuses(run.jobs) == {"001.0001.sql": "Failed"}


def make_function(plane: Plane, name: str, body: str) -> None:
    import io
    import zipfile

    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("main.py", body)
    functions = plane.sandbox.client("lambda", "data")
    role = f"arn:aws:iam::{plane.account}:role/{plane.prefix}-etl"
    functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="main.handler",
        Code={"ZipFile": archive.getvalue()},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name)


def test_lambda_jobs_get_their_arguments_and_fail_by_their_exceptions(plane: Plane, workflow: str) -> None:
    make_function(
        plane,
        f"{workflow}-f",
        "class NoStock(Exception):\n    pass\n"
        "def handler(event, context):\n"
        "    assert event['nested'] == [[1, 2], []], event\n"
        "    if event['fail']:\n        raise NoStock('nothing left')\n",
    )
    job = {"kind": "lambda", "name": "f", "function": f"{workflow}-f"}
    plane.put(workflow, one(job | {"args": {"nested": [[1, 2], []], "fail": False}}))
    run = plane.run(workflow, f"{workflow}.1")
    assert run.status == "SUCCEEDED", run.cause
    assert lambda_invocations(run.events) == 1
    plane.put(workflow, one(job | {"args": {"nested": [[1, 2], []], "fail": True}}))
    run = plane.run(workflow, f"{workflow}.2")
    assert (run.status, run.error) == ("FAILED", "NoStock")
    assert "nothing left" in run.jobs["001.0001.f"]["error_message"]


@pytest.mark.parametrize("fails", [False, True])
def test_glue_and_spark_jobs_are_waited_for(plane: Plane, workflow: str, fails: bool) -> None:
    name = "fails" if fails else "works"
    plane.put(
        workflow,
        one(
            {"kind": "glue", "name": "glue", "job": f"{workflow}-{name}", "args": {"--day": "2027-01-31"}},
            {
                "kind": "emr_serverless",
                "name": "spark",
                "application_id": "00abc",
                "execution_role_arn": f"arn:aws:iam::{plane.account}:role/{plane.prefix}-etl",
                "entry_point": f"s3://code/{name}.py",
                "entry_point_arguments": ["x"],
                "spark_submit_parameters": "--conf a=b",
            },
            kind="parallel",
        ),
    )
    run = plane.run(workflow, f"{workflow}.1")
    expected = "Failed" if fails else "Completed"
    assert statuses(run.jobs) == {"001.0001.glue": expected, "001.0002.spark": expected}
    assert run.status == ("FAILED" if fails else "SUCCEEDED")


def test_state_machine_jobs_are_waited_for(plane: Plane, workflow: str) -> None:
    child = {
        "QueryLanguage": "JSONata",
        "StartAt": "Decide",
        "States": {
            "Decide": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $states.input.fail %}", "Next": "Bad"}],
                "Default": "Good",
            },
            "Bad": {"Type": "Fail", "Error": "ChildFailed", "Cause": "as asked"},
            "Good": {"Type": "Succeed"},
        },
    }
    arn = plane.states.create_state_machine(
        name=f"{workflow}-child",
        roleArn=f"arn:aws:iam::{plane.account}:role/{plane.prefix}-etl",
        definition=json.dumps(child),
    )["stateMachineArn"]
    plane.put(
        workflow,
        one(
            {"kind": "state_machine", "name": "by-arn", "state_machine": arn, "args": {"fail": False}},
            {
                "kind": "state_machine",
                "name": "by-name",
                "state_machine": f"{workflow}-child",
                "args": {"fail": True},
            },
        ),
    )
    run = plane.run(workflow, f"{workflow}.1")
    assert statuses(run.jobs) == {"001.0001.by-arn": "Completed", "001.0002.by-name": "Failed"}


# Preconditions


def test_preconditions_are_waited_for(plane: Plane, runner: FakeRunner, workflow: str) -> None:
    s3 = plane.sandbox.client("s3", "data")
    bucket = f"{plane.prefix}-{workflow.replace('_', '-')}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": plane.region})
    other, table = f"{workflow}_other", f"p_{workflow}"
    plane.put(other, one("other.sh"))
    quick = {"poll_seconds": 1, "timeout_seconds": 120}
    plane.put(
        workflow,
        one(
            "1.sh",
            preconditions=[
                {"kind": "s3_object", "bucket": bucket, "key": "in/ready", **quick},
                {"kind": "s3_object", "bucket": bucket, "prefix": "in/", **quick},
                {"kind": "workflow_completed", "workflow_id": other, "within": "today", **quick},
                {"kind": "table_rows", "table": table, "minimum": 2, **quick},
                {"kind": "time_window", "start": "00:00", "end": "23:59", "timezone": "UTC", **quick},
                {
                    "kind": "time_window",
                    "start": "23:59",
                    "end": "23:58",
                    "timezone": "Europe/Berlin",
                    "utc_offsets": ["2025-01-01T00:00:00.000Z+0100"],
                    **quick,
                },
            ],
        ),
    )
    arn = plane.start({"workflow_id": workflow, "workflow_execution_id": f"{workflow}.1"})
    time.sleep(2.5)
    assert runner.scripts == []
    s3.put_object(Bucket=bucket, Key="in/ready-not", Body=b"")
    plane.run(other, f"{workflow}.other")
    assert "1.sh" not in runner.scripts
    s3.put_object(Bucket=bucket, Key="in/ready", Body=b"")
    data = plane.sandbox.client("redshift-data", "data")
    filled = data.batch_execute_statement(
        WorkgroupName="etl",
        Database="dev",
        SecretArn=plane.secret_arn,
        Sqls=[f"create table {table} (a int)", f"insert into {table} values (1), (2)"],
    )
    while (statement := data.describe_statement(Id=filled["Id"]))["Status"] != "FINISHED":
        assert statement["Status"] not in ("FAILED", "ABORTED"), statement.get("Error")
        time.sleep(0.1)
    run = plane.finish(arn, 120)
    assert run.status == "SUCCEEDED", run.cause
    assert runner.scripts == ["other.sh", "1.sh"]


def test_a_precondition_that_is_never_met_fails_the_workflow(
    plane: Plane, runner: FakeRunner, workflow: str
) -> None:
    condition = {
        "kind": "workflow_completed",
        "workflow_id": "never",
        "poll_seconds": 1,
        "timeout_seconds": 2,
    }
    plane.put(workflow, one("1.sh", preconditions=[condition]))
    run = plane.run(workflow, f"{workflow}.1")
    assert (run.status, run.error) == ("FAILED", "PreconditionNotMet")
    assert run.cause == "stage 1: precondition workflow_completed was not met within 2 s"
    assert runner.seen == []
    assert len(run.messages) == 1


def test_a_precondition_that_cannot_be_checked_fails_the_workflow(
    plane: Plane, runner: FakeRunner, workflow: str
) -> None:
    plane.put(workflow, one("1.sh", preconditions=[{"kind": "s3_object", "bucket": "no-such-b", "key": "x"}]))
    run = plane.run(workflow, f"{workflow}.1")
    assert run.status == "FAILED"
    assert "precondition s3_object cannot be checked" in str(run.cause)


# The large lane


def test_large_workflows_run_as_distributed_maps(sandbox: Any, workflow: str) -> None:
    plane = Plane(sandbox, spec=EtlSpec(stack="sandbox", inline_events=200))
    scripts = [f"{number}.sh" for number in range(12)]
    plane.put(workflow, [*one("a.sh", "b.sh"), *one(*scripts, kind="parallel")])
    with FakeRunner(plane, {"3.sh": Outcome("fail", message="ERROR: three")}) as runner:
        run = plane.run(workflow, f"{workflow}.1")
        assert (run.status, run.error) == ("FAILED", "JobFailed")
        assert run.entered["Jobs (large)"] == 2
        assert len(run.events) < 80
        assert sorted(runner.scripts) == sorted(["a.sh", "b.sh", *scripts])
        assert len(run.jobs) == 14
        assert run.record["failed_job"] == "3.sh"
        runner.behaviours = {}
        runner.seen.clear()
        run = plane.run(workflow, f"{workflow}.2", resume_from=f"{workflow}.1")
        assert run.status == "SUCCEEDED"
        assert runner.scripts == ["3.sh"]
        runner.behaviours = {"a.sh": Outcome("fail")}
        runner.seen.clear()
        run = plane.run(workflow, f"{workflow}.3")
        assert run.status == "FAILED"
        assert runner.scripts == ["a.sh"], "a sequential stage stops at the first failure"
        [map_run] = plane.states.list_map_runs(
            executionArn=plane.machine_arn.replace("stateMachine", "execution") + f":{workflow}.3"
        )["mapRuns"]
        counts = plane.states.describe_map_run(mapRunArn=map_run["mapRunArn"])["itemCounts"]
        assert counts["succeeded"] == 0


def test_every_state_has_been_entered(request: pytest.FixtureRequest) -> None:
    """Runs last; only where the whole module was asked for, since a part of it cannot enter everything."""
    mine = {item.function.__name__ for item in request.session.items if item.path == request.path}
    defined = {name for name in globals() if name.startswith("test_")}
    if mine == defined:
        assert all_states() - COVERED.keys() == IN_CHILDREN_ONLY
