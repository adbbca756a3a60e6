"""Closing what an ended execution left open, against a real emulator and a real host."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hosts_plane import eventually

from handlers.close_execution.logic import CLOSER, Services, close
from handlers.close_execution.models import CloseResult, EndedExecution, Settings
from sandbox.launcher import Sandbox

pytestmark = pytest.mark.emulator

NOW = datetime(2026, 1, 31, 6, 0, 1, 500_000, UTC)


@dataclass
class Records:
    """Audit tables, a topic with a queue behind it, and the function's logic on them."""

    aws: Callable[..., Any]
    settings: Settings
    queue: str

    def put_job(self, execution: str, number: int, status: str = "Running", **more: str) -> None:
        item = {
            "workflow_execution_id": execution,
            "job_id": f"001.{number:04}.job",
            "job_name": f"job-{number}",
            "execution_status": status,
            **more,
        }
        self.aws("dynamodb").put_item(
            TableName=self.settings.job_audit_table, Item={key: {"S": value} for key, value in item.items()}
        )

    def put_jobs(self, execution: str, statuses: Mapping[int, str], padding: str) -> None:
        """Many jobs in few calls."""
        puts = [
            {
                "PutRequest": {
                    "Item": {
                        "workflow_execution_id": {"S": execution},
                        "job_id": {"S": f"001.{number:04}.job"},
                        "job_name": {"S": f"job-{number}"},
                        "execution_status": {"S": status},
                        "padding": {"S": padding},
                    }
                }
            }
            for number, status in statuses.items()
        ]
        for start in range(0, len(puts), 25):
            batch = {self.settings.job_audit_table: puts[start : start + 25]}
            assert not self.aws("dynamodb").batch_write_item(RequestItems=batch)["UnprocessedItems"]

    def put_workflow(self, execution: str, status: str = "Running", **more: str) -> None:
        item = {
            "workflow_execution_id": execution,
            "workflow_id": "nightly",
            "execution_arn": self.arn(execution),
            "execution_start_ts": "2026-01-31T05:00:00.000Z",
            "execution_status": status,
            **more,
        }
        self.aws("dynamodb").put_item(
            TableName=self.settings.workflow_audit_table,
            Item={key: {"S": value} for key, value in item.items()},
        )

    def jobs(self, execution: str) -> dict[str, dict[str, str]]:
        pages = (
            self.aws("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=self.settings.job_audit_table,
                KeyConditionExpression="workflow_execution_id = :id",
                ExpressionAttributeValues={":id": {"S": execution}},
            )
        )
        return {
            item["job_name"]["S"]: {key: next(iter(value.values())) for key, value in item.items()}
            for page in pages
            for item in page["Items"]
        }

    def workflow(self, execution: str) -> dict[str, str]:
        item = (
            self.aws("dynamodb")
            .get_item(
                TableName=self.settings.workflow_audit_table, Key={"workflow_execution_id": {"S": execution}}
            )
            .get("Item", {})
        )
        return {key: next(iter(value.values())) for key, value in item.items()}

    @staticmethod
    def arn(execution: str) -> str:
        return f"arn:aws:states:eu-central-1:111111111111:execution:etl:{execution}"

    def close(self, execution: str, status: str, **more: Any) -> CloseResult:
        event = {
            "executionArn": self.arn(execution),
            "name": execution,
            "status": status,
            "startDate": 1_769_839_200_000,
            "stopDate": 1_769_839_260_123,
            "input": json.dumps({"workflow_id": "nightly", "workflow_execution_id": execution}),
            **more,
        }
        services = Services(
            dynamodb=self.aws("dynamodb"),
            ssm=self.aws("ssm"),
            redshift_data=self.aws("redshift-data"),
            sns=self.aws("sns", "ops"),
        )
        return close(EndedExecution.model_validate(event), self.settings, services, lambda: NOW)

    def messages(self, *, wait: int = 20) -> list[dict[str, Any]]:
        """Notifications since the last call: waits `wait` seconds for one, then a moment for another."""
        sqs = self.aws("sqs", "ops")
        found: list[dict[str, Any]] = []
        while batch := sqs.receive_message(
            QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=1 if found else wait
        ).get("Messages"):
            for each in batch:
                found.append(json.loads(each["Body"]))
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=each["ReceiptHandle"])
        return found


@pytest.fixture(scope="module")
def records(aws: Callable[..., Any]) -> Records:
    suffix = uuid.uuid4().hex[:8]
    for table, keys in (("jobs", ("workflow_execution_id", "job_id")), ("flows", ("workflow_execution_id",))):
        aws("dynamodb").create_table(
            TableName=f"{table}-{suffix}",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        )
    topic = aws("sns", "ops").create_topic(Name=f"topic-{suffix}")["TopicArn"]
    sqs = aws("sqs", "ops")
    queue = sqs.create_queue(QueueName=f"mail-{suffix}")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    aws("sns", "ops").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    settings = Settings(
        job_audit_table=f"jobs-{suffix}",
        workflow_audit_table=f"flows-{suffix}",
        topic_arn=topic,
        log_group="/ops/jobs",
        aws_region="eu-central-1",
        stack_name="sandbox",
        retention_days=400,
    )
    return Records(aws, settings, queue)


def execution_id() -> str:
    return f"run-{uuid.uuid4().hex[:8]}"


def test_an_aborted_execution_is_closed_and_its_processes_stopped(
    records: Records, sandbox: Sandbox, tmp_path: Path
) -> None:
    ssm, execution = records.aws("ssm"), execution_id()
    host = ssm.describe_instance_information()["InstanceInformationList"][0]["InstanceId"]
    note = tmp_path / "pid"
    command = ssm.send_command(
        InstanceIds=[host],
        DocumentName="AWS-RunShellScript",
        Parameters={"commands": [f"echo $$ > {note}; exec sleep 300"]},
    )["Command"]["CommandId"]
    pid = int(eventually(lambda: note.read_text() if note.exists() else "", lambda it: it.endswith("\n")))
    records.put_workflow(execution)
    records.put_job(execution, 1, "Completed")
    records.put_job(execution, 2, ssm_command_id=command)
    records.put_job(execution, 3, ssm_command_id=str(uuid.uuid4()))
    records.put_job(execution, 4)

    result = records.close(execution, "ABORTED", cause="by hand")

    assert (result.workflow_closed, result.jobs_closed, result.commands_cancelled) == (True, 3, 1)
    assert (result.notified, result.failures) == (True, ())
    assert eventually(lambda: not Path(f"/proc/{pid}").exists(), bool)
    jobs = records.jobs(execution)
    assert [jobs[f"job-{number}"]["execution_status"] for number in (1, 2, 3, 4)] == [
        "Completed",
        "Aborted",
        "Aborted",
        "Aborted",
    ]
    assert jobs["job-2"]["execution_end_ts"] == "2026-01-31T06:00:01.500Z"
    workflow = records.workflow(execution)
    assert workflow["execution_status"] == "Aborted"
    assert workflow["execution_end_ts"] == "2026-01-31T06:01:00.123Z"
    assert workflow["execution_start_ts"] == "2026-01-31T05:00:00.000Z"
    assert workflow["error_message"] == "the execution was aborted: by hand"
    messages = records.messages()
    assert [each["Subject"] for each in messages] == [f"Aborted: nightly {execution}"]
    assert "Stopped job: job-2\n" in messages[0]["Message"]
    assert f"landfall workflow resume {execution} --stack sandbox\n" in messages[0]["Message"]


def test_a_second_delivery_changes_nothing(records: Records) -> None:
    execution = execution_id()
    records.put_workflow(execution)
    records.put_job(execution, 1)
    records.close(execution, "TIMED_OUT")
    before = records.jobs(execution), records.workflow(execution)
    assert len(records.messages()) == 1

    again = records.close(execution, "TIMED_OUT")

    assert (again.workflow_closed, again.jobs_closed, again.notified) == (False, 0, False)
    assert (records.jobs(execution), records.workflow(execution)) == before
    assert records.messages(wait=1) == []


def test_a_timed_out_execution_fails_with_the_workflows_error_name(records: Records) -> None:
    execution = execution_id()
    records.put_workflow(execution)
    records.put_job(execution, 1)
    records.close(execution, "TIMED_OUT")
    job, workflow = records.jobs(execution)["job-1"], records.workflow(execution)
    assert (job["execution_status"], job["error_name"]) == ("Failed", "States.Timeout")
    assert (workflow["execution_status"], workflow["error_name"]) == ("Failed", "States.Timeout")
    assert [each["Subject"] for each in records.messages()] == [f"Timed out: nightly {execution}"]


def test_a_failure_that_the_machine_closed_is_not_notified_again(records: Records) -> None:
    execution = execution_id()
    arn = records.arn(execution)
    records.put_workflow(execution, "Failed", notified=arn, error_name="JobFailed", error_message="ERROR: x")
    records.put_job(execution, 1, "Failed")
    records.put_job(execution, 2)
    result = records.close(execution, "FAILED", error="JobFailed", cause="job a failed")
    assert (result.workflow_closed, result.jobs_closed, result.notified) == (False, 1, False)
    assert records.jobs(execution)["job-2"]["execution_status"] == "Failed"
    assert records.workflow(execution)["notified"] == arn
    assert records.messages(wait=1) == []


def test_a_failure_that_the_machine_could_not_close_keeps_the_first_error(records: Records) -> None:
    execution = execution_id()
    records.put_workflow(
        execution, error_name="JobFailed", error_message="ERROR: first", failed_job="load.sh"
    )
    result = records.close(execution, "FAILED", error="States.Runtime", cause="broken")
    assert (result.workflow_closed, result.notified) == (True, True)
    workflow = records.workflow(execution)
    assert (workflow["execution_status"], workflow["error_message"]) == ("Failed", "ERROR: first")
    messages = records.messages()
    assert "Failed job: load.sh\nError: JobFailed\nERROR: first\n" in messages[0]["Message"]


def test_an_execution_that_ended_before_its_first_write_gets_a_record(records: Records) -> None:
    execution = execution_id()
    result = records.close(execution, "ABORTED")
    assert result.workflow_closed
    workflow = records.workflow(execution)
    assert workflow.pop("notification_sent_ts") == "2026-01-31T06:00:01.500Z"
    assert workflow == {
        "workflow_execution_id": execution,
        "workflow_id": "nightly",
        "execution_arn": records.arn(execution),
        "execution_start_ts": "2026-01-31T06:00:00.000Z",
        "execution_end_ts": "2026-01-31T06:01:00.123Z",
        "execution_status": "Aborted",
        "error_name": "Aborted",
        "error_message": "the execution was aborted",
        "closed_by": CLOSER,
        "notified": CLOSER,
        "expires_at": str(int(NOW.timestamp()) + 400 * 86_400),
    }
    assert len(records.messages()) == 1


def test_another_execution_with_the_same_id_is_left_alone(records: Records) -> None:
    execution = execution_id()
    records.put_workflow(execution)
    records.put_job(execution, 1)
    result = records.close(execution, "ABORTED", executionArn=records.arn("impostor"), name="impostor")
    assert (result.workflow_closed, result.jobs_closed, result.notified) == (False, 0, False)
    assert records.workflow(execution)["execution_status"] == "Running"
    assert records.jobs(execution)["job-1"]["execution_status"] == "Running"
    assert records.messages(wait=1) == []


def test_three_hundred_jobs_of_several_pages_are_all_closed(records: Records) -> None:
    execution = execution_id()
    records.put_workflow(execution)
    # 5 KB each: more than the megabyte that one page of a query holds.
    records.put_jobs(execution, {n: "Running" if n % 3 else "Completed" for n in range(300)}, "x" * 5_000)
    began = time.monotonic()
    result = records.close(execution, "ABORTED")
    assert result.jobs_closed == 200
    statuses = [job["execution_status"] for job in records.jobs(execution).values()]
    assert (statuses.count("Aborted"), statuses.count("Completed")) == (200, 100)
    assert time.monotonic() - began < 60, "the time that the function has"
    assert len(records.messages()) == 1


def test_a_running_sql_statement_is_cancelled_or_found_ended(records: Records) -> None:
    execution = execution_id()
    records.put_workflow(execution)
    records.put_job(execution, 1, statement_id=str(uuid.uuid4()))
    result = records.close(execution, "ABORTED")
    assert (result.jobs_closed, result.failures) == (1, ())
    assert len(records.messages()) == 1
