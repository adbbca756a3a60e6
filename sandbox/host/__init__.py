"""A host of the sandbox: an agent process that runs Systems Manager commands on this machine.

Like amazon-ssm-agent it runs the steps of a document as shell scripts in a process group each, and ends a
cancelled command with SIGKILL. Nothing of a host outlives its agent: killing the agent is pulling the plug.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from sandbox import processes
from sandbox.endings import note_of
from sandbox.errors import SandboxError
from sandbox.paths import REPOSITORY, emulator_python
from sandbox.ports import LOOPBACK

_AGENT: Final = Path(__file__).with_name("agent.py")
_START_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 5.0

_PYTHON: Final = """#!/bin/sh
exec {python} "$@"
"""
_RSQL: Final = """#!/bin/sh
PYTHONPATH={repository} exec {python} -m sandbox.rsql "$@"
"""


class HostDeclaration(Protocol):
    """What a host is; `account` is the twelve-digit id."""

    @property
    def instance_id(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def tags(self) -> Mapping[str, str]: ...
    @property
    def instance_profile(self) -> str | None: ...


def host_folder(state_dir: Path, instance_id: str) -> Path:
    """The folder that holds a host's spool and, in `root/`, its disk."""
    return state_dir / "hosts" / instance_id


def start_agent(
    state_dir: Path, host: HostDeclaration, endpoint: str, *, region: str = "eu-central-1", workers: int = 40
) -> int:
    """Start the agent of `host` and wait until it takes commands; returns its process id.

    `endpoint` is the emulator's URL, which the host's processes get as `AWS_ENDPOINT_URL`; `workers` is how
    many commands run at once. A running agent of the same host is stopped first.

    Raises:
        SandboxError: the agent ended or did not come up within 30 seconds.
    """
    stop_agent(state_dir, host.instance_id)
    folder = host_folder(state_dir, host.instance_id).resolve()
    for name in ("inbox", "running", "outbox", "root", "bin", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    _write_tools(folder / "bin")
    _write(
        folder / "host.json",
        {
            "instance_id": host.instance_id,
            "account": host.account,
            "region": region,
            "tags": dict(host.tags),
            "instance_profile": host.instance_profile,
            "workers": workers,
        },
    )
    (folder / "agent.json").unlink(missing_ok=True)
    log = state_dir / "logs" / f"{host.instance_id}.log"
    agent = processes.spawn(
        [sys.executable, "-I", str(_AGENT), str(folder)],
        env=_environment(folder, host, endpoint, region),
        log=log,
        cwd=folder,
        note=note_of(state_dir, host.instance_id),
    )
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if _agent_pid(folder) == agent.pid:
            return agent.pid
        if not agent.alive():
            raise SandboxError(f"the agent of host {host.instance_id} ended while it started; see {log}")
        time.sleep(0.02)
    processes.end([agent.pid], grace=0.0)
    raise SandboxError(f"the agent of host {host.instance_id} did not start; see {log}")


def stop_agent(state_dir: Path, instance_id: str) -> None:
    """Stop a host's agent and whatever it runs; nothing happens when it does not run."""
    pid = _agent_pid(host_folder(state_dir, instance_id))
    if pid is None:
        return
    for number, seconds in ((signal.SIGTERM, _STOP_SECONDS), (signal.SIGKILL, _STOP_SECONDS)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            if not _is_agent(pid, host_folder(state_dir, instance_id)):
                return
            time.sleep(0.02)


def _environment(folder: Path, host: HostDeclaration, endpoint: str, region: str) -> dict[str, str]:
    """The environment of everything on the host; the caller's AWS settings do not come through."""
    passed = ("LANDFALL_SANDBOX_MARK",)
    return {
        "PATH": f"{folder / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder / "root"),
        "TMPDIR": str(folder / "tmp"),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        **_credentials(host, endpoint),
        "NO_PROXY": LOOPBACK,
        "no_proxy": LOOPBACK,
        "LANDFALL_HOST_ROOT": str(folder / "root"),
        **{name: os.environ[name] for name in passed if name in os.environ},
    }


def _credentials(host: HostDeclaration, endpoint: str) -> dict[str, str]:
    """How the host's processes get credentials: from its metadata service, as on EC2, where it has a role."""
    if host.instance_profile is None:
        # The emulator takes a twelve-digit access key as the account.
        return {
            "AWS_ACCESS_KEY_ID": host.account,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    return {
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"{endpoint}/_landfall/hosts/{host.instance_id}/",
        # A busy machine answers later than EC2 does.
        "AWS_METADATA_SERVICE_TIMEOUT": "10",
        "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "3",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_CONFIG_FILE": os.devnull,
    }


def _write_tools(folder: Path) -> None:
    """`python3` with boto3, and `rsql`, as an ETL host has them."""
    # A plain boto3, as a host's package has; the emulator's has extras that double the time of its import.
    for name, text in (
        ("python3", _PYTHON.format(python=_quoted(Path(sys.executable)))),
        ("rsql", _RSQL.format(python=_quoted(emulator_python()), repository=_quoted(REPOSITORY))),
    ):
        tool = folder / name
        part = tool.with_name(f".{name}.part")
        part.write_text(text, encoding="utf-8")
        part.chmod(0o755)
        part.replace(tool)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "'\\''") + "'"


def _agent_pid(folder: Path) -> int | None:
    """The process id of the live agent."""
    try:
        pid = int(json.loads((folder / "agent.json").read_text(encoding="utf-8"))["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid if _is_agent(pid, folder) else None


def _is_agent(pid: int, folder: Path) -> bool:
    """Whether `pid` is an agent of this folder; a recycled id is not."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return str(folder.resolve()).encode() in command and str(_AGENT).encode() in command


def _write(path: Path, value: Mapping[str, object]) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(value), encoding="utf-8")
    part.replace(path)
