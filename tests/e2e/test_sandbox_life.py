"""A sandbox starts, says how it is, recovers, and leaves nothing behind however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import launcher, processes
from sandbox.errors import SandboxError
from sandbox.launcher import Sandbox
from sandbox.paths import REPOSITORY, state_dir
from sandbox.spec import HostSpec, SandboxSpec
from sandbox.state import STATE_FILE, read_state
from tests.e2e.test_sandbox_lambda import create

pytestmark = pytest.mark.emulator

SPEC = SandboxSpec(hosts=(HostSpec(instance_id="i-0000000000000life", account="data"),))
STARTER = """
import os, sys, time
from sandbox import launcher
name, owned = sys.argv[1], sys.argv[2] == "owned"
owner = os.getpid() if owned else None
launcher.up(None, name, owner_pid=owner, progress=lambda text: print(text, flush=True))
print("up", flush=True)
time.sleep(600 if owned else 0)
"""


@pytest.fixture
def name() -> Iterator[str]:
    """A name of its own; whatever a failing test leaves is ended."""
    chosen = f"life-{os.getpid()}-{time.monotonic_ns()}"
    yield chosen
    launcher.down(chosen, discard=True)


def left(name: str) -> set[int]:
    """Processes of the sandbox: those with its mark, and its PostgreSQL servers."""
    folder = state_dir(name)
    found = set(processes.marked(processes.mark_of(folder)))
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if str(folder / "pg" / "data").encode() in words:
            found.add(int(entry.parent.name))
    return found


def wait_empty(name: str, seconds: float = 60.0) -> set[int]:
    """What is still there after `seconds`."""
    deadline = time.monotonic() + seconds
    while (found := left(name)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def starter(name: str, how: str) -> subprocess.Popen[str]:
    """Another process that starts the sandbox."""
    return subprocess.Popen(
        [sys.executable, "-c", STARTER, name, how],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    """Read the process's output up to a line."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if line.startswith(text):
            return
    raise AssertionError("".join(seen))


def test_a_sandbox_outlives_the_command_that_started_it(name: str) -> None:
    command = starter(name, "free")
    assert command.wait(timeout=120) == 0
    sandbox = launcher.attach(name)
    assert sandbox is not None
    status = sandbox.status()
    assert status["running"]
    assert {row["name"] for row in status["processes"]} == {"emulator", "warehouse", "i-0a1b2c3d4e5f60001"}
    assert all(row["alive"] for row in status["processes"])
    assert status["accounts"] == {"data": "111111111111", "ops": "222222222222"}
    assert set(status["services"]["real"]) >= {"warehouse", "hosts", "lambda", "stepfunctions"}
    assert status["services"]["emulated"]["dynamodb"] == "LocalEmu"
    assert not set(status["services"]["emulated"]) & set(status["services"]["real"])
    value = sandbox.client("secretsmanager", "data").get_secret_value(SecretId="landfall/sandbox/warehouse")
    assert '"engine": "redshift"' in value["SecretString"]
    environment = sandbox.environment("ops")
    assert environment["AWS_ACCESS_KEY_ID"] == "222222222222"
    assert sandbox.client("sts", "ops").get_caller_identity()["Account"] == "222222222222"

    again = launcher.up(None, name)
    assert again.generation == sandbox.generation
    sandbox.down()
    assert wait_empty(name) == set()
    assert launcher.attach(name) is None
    assert launcher.down(name) is False


def test_a_lost_state_file_leaves_nothing_behind(name: str) -> None:
    launcher.up(SPEC, name)
    assert len(left(name)) >= 3
    (state_dir(name) / STATE_FILE).unlink()
    assert launcher.down(name) is True
    assert wait_empty(name) == set()


def test_a_killed_emulator_is_reported_and_started_again(name: str) -> None:
    sandbox = launcher.up(SPEC, name)
    emulator = sandbox.state.process("emulator")
    assert emulator is not None
    function = create(lambda service, account="data": sandbox.client(service, account))
    worker = processes.ProcessId.of(function.invoke().payload["pid"])
    os.kill(emulator.pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while worker.alive() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not worker.alive()
    status = sandbox.status()
    assert not status["running"]
    assert any("emulator" in problem for problem in status["problems"])
    again = launcher.up(SPEC, name)
    assert again.status()["running"]
    assert again.generation != sandbox.generation


def test_an_owned_sandbox_dies_with_its_owner(name: str) -> None:
    owner = starter(name, "owned")
    wait_for(owner, "up")
    assert len(left(name)) >= 4
    owner.kill()
    owner.wait(timeout=10)
    assert wait_empty(name) == set()


def test_an_interrupted_start_leaves_nothing_behind(name: str) -> None:
    command = starter(name, "free")
    wait_for(command, "starting the emulator")
    time.sleep(0.5)
    command.send_signal(signal.SIGINT)
    assert command.wait(timeout=60) != 0
    assert wait_empty(name) == set()


def test_a_killed_start_leaves_nothing_behind(name: str) -> None:
    command = starter(name, "free")
    wait_for(command, "starting the emulator")
    command.kill()
    command.wait(timeout=10)
    assert wait_empty(name) == set()


def test_two_sandboxes_stand_side_by_side(sandbox: Sandbox, name: str) -> None:
    other = launcher.up(SPEC, name)
    other.client("sqs", "data").create_queue(QueueName="only-there")
    queues = sandbox.client("sqs", "data").list_queues(QueueNamePrefix="only-there")
    assert queues.get("QueueUrls", []) == []
    other.down()
    assert sandbox.status()["running"]


def test_everything_listens_on_loopback_only(sandbox: Sandbox) -> None:
    state = read_state(sandbox.state_dir)
    assert state is not None
    ours = {process.port for process in state.processes if process.port}
    addresses = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            local, listening = line.split()[1], line.split()[3] == "0A"
            address, port = local.rsplit(":", 1)
            if listening and int(port, 16) in ours:
                addresses.setdefault(int(port, 16), set()).add(address)
    assert addresses == {port: {"0100007F"} for port in ours}


def test_another_spec_is_refused_while_the_sandbox_runs(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="runs with other accounts or hosts"):
        launcher.up(SandboxSpec(accounts={"data": "333333333333"}, hosts=()), sandbox.name)


@pytest.mark.parametrize("bad", ["", "../x", "A", "a b", "x" * 64])
def test_a_bad_name_is_refused(bad: str) -> None:
    with pytest.raises(SandboxError, match="cannot name a sandbox"):
        launcher.attach(bad or " ")
