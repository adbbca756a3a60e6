"""AWS on one machine: start, find, use and end a sandbox (DESIGN section 9).

A sandbox is a state directory (`.tools/sandbox/<name>/`) and its processes: the emulator, the warehouse and
one agent per host. It listens on loopback only, on free ports, so several stand side by side. It survives
the command that started it, unless it was given an owner, with which it then ends in every case.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sandbox import emulator_process, parts, recovery, supervisor, teardown
from sandbox.clients import SECRET_KEY, Clients
from sandbox.endings import told
from sandbox.errors import SandboxError
from sandbox.paths import state_dir as state_dir_of
from sandbox.ports import free_block
from sandbox.processes import ProcessId, end
from sandbox.spec import DEFAULT_NAME, HostSpec, SandboxSpec, check_name
from sandbox.state import ManagedProcess, SandboxState, locked, read_state, write_state
from sandbox.status import status
from sandbox.venv import ensure_emulator

if TYPE_CHECKING:
    from botocore.config import Config

__all__ = ["HostSpec", "Sandbox", "SandboxError", "SandboxSpec", "attach", "default_name", "down", "up"]

_LOCK_SECONDS: Final = 180.0

Progress = Callable[[str], None]


def _config() -> Config:
    from botocore.config import Config

    return Config(
        retries={"mode": "standard", "max_attempts": 3},
        max_pool_connections=50,
        ignore_configured_endpoint_urls=True,
    )


_CLIENTS: Final = Clients(_config)


def default_name() -> str:
    """Name of the sandbox that commands mean: `LANDFALL_SANDBOX_NAME`, else `default`."""
    return check_name(os.environ.get("LANDFALL_SANDBOX_NAME") or DEFAULT_NAME)


@dataclass(frozen=True)
class Sandbox:
    """A handle on a running sandbox; holds no resource itself."""

    name: str
    state_dir: Path
    state: SandboxState

    @property
    def endpoint(self) -> str:
        """Address of every AWS service of the sandbox."""
        return self.state.endpoint

    @property
    def generation(self) -> str:
        """Changes when the emulator starts anew, with empty accounts."""
        return self.state.generation

    def account_id(self, alias: str) -> str:
        """Twelve-digit id of an account.

        Raises:
            SandboxError: the sandbox has no such account.
        """
        accounts = self.state.spec.accounts
        if alias not in accounts:
            raise SandboxError(f"the sandbox has no account {alias!r}; it has {', '.join(accounts)}")
        return accounts[alias]

    def environment(self, alias: str) -> dict[str, str]:
        """Variables that point the AWS SDKs and command line at an account (access key = account id)."""
        region = self.state.spec.region
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ACCESS_KEY_ID": self.account_id(alias),
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            # Nothing of a real account may come in by the side door.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str, alias: str, region: str | None = None) -> Any:
        """A boto3 client for a service of an account; the same one at every call."""
        return _CLIENTS.get(
            service,
            account=self.account_id(alias),
            region=region or self.state.spec.region,
            endpoint=self.endpoint,
        )

    def status(self) -> dict[str, Any]:
        """Processes, accounts and services; read anew from the state file at each call."""
        return status(read_state(self.state_dir) or self.state, self.state_dir)

    def lost(self, name: str | None = None) -> str | None:
        """What became of processes of the sandbox that are gone, or of the one called `name`, in one clause.

        None where none is gone.
        """
        state = read_state(self.state_dir)
        # Another command that started it anew meanwhile has a state of its own.
        if state is None or state.generation != self.generation:
            return recovery.loss(self.state_dir, self.generation)
        gone = [process for process in recovery.dead(state) if name in (None, process.name)]
        return "; ".join(told(self.state_dir, process) for process in gone) or None

    def down(self, *, discard: bool = False) -> None:
        """End the sandbox; `discard` removes its data too."""
        with locked(self.state_dir, seconds=_LOCK_SECONDS):
            teardown.stop(self.state_dir, discard=discard)


def up(
    spec: SandboxSpec | None = None,
    name: str | None = None,
    *,
    owner_pid: int | None = None,
    discard: bool = False,
    progress: Progress = lambda _: None,
) -> Sandbox:
    """Start the sandbox `name`, or return it if it runs as `spec` says; what had died is started again.

    `progress` is told what had happened.

    With `owner_pid` the sandbox ends with that process, however that ends. With `discard` its data goes at
    the end. An interruption ends what had been started.

    Raises:
        SandboxError: something is missing, does not start, or the sandbox runs with another spec.
    """
    name = check_name(name or default_name())
    state_dir = state_dir_of(name)
    with locked(state_dir, seconds=_LOCK_SECONDS):
        known = read_state(state_dir)
        running = _healthy(known)
        if running and known is not None and spec not in (None, known.spec):
            raise SandboxError(
                f"the sandbox {name} runs with other accounts or hosts; `landfall sandbox down` ends it"
            )
        if known is not None and spec in (None, known.spec):
            handle = Sandbox(name, state_dir, known)
            mended = known if running else recovery.mend(state_dir, known, handle.client, progress)
            if mended is not None:
                return Sandbox(name, state_dir, mended)
        if happened := recovery.happened(state_dir, known):
            progress(f"{happened}; starting anew, what the emulator held is to be deployed again")
        if known is not None and known.ready:
            recovery.remember_loss(state_dir, known)
        python = ensure_emulator(progress)
        teardown.stop(state_dir)
        try:
            return Sandbox(
                name, state_dir, _start(python, spec or SandboxSpec(), name, owner_pid, discard, progress)
            )
        except BaseException:
            teardown.stop(state_dir, discard=discard)
            raise


def attach(name: str | None = None) -> Sandbox | None:
    """The sandbox `name` if there is one, healthy or not (`status` tells); None when nothing was started.

    None, too, for one whose owner is gone: it is about to end.
    """
    name = check_name(name or default_name())
    state_dir = state_dir_of(name)
    state = read_state(state_dir)
    return None if state is None or recovery.abandoned(state) else Sandbox(name, state_dir, state)


def folder(name: str | None = None) -> Path:
    """State directory of the sandbox `name`, which need not exist."""
    return state_dir_of(check_name(name or default_name()))


def trouble(name: str | None = None) -> str | None:
    """What is wrong with a sandbox that was started, in one clause; None where nothing is."""
    state_dir = folder(name)
    state = read_state(state_dir)
    if state is None or not state.ready or recovery.abandoned(state):
        return recovery.happened(state_dir, state)
    return Sandbox(state.name, state_dir, state).lost()


def down(name: str | None = None, *, discard: bool = False) -> bool:
    """End the sandbox `name`, also where its state file is lost; True when something was running."""
    state_dir = folder(name)
    if not state_dir.exists():
        return False
    with locked(state_dir, seconds=_LOCK_SECONDS):
        return teardown.stop(state_dir, discard=discard)


def _healthy(state: SandboxState | None) -> bool:
    """Whether all of the sandbox is in order."""
    if state is None or not state.ready or recovery.abandoned(state) or recovery.dead(state):
        return False
    return recovery.answers(state)


def _start(
    python: Path, spec: SandboxSpec, name: str, owner_pid: int | None, discard: bool, progress: Progress
) -> SandboxState:
    """Start everything; the caller holds the lock and cleans up after a failure."""
    state_dir = state_dir_of(name)
    previous = ProcessId.of(owner_pid if owner_pid is not None else os.getpid())
    owner = ManagedProcess(name="owner", pid=previous.pid, started=previous.started)
    port = free_block(1 + emulator_process.SERVICE_PORTS)
    state = SandboxState(
        name=name, spec=spec, port=port, generation=uuid.uuid4().hex, owner=owner, discard=discard
    )
    write_state(state_dir, state)
    watcher = supervisor.start(state_dir)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="warehouse") as pool:
        warehouse = pool.submit(parts.start_warehouse, spec, state_dir, progress)
        progress("starting the emulator")
        emulator = emulator_process.start(python, spec, state_dir, port)
        log = str(emulator_process.log_file(state_dir))
        state = state.with_process(parts.managed("emulator", emulator, port=port, log=log))
        write_state(state_dir, state)
        emulator_process.wait_healthy(emulator, port, state_dir, lambda: _check(warehouse))
        state = state.with_process(warehouse.result())
    write_state(state_dir, state)
    secrets = Sandbox(name, state_dir, state).client("secretsmanager", spec.warehouse_account)
    parts.store_secret(secrets, spec, state_dir)
    for host in spec.hosts:
        progress(f"starting host {host.instance_id}")
        state = state.with_process(parts.start_host(host, spec, state_dir, state.endpoint))
        write_state(state_dir, state)
    if owner_pid is None:
        state = replace(state, owner=None, ready=True)
        write_state(state_dir, state)
        end([watcher.pid], grace=2.0)
    else:
        state = replace(state.with_process(parts.managed("supervisor", watcher)), ready=True)
        write_state(state_dir, state)
    return state


def _check(started: Future[Any]) -> None:
    """Raise at once what the parallel start of the warehouse raised."""
    if started.done():
        started.result()
