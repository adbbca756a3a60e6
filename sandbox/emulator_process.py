"""The emulator as a process: its settings, its start and its health."""

from __future__ import annotations

import json
import os
import shutil
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from sandbox import processes
from sandbox.endings import note_of
from sandbox.errors import SandboxError
from sandbox.paths import emulator_venv, tools_dir
from sandbox.ports import LOOPBACK
from sandbox.processes import MARK_VARIABLE, ProcessId, mark_of
from sandbox.spec import SandboxSpec
from sandbox.venv import plugin_digest

SERVICE_PORTS: Final = 20
"""Ports after the endpoint's own that LocalEmu may give to engines of single services."""
OUR_PROVIDERS: Final = ("redshift-data", "ssm", "glue", "emr-serverless")
_HEALTHY_SECONDS: Final = 90.0
_REPORT: Final = "plugin.json"


def environment(spec: SandboxSpec, state_dir: Path, port: int) -> dict[str, str]:
    """Environment of the emulator; the caller's AWS settings, proxies and Python stay outside."""
    home = state_dir / "emulator"
    host = f"{LOOPBACK}:{port}"
    settings = {
        "PATH": f"{emulator_venv() / 'bin'}:{os.environ.get('PATH', '/usr/bin:/bin')}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "TMPDIR": str(home / "tmp"),
        "PYTHONUNBUFFERED": "1",
        # LocalEmu's plugin index, keyed by what declares entry points: its own key has a coarse clock.
        "XDG_CACHE_HOME": str(tools_dir() / "emulator-cache" / plugin_digest()),
        "CONFIG_DIR": str(home / "config"),
        "FILESYSTEM_ROOT": str(home / "files"),
        "GATEWAY_LISTEN": host,
        "LOCALEMU_HOST": host,
        "EXTERNAL_SERVICE_PORTS_START": str(port + 1),
        "EXTERNAL_SERVICE_PORTS_END": str(port + 1 + SERVICE_PORTS),
        # On the host, without Docker and without downloads.
        "OVERRIDE_IN_DOCKER": "0",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DISABLE_EVENTS": "1",
        "IAM_ENFORCEMENT": "1" if spec.iam_enforcement else "0",
        # An account's own key is its root user, which enforcement lets pass.
        "ROOT_ACCESS_KEYS": ",".join(spec.accounts.values()),
        "ALLOW_NONSTANDARD_REGIONS": "0",
        "LAMBDA_RUNTIME_EXECUTOR": "process",
        "LAMBDA_IGNORE_ARCHITECTURE": "1",
        "LAMBDA_SYNCHRONOUS_CREATE": "1",
        # Alarms are not evaluated, and each call of a queue would write its metrics into a database.
        "SQS_DISABLE_CLOUDWATCH_METRICS": "1",
        "LANDFALL_STATE_DIR": str(state_dir),
        "LANDFALL_WAREHOUSE_DSN_FILE": str(state_dir / "warehouse.json"),
        MARK_VARIABLE: mark_of(state_dir),
    }
    for service in OUR_PROVIDERS:
        settings[f"PROVIDER_OVERRIDE_{service.upper().replace('-', '_')}"] = "landfall"
    for passed in ("LANDFALL_STANDIN_SECONDS", "LS_LOG", "DEBUG"):
        if value := os.environ.get(passed):
            settings[passed] = value
    return settings


def start(python: Path, spec: SandboxSpec, state_dir: Path, port: int) -> ProcessId:
    """Start the emulator; it is not healthy yet when this returns."""
    for folder in ("tmp", "config", "files"):
        (state_dir / "emulator" / folder).mkdir(parents=True, exist_ok=True)
    (state_dir / _REPORT).unlink(missing_ok=True)
    _share_cache(state_dir, restore=True)
    return processes.spawn(
        [str(python), "-m", "localemu.runtime.main"],
        env=environment(spec, state_dir, port),
        log=log_file(state_dir),
        cwd=state_dir / "emulator",
        note=note_of(state_dir, "emulator"),
    )


def wait_healthy(process: ProcessId, port: int, state_dir: Path, pause: Callable[[], None]) -> None:
    """Wait until the emulator answers; `pause` is called between two looks.

    Raises:
        SandboxError: it ended, or did not answer in 90 seconds.
    """
    deadline = time.monotonic() + _HEALTHY_SECONDS
    while time.monotonic() < deadline:
        if not process.alive():
            raise SandboxError(f"the emulator ended while it started: {_last_line(log_file(state_dir))}")
        if health(port) is not None:
            _check_plugins(state_dir, process.pid)
            _check_identity(state_dir, port)
            _share_cache(state_dir, restore=False)
            return
        pause()
        time.sleep(0.1)
    raise SandboxError(
        f"the emulator did not answer within {_HEALTHY_SECONDS:.0f} s; see {log_file(state_dir)}"
    )


def health(port: int) -> Mapping[str, str] | None:
    """The emulator's services and their states; None while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/_localemu/health", timeout=2) as answer:
            services = json.load(answer).get("services", {})
            return services if isinstance(services, dict) else {}
    except (OSError, ValueError):
        return None


def _check_plugins(state_dir: Path, pid: int) -> None:
    """Refuse an emulator that runs without our plugins: it would answer, and differently."""
    try:
        report = json.loads((state_dir / _REPORT).read_text())
    except (OSError, ValueError):
        report = {"pid": None, "error": "they were not loaded"}
    if report["error"] or report["pid"] != pid:
        reason = report["error"] or "they were not loaded"
        raise SandboxError(f"the emulator's plugins do not work: {reason}; see {log_file(state_dir)}")


def _check_identity(state_dir: Path, port: int) -> None:
    """Refuse an answer of somebody else who took the port in the same moment."""
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/_landfall/identity", timeout=5) as answer:
            mark = json.load(answer).get("mark")
    except (OSError, ValueError):
        mark = None
    if mark != mark_of(state_dir):
        raise SandboxError(f"another process took port {port} meanwhile; run the command again")


def _share_cache(state_dir: Path, *, restore: bool) -> None:
    """Keep LocalEmu's parsed service catalogue between sandboxes; making it costs seconds."""
    own = state_dir / "emulator" / "files" / "var" / "lib" / "localemu" / "cache"
    shared = tools_dir() / "emulator-cache" / plugin_digest()
    source, target = (shared, own) if restore else (own, shared)
    target.mkdir(parents=True, exist_ok=True)
    for file in source.glob("service-catalog-*.dill"):
        if not (target / file.name).exists():
            partial = target / f"{file.name}.{os.getpid()}"
            shutil.copyfile(file, partial)
            partial.replace(target / file.name)


def log_file(state_dir: Path) -> Path:
    """Where the emulator's output goes."""
    return state_dir / "logs" / "emulator.log"


def _last_line(log: Path) -> str:
    """The last line of a log that says something."""
    try:
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        return "no message"
    return lines[-1] if lines else "no message"
