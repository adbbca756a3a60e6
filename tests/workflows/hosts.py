"""A plane whose scripts run for real: host agent, job runner, `rsql` on a database, closing function."""

from __future__ import annotations

import json
import os
import signal
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plane import Plane

from components.orchestration.host_documents import install_runner_document, run_job_document
from landfall.archives import function_archive, host_bundle
from landfall.powertools import powertools_layer
from sandbox.host import host_folder, start_agent, stop_agent
from sandbox.launcher import HostSpec, Sandbox
from workflows.etl import EtlSpec

ROOT = Path(__file__).resolve().parents[2]
SAMPLE_SCRIPTS = ROOT / "examples" / "rsql-blog" / "scripts"


def eventually(read: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The first true value of `read`."""
    end = time.monotonic() + seconds
    while not (value := read()):
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.1)
    return value


class HostedPlane(Plane):
    """A plane with a host of its own, which the runner and the scripts are installed on."""

    def __init__(self, sandbox: Sandbox, scripts: Path, **spec: Any) -> None:
        tag = uuid.uuid4().hex
        super().__init__(
            sandbox,
            on_hosts=True,
            spec=EtlSpec(stack="sandbox", tag_key="role", tag_value=tag, **spec),
        )
        self.host = HostSpec(
            instance_id=f"i-{uuid.uuid4().hex[:17]}", account=self.account, tags={"role": tag}
        )
        self.logs = sandbox.client("logs", "data")
        self._store()
        self._documents()
        self.start_host()
        self.install(scripts)
        self._closing()

    def _store(self) -> None:
        self.s3 = self.sandbox.client("s3", "data")
        where = {"LocationConstraint": self.region}
        for bucket in (f"{self.prefix}-archive", f"{self.prefix}-artifacts"):
            self.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
        self.log_group = f"/ops/{self.prefix}-job-logs"
        self.logs.create_log_group(logGroupName=self.log_group)

    def _documents(self) -> None:
        self.ssm = self.sandbox.client("ssm", "data")
        for name, content in (("run-job", run_job_document()), ("install", install_runner_document())):
            self.ssm.create_document(
                Name=f"{self.prefix}-{name}", Content=json.dumps(content), DocumentType="Command"
            )

    def start_host(self) -> None:
        start_agent(self.sandbox.state_dir, self.host, self.sandbox.endpoint)

    def stop_host(self) -> None:
        stop_agent(self.sandbox.state_dir, self.host.instance_id)
        (host_folder(self.sandbox.state_dir, self.host.instance_id) / "host.json").unlink()

    def kill_host(self) -> None:
        """Pull the plug: the agent and all that it started are gone at once."""
        folder = host_folder(self.sandbox.state_dir, self.host.instance_id)
        os.kill(json.loads((folder / "agent.json").read_text())["pid"], signal.SIGKILL)

    def install(self, scripts: Path) -> None:
        bundle = host_bundle(scripts, ROOT)
        key = f"host/{bundle.sha256}.zip"
        self.s3.put_object(Bucket=f"{self.prefix}-artifacts", Key=key, Body=bundle.path.read_bytes())
        command = self.ssm.send_command(
            InstanceIds=[self.host.instance_id],
            DocumentName=f"{self.prefix}-install",
            Parameters={"Bucket": [f"{self.prefix}-artifacts"], "Key": [key], "Sha256": [bundle.sha256]},
        )["Command"]["CommandId"]

        def ended() -> str:
            status = str(self.ssm.list_commands(CommandId=command)["Commands"][0]["Status"])
            return "" if status in ("Pending", "InProgress") else status

        assert eventually(ended) == "Success"

    def _closing(self) -> None:
        functions = self.sandbox.client("lambda", "data")
        name = f"{self.prefix}-close-execution"
        function = functions.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=f"arn:aws:iam::{self.account}:role/{self.prefix}-etl",
            Handler="handlers.close_execution.handler.handler",
            Code={"ZipFile": function_archive("close_execution", ROOT).path.read_bytes()},
            Layers=[powertools_layer(self.region)],
            Timeout=60,
            MemorySize=256,
            Environment={
                "Variables": {
                    "POWERTOOLS_SERVICE_NAME": "close-execution",
                    "JOB_AUDIT_TABLE": self.job_table,
                    "WORKFLOW_AUDIT_TABLE": self.workflow_table,
                    "TOPIC_ARN": self.topic,
                    "STACK_NAME": "sandbox",
                    "LOG_GROUP": self.log_group,
                    "RETENTION_DAYS": "400",
                }
            },
        )["FunctionArn"]
        functions.get_waiter("function_active_v2").wait(FunctionName=name)
        events = self.sandbox.client("events", "data")
        pattern = {
            "source": ["aws.states"],
            "detail-type": ["Step Functions Execution Status Change"],
            "detail": {
                "stateMachineArn": [self.machine_arn],
                "status": ["ABORTED", "FAILED", "TIMED_OUT"],
            },
        }
        rule = events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
        functions.add_permission(
            FunctionName=name,
            StatementId="rule",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=rule,
        )
        events.put_targets(Rule=name, Targets=[{"Id": "close", "Arn": function}])

    def query(self, statement: str) -> list[list[Any]]:
        """Rows of a statement on the database."""
        data = self.sandbox.client("redshift-data", "data")
        statement_id = data.execute_statement(
            WorkgroupName="etl", Database="dev", SecretArn=self.secret_arn, Sql=statement
        )["Id"]
        described = eventually(
            lambda: (
                found
                if (found := data.describe_statement(Id=statement_id))["Status"]
                in ("FINISHED", "FAILED", "ABORTED")
                else None
            )
        )
        assert described["Status"] == "FINISHED", described.get("Error")
        if not described["HasResultSet"]:
            return []
        rows = data.get_statement_result(Id=statement_id)["Records"]
        return [[next(iter(field.values())) for field in row] for row in rows]

    def streams(self, execution_id: str) -> list[str]:
        """Log streams of an execution's script runs."""
        pages = self.logs.get_paginator("describe_log_streams").paginate(logGroupName=self.log_group)
        names = [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
        return sorted(name for name in names if f"/{execution_id}/" in name)
