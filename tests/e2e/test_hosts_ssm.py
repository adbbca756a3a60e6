"""Systems Manager on the sandbox's hosts, over boto3: documents, commands, limits, associations."""

from __future__ import annotations

import json
import os
import signal
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hosts_plane import eventually

from sandbox.host import host_folder, start_agent, stop_agent
from sandbox.launcher import HostSpec, Sandbox

pytestmark = pytest.mark.emulator

TERMINAL = ("Success", "Failed", "Cancelled", "TimedOut")
ACCOUNT = "111111111111"


@pytest.fixture
def hosts(sandbox: Sandbox) -> Iterator[Callable[..., HostSpec]]:
    """Start further hosts; they are stopped and forgotten after the test."""
    started: list[HostSpec] = []

    def start(tag: str = "", workers: int = 40) -> HostSpec:
        host = HostSpec(
            instance_id=f"i-{uuid.uuid4().hex[:17]}", account=ACCOUNT, tags={"role": tag} if tag else {}
        )
        start_agent(sandbox.state_dir, host, sandbox.endpoint, workers=workers)
        started.append(host)
        return host

    yield start
    for host in started:
        stop_agent(sandbox.state_dir, host.instance_id)
        (host_folder(sandbox.state_dir, host.instance_id) / "host.json").unlink()


@pytest.fixture
def ssm(aws: Callable[..., Any]) -> Any:
    return aws("ssm")


@pytest.fixture
def host(hosts: Callable[..., HostSpec]) -> str:
    return hosts().instance_id


def shell(ssm: Any, instance: str, *lines: str, **request: Any) -> str:
    """Send lines to one host; returns the command's id."""
    parameters = {"commands": list(lines), **request.pop("parameters", {})}
    sent = ssm.send_command(
        InstanceIds=[instance], DocumentName="AWS-RunShellScript", Parameters=parameters, **request
    )
    command_id: str = sent["Command"]["CommandId"]
    return command_id


def ended(ssm: Any, command_id: str, instance: str) -> dict[str, Any]:
    """The invocation, once it has ended."""
    answer: dict[str, Any] = eventually(
        lambda: ssm.get_command_invocation(CommandId=command_id, InstanceId=instance),
        lambda it: it["Status"] in TERMINAL,
    )
    return answer


def running(ssm: Any, command_id: str, instance: str) -> None:
    """Wait until the host runs the command."""
    status = eventually(
        lambda: ssm.get_command_invocation(CommandId=command_id, InstanceId=instance)["Status"],
        lambda it: it == "InProgress",
    )
    assert status == "InProgress"


def refused(call: Callable[..., Any], **request: Any) -> str:
    """The error code of a call that must fail."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Code"])


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def noted(note: Path) -> int:
    """The process id that a command has written."""
    text: str = eventually(lambda: note.read_text() if note.exists() else "", lambda it: it.endswith("\n"))
    return int(text)


def document(ssm: Any, content: dict[str, Any]) -> str:
    """A document of the test's own."""
    name = f"doc-{uuid.uuid4().hex[:8]}"
    ssm.create_document(Name=name, Content=json.dumps(content), DocumentType="Command", DocumentFormat="JSON")
    return name


def echo(**rules: Any) -> dict[str, Any]:
    """A document that prints its parameter."""
    return {
        "schemaVersion": "2.2",
        "parameters": {"Text": {"type": "String", **rules}},
        "mainSteps": [
            {
                "action": "aws:runShellScript",
                "name": "say",
                "inputs": {"runCommand": ["echo 'got {{ Text }}'"]},
            }
        ],
    }


def test_a_command_runs_with_the_agents_environment_and_returns_its_output(ssm: Any, host: str) -> None:
    command = shell(
        ssm, host, 'echo "$AWS_SSM_INSTANCE_ID $AWS_SSM_REGION_NAME $SSM_COMMAND_ID"', "echo e >&2"
    )
    answer = ended(ssm, command, host)
    assert (answer["Status"], answer["StatusDetails"], answer["ResponseCode"]) == ("Success", "Success", 0)
    assert answer["StandardOutputContent"] == f"{host} eu-central-1 {command}\n"
    assert answer["StandardErrorContent"] == "e\n"


def test_a_failing_command_carries_its_exit_code(ssm: Any, host: str) -> None:
    answer = ended(ssm, shell(ssm, host, "exit 42"), host)
    assert (answer["Status"], answer["ResponseCode"]) == ("Failed", 42)
    assert ssm.list_commands(CommandId=answer["CommandId"])["Commands"][0]["ErrorCount"] == 1


def test_output_is_cut_at_the_limit_of_the_service(ssm: Any, host: str) -> None:
    answer = ended(ssm, shell(ssm, host, "head -c 100000 /dev/zero | tr '\\0' x"), host)
    assert answer["StandardOutputContent"] == "x" * 24_000


def test_commands_run_in_parallel(ssm: Any, host: str, tmp_path: Path) -> None:
    note = tmp_path / "begun"
    all_begun = f"until [ $(wc -l < {note}) = 6 ]; do sleep 0.1; done"
    parameters = {"executionTimeout": ["60"]}
    commands = [shell(ssm, host, f"echo begun >> {note}", all_begun, parameters=parameters) for _ in range(6)]
    assert {ended(ssm, command, host)["Status"] for command in commands} == {"Success"}


def test_a_command_waits_until_its_host_has_room(ssm: Any, hosts: Callable[..., HostSpec]) -> None:
    host = hosts(workers=1).instance_id
    first = shell(ssm, host, "sleep 2")
    second = shell(ssm, host, "true")
    assert [ended(ssm, command, host)["Status"] for command in (first, second)] == ["Success", "Success"]


def test_a_cancelled_command_is_killed_with_its_group(ssm: Any, host: str, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    command = shell(ssm, host, "trap '' TERM", f"sleep 300 & echo $! > {note}", "wait")
    child = noted(note)

    ssm.cancel_command(CommandId=command)

    answer = ended(ssm, command, host)
    assert (answer["Status"], answer["StatusDetails"]) == ("Cancelled", "Cancelled")
    assert eventually(lambda: not alive(child), bool)
    ssm.cancel_command(CommandId=command)
    assert ended(ssm, command, host)["Status"] == "Cancelled"


def test_a_command_past_its_execution_timeout_is_killed(ssm: Any, host: str, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    command = shell(
        ssm, host, f"sleep 300 & echo $! > {note}", "wait", parameters={"executionTimeout": ["1"]}
    )
    child = noted(note)
    answer = ended(ssm, command, host)
    assert (answer["Status"], answer["StatusDetails"]) == ("TimedOut", "ExecutionTimedOut")
    assert not alive(child)


def test_a_command_that_no_agent_fetches_times_out(
    sandbox: Sandbox, ssm: Any, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_agent(sandbox.state_dir, host)
    command = shell(ssm, host, "echo never", TimeoutSeconds=30)
    assert ssm.get_command_invocation(CommandId=command, InstanceId=host)["Status"] == "Pending"
    ssm.cancel_command(CommandId=command)
    assert ended(ssm, command, host)["Status"] == "Cancelled"
    late = shell(ssm, host, "echo never", TimeoutSeconds=30)
    answer = ended(ssm, late, host)
    assert (answer["Status"], answer["StatusDetails"]) == ("TimedOut", "DeliveryTimedOut")


def test_killing_the_agent_kills_everything_on_its_host_and_a_restart_reports_it(
    sandbox: Sandbox, ssm: Any, hosts: Callable[..., HostSpec], tmp_path: Path
) -> None:
    host = hosts()
    note, escaped = tmp_path / "pid", tmp_path / "escaped"
    command = shell(
        ssm, host.instance_id,
        f"setsid sh -c 'echo $$ > {escaped}; exec sleep 300' &", f"sleep 300 & echo $! > {note}", "wait",
    )  # fmt: skip
    children = [noted(note), noted(escaped)]
    agent = json.loads((host_folder(sandbox.state_dir, host.instance_id) / "agent.json").read_text())["pid"]

    os.kill(agent, signal.SIGKILL)

    assert eventually(lambda: not any(alive(child) for child in children), bool)
    start_agent(sandbox.state_dir, host, sandbox.endpoint)
    answer = ended(ssm, command, host.instance_id)
    assert answer["Status"] == "Failed"
    assert answer["StandardErrorContent"] == "the host went down while the command ran"
    assert ended(ssm, shell(ssm, host.instance_id, "echo back"), host.instance_id)["Status"] == "Success"


def test_stopping_an_agent_stops_its_commands(
    sandbox: Sandbox, ssm: Any, hosts: Callable[..., HostSpec], tmp_path: Path
) -> None:
    host = hosts()
    note = tmp_path / "pid"
    shell(ssm, host.instance_id, f"echo $$ > {note}", "exec sleep 300")
    child = noted(note)
    stop_agent(sandbox.state_dir, host.instance_id)
    assert eventually(lambda: not alive(child), bool)


def test_a_tag_reaches_every_host_one_after_the_other(
    ssm: Any, hosts: Callable[..., HostSpec], tmp_path: Path
) -> None:
    tag = uuid.uuid4().hex
    pair = [hosts(tag), hosts(tag)]
    hosts("another")
    note = tmp_path / "times"
    sent = ssm.send_command(
        Targets=[{"Key": "tag:role", "Values": [tag]}],
        DocumentName="AWS-RunShellScript",
        MaxConcurrency="1",
        Parameters={"commands": [f"echo begin >> {note}; sleep 0.5; echo end >> {note}"]},
    )["Command"]
    assert sent["TargetCount"] == 2
    for host in pair:
        assert ended(ssm, sent["CommandId"], host.instance_id)["Status"] == "Success"
    assert note.read_text().split() == ["begin", "end", "begin", "end"]
    listed = ssm.list_command_invocations(CommandId=sent["CommandId"], Details=True)["CommandInvocations"]
    assert {each["InstanceId"] for each in listed} == {host.instance_id for host in pair}


def test_after_max_errors_no_further_host_gets_the_command(
    ssm: Any, hosts: Callable[..., HostSpec], tmp_path: Path
) -> None:
    tag = uuid.uuid4().hex
    for _ in range(3):
        hosts(tag)
    note = tmp_path / "ran"
    command = ssm.send_command(
        Targets=[{"Key": "tag:role", "Values": [tag]}],
        DocumentName="AWS-RunShellScript",
        MaxConcurrency="1",
        MaxErrors="0",
        Parameters={"commands": [f"echo ran >> {note}", "exit 1"]},
    )["Command"]["CommandId"]

    def state() -> Any:
        return ssm.list_commands(CommandId=command)["Commands"][0]

    assert eventually(state, lambda it: it["Status"] == "Failed")["ErrorCount"] == 1
    details = [
        each["StatusDetails"]
        for each in ssm.list_command_invocations(CommandId=command)["CommandInvocations"]
    ]
    assert sorted(details) == ["Failed", "Terminated", "Terminated"]
    assert note.read_text() == "ran\n"


def test_a_tag_without_hosts_is_no_success(ssm: Any) -> None:
    command = ssm.send_command(
        Targets=[{"Key": "tag:role", "Values": ["nobody"]}],
        DocumentName="AWS-RunShellScript",
        Parameters={"commands": ["true"]},
    )["Command"]
    assert (command["Status"], command["StatusDetails"]) == ("Failed", "NoInstancesInTag")


def test_what_aws_refuses_is_refused(ssm: Any, host: str) -> None:
    name = document(ssm, echo(allowedPattern="^[a-z]+$"))
    send = {"InstanceIds": [host], "DocumentName": name}
    assert refused(ssm.send_command, **send) == "InvalidParameters"
    for text in ("A", "a;b", "a\n", "$(id)", ""):
        assert refused(ssm.send_command, **send, Parameters={"Text": [text]}) == "InvalidParameters"
    assert refused(ssm.send_command, **send, Parameters={"Text": ["a"], "X": ["b"]}) == "InvalidParameters"
    assert refused(ssm.send_command, **send | {"DocumentName": "none"}) == "InvalidDocument"
    assert (
        refused(
            ssm.send_command, **send | {"InstanceIds": ["i-00000000000000000"]}, Parameters={"Text": ["a"]}
        )
        == "InvalidInstanceId"
    )
    assert (
        refused(ssm.get_command_invocation, CommandId=str(uuid.uuid4()), InstanceId=host)
        == "InvalidCommandId"
    )
    assert refused(ssm.cancel_command, CommandId=str(uuid.uuid4())) == "InvalidCommandId"


@pytest.mark.parametrize(
    "broken",
    [
        {"schemaVersion": "2.2"},
        {**echo(), "schemaVersion": "9"},
        {**echo(), "extra": 1},
        {**echo(), "parameters": {}},
        echo(allowedPattern="["),
        echo(type="Text"),
        echo(allowedPattern="^[a-z]+$", default="A"),
        {**echo(), "mainSteps": echo()["mainSteps"] * 2},
    ],
)
def test_a_malformed_document_is_refused(ssm: Any, broken: dict[str, Any]) -> None:
    assert (
        refused(ssm.create_document, Name="broken-document", Content=json.dumps(broken))
        == "InvalidDocumentContent"
    )


def test_documents_have_versions_and_a_default(ssm: Any, host: str) -> None:
    name = document(ssm, echo())
    assert refused(ssm.create_document, Name=name, Content=json.dumps(echo())) == "DocumentAlreadyExists"
    assert refused(ssm.update_document, Name=name, Content=json.dumps(echo())) == "DuplicateDocumentContent"
    second = echo(default="second")
    update = ssm.update_document(Name=name, Content=json.dumps(second), DocumentVersion="$LATEST")
    assert update["DocumentDescription"]["DocumentVersion"] == "2"
    assert refused(ssm.send_command, InstanceIds=[host], DocumentName=name) == "InvalidParameters"
    ssm.update_document_default_version(Name=name, DocumentVersion="2")
    described = ssm.describe_document(Name=name)["Document"]
    assert (described["DefaultVersion"], described["LatestVersion"], described["Status"]) == (
        "2",
        "2",
        "Active",
    )
    assert json.loads(ssm.get_document(Name=name)["Content"]) == second
    assert json.loads(ssm.get_document(Name=name, DocumentVersion="1")["Content"]) == echo()
    command = ssm.send_command(InstanceIds=[host], DocumentName=name)["Command"]["CommandId"]
    assert ended(ssm, command, host)["StandardOutputContent"] == "got second\n"
    ssm.add_tags_to_resource(ResourceType="Document", ResourceId=name, Tags=[{"Key": "a", "Value": "b"}])
    tags = ssm.list_tags_for_resource(ResourceType="Document", ResourceId=name)["TagList"]
    assert tags == [{"Key": "a", "Value": "b"}]
    ssm.delete_document(Name=name)
    assert refused(ssm.describe_document, Name=name) == "InvalidDocument"


def test_documents_and_hosts_belong_to_their_account(aws: Callable[..., Any], ssm: Any, host: str) -> None:
    name = document(ssm, echo(default="x"))
    other = aws("ssm", "ops")
    assert refused(other.describe_document, Name=name) == "InvalidDocument"
    assert (
        refused(
            other.send_command,
            InstanceIds=[host],
            DocumentName="AWS-RunShellScript",
            Parameters={"commands": ["x"]},
        )
        == "InvalidInstanceId"
    )


def test_parameter_store_is_still_there(ssm: Any) -> None:
    name = f"/landfall/{uuid.uuid4().hex}"
    which = {"ResourceType": "Parameter", "ResourceId": name}
    ssm.put_parameter(Name=name, Value="1", Type="String", Tags=[{"Key": "a", "Value": "b"}])
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "1"
    ssm.add_tags_to_resource(**which, Tags=[{"Key": "c", "Value": "d"}])
    assert len(ssm.list_tags_for_resource(**which)["TagList"]) == 2


def test_an_association_is_applied_at_once_on_change_and_to_new_hosts(
    sandbox: Sandbox, ssm: Any, hosts: Callable[..., HostSpec], tmp_path: Path
) -> None:
    tag = uuid.uuid4().hex
    first = hosts(tag)
    note = tmp_path / "applied"
    name = document(
        ssm,
        {
            "schemaVersion": "2.2",
            "parameters": {"Text": {"type": "String"}},
            "mainSteps": [
                {
                    "action": "aws:runShellScript",
                    "name": "apply",
                    "inputs": {"runCommand": [f"echo '{{{{ Text }}}}' $AWS_SSM_INSTANCE_ID >> {note}"]},
                }
            ],
        },
    )

    def status(association: str) -> str:
        described = ssm.describe_association(AssociationId=association)["AssociationDescription"]
        return str(described["Overview"]["Status"])

    association = ssm.create_association(
        Name=name, Targets=[{"Key": "tag:role", "Values": [tag]}], Parameters={"Text": ["one"]}
    )["AssociationDescription"]["AssociationId"]
    assert eventually(lambda: status(association), lambda it: it == "Success") == "Success"
    ssm.update_association(AssociationId=association, Parameters={"Text": ["two"]})
    assert eventually(lambda: status(association), lambda it: it == "Success") == "Success"
    second = hosts(tag)
    lines = eventually(lambda: note.read_text().splitlines(), lambda it: len(it) == 3)
    assert lines == [
        f"one {first.instance_id}",
        f"two {first.instance_id}",
        f"two {second.instance_id}",
    ]
    assert refused(ssm.delete_document, Name=name) == "AssociatedInstances"
    assert [each["AssociationId"] for each in ssm.list_associations()["Associations"]].count(association) == 1
    ssm.delete_association(AssociationId=association)
    assert refused(ssm.describe_association, AssociationId=association) == "AssociationDoesNotExist"
    ssm.delete_document(Name=name)


def test_a_failing_association_says_so(ssm: Any, hosts: Callable[..., HostSpec]) -> None:
    tag = uuid.uuid4().hex
    hosts(tag)
    association = ssm.create_association(
        Name="AWS-RunShellScript",
        Targets=[{"Key": "tag:role", "Values": [tag]}],
        Parameters={"commands": ["exit 1"]},
    )["AssociationDescription"]["AssociationId"]

    def status() -> str:
        described = ssm.describe_association(AssociationId=association)["AssociationDescription"]
        return str(described["Overview"]["Status"])

    assert eventually(status, lambda it: it == "Failed") == "Failed"
    ssm.delete_association(AssociationId=association)


def test_hosts_say_whether_they_are_online(
    sandbox: Sandbox, ssm: Any, hosts: Callable[..., HostSpec]
) -> None:
    host = hosts().instance_id

    def ping() -> list[str]:
        listed = ssm.describe_instance_information(Filters=[{"Key": "InstanceIds", "Values": [host]}])
        return [each["PingStatus"] for each in listed["InstanceInformationList"]]

    assert ping() == ["Online"]
    stop_agent(sandbox.state_dir, host)
    assert ping() == ["ConnectionLost"]
