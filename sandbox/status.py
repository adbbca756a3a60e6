"""What a sandbox says about itself: processes, accounts, and what is real, emulated or only recorded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sandbox import processes
from sandbox.emulator_process import OUR_PROVIDERS, health
from sandbox.endings import told
from sandbox.errors import SandboxError
from sandbox.ports import is_open
from sandbox.state import ManagedProcess, SandboxState, read_records

REAL: Final[Mapping[str, str]] = {
    "warehouse": "SQL runs on a PostgreSQL server; Redshift's dialect is translated",
    "hosts": "Systems Manager commands and scripts run as processes on this machine",
    "lambda": "function code runs as local processes from the deployed archive",
    "stepfunctions": "state machines are interpreted, JSONata included",
    "redshift-data": "statements, batches and results come from the warehouse",
}
"""What really happens on this machine."""

STANDINS: Final[Mapping[str, str]] = {
    "glue": "job runs pass through the service's states; no job code runs",
    "emr-serverless": "job runs pass through the service's states; no job code runs",
}
"""What answers as the service does, without doing its work."""


def status(state: SandboxState, state_dir: Path) -> dict[str, Any]:
    """The status document (`landfall sandbox status --json`)."""
    rows = [_process(process) for process in state.processes]
    emulated = health(state.port) or {}
    return {
        "name": state.name,
        "endpoint": state.endpoint,
        "running": bool(emulated) and state.ready and all(row["alive"] for row in rows),
        "ready": state.ready,
        "region": state.spec.region,
        "accounts": dict(state.spec.accounts),
        "generation": state.generation,
        "owner": state.owner.pid if state.owner else None,
        "state_dir": str(state_dir),
        "processes": rows,
        "problems": _problems(state, state_dir, rows, bool(emulated)),
        "faults": _faults(state) if emulated else [],
        "services": {
            "real": dict(REAL),
            "emulated": {
                **{name: "LocalEmu" for name in sorted(emulated) if name not in {*OUR_PROVIDERS, *REAL}},
                **STANDINS,
            }
            if emulated
            else {},
            "recorded": dict(read_records(state_dir)),
        },
    }


def _process(process: ManagedProcess) -> dict[str, Any]:
    """One row: whether the process lives, answers, and for how long."""
    alive = process.identity.alive()
    return {
        "name": process.name,
        "pid": process.pid,
        "alive": alive,
        "port": process.port,
        "answers": is_open(process.port) if process.port and alive else None,
        "uptime_seconds": round(processes.uptime(process.identity) or 0.0, 1) if alive else None,
        "log": process.log,
    }


def _faults(state: SandboxState) -> list[dict[str, Any]]:
    """The fault rules in force, with how often each has fired."""
    from sandbox.faults.client import FAULTS_PATH, ask

    try:
        return list(ask(state.endpoint, "GET", FAULTS_PATH)["rules"])
    except SandboxError:
        return []


def _problems(state: SandboxState, state_dir: Path, rows: list[dict[str, Any]], answers: bool) -> list[str]:
    """What is wrong, each as one sentence."""
    found = [f"{told(state_dir, process)}; `landfall sandbox up` starts it again"
             for process, row in zip(state.processes, rows, strict=True) if not row["alive"]]  # fmt: skip
    emulator = state.process("emulator")
    if emulator is not None and emulator.identity.alive() and not answers:
        found.append(f"the emulator runs but does not answer on port {state.port}")
    if not state.ready:
        found.append("the sandbox was not completely started")
    return found
