"""LocalEmu's runtime executor on local processes: one executor is one execution environment of a version.

LocalEmu keeps a pool of executors per version, reuses an idle one (a warm start) and stops it after ten
minutes without work or with its version; so an executor has at most one worker process, started anew after a
crash.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import tempfile
import threading
import time
import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from localemu import config
from localemu.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localemu.services.lambda_.invocation.layer_mounter import prepare_merged_opt
from localemu.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from landfall_emulator.lambda_executor.process import (
    Worker,
    WorkerEnded,
    WorkerOutOfMemory,
    WorkerTimedOut,
)
from landfall_emulator.lambda_executor.public_layers import is_public, provides_powertools
from landfall_emulator.lambda_executor.report import (
    end_line,
    exit_error,
    report_line,
    start_line,
    timeout_error,
)

LOG = logging.getLogger(__name__)

_INIT_SECONDS: Final = 10.0
"""Lambda's own limit for the initialisation of a function on demand."""

_PASSED: Final = ("LANDFALL_SANDBOX_MARK",)
_PYTHON: Final = "python3"


class ProcessRuntimeExecutor(RuntimeExecutor):
    """One execution environment."""

    def __init__(self, id: str, function_version: FunctionVersion) -> None:
        super().__init__(id=id, function_version=function_version)
        self._env: dict[str, str] = {}
        self._worker: Worker | None = None
        self._home: Path | None = None
        self._layers: list[str] = []
        self._powertools = False
        self._init: dict[str, Any] | None = None
        self._last_log = ""
        self._lock = threading.Lock()
        _LIVE.add(self)

    # LocalEmu's contract

    def start(self, env_vars: dict[str, str]) -> None:
        """Start the worker. A function that does not load fails its invocations, as on AWS, not its start."""
        runtime = str(self.function_version.config.runtime or "")
        if not runtime.startswith(_PYTHON):
            raise RuntimeError(
                f"the sandbox runs Python functions; {runtime or 'container images'} cannot run here"
            )
        code = self.function_version.config.code
        code.prepare_for_execution()
        self._home = Path(tempfile.mkdtemp(prefix=f"lambda-{self.id[:8]}-"))
        self._env = _environment(env_vars, code.get_unzipped_code_location(), self._home, runtime)
        self._layers, self._powertools = _layers(self.function_version, runtime)
        self._start_worker()

    def stop(self) -> None:
        """Kill the worker and everything that it started."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)

    def get_address(self) -> str:
        """The executor runs on this machine."""
        return str(config.GATEWAY_LISTEN[0].host)

    def get_endpoint_from_executor(self) -> str:
        """Host of the emulator as the function sees it; goes into `AWS_ENDPOINT_URL`."""
        return str(config.GATEWAY_LISTEN[0].host)

    def get_runtime_endpoint(self) -> str:
        """Unused: the worker is spoken to over pipes."""
        return f"http://{self.get_address()}:{config.GATEWAY_LISTEN[0].port}"

    def get_logs(self) -> str:
        """Output of the last invocation."""
        return self._last_log

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        """Unpack the archive."""
        if function_version.config.code:
            function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """Remove the unpacked archive."""
        if function_version.config.code:
            with contextlib.suppress(OSError):
                function_version.config.code.destroy_cached()

    @classmethod
    def validate_environment(cls) -> bool:
        """Nothing but Python is needed."""
        return True

    def invoke(self, payload: dict[str, str], function_timeout: int | None = None) -> InvocationResult:
        """Run one invocation; whatever happens to the function is a result, never an exception."""
        request_id = payload["invoke-id"]
        seconds = float(function_timeout or self.function_version.config.timeout)
        if self._init is None and (self._worker is None or not self._worker.alive()):
            self._start_worker()
        worker, init = self._worker, self._init or {}
        self._init = None
        lines: list[str] = [init["log"].rstrip("\n")] if init.get("log", "").strip() else []
        lines.append(start_line(request_id, self.function_version.id.qualifier))
        began = time.monotonic()
        status: str | None = None
        if worker is None or "payload" in init:
            body, is_error, output = init["payload"], True, str(init.get("note", ""))
            status = "error"
        else:
            body, is_error, output, status = self._call(worker, payload, request_id, seconds)
        duration = (time.monotonic() - began) * 1000
        if output.strip():
            lines.append(output.rstrip("\n"))
        lines.append(end_line(request_id))
        lines.append(
            report_line(
                request_id,
                duration_ms=min(duration, seconds * 1000) if status == "timeout" else duration,
                memory_mb=self.function_version.config.memory_size,
                peak_mb=worker.peak_mb if worker else init["peak_mb"],
                init_ms=init.get("ms"),
                status=status,
            )
        )
        self._last_log = "\n".join(lines) + "\n"
        return InvocationResult(request_id, body, is_error=is_error, logs=self._last_log)

    # Our own

    def _start_worker(self) -> None:
        """Start a fresh worker and wait until the function is loaded, at most Lambda's ten seconds."""
        self.stop_worker()
        memory = int(self.function_version.config.memory_size)
        worker = Worker(
            self._env, memory_mb=memory, layers=self._layers, powertools=self._powertools,
            cwd=self._home or Path(tempfile.gettempdir()),
        )  # fmt: skip
        with self._lock:
            self._worker = worker
        began = time.monotonic()
        init: dict[str, Any] = {}
        try:
            answer = worker.ready(_INIT_SECONDS)
            if answer["init_error"] is not None:
                init["payload"] = _json(answer["init_error"])
        except WorkerTimedOut:
            init["payload"], init["note"] = timeout_error(self.id, _INIT_SECONDS)
        except WorkerOutOfMemory:
            init["payload"], init["note"] = exit_error(self.id, None, out_of_memory=True)
        except WorkerEnded:
            init["payload"], init["note"] = exit_error(self.id, worker.exit_code())
        init["ms"] = (time.monotonic() - began) * 1000
        init["log"] = worker.log("init")
        init["peak_mb"] = worker.peak_mb
        self._init = init
        if "payload" in init:
            self.stop_worker()

    def _call(
        self, worker: Worker, payload: dict[str, str], request_id: str, seconds: float
    ) -> tuple[bytes, bool, str, str | None]:
        """One request to the worker: payload, whether it is an error, the output, and the report's status."""
        request = {
            "request_id": request_id,
            "arn": payload["invoked-function-arn"],
            "payload": payload["payload"],
            "trace_id": payload["trace-id"],
            "timeout": seconds,
        }
        try:
            answer = worker.call(request, seconds)
            text = str(answer["payload"]).encode()
            return text, bool(answer["is_error"]), worker.log(request_id), None
        except WorkerTimedOut:
            body, note = timeout_error(request_id, seconds)
            status = "timeout"
        except WorkerOutOfMemory:
            body, note = exit_error(request_id, None, out_of_memory=True)
            status = "error\tError Type: Runtime.OutOfMemory"
        except WorkerEnded:
            body, note = exit_error(request_id, worker.exit_code())
            status = "error\tError Type: Runtime.ExitError"
        output = worker.log(request_id)
        self.stop_worker()
        joint = "" if not output or output.endswith("\n") else "\n"
        return body, True, f"{output}{joint}{note}", status

    def stop_worker(self) -> None:
        """End the worker; the next invocation starts another."""
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()


_LIVE: Final[weakref.WeakSet[ProcessRuntimeExecutor]] = weakref.WeakSet()


def stop_all() -> None:
    """End every worker of this emulator."""
    for executor in list(_LIVE):
        executor.stop()


def _environment(given: dict[str, str], root: Path, home: Path, runtime: str) -> dict[str, str]:
    """The function's environment: what Lambda sets and the function configured, nothing of the emulator's."""
    env = {name: str(value) for name, value in given.items() if not name.startswith("LOCALEMU_")}
    env.pop("EDGE_PORT", None)
    env |= {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "HOME": str(home),
        "TMPDIR": str(home),
        "LAMBDA_TASK_ROOT": str(root),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime}",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }
    env |= {name: os.environ[name] for name in _PASSED if name in os.environ}
    return env


def _layers(version: FunctionVersion, runtime: str) -> tuple[list[str], bool]:
    """Import folders of the function's own layers, and whether it has the public Powertools layer."""
    attached = list(version.config.layers or [])
    own = [layer for layer in attached if not is_public(layer)]
    powertools = any(provides_powertools(layer.layer_version_arn) for layer in attached)
    if not own:
        return [], powertools
    shown = SimpleNamespace(config=SimpleNamespace(layers=own), qualified_arn=version.qualified_arn)
    opt = prepare_merged_opt(shown)
    folders = [] if opt is None else [opt / "python", opt / "python" / "lib" / runtime / "site-packages"]
    return [str(folder) for folder in folders], powertools


def _json(document: Any) -> bytes:
    """A document as the service sends it."""
    return json.dumps(document).encode()
