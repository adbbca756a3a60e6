"""From a folder of scripts to a workflow's answer: bundle, association, command, runner, callback."""

from __future__ import annotations

import json
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hosts_plane import HEARTBEAT_SECONDS, ROOT, HostPlane, eventually, write_scripts

from components.orchestration.host_documents import install_runner_document, run_job_document
from landfall.archives import Archive, host_bundle
from sandbox.host import host_folder, start_agent, stop_agent
from sandbox.launcher import HostSpec, Sandbox

pytestmark = pytest.mark.emulator

ACCOUNT = "111111111111"

SCRIPTS = {
    "say.sh": '#!/bin/sh\necho version one: "$1" on $LANDFALL_JOB_NAME\n',
    "counts.sh": '#!/bin/sh\necho ran >> "$1"\n',
    "sleeps.sh": '#!/bin/sh\necho $$ > "$1"\nexec sleep 300\n',
    "sql.sh": "#!/bin/sh\nrsql <<EOF\ncreate table $1 (a int);\ninsert into $1 values (41), (42);\n"
    "select max(a) as highest from $1;\nEOF\n",
    "wrong.sh": "#!/bin/sh\nrsql -c 'select * from no_such_table_here'\n",
    "deep/query.sql": "select 1;\n",
}


@dataclass
class Delivery:
    """Two hosts with a tag, our documents, and a machine that sends jobs to the tag."""

    sandbox: Sandbox
    plane: HostPlane
    tag: str
    hosts: list[HostSpec]
    run_job: str
    install: str
    machine: str
    association: str = ""

    def publish(self, bundle: Archive) -> str:
        """Store a bundle and have it installed everywhere; returns the association's final status."""
        s3 = self.plane.aws("s3")
        key = f"host/{bundle.sha256}.zip"
        s3.put_object(Bucket=self.plane.bucket, Key=key, Body=bundle.path.read_bytes())
        return self.associate(key, bundle.sha256)

    def associate(self, key: str, sha256: str) -> str:
        """Create or update the association; returns its final status."""
        ssm = self.plane.aws("ssm")
        parameters = {"Bucket": [self.plane.bucket], "Key": [key], "Sha256": [sha256]}
        if self.association:
            ssm.update_association(AssociationId=self.association, Parameters=parameters)
        else:
            self.association = ssm.create_association(
                Name=self.install, Targets=[{"Key": "tag:role", "Values": [self.tag]}], Parameters=parameters
            )["AssociationDescription"]["AssociationId"]

        def status() -> str:
            described = ssm.describe_association(AssociationId=self.association)["AssociationDescription"]
            return str(described["Overview"]["Status"])

        return str(eventually(status, lambda it: it in ("Success", "Failed")))

    def installed(self, host: HostSpec) -> Path:
        """The folder that a host's `current` leads to."""
        folder = host_folder(self.sandbox.state_dir, host.instance_id) / "root" / "current"
        return folder.resolve()

    def send(
        self, script: str, *args: str, heartbeat: int = HEARTBEAT_SECONDS, **settings: str
    ) -> tuple[dict[str, Any], str]:
        """Start an execution that runs one job on the tag; the job's key, and the execution's ARN."""
        job = self.plane.job(script, args=list(args), heartbeat_seconds=heartbeat)
        del job["task_token"]
        job["settings"] |= settings
        arn = self.plane.aws("stepfunctions").start_execution(
            stateMachineArn=self.machine, input=json.dumps(job)
        )
        return job, arn["executionArn"]


@pytest.fixture(scope="module")
def delivery(
    sandbox: Sandbox, aws: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Delivery]:
    folder = tmp_path_factory.mktemp("delivery")
    scripts = write_scripts(folder / "source", SCRIPTS)
    plane = HostPlane.make(aws, sandbox.environment("data"), scripts, folder / "unused")
    tag = uuid.uuid4().hex
    pair = [
        HostSpec(instance_id=f"i-{uuid.uuid4().hex[:17]}", account=ACCOUNT, tags={"role": tag})
        for _ in range(2)
    ]
    for host in pair:
        start_agent(sandbox.state_dir, host, sandbox.endpoint)
    documents = []
    for name, content in (("run-job", run_job_document()), ("install", install_runner_document())):
        documents.append(f"{name}-{plane.suffix}")
        aws("ssm").create_document(Name=documents[-1], Content=json.dumps(content), DocumentType="Command")
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "RunScript",
        "States": {
            "RunScript": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:ssm:sendCommand.waitForTaskToken",
                "Arguments": {
                    "DocumentName": documents[0],
                    "Targets": [{"Key": "tag:role", "Values": [tag]}],
                    "MaxConcurrency": "1",
                    "MaxErrors": "0",
                    "Parameters": {
                        "Job": [
                            "{% $base64encode($string($merge([$states.input,"
                            " {'task_token': $states.context.Task.Token}]))) %}"
                        ]
                    },
                },
                "TimeoutSeconds": 120,
                "HeartbeatSeconds": "{% $states.input.heartbeat_seconds %}",
                "End": True,
            }
        },
    }
    machine = aws("stepfunctions").create_state_machine(
        name=f"delivery-{plane.suffix}",
        definition=json.dumps(definition),
        roleArn="arn:aws:iam::111111111111:role/states",
    )["stateMachineArn"]
    made = Delivery(sandbox, plane, tag, pair, documents[0], documents[1], machine)
    assert made.publish(host_bundle(scripts, ROOT)) == "Success"
    yield made
    aws("ssm").delete_association(AssociationId=made.association)
    for host in pair:
        stop_agent(sandbox.state_dir, host.instance_id)
        (host_folder(sandbox.state_dir, host.instance_id) / "host.json").unlink()


def test_the_bundle_lies_on_every_host_with_its_modes(delivery: Delivery) -> None:
    for host in delivery.hosts:
        folder = delivery.installed(host)
        assert (folder / "scripts" / "say.sh").stat().st_mode & 0o777 == 0o755
        assert (folder / "scripts" / "deep" / "query.sql").read_text() == "select 1;\n"
        assert sorted(path.name for path in folder.iterdir()) == ["runner.pyz", "scripts"]


def test_a_job_goes_from_the_machine_to_the_script_and_back(delivery: Delivery) -> None:
    job, arn = delivery.send("say.sh", "it's; $(id)")
    ended = delivery.plane.ended(arn)
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"])["exit_code"] == 0
    assert delivery.plane.log(job)[0] == "version one: it's; $(id) on say.sh"
    record = delivery.plane.record(job)
    assert record["instance_id"] in [host.instance_id for host in delivery.hosts]
    ssm = delivery.plane.aws("ssm")
    listed = ssm.list_command_invocations(CommandId=record["ssm_command_id"])["CommandInvocations"]
    assert len(listed) == 2


def test_a_script_reaches_the_warehouse_with_the_secrets_connection(delivery: Delivery) -> None:
    spec = delivery.sandbox.state.spec
    warehouse = {"secret_id": spec.warehouse_secret, "database": spec.database}
    job, arn = delivery.send("sql.sh", f"t_{uuid.uuid4().hex[:8]}", heartbeat=20, **warehouse)
    assert delivery.plane.ended(arn)["status"] == "SUCCEEDED"
    assert " 42" in [line.rstrip()[-3:] for line in delivery.plane.log(job)]
    secret = delivery.plane.aws("secretsmanager").get_secret_value(SecretId=spec.warehouse_secret)
    assert json.loads(secret["SecretString"])["password"] not in "".join(delivery.plane.log(job))
    job, arn = delivery.send("wrong.sh", heartbeat=20, **warehouse)
    assert 'relation "no_such_table_here" does not exist' in delivery.plane.ended(arn)["cause"]
    assert "no_such_table_here" in delivery.plane.record(job)["error_message"]


def test_a_tag_with_two_hosts_runs_a_job_once(delivery: Delivery, tmp_path: Path) -> None:
    note = tmp_path / "ran"
    job, arn = delivery.send("counts.sh", str(note))
    assert delivery.plane.ended(arn)["status"] == "SUCCEEDED"
    command = delivery.plane.record(job)["ssm_command_id"]
    ssm = delivery.plane.aws("ssm")
    eventually(
        lambda: ssm.list_commands(CommandId=command)["Commands"][0]["Status"], lambda it: it == "Success"
    )
    outputs = [
        ssm.get_command_invocation(CommandId=command, InstanceId=host.instance_id)["StandardOutputContent"]
        for host in delivery.hosts
    ]
    assert note.read_text() == "ran\n"
    assert sum("Completed" in output for output in outputs) == 1
    assert sum("was not started" in output or "another runner" in output for output in outputs) == 1


def test_a_cancelled_command_stops_the_script_and_tells_the_workflow(
    delivery: Delivery, tmp_path: Path
) -> None:
    note = tmp_path / "pid"
    job, arn = delivery.send("sleeps.sh", str(note), heartbeat=60)
    pid = int(eventually(lambda: note.read_text() if note.exists() else "", lambda it: it.endswith("\n")))

    delivery.plane.aws("ssm").cancel_command(CommandId=delivery.plane.record(job)["ssm_command_id"])

    assert delivery.plane.ended(arn)["error"] == "JobAborted"
    assert delivery.plane.record(job)["execution_status"] == "Aborted"
    assert eventually(lambda: not Path(f"/proc/{pid}").exists(), bool)


def test_a_new_bundle_replaces_the_old_one_and_running_jobs_keep_theirs(
    delivery: Delivery, tmp_path: Path
) -> None:
    note = tmp_path / "pid"
    _, slow = delivery.send("sleeps.sh", str(note), heartbeat=60)
    pid = int(eventually(lambda: note.read_text() if note.exists() else "", lambda it: it.endswith("\n")))
    before = [delivery.installed(host) for host in delivery.hosts]
    newer = write_scripts(tmp_path / "newer", SCRIPTS | {"say.sh": '#!/bin/sh\necho version two: "$1"\n'})

    assert delivery.publish(host_bundle(newer, ROOT)) == "Success"

    assert [delivery.installed(host) for host in delivery.hosts] != before
    assert Path(f"/proc/{pid}/cwd").resolve() in [folder / "scripts" for folder in before]
    job, arn = delivery.send("say.sh", "x")
    assert delivery.plane.ended(arn)["status"] == "SUCCEEDED"
    assert delivery.plane.log(job)[0] == "version two: x"
    delivery.plane.aws("stepfunctions").stop_execution(executionArn=slow)
    os.kill(pid, signal.SIGTERM)


def test_a_bundle_with_another_hash_is_not_installed(delivery: Delivery, tmp_path: Path) -> None:
    before = [delivery.installed(host) for host in delivery.hosts]
    s3 = delivery.plane.aws("s3")
    s3.put_object(Bucket=delivery.plane.bucket, Key="host/forged.zip", Body=b"not what was announced")

    assert delivery.associate("host/forged.zip", "0" * 64) == "Failed"

    assert [delivery.installed(host) for host in delivery.hosts] == before
    assert not (before[0].parent / ("0" * 64)).exists()
    assert delivery.publish(host_bundle(write_scripts(tmp_path / "again", SCRIPTS), ROOT)) == "Success"


@pytest.mark.parametrize(
    "parameters",
    [
        {"Bucket": ["b'; touch x; '"], "Key": ["k"], "Sha256": ["0" * 64]},
        {"Bucket": ["bucket"], "Key": ["$(id)"], "Sha256": ["0" * 64]},
        {"Bucket": ["bucket"], "Key": ["k"], "Sha256": ["0" * 64 + "\n"]},
    ],
)
def test_hostile_parameters_reach_no_shell(delivery: Delivery, parameters: dict[str, list[str]]) -> None:
    ssm = delivery.plane.aws("ssm")
    with pytest.raises(ssm.exceptions.InvalidParameters):
        ssm.send_command(
            InstanceIds=[delivery.hosts[0].instance_id], DocumentName=delivery.install, Parameters=parameters
        )


def test_a_hostile_job_parameter_reaches_no_shell(delivery: Delivery) -> None:
    ssm = delivery.plane.aws("ssm")
    for job in ("'; touch x; '", "$(id)", "a b", "a\n", ""):
        with pytest.raises(ssm.exceptions.InvalidParameters):
            ssm.send_command(
                InstanceIds=[delivery.hosts[0].instance_id],
                DocumentName=delivery.run_job,
                Parameters={"Job": [job]},
            )


def test_a_host_that_loses_power_is_noticed_by_its_missing_heartbeat(
    delivery: Delivery, tmp_path: Path
) -> None:
    note = tmp_path / "pid"
    job, arn = delivery.send("sleeps.sh", str(note), heartbeat=6)
    pid = int(eventually(lambda: note.read_text() if note.exists() else "", lambda it: it.endswith("\n")))
    victim = next(
        host for host in delivery.hosts if host.instance_id == delivery.plane.record(job)["instance_id"]
    )
    folder = host_folder(delivery.sandbox.state_dir, victim.instance_id)
    began = time.monotonic()

    os.kill(json.loads((folder / "agent.json").read_text())["pid"], signal.SIGKILL)

    ended = delivery.plane.ended(arn)
    assert ended["error"] == "States.Timeout", "the emulator's name for a missed heartbeat"
    assert time.monotonic() - began < 2 * job["heartbeat_seconds"]
    assert not Path(f"/proc/{pid}").exists()
    assert delivery.plane.record(job)["execution_status"] == "Running", "nobody on the host could write"
    start_agent(delivery.sandbox.state_dir, victim, delivery.sandbox.endpoint)
