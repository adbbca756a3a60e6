"""What Lambda itself writes into a function's log, and the errors that it raises for a function.

Source: Lambda Developer Guide, "Working with Lambda function logs" (START, END and REPORT lines), and the
payloads that the service returns for a timeout, an exit and an exhausted memory.
"""

from __future__ import annotations

import json
import math
import time


def start_line(request_id: str, version: str) -> str:
    """The first line of an invocation."""
    return f"START RequestId: {request_id} Version: {version}"


def end_line(request_id: str) -> str:
    """The line after the function's own output."""
    return f"END RequestId: {request_id}"


def report_line(
    request_id: str,
    *,
    duration_ms: float,
    memory_mb: int,
    peak_mb: int,
    init_ms: float | None,
    status: str | None,
) -> str:
    """The summary: times in milliseconds (billed ones rounded up), memory in MB; `status` of a failure."""
    billed = math.ceil(duration_ms + (init_ms or 0.0))
    parts = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {duration_ms:.2f} ms",
        f"Billed Duration: {billed} ms",
        f"Memory Size: {memory_mb} MB",
        f"Max Memory Used: {min(peak_mb, memory_mb)} MB",
    ]
    if init_ms is not None:
        parts.append(f"Init Duration: {init_ms:.2f} ms")
    if status is not None:
        parts.append(f"Status: {status}")
    return "\t".join(parts)


def timeout_error(request_id: str, seconds: float) -> tuple[bytes, str]:
    """Payload and log line of a function that took longer than it may."""
    text = f"Task timed out after {seconds:.2f} seconds"
    moment = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    return _payload(
        "Sandbox.Timedout", f"RequestId: {request_id} Error: {text}"
    ), f"{moment} {request_id} {text}"


def exit_error(request_id: str, code: int | None, *, out_of_memory: bool = False) -> tuple[bytes, str]:
    """Payload and log line of a function whose process ended during an invocation."""
    if out_of_memory or (code is not None and code < 0):
        reason = "Runtime exited with error: signal: killed"
    elif code:
        reason = f"Runtime exited with error: exit status {code}"
    else:
        reason = "Runtime exited without providing a reason"
    text = f"RequestId: {request_id} Error: {reason}"
    return _payload("Runtime.ExitError", text), f"{text}\nRuntime.ExitError"


def _payload(kind: str, message: str) -> bytes:
    """An error of the service, which has no stack."""
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()
