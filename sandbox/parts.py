"""The parts of a sandbox beside its emulator: warehouse, hosts, and the secret of the warehouse."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError
from sandbox.processes import MARK_VARIABLE, ProcessId, mark_of
from sandbox.spec import HostSpec, SandboxSpec
from sandbox.state import ManagedProcess

Progress = Callable[[str], None]


def managed(
    name: str, process: ProcessId, *, port: int | None = None, log: str | None = None
) -> ManagedProcess:
    """One row of the state file."""
    return ManagedProcess(name=name, pid=process.pid, started=process.started, port=port, log=log)


def start_warehouse(spec: SandboxSpec, state_dir: Path, progress: Progress) -> ManagedProcess:
    """The warehouse server, reachable under the workgroup's name in its account.

    Raises:
        SandboxError: it is missing, cannot be set up, or does not answer.
    """
    warehouse = importlib.import_module("sandbox.warehouse")
    account = spec.accounts[spec.warehouse_account]
    endpoint = warehouse.Endpoint(account=account, region=spec.region, workgroup=spec.workgroup)
    server = warehouse.start_postgres(
        state_dir, database=spec.database, endpoints=(endpoint,), progress=progress
    )
    log = str(state_dir / "logs" / "warehouse.log")
    return managed("warehouse", ProcessId.of(server.pid), port=server.dsn.port, log=log)


def start_host(host: HostSpec, spec: SandboxSpec, state_dir: Path, endpoint: str) -> ManagedProcess:
    """The agent of one host.

    Raises:
        SandboxError: it does not come up.
    """
    agents = importlib.import_module("sandbox.host")
    declared = replace(host, account=spec.accounts[host.account])
    with _marked(state_dir):
        pid = agents.start_agent(state_dir, declared, endpoint, region=spec.region)
    log = str(state_dir / "logs" / f"{host.instance_id}.log")
    return managed(host.instance_id, ProcessId.of(pid), log=log)


def store_secret(secrets: Any, spec: SandboxSpec, state_dir: Path) -> None:
    """Put the warehouse administrator's credentials into Secrets Manager of its account.

    Args:
        secrets: client of Secrets Manager in that account.
        spec: names the secret.
        state_dir: holds the credentials.

    Raises:
        SandboxError: the service refused.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    warehouse = importlib.import_module("sandbox.warehouse")
    value = json.dumps(warehouse.read_dsn(state_dir / warehouse.DSN_FILE).secret())
    try:
        try:
            secrets.create_secret(
                Name=spec.warehouse_secret, SecretString=value, Description="Administrator of the warehouse"
            )
        except secrets.exceptions.ResourceExistsException:
            secrets.put_secret_value(SecretId=spec.warehouse_secret, SecretString=value)
    except (BotoCoreError, ClientError) as refused:
        raise SandboxError(f"the warehouse's secret could not be stored: {refused}") from refused


@contextlib.contextmanager
def _marked(state_dir: Path) -> Iterator[None]:
    """Let what is started meanwhile inherit the sandbox's mark from this process."""
    previous = os.environ.get(MARK_VARIABLE)
    os.environ[MARK_VARIABLE] = mark_of(state_dir)
    try:
        yield
    finally:
        os.environ.pop(MARK_VARIABLE)
        if previous is not None:
            os.environ[MARK_VARIABLE] = previous
