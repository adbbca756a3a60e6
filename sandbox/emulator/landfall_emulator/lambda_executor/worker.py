"""The Lambda worker: a process that loads one function and serves its invocations one after the other.

Started by `executor.py` as a plain script with the function's environment only. It follows AWS's own Python
runtime (`awslambdaric`) in what a function can see: import path, context object, log format, error shapes.
Standard library only, so that nothing of the emulator's environment is imported on the way to the function.

File descriptors named on the command line: `requests` (JSON lines from the executor; its end is the worker's
end), `responses` (JSON lines back). Standard output and error are the function's log.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.machinery
import io
import json
import logging
import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

LOG_END = "\x00landfall-end "
MAXIMUM_RESPONSE = 6 * 1024 * 1024 + 100 * 1024

# What AWS's Python runtime has besides the standard library, and what the public Powertools layer adds.
# Source: Lambda Developer Guide, "Runtime-included SDK versions"; Powertools for AWS Lambda, extra `all`.
RUNTIME_PACKAGES = frozenset({"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3"})
POWERTOOLS_PACKAGES = frozenset(
    {
        "aws_lambda_powertools", "aws_xray_sdk", "aws_encryption_sdk", "pydantic", "pydantic_core",
        "pydantic_settings", "annotated_types", "typing_extensions", "typing_inspection", "dotenv",
        "jsonpath_ng", "ply", "fastjsonschema", "wrapt", "cryptography", "cffi", "_cffi_backend", "pycparser",
        "attr", "attrs",
    }
)  # fmt: skip


class Context:
    """The context object of an invocation.

    Source: Lambda Developer Guide, "Using the Lambda context object to retrieve Python function information".
    """

    def __init__(self, request: dict[str, Any], deadline: float) -> None:
        self.aws_request_id = request["request_id"]
        self.invoked_function_arn = request["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.client_context = None
        self.identity = None
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function times out, never negative."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))

    def log(self, message: str) -> None:
        """Write a line to the log, as it is."""
        sys.stdout.write(str(message))


class _LogFormat(logging.Formatter):
    """The line format of the Python runtime's own log handler."""

    request_id = ""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        moment = f"{moment}.{int(record.msecs):03d}Z"
        text = f"[{record.levelname}]\t{moment}\t{self.request_id}\t{record.getMessage()}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return text


class _RuntimePackages:
    """An import finder that shows the packages which AWS has, and none of the emulator's own."""

    def __init__(self, folders: Sequence[str], names: frozenset[str]) -> None:
        self._folders = list(folders)
        self._names = names

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The module from the emulator's environment, if AWS has its package too."""
        if path is None and name.partition(".")[0] in self._names:
            return importlib.machinery.PathFinder.find_spec(name, self._folders, target)
        return None


def error(kind: str, message: str, request_id: str, trace: list[str] | None = None) -> dict[str, Any]:
    """An error in the runtime's shape."""
    return {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": trace or []}


def load(name: str) -> Callable[[Any, Any], Any] | dict[str, Any]:
    """The handler, or the error that the runtime reports when it cannot be loaded."""
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        return error("Runtime.MalformedHandlerName", f"Bad handler '{name}': not enough values to unpack", "")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as failed:
        return error("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {failed}", "")
    except SyntaxError as failed:
        where = [f'  File "{failed.filename}" Line {failed.lineno}\n    {failed.text}']
        return error(
            "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {failed}", "", where
        )
    except Exception as failed:
        return error(type(failed).__name__, str(failed), "", _trace(failed))
    handler = getattr(module, function_name, None)
    if handler is None:
        return error(
            "Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'", ""
        )
    return handler  # type: ignore[no-any-return]


def invoke(handler: Callable[[Any, Any], Any], request: dict[str, Any]) -> dict[str, Any]:
    """Run the handler; the answer has `payload` (JSON text) and `is_error`."""
    request_id = request["request_id"]
    os.environ["_X_AMZN_TRACE_ID"] = request["trace_id"]
    _LogFormat.request_id = request_id
    context = Context(request, time.monotonic() + request["timeout"])
    try:
        result = handler(json.loads(request["payload"] or "null"), context)
    except Exception as failed:
        shown = error(type(failed).__name__, str(failed), request_id, _trace(failed))
        return _failed(shown)
    try:
        payload = json.dumps(result, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as failed:
        return _failed(error("Runtime.MarshalError", f"Unable to marshal response: {failed}", request_id))
    if len(payload.encode()) > MAXIMUM_RESPONSE:
        message = f"Response payload size exceeded maximum allowed payload size ({MAXIMUM_RESPONSE} bytes)."
        return _failed(error("Function.ResponseSizeTooLarge", message, request_id))
    return {"payload": payload, "is_error": False}


def _failed(shown: dict[str, Any]) -> dict[str, Any]:
    """Log the error as the runtime does, and answer with it."""
    lines = [f"[ERROR] {shown['errorType']}: {shown['errorMessage']}"]
    if shown["stackTrace"]:
        lines += ["Traceback (most recent call last):", *(line.rstrip("\n") for line in shown["stackTrace"])]
    sys.stdout.write("\n".join(lines) + "\n")
    return {"payload": json.dumps(shown, ensure_ascii=False), "is_error": True}


def _trace(failed: BaseException) -> list[str]:
    """The stack without the runtime's own frames."""
    frames = traceback.extract_tb(failed.__traceback__)
    own = [frame for frame in frames if frame.filename != __file__ and "importlib" not in frame.filename]
    return traceback.format_list(own)


def _prepare(arguments: dict[str, Any]) -> None:
    """Set up import path, logging and limits for the function."""
    root = os.environ["LAMBDA_TASK_ROOT"]
    site = [path for path in sys.path if path.endswith("site-packages")]
    standard = [path for path in sys.path if path.startswith(sys.base_prefix) and path not in site]
    layers = [path for path in arguments["layers"] if os.path.isdir(path)]  # noqa: PTH112 - no more imports here
    sys.path[:] = [root, *layers, *standard]
    sys.modules.pop("landfall_emulator", None)
    packages = RUNTIME_PACKAGES | (POWERTOOLS_PACKAGES if arguments["powertools"] else frozenset())
    sys.meta_path.append(_RuntimePackages(site, packages))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, errors="replace")
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_LogFormat())
    logging.getLogger().addHandler(handler)
    space = arguments["address_space"]
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (space, space))
    os.chdir(root)


def _end_with(lifeline: int) -> None:
    """End the worker and what it started when the executor is gone, also in mid-invocation."""

    def wait() -> None:
        with contextlib.suppress(OSError):
            while os.read(lifeline, 1):
                pass
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def _peak_mb() -> int:
    """Most memory that this process had in use; `ru_maxrss` would count its parent's as well."""
    with contextlib.suppress(OSError, ValueError, IndexError), open("/proc/self/status") as status:  # noqa: PTH123
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    return 0


def main() -> None:
    """Load the function, then serve requests until the executor closes the channel."""
    arguments = json.loads(sys.argv[1])
    sys.argv[1:] = []
    _end_with(arguments["lifeline"])
    requests = os.fdopen(arguments["requests"], "r", encoding="utf-8")
    responses = os.fdopen(arguments["responses"], "w", encoding="utf-8", buffering=1)

    def answer(document: dict[str, Any]) -> None:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(ValueError, OSError):
                stream.flush()
        # The marker tells the executor that the log of this invocation is complete.
        os.write(1, f"{LOG_END}{document['request_id']}\n".encode())
        responses.write(json.dumps({**document, "peak_mb": _peak_mb()}) + "\n")
        responses.flush()

    _prepare(arguments)
    began = time.monotonic()
    handler = load(os.environ["_HANDLER"])
    if isinstance(handler, dict):
        _failed(handler)
    answer(
        {
            "request_id": "init",
            "init_ms": (time.monotonic() - began) * 1000,
            "init_error": handler if isinstance(handler, dict) else None,
        }
    )
    if isinstance(handler, dict):
        return
    for line in requests:
        request = json.loads(line)
        answer({"request_id": request["request_id"], **invoke(handler, request)})


if __name__ == "__main__":
    main()
