"""What the tests of the host runner need in a sandbox: table, logs, bucket, secret, a machine that waits."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landfall.archives import host_bundle

ROOT = Path(__file__).resolve().parents[2]
REGION = "eu-central-1"
PASSWORD = "s3cr3t/Päß+word"
SECRET = {
    "username": "etl",
    "password": PASSWORD,
    "host": "db.internal",
    "port": 5439,
    "dbname": "x",
    "engine": "redshift",
}
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
HEARTBEAT_SECONDS = 12
"""What a job gets that is not about heartbeats: a runner's start on a busy machine takes seconds of it."""


_GOES_ON = """
import runpy, sys
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def eventually(read: Callable[[], Any], wanted: Callable[[Any], bool], seconds: float = 60.0) -> Any:
    """The first value of `read` that is wanted; the last one when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        value = read()
        if wanted(value) or time.monotonic() > deadline:
            return value
        time.sleep(0.1)


def write_scripts(folder: Path, scripts: Mapping[str, str]) -> Path:
    """Executable files with these texts."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in scripts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    return folder


def unpack(bundle: Path, target: Path) -> Path:
    """A bundle as the installer lays it out; returns the folder."""
    with zipfile.ZipFile(bundle) as archive:
        for entry in archive.infolist():
            path = target / entry.filename
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(entry))
            path.chmod((entry.external_attr >> 16) & 0o777)
    return target


@dataclass
class HostPlane:
    """Resources of one test module, with names of their own, and the installed runner."""

    aws: Callable[..., Any]
    environment: Mapping[str, str]
    folder: Path
    """Holds runner.pyz and scripts/."""
    suffix: str
    job_table: str
    log_group: str
    bucket: str
    secret: str
    queue: str
    machine: str

    @classmethod
    def make(
        cls, aws: Callable[..., Any], environment: Mapping[str, str], scripts: Path, folder: Path
    ) -> HostPlane:
        """Create everything."""
        suffix = uuid.uuid4().hex[:8]
        table, group, bucket, secret = (
            f"jobs-{suffix}",
            f"/ops/{suffix}",
            f"archive-{suffix}",
            f"warehouse-{suffix}",
        )
        aws("dynamodb").create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "workflow_execution_id", "KeyType": "HASH"},
                {"AttributeName": "job_id", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "workflow_execution_id", "AttributeType": "S"},
                {"AttributeName": "job_id", "AttributeType": "S"},
            ],
        )
        aws("logs").create_log_group(logGroupName=group)
        aws("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        aws("secretsmanager").create_secret(Name=secret, SecretString=json.dumps(SECRET))
        queue = aws("sqs").create_queue(QueueName=f"tokens-{suffix}")["QueueUrl"]
        definition = {
            "StartAt": "Job",
            "States": {
                "Job": {
                    "Type": "Task",
                    "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                    "HeartbeatSecondsPath": "$.heartbeat",
                    "TimeoutSeconds": 120,
                    "Parameters": {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token"}},
                    "End": True,
                }
            },
        }
        machine = aws("stepfunctions").create_state_machine(
            name=f"waits-{suffix}",
            definition=json.dumps(definition),
            roleArn="arn:aws:iam::111111111111:role/states",
        )["stateMachineArn"]
        unpack(host_bundle(scripts, ROOT).path, folder)
        return cls(aws, environment, folder, suffix, table, group, bucket, secret, queue, machine)

    def settings(self) -> dict[str, Any]:
        """The job document's settings."""
        return {
            "region": REGION,
            "job_audit_table": self.job_table,
            "log_group": self.log_group,
            "secret_id": self.secret,
            "database": "dev",
            "archive_bucket": self.bucket,
            "retention_days": 400,
        }

    def job(self, script: str, *, token: str = "", **changes: Any) -> dict[str, Any]:
        """A job document."""
        execution = changes.pop("workflow_execution_id", uuid.uuid4().hex[:12])
        return {
            "version": 1,
            "task_token": token,
            "workflow_id": "nightly",
            "workflow_execution_id": execution,
            "job_id": f"001.0001.{script}",
            "job_name": script,
            "stage": 1,
            "attempt": 1,
            "script": script,
            "args": [],
            "timeout_seconds": 60,
            "heartbeat_seconds": HEARTBEAT_SECONDS,
            "settings": self.settings(),
            **changes,
        }

    def waiting_job(self, script: str, **changes: Any) -> tuple[dict[str, Any], str]:
        """A job that an execution waits for, and the execution's ARN."""
        heartbeat = int(changes.get("heartbeat_seconds", HEARTBEAT_SECONDS))
        arn = self.aws("stepfunctions").start_execution(
            stateMachineArn=self.machine, input=json.dumps({"heartbeat": heartbeat})
        )["executionArn"]
        sqs = self.aws("sqs")
        messages = sqs.receive_message(QueueUrl=self.queue, WaitTimeSeconds=10)["Messages"]
        assert len(messages) == 1
        sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=messages[0]["ReceiptHandle"])
        return self.job(script, token=json.loads(messages[0]["Body"])["token"], **changes), arn

    def start(
        self, job: Mapping[str, Any] | str, *more: str, before: str = "", **environment: str
    ) -> subprocess.Popen[str]:
        """The runner as a process in a group of its own; `before` is Python that runs in it, before it."""
        text = job if isinstance(job, str) else base64.b64encode(json.dumps(job).encode()).decode()
        first = ("-c", before + _GOES_ON) if before else ()
        return subprocess.Popen(
            [sys.executable, *first, str(self.folder / "runner.pyz"), text, *more],
            env={
                "PATH": os.environ["PATH"],
                "AWS_SSM_INSTANCE_ID": "i-0123456789abcdef0",
                "SSM_COMMAND_ID": "11111111-2222-3333-4444-555555555555",
                "OTHER_SECRET": "must not reach the script",
                **self.environment,
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            start_new_session=True,
        )

    def run(self, job: Mapping[str, Any] | str, **environment: str) -> tuple[int, str]:
        """The runner's exit code and all that it printed itself."""
        process = self.start(job, **environment)
        out, err = process.communicate(timeout=90)
        return process.returncode, out + err

    def record(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """The audit record, with plain values."""
        item = (
            self.aws("dynamodb")
            .get_item(
                TableName=self.job_table,
                Key={
                    "workflow_execution_id": {"S": job["workflow_execution_id"]},
                    "job_id": {"S": job["job_id"]},
                },
                ConsistentRead=True,
            )
            .get("Item", {})
        )
        return {key: next(iter(value.values())) for key, value in item.items()}

    def ended(self, arn: str) -> dict[str, Any]:
        """The execution, once it has ended."""
        states = self.aws("stepfunctions")
        answer: dict[str, Any] = eventually(
            lambda: states.describe_execution(executionArn=arn), lambda it: it["status"] in ENDED
        )
        return answer

    def stream(self, job: Mapping[str, Any]) -> str:
        """The name of the job's log stream."""
        return "/".join(
            str(job[key]) for key in ("workflow_id", "workflow_execution_id", "job_id", "attempt")
        )

    def log(self, job: Mapping[str, Any]) -> list[str]:
        """Lines of the job's log stream, in order."""
        lines: list[str] = []
        token: dict[str, str] = {}
        while True:
            page = self.aws("logs").get_log_events(
                logGroupName=self.log_group, logStreamName=self.stream(job), startFromHead=True, **token
            )
            lines += [event["message"] for event in page["events"]]
            if not page["events"] or token.get("nextToken") == page["nextForwardToken"]:
                return lines
            token = {"nextToken": page["nextForwardToken"]}

    def archived(self, job: Mapping[str, Any]) -> str:
        """The archived log."""
        body = self.aws("s3").get_object(Bucket=self.bucket, Key=f"{self.stream(job)}.log")["Body"]
        text: str = body.read().decode()
        return text
