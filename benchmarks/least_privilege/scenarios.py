"""What the deployed platform does, one function each; each raises `NotAsExpected` when it does not.

A scenario looks at results only: records, logs, archived objects, traces, messages. Together they use every
statement of every role of the sandbox stack.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.exceptions import ClientError
from botocore.utils import InstanceMetadataFetcher

from benchmarks.least_privilege import stack
from benchmarks.least_privilege.plane import NotAsExpected, Plane
from handlers.host.archive import archive
from handlers.host.clock import Clock
from handlers.start_workflow.logic import execution_name
from handlers.start_workflow.models import StartRequest
from landfall.cli.runs import Run
from sandbox.faults.client import Faults
from sandbox.faults.model import Rule
from sandbox.host import host_folder

_AGENT_SECONDS: Final = 1.1
"""How long the emulator may hold on to what it last decided about a host's agent: a second, and some."""

MAILBOX: Final = "least-privilege-mailbox"
SAMPLE: Final = "blog_test_workflow"
WIDE_JOBS: Final = 41
"""One more than an inline Map runs at once, so that the jobs become children of a Map Run."""


@dataclass(frozen=True)
class Scenario:
    """One thing that the platform does."""

    name: str
    run: Callable[[Plane], None]

    @property
    def title(self) -> str:
        """What happens, for the page."""
        return (self.run.__doc__ or "").strip().splitlines()[0].rstrip(".")


def sample_workflow(plane: Plane) -> None:
    """The sample workflow: six scripts on the host, their logs, archive and records."""
    run = plane.completed(plane.start(SAMPLE))
    _logged_and_archived(plane, run)


def one_script(plane: Plane) -> None:
    """One script on the host: log, archive, records, and the trace of its execution."""
    plane.define("lp_script", _stage("rsql_blog_script_1.sh"))
    began = datetime.now(UTC)
    run = plane.completed(plane.start("lp_script"))
    _logged_and_archived(plane, run)
    _traced(plane, plane.names.machine, began)


def failing_script(plane: Plane) -> None:
    """A script that fails: the run ends Failed, and one message reaches the operations account."""
    plane.define("lp_failing", _stage("lp_no_such_script.sh"))
    execution = plane.start("lp_failing")
    run = plane.ended(execution)
    _expect_error(run, "ScriptRefused")
    _told_by_the_machine(plane, execution)
    _message_about(plane, execution)


def failing_statement(plane: Plane) -> None:
    """A statement that fails: its error is in the records, and one message is sent."""
    plane.define("lp_bad_sql", _stage(_sql("select * from lp_missing.nothing")))
    execution = plane.start("lp_bad_sql")
    run = plane.ended(execution)
    _expect_error(run, "lp_missing")
    _told_by_the_machine(plane, execution)
    _message_about(plane, execution)


def lost_answer(plane: Plane) -> None:
    """A script completes, but its answer is lost: its record says so, and the run goes on."""
    job = {"kind": "rsql", "script": "rsql_blog_script_1.sh", "heartbeat_seconds": 5, "timeout_seconds": 60}
    plane.define("lp_lost", _stage(job))
    lost = Rule(effect="fail", service="stepfunctions", operation="SendTaskSuccess",
                error="TaskTimedOut", status=400)  # fmt: skip
    with Faults(plane.sandbox).active(lost):
        plane.completed(plane.start("lp_lost"))


def statements(plane: Plane) -> None:
    """SQL jobs on the warehouse: one statement, and two in one transaction."""
    plane.define("lp_sql", _stage(_sql("select 1"), _sql("select 1", "select 2", name="two")))
    plane.completed(plane.start("lp_sql"))


def preconditions(plane: Plane) -> None:
    """Preconditions: rows in a table, and a workflow that has completed today."""
    plane.define(
        "lp_first",
        _stage(_sql("create schema if not exists lp", "create table if not exists lp.t as select 1 as a")),
    )
    plane.completed(plane.start("lp_first"))
    plane.define(
        "lp_second",
        {
            **_stage(_sql("select 1")),
            "preconditions": [
                {"kind": "table_rows", "table": "lp.t", "timeout_seconds": 30, "poll_seconds": 1},
                {
                    "kind": "workflow_completed", "workflow_id": "lp_first",
                    "timeout_seconds": 30, "poll_seconds": 1,
                },
            ],
        },
    )  # fmt: skip
    plane.completed(plane.start("lp_second"))


def resume(plane: Plane) -> None:
    """A failed run is resumed: what had completed is not run again."""
    table = f"lp.r_{uuid.uuid4().hex[:8]}"
    _warehouse(plane, "create schema if not exists lp")
    waits = _sql(f"select count(*) from {table}", name="waits")  # noqa: S608 - our own name
    plane.define("lp_resume", _stage(_sql("select 1", name="done"), waits))
    first = plane.start("lp_resume")
    _expect_error(plane.ended(first), table.rpartition(".")[2])
    _warehouse(plane, f"create table {table} (a int)")
    second = plane.runs.next_resume_id(first)
    plane.runs.resume(first, second)
    run = plane.ended(second)
    if run.status != "Completed":
        raise NotAsExpected(f"the resumed run is {run.status}: {run.workflow.get('error_message', '')}")


def map_run(plane: Plane) -> None:
    """A stage wider than an inline Map: its jobs are children of a Map Run."""
    jobs = [_sql("select 1", name=f"job-{number}") for number in range(WIDE_JOBS)]
    plane.define("lp_wide", {**_stage(*jobs, parallel=True), "max_concurrency": WIDE_JOBS})
    plane.completed(plane.start("lp_wide"))


def time_limit(plane: Plane) -> None:
    """A statement that runs into its job's time limit is cancelled by the state machine."""
    slow = {**_sql("delete from lp.locked", name="slow"), "timeout_seconds": 5, "heartbeat_seconds": 2}
    plane.define("lp_slow", _stage(slow))
    with _locked(plane, "lp.locked"):
        run = plane.ended(plane.start("lp_slow"))
        statement = _statement(run)
        plane.wait_for("the statement was not cancelled", lambda: _aborted(plane, statement))


def abort(plane: Plane) -> None:
    """A stopped execution: its command and statement are stopped, records closed, one message sent."""
    _warehouse(plane, "create schema if not exists rsql_blog")
    _cold(plane, "close-execution")
    plane.define(
        "lp_abort",
        _stage("rsql_blog_script_3.sh", _sql("delete from lp.locked", name="waits"), parallel=True),
    )
    began = datetime.now(UTC)
    with _locked(plane, "lp.locked", "rsql_blog.blog_table"):
        execution = plane.start("lp_abort")
        run = plane.wait_for("the jobs do not start", lambda: _both_started(plane, execution))
        plane.runs.abort(execution)
        closed = plane.wait_for("the records stay open", lambda: _all_aborted(plane, execution))
        plane.wait_for("the statement goes on", lambda: _aborted(plane, _statement(run)))
        plane.wait_for("the command goes on", lambda: _cancelled(plane, closed))
    _message_about(plane, execution)
    _function_left(plane, "close-execution", began)


def job_kinds(plane: Plane) -> None:
    """A function, a Glue job, a Spark job and a state machine, once an object has arrived."""
    plane.completed(plane.start(stack.KINDS))


def abort_job_kinds(plane: Plane) -> None:
    """A stopped execution stops its Glue job, its Spark job and its child execution."""
    execution = plane.start(stack.HANGING)
    try:
        plane.wait_for("the jobs do not start", lambda: _runs_of_others(plane, 3))
        plane.stop(execution)
        plane.wait_for("a job goes on", lambda: _runs_of_others(plane, 0))
        plane.wait_for("the records stay open", lambda: _all_aborted(plane, execution))
    finally:
        plane.stop(execution)  # else it could start a job later, in somebody else's scenario
        for stop in (_runs_of_others(plane) or {}).values():
            stop()


def schedule(plane: Plane) -> None:
    """A schedule fires: the start function starts the workflow."""
    request = {"workflow_id": stack.NIGHTLY, "event_id": uuid.uuid4().hex}
    _fire(plane, request)
    execution = execution_name(StartRequest.model_validate(request))
    plane.wait_for("the workflow does not start", lambda: plane.runs.recorded(execution) or None)
    plane.completed(execution)


def undelivered_schedule(plane: Plane) -> None:
    """A schedule fires while Lambda refuses every call: its request goes to the dead-letter queue."""
    sqs, names = plane.client("sqs"), plane.names.names
    url = sqs.get_queue_url(QueueName=names.physical("workflow-dead-letters"))["QueueUrl"]
    marker = uuid.uuid4().hex
    refused = Rule(
        effect="fail", service="lambda", operation="Invoke", error="ResourceNotFoundException", status=404
    )
    with Faults(plane.sandbox).active(refused):
        _fire(plane, {"workflow_id": stack.NIGHTLY, "event_id": marker})

        def buried() -> bool | None:
            found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            return True if any(marker in message["Body"] for message in found.get("Messages", ())) else None

        plane.wait_for("nothing reaches the dead-letter queue", buried)


def start_event(plane: Plane) -> None:
    """An event asks for a workflow: the start function starts it, once."""
    plane.define("lp_event", _stage(_sql("select 1")))
    _cold(plane, "start-workflow")
    began = datetime.now(UTC)
    execution = f"lp-event-{uuid.uuid4().hex[:12]}"
    plane.client("events").put_events(
        Entries=[
            {
                "Source": "landfall.workflows",
                "DetailType": "Workflow Start Requested",
                "Detail": json.dumps({"workflow_id": "lp_event", "workflow_execution_id": execution}),
            }
        ]
    )
    plane.wait_for("the workflow does not start", lambda: plane.runs.recorded(execution) or None)
    plane.completed(execution)
    _function_left(plane, "start-workflow", began)


def deployment(plane: Plane) -> None:
    """The state machine is deployed again, with its log delivery."""
    states = plane.client("stepfunctions")
    now = states.describe_state_machine(stateMachineArn=plane.names.machine_arn)
    try:
        states.update_state_machine(
            stateMachineArn=plane.names.machine_arn,
            definition=now["definition"],
            loggingConfiguration=now["loggingConfiguration"],
        )
    except ClientError as error:
        raise NotAsExpected(_words(error)) from None


def installation(plane: Plane) -> None:
    """The host fetches the bundle of runner and scripts."""
    ssm = plane.client("ssm")
    (association,) = (
        each for each in ssm.list_associations()["Associations"]
        if each["Name"] == plane.names.install_runner_document
    )  # fmt: skip
    ssm.start_associations_once(AssociationIds=[association["AssociationId"]])

    def installed() -> str | None:
        overview = ssm.describe_association(AssociationId=association["AssociationId"])
        status = str(overview["AssociationDescription"]["Overview"]["Status"])
        return status if status in ("Success", "Failed") else None

    if plane.wait_for("the host does not answer", installed) != "Success":
        raise NotAsExpected("the association that installs the runner failed")


def new_host(plane: Plane) -> None:
    """A host without a runner fetches the bundle of runner and scripts."""
    versions = _disk(plane) / "versions"
    kept = versions.rename(versions.with_name("versions.kept"))
    try:
        installation(plane)
    finally:
        shutil.rmtree(versions, ignore_errors=True)
        kept.rename(versions)


def large_log(plane: Plane) -> None:
    """A log of 65 MiB is archived, as the host and by the host's own code: it goes in parts."""
    host = plane.sandbox.state.spec.hosts[0].instance_id
    metadata = InstanceMetadataFetcher(
        timeout=10, num_attempts=3, base_url=f"{plane.sandbox.endpoint}/_landfall/hosts/{host}/"
    ).retrieve_iam_role_credentials()
    if not metadata:
        raise NotAsExpected("the host gets no credentials")
    s3 = boto3.client(
        "s3",
        region_name=plane.names.region,
        endpoint_url=plane.sandbox.endpoint,
        aws_access_key_id=metadata["access_key"],
        aws_secret_access_key=metadata["secret_key"],
        aws_session_token=metadata["token"],
    )
    with tempfile.NamedTemporaryFile() as log:
        log.truncate(65 * 1024 * 1024)
        stream = f"large-{uuid.uuid4().hex}"
        bucket = plane.operations.archive_bucket
        wrong = archive(s3, bucket, stream, Path(log.name), Clock(), bound_seconds=1)
    if wrong:
        raise NotAsExpected(wrong)


def managed_host(plane: Plane) -> None:
    """The host reports to Systems Manager and takes commands."""
    ssm = plane.client("ssm")

    def online() -> bool | None:
        hosts = ssm.describe_instance_information()["InstanceInformationList"]
        return True if hosts and all(host["PingStatus"] == "Online" for host in hosts) else None

    time.sleep(_AGENT_SECONDS)
    plane.wait_for("Systems Manager has lost the host: ConnectionLost", online)


def flow_logs(plane: Plane) -> None:
    """The network's flow logs are delivered."""
    (log,) = plane.client("ec2").describe_flow_logs()["FlowLogs"]
    if log["DeliverLogsStatus"] != "SUCCESS":
        raise NotAsExpected(f"the flow log is {log['DeliverLogsStatus']}: {log['DeliverLogsErrorMessage']}")


SCENARIOS: Final = tuple(
    Scenario(function.__name__, function)
    for function in (
        managed_host, flow_logs, deployment, new_host, large_log, one_script, statements, failing_statement,
        failing_script, lost_answer, start_event, job_kinds, preconditions, resume, schedule,
        undelivered_schedule, time_limit, map_run, sample_workflow, abort_job_kinds, abort,
    )
)  # fmt: skip
"""All scenarios, the quick ones first: the first that uses a statement is the one that has to fail."""


def prepare(plane: Plane) -> None:
    """A mailbox in the operations account for what the topic sends, and a table to lock."""
    sqs, sns = plane.client("sqs", "ops"), plane.client("sns", "ops")
    url = sqs.create_queue(QueueName=MAILBOX)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TopicSends",
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": plane.operations.topic_arn}},
            }
        ],
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(allow)})
    sns.subscribe(TopicArn=plane.operations.topic_arn, Protocol="sqs", Endpoint=arn)
    _warehouse(plane, "create schema if not exists lp", "create table if not exists lp.locked (a int)")


def _disk(plane: Plane) -> Path:
    """What stands for ``/opt/landfall`` of the host."""
    return host_folder(plane.sandbox.state_dir, plane.sandbox.state.spec.hosts[0].instance_id) / "root"


def _fire(plane: Plane, request: dict[str, str]) -> None:
    """Let the schedule ask for this in two seconds, once."""
    scheduler, names = plane.client("scheduler"), plane.names.names
    place = {"Name": names.physical(stack.NIGHTLY), "GroupName": names.physical("workflows")}
    now = scheduler.get_schedule(**place)
    due = datetime.now(UTC) + timedelta(seconds=2)
    target = now["Target"] | {"Input": json.dumps(request), "RetryPolicy": {"MaximumRetryAttempts": 0}}
    kept = {key: now[key] for key in ("FlexibleTimeWindow", "KmsKeyArn") if now.get(key)}
    scheduler.update_schedule(
        **place, **kept, Target=target, ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})",
        ScheduleExpressionTimezone="UTC", State="ENABLED",
    )  # fmt: skip


def _runs_of_others(plane: Plane, wanted: int | None = None) -> dict[str, Callable[[], Any]] | None:
    """How to stop each job of the hanging workflow that runs; None where there are not as many as wanted."""
    glue, spark, states = (plane.client(each) for each in ("glue", "emr-serverless", "stepfunctions"))
    found: dict[str, Callable[[], Any]] = {}
    for run in glue.get_job_runs(JobName=stack.HANGING_GLUE_JOB)["JobRuns"]:
        if run["JobRunState"] == "RUNNING":
            found[run["Id"]] = partial(
                glue.batch_stop_job_run, JobName=stack.HANGING_GLUE_JOB, JobRunIds=[run["Id"]]
            )
    for run in spark.list_job_runs(applicationId=stack.APPLICATION)["jobRuns"]:
        if run["state"] == "RUNNING":
            found[run["id"]] = partial(
                spark.cancel_job_run, applicationId=stack.APPLICATION, jobRunId=run["id"]
            )
    machine = plane.names.machine_arn.rpartition(":")[0] + f":{stack.WAITING_CHILD}"
    for run in states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]:
        found[run["executionArn"]] = partial(states.stop_execution, executionArn=run["executionArn"])
    return found if wanted is None or len(found) == wanted else None


def _stage(*scripts: Any, parallel: bool = False) -> dict[str, Any]:
    return {"execution_type": "parallel" if parallel else "sequential", "scripts": list(scripts)}


def _sql(*texts: str, name: str = "statement") -> dict[str, Any]:
    return {"kind": "sql", "name": name, "sql": list(texts)}


def _words(error: ClientError) -> str:
    return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"


def _expect_error(run: Run, text: str) -> None:
    found = f"{run.workflow.get('error_name', '')}: {run.workflow.get('error_message', '')}"
    if run.status != "Failed" or text not in found:
        raise NotAsExpected(f"the workflow is {run.status}: {found}")


def _logged_and_archived(plane: Plane, run: Run) -> None:
    bucket = plane.operations.archive_bucket
    for job in run.jobs:
        stream = str(job["log_stream"])
        if not any(True for _ in plane.runs.log(stream)):
            raise NotAsExpected(f"the log of job {job['job_name']} is empty")
        try:
            plane.client("s3", "ops").head_object(Bucket=bucket, Key=f"{stream}.log")
        except ClientError:
            raise NotAsExpected(f"the log of job {job['job_name']} is not archived") from None


def _traced(plane: Plane, name: str, began: datetime) -> None:
    xray = plane.client("xray")

    def trace() -> bool | None:
        found = xray.get_trace_summaries(StartTime=began - timedelta(seconds=5), EndTime=datetime.now(UTC))
        ids = [summary["Id"] for summary in found["TraceSummaries"]]
        if not ids:
            return None
        segments = [
            json.loads(segment["Document"])
            for each in xray.batch_get_traces(TraceIds=ids)["Traces"]
            for segment in each["Segments"]
        ]
        left = [each for each in segments if each["name"] == name and each["start_time"] >= began.timestamp()]
        return True if left else None

    plane.wait_for(f"{name} leaves no trace", trace)


def _cold(plane: Plane, function: str) -> None:
    """Let the next invocation of a function be a new worker's first, which makes its log stream."""
    name = plane.names.names.physical(function, limit=64)
    functions = plane.client("lambda")
    functions.update_function_configuration(FunctionName=name, Description=uuid.uuid4().hex)
    functions.get_waiter("function_updated_v2").wait(
        FunctionName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )


def _function_left(plane: Plane, function: str, began: datetime) -> None:
    """A function's invocation has left its log and its trace."""
    name = plane.names.names.physical(function, limit=64)
    start = int(began.timestamp() * 1000)

    def logged() -> bool | None:
        found = plane.client("logs").filter_log_events(
            logGroupName=f"/aws/lambda/{name}", startTime=start, limit=1
        )
        return True if found["events"] else None

    plane.wait_for(f"the log of {name} is empty", logged)
    _traced(plane, name, began)


def _told_by_the_machine(plane: Plane, execution: str) -> None:
    """The state machine has sent its message itself; where it cannot, the closing function does."""
    pages = (
        plane.client("stepfunctions")
        .get_paginator("get_execution_history")
        .paginate(executionArn=plane.names.execution_arn(execution))
    )
    sent = [
        event["taskSucceededEventDetails"]["resourceType"]
        for page in pages
        for event in page["events"]
        if event["type"] == "TaskSucceeded"
    ]
    if "sns" not in sent:
        raise NotAsExpected("the state machine could not send its message")


def _message_about(plane: Plane, execution: str) -> None:
    sqs = plane.client("sqs", "ops")
    url = sqs.get_queue_url(QueueName=MAILBOX)["QueueUrl"]

    def message() -> bool | None:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        bodies = [message["Body"] for message in found.get("Messages", ())]
        for each in found.get("Messages", ()):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        return True if any(execution in body for body in bodies) else None

    plane.wait_for("no message reaches the operations account", message)


def _warehouse(plane: Plane, *texts: str) -> str:
    """Run statements as an administrator, and wait for them."""
    identifier = _submit(plane, *texts)
    data = plane.client("redshift-data")

    def ended() -> str | None:
        status = str(data.describe_statement(Id=identifier)["Status"])
        return status if status in ("FINISHED", "FAILED", "ABORTED") else None

    if plane.wait_for("the warehouse does not answer", ended) != "FINISHED":
        raise NotAsExpected(str(data.describe_statement(Id=identifier).get("Error")))
    return identifier


def _submit(plane: Plane, *texts: str) -> str:
    workflows = plane.config.workflows
    assert workflows is not None  # noqa: S101 - the sandbox stack has workflows
    warehouse = workflows.warehouse
    common = {
        "WorkgroupName": warehouse.workgroup, "Database": warehouse.database, "SecretArn": warehouse.secret,
    }  # fmt: skip
    data = plane.client("redshift-data")
    if len(texts) == 1:
        return str(data.execute_statement(Sql=texts[0], **common)["Id"])
    return str(data.batch_execute_statement(Sqls=list(texts), **common)["Id"])


@contextmanager
def _locked(plane: Plane, *tables: str) -> Iterator[None]:
    """Tables that another transaction holds."""
    data = plane.client("redshift-data")
    identifier = _submit(plane, *(f"lock table {table}" for table in tables), "select pg_sleep(120)")

    def held() -> bool | None:
        subs = data.describe_statement(Id=identifier).get("SubStatements") or []
        return True if subs and subs[-1]["Status"] in ("STARTED", "PICKED") else None

    plane.wait_for("the tables cannot be locked", held)
    try:
        yield
    finally:
        data.cancel_statement(Id=identifier)


def _statement(run: Run) -> str:
    return next(str(job["statement_id"]) for job in run.jobs if job.get("statement_id"))


def _aborted(plane: Plane, statement: str) -> bool | None:
    status = plane.client("redshift-data").describe_statement(Id=statement)["Status"]
    return True if status == "ABORTED" else None


def _both_started(plane: Plane, execution: str) -> Run | None:
    if not plane.runs.recorded(execution):
        return None
    run = plane.runs.get(execution, counted=False)
    if run.ended:
        raise NotAsExpected(f"the workflow is {run.status}: {run.workflow.get('error_message', '')}")
    started = [job for job in run.jobs if job.get("statement_id") or job.get("ssm_command_id")]
    return run if len(started) == 2 and any(job.get("statement_id") for job in started) else None


def _all_aborted(plane: Plane, execution: str) -> Run | None:
    run = plane.runs.get(execution, counted=False)
    statuses = {run.status, *(str(job["execution_status"]) for job in run.jobs)}
    return run if statuses == {"Aborted"} else None


def _cancelled(plane: Plane, run: Run) -> bool | None:
    commands = [str(job["ssm_command_id"]) for job in run.jobs if job.get("ssm_command_id")]
    found = plane.client("ssm").list_commands(CommandId=commands[0])["Commands"] if commands else []
    return True if found and found[0]["Status"] in ("Cancelled", "Cancelling") else None
