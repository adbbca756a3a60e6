"""Functions run in the sandbox as in Lambda: archive, environment, limits, logs, errors and warm starts."""

from __future__ import annotations

import base64
import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hosts_plane import eventually

from sandbox.processes import ProcessId
from tests.e2e.sandbox_states import ensure_role

pytestmark = pytest.mark.emulator

Aws = Callable[..., Any]
POWERTOOLS = "arn:aws:lambda:eu-central-1:017000801446:layer:AWSLambdaPowertoolsPythonV3-python313-arm64:18"
CODE = """
import json, logging, os, subprocess, sys, time
import boto3

logging.getLogger().setLevel("INFO")

def handler(event, context):
    match event.get("do"):
        case "raise": raise ValueError("bad value")
        case "sleep": time.sleep(60)
        case "grow": return len(bytearray(700 * 1024 * 1024))
        case "exit": os._exit(3)
        case "object": return object()
        case "import": return __import__(event["name"]).__name__
        case "identity": return boto3.client("sts").get_caller_identity()["Account"]
        case "child":
            child = subprocess.Popen(["sleep", "60"])
            print(child.pid, flush=True)
            time.sleep(60)
        case "log":
            print("printed")
            logging.info("logged")
    return {"pid": os.getpid(), "variable": os.environ["GREETING"],
            "left": context.get_remaining_time_in_millis(),
            "arn": context.invoked_function_arn, "memory": context.memory_limit_in_mb,
            "endpoint": os.environ["AWS_ENDPOINT_URL"],
            "secrets": sorted(k for k in os.environ if "LOCALEMU" in k)}
"""


@dataclass(frozen=True)
class Result:
    """What an invocation gave."""

    error: str | None
    payload: Any
    log: str
    seconds: float


@dataclass(frozen=True)
class Function:
    """A function under test."""

    client: Any
    name: str

    def invoke(self, **event: Any) -> Result:
        """Invoke and wait."""
        began = time.monotonic()
        answer = self.client.invoke(FunctionName=self.name, Payload=json.dumps(event), LogType="Tail")
        return Result(
            error=answer.get("FunctionError"),
            payload=json.loads(answer["Payload"].read()),
            log=base64.b64decode(answer["LogResult"]).decode(),
            seconds=time.monotonic() - began,
        )


def archive(code: str) -> bytes:
    """A deployment archive with one module."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("app.py", code)
    return buffer.getvalue()


def create(aws: Aws, code: str = CODE, **settings: Any) -> Function:
    """Create a function and wait until it is active."""
    client = aws("lambda")
    name = f"f-{uuid.uuid4().hex[:10]}"
    client.create_function(
        FunctionName=name, Runtime="python3.13", Handler="app.handler", Architectures=["arm64"],
        Role=ensure_role(aws, "lambda", "function-under-test"), Code={"ZipFile": archive(code)},
        **{"Timeout": 6, "MemorySize": 256, "Environment": {"Variables": {"GREETING": "hello"}}, **settings},
    )  # fmt: skip
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    return Function(client, name)


@pytest.fixture(scope="module")
def function(aws: Aws) -> Iterator[Function]:
    """One function for the tests that leave it as it was."""
    made = create(aws)
    yield made
    made.client.delete_function(FunctionName=made.name)


def test_a_function_sees_what_lambda_shows_it(function: Function, sandbox: Any) -> None:
    seen = function.invoke().payload
    assert seen["variable"] == "hello"
    assert seen["memory"] == "256"
    assert 0 < seen["left"] <= 6000
    assert seen["arn"] == f"arn:aws:lambda:eu-central-1:111111111111:function:{function.name}"
    assert seen["endpoint"] == sandbox.endpoint
    assert seen["secrets"] == []


def test_a_second_call_is_warm(function: Function) -> None:
    first = function.invoke()
    second = function.invoke()
    assert second.payload["pid"] == first.payload["pid"]
    assert "Init Duration" not in second.log


def test_its_credentials_are_its_accounts(function: Function) -> None:
    assert function.invoke(do="identity").payload == "111111111111"


def test_the_log_has_lambdas_lines(function: Function, aws: Aws) -> None:
    lines = function.invoke(do="log").log.splitlines()
    assert lines[0].startswith("START RequestId: ")
    assert lines[0].endswith("Version: $LATEST")
    assert lines[1] == "printed"
    assert lines[2].startswith("[INFO]\t")
    assert lines[2].endswith("\tlogged")
    assert lines[3].startswith("END RequestId: ")
    assert "\tMemory Size: 256 MB\tMax Memory Used: " in lines[4]
    group = f"/aws/lambda/{function.name}"

    def found() -> list[Any]:
        try:
            return list(aws("logs").filter_log_events(logGroupName=group, filterPattern="printed")["events"])
        except ClientError:
            return []

    assert eventually(found, bool), "the log did not reach CloudWatch Logs"


def test_an_exception_is_unhandled_with_type_message_and_stack(function: Function) -> None:
    result = function.invoke(do="raise")
    assert result.error == "Unhandled"
    assert (result.payload["errorType"], result.payload["errorMessage"]) == ("ValueError", "bad value")
    assert len(result.payload["stackTrace"]) == 1
    assert "raise ValueError" in result.payload["stackTrace"][0]
    assert "[ERROR] ValueError: bad value\nTraceback (most recent call last):" in result.log


def test_a_result_that_is_not_json_is_a_marshal_error(function: Function) -> None:
    result = function.invoke(do="object")
    assert (result.error, result.payload["errorType"]) == ("Unhandled", "Runtime.MarshalError")


def test_a_package_that_aws_lacks_is_missing(function: Function) -> None:
    assert function.invoke(do="import", name="botocore").payload == "botocore"
    for name in ("sqlglot", "localemu", "landfall_emulator", "aws_lambda_powertools"):
        assert function.invoke(do="import", name=name).payload["errorType"] == "ModuleNotFoundError", name


def test_the_powertools_layer_brings_its_packages(aws: Aws) -> None:
    function = create(aws, Layers=[POWERTOOLS])
    for name in ("aws_lambda_powertools", "pydantic"):
        assert function.invoke(do="import", name=name).payload == name
    assert function.invoke(do="import", name="sqlglot").error == "Unhandled"


def test_a_foreign_layer_is_refused(aws: Aws) -> None:
    with pytest.raises(ClientError, match="not authorized to perform: lambda:GetLayerVersion"):
        create(aws, Layers=["arn:aws:lambda:eu-central-1:999999999999:layer:theirs:1"])


def test_a_slow_function_times_out_and_starts_afresh(function: Function) -> None:
    before = function.invoke().payload["pid"]
    result = function.invoke(do="sleep")
    assert (result.error, result.payload["errorType"]) == ("Unhandled", "Sandbox.Timedout")
    assert result.payload["errorMessage"].endswith("Task timed out after 6.00 seconds")
    assert 6 <= result.seconds < 50
    assert "Status: timeout" in result.log
    assert function.invoke().payload["pid"] != before


def test_a_timeout_ends_what_the_function_started(function: Function) -> None:
    result = function.invoke(do="child")
    child = int(result.log.splitlines()[1])
    assert not ProcessId.of(child).alive()


def test_a_function_that_takes_too_much_memory_is_killed(function: Function) -> None:
    result = function.invoke(do="grow")
    assert (result.error, result.payload["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert "signal: killed" in result.payload["errorMessage"]
    assert "Max Memory Used: 256 MB" in result.log
    assert "Runtime.OutOfMemory" in result.log


def test_a_function_that_exits_says_its_status(function: Function) -> None:
    result = function.invoke(do="exit")
    assert (result.error, result.payload["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert "exit status 3" in result.payload["errorMessage"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("import not_there\n", "Runtime.ImportModuleError"),
        ("def handler(:\n", "Runtime.UserCodeSyntaxError"),
        ("x = 1\n", "Runtime.HandlerNotFound"),
        ("raise RuntimeError('at import')\n", "RuntimeError"),
    ],
)
def test_a_function_that_does_not_load_fails_each_call(aws: Aws, code: str, kind: str) -> None:
    function = create(aws, code)
    for _ in range(2):
        result = function.invoke()
        assert (result.error, result.payload["errorType"]) == ("Unhandled", kind)
        assert "REPORT RequestId" in result.log


def test_deleting_a_function_ends_its_workers(aws: Aws) -> None:
    function = create(aws)
    pid = function.invoke().payload["pid"]
    function.client.delete_function(FunctionName=function.name)
    assert eventually(lambda: not ProcessId.of(pid).alive(), bool), f"worker {pid} is still there"
