"""Parts of the job runner alone: parsing, names, redaction, lines, batches, identity, answers."""

from __future__ import annotations

import ast
import base64
import json
import threading
import time
import urllib.parse
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from handlers.host.audit import Host, JobAudit
from handlers.host.callback import Heartbeats, TaskToken
from handlers.host.clock import Clock, timestamp
from handlers.host.connection import connection
from handlers.host.errors import InvalidJob, JobFailed, ScriptRefused
from handlers.host.identity import identify
from handlers.host.job import parse
from handlers.host.logs import BATCH_BYTES, BATCH_EVENTS, EVENT_BYTES, EVENT_OVERHEAD, LogStream, split_event
from handlers.host.output import LONGEST_PIECE, ErrorLine, Lines
from handlers.host.redaction import MASK, Redactor
from handlers.host.report import Outcome, report
from handlers.host.retry import persistently
from handlers.host.runner import Runner
from handlers.host.scripts import resolve
from handlers.host.version import WAIT_SECONDS, other_runner, wait_for

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT: dict[str, Any] = {
    "version": 1,
    "task_token": "token",
    "workflow_id": "nightly",
    "workflow_execution_id": "run:1",
    "job_id": "001.0002.load.sh",
    "job_name": "load.sh",
    "stage": 1,
    "attempt": 2,
    "script": "load.sh",
    "args": ["a", "ü"],
    "timeout_seconds": 3600,
    "heartbeat_seconds": 60,
    "settings": {
        "region": "eu-central-1",
        "job_audit_table": "jobs",
        "log_group": "/ops/jobs",
        "secret_id": "secret",
        "database": "dev",
        "archive_bucket": "archive",
        "retention_days": 400,
    },
}


def encoded(document: Any) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


JOB = parse(encoded(DOCUMENT))


class FakeClock(Clock):
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.seconds = 1_769_839_200.1239

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def refusal(code: str, **extra: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}, **extra}, "Operation")


def record_of(runner: str, status: str) -> ClientError:
    """What a failed condition says about the record that is there."""
    item = {"runner_id": {"S": runner}, "execution_status": {"S": status}}
    return refusal("ConditionalCheckFailedException", Item=item)


def offline() -> EndpointConnectionError:
    return EndpointConnectionError(endpoint_url="http://localhost")


class FakeStates:
    """Step Functions that answers as told, call by call."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def _answer(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((name, request))
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        return {}

    def send_task_heartbeat(self, **request: Any) -> dict[str, Any]:
        return self._answer("heartbeat", request)

    def send_task_success(self, **request: Any) -> dict[str, Any]:
        return self._answer("success", request)

    def send_task_failure(self, **request: Any) -> dict[str, Any]:
        return self._answer("failure", request)


class FakeTable:
    """DynamoDB's UpdateItem, answering as told."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.calls: list[dict[str, Any]] = []

    def update_item(self, **request: Any) -> dict[str, Any]:
        self.calls.append(request)
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        return {}


# --- job document ---------------------------------------------------------------------------------


def test_a_job_is_read_as_it_was_written() -> None:
    assert (JOB.args, JOB.attempt, JOB.settings.database) == (("a", "ü"), 2, "dev")
    assert JOB.log_stream == "nightly/run_1/001.0002.load.sh/2"


def test_both_encodings_give_the_same_job() -> None:
    text = urllib.parse.quote(json.dumps(DOCUMENT, ensure_ascii=False), safe="!'()*~")
    assert parse(base64.b64encode(text.encode()).decode()) == JOB


@pytest.mark.parametrize("key", sorted(set(DOCUMENT) - {"args"}))
def test_every_key_is_needed(key: str) -> None:
    with pytest.raises(InvalidJob) as caught:
        parse(encoded({name: value for name, value in DOCUMENT.items() if name != key}))
    assert key.removesuffix("s") in str(caught.value)
    assert caught.value.task_token == (None if key == "task_token" else "token")


@given(
    st.dictionaries(st.sampled_from(sorted(DOCUMENT)), st.none() | st.booleans() | st.text() | st.integers())
)
def test_whatever_is_wrong_is_said_in_one_line(changes: dict[str, Any]) -> None:
    try:
        parse(encoded(DOCUMENT | changes))
    except InvalidJob as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize("bundle", ["../../tmp", "A" * 64, "0" * 63, 7, ["0" * 64], "0" * 64 + "\n"])
def test_a_bundle_is_a_hash_and_no_path(bundle: Any) -> None:
    with pytest.raises(InvalidJob, match="is not a SHA-256 in hexadecimal"):
        parse(encoded(DOCUMENT | {"settings": DOCUMENT["settings"] | {"bundle": bundle}}))


# --- versions -------------------------------------------------------------------------------------


def test_a_job_runs_with_the_version_of_its_bundle() -> None:
    here = Path("/opt/landfall/versions") / ("a" * 64)
    assert other_runner(here, "") is None
    assert other_runner(here, "a" * 64) is None
    assert other_runner(here, "b" * 64) == here.parent / ("b" * 64) / "runner.pyz"


def test_a_version_that_is_not_there_yet_is_waited_for_with_heartbeats(tmp_path: Path) -> None:
    runner = tmp_path / "runner.pyz"

    class Installing(FakeClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if self.seconds - began >= 100:
                runner.touch()

    clock = Installing()
    began = clock.seconds
    states = FakeStates(EndpointConnectionError(endpoint_url="https://states"))
    assert wait_for(runner, TaskToken(states, "t", clock), 60, clock)
    assert [name for name, _ in states.calls] == ["heartbeat"] * 5, "at 0, 20, 40, 60 and 80 s"


def test_a_version_that_does_not_come_fails_the_job(tmp_path: Path) -> None:
    clock = FakeClock()
    began = clock.seconds
    token = TaskToken(FakeStates(), "t", clock)
    with pytest.raises(JobFailed, match=r"did not get the scripts of the deployment \(bundle bbbbbbbbbbbb\)"):
        wait_for(tmp_path / ("b" * 64) / "runner.pyz", token, 60, clock)
    assert clock.seconds - began == pytest.approx(WAIT_SECONDS)


@pytest.mark.parametrize(
    ("claim", "code", "answers"),
    [(None, 1, 1), (refusal("ConditionalCheckFailedException"), 0, 0)],
    ids=["nobody has it", "another host has it"],
)
def test_a_host_without_the_version_fails_no_job_that_another_host_runs(
    tmp_path: Path, claim: Exception | None, code: int, answers: int
) -> None:
    clients = {"dynamodb": FakeTable(claim), "stepfunctions": FakeStates()}
    runner = Runner(JOB, Host("i-1", "c"), tmp_path, {}, clients, FakeClock())
    assert runner.await_version(tmp_path / ("b" * 64) / "runner.pyz") == code
    failures = [request for name, request in clients["stepfunctions"].calls if name == "failure"]
    assert len(failures) == answers
    assert all("did not get the scripts" in request["cause"] for request in failures)


def test_nobody_waits_for_a_version_once_the_workflow_does_not(tmp_path: Path) -> None:
    clock = FakeClock()
    token = TaskToken(FakeStates(None, refusal("TaskTimedOut")), "t", clock)
    assert not wait_for(tmp_path / "runner.pyz", token, 3, clock)


# --- names of scripts -----------------------------------------------------------------------------


@given(st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from("./\\~$`;\0\n"), max_size=40))
def test_no_name_leads_out_of_the_scripts_folder(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "scripts"
    folder.mkdir(exist_ok=True)
    (folder / "x").touch(0o755)
    try:
        found = resolve(folder, name)
    except ScriptRefused as refused:
        assert "\n" not in str(refused) or "\\n" in str(refused)
    else:
        assert found.resolve() == folder.resolve() / "x"


# --- redaction ------------------------------------------------------------------------------------


@given(st.text(min_size=4, max_size=40).filter(str.strip), st.binary(max_size=7), st.binary(max_size=7))
def test_base64_of_a_text_that_holds_the_secret_does_not_show_it(
    secret: str, before: bytes, after: bytes
) -> None:
    plain = secret.encode("utf-8", "replace")
    shown = Redactor([secret]).redact(base64.b64encode(before + plain + after).decode())
    # At most the characters that the secret shares with its neighbours are left at either end.
    exact = (len(plain) * 8 - 16) // 6
    if exact >= 6:
        assert MASK in shown


@given(st.text(min_size=1, max_size=30).filter(str.strip), st.text(max_size=30), st.integers(1, 7))
def test_a_secret_is_found_however_the_output_is_cut(secret: str, around: str, size: int) -> None:
    emitted: list[str] = []
    secret = secret.replace("\n", "").replace("\r", "").replace("\0", "") or "x"
    secret = secret.encode("utf-8", "replace").decode()
    lines = Lines(Redactor([secret]), emitted.append)
    data = (around + secret + around + "\n").encode("utf-8", "replace")
    for start in range(0, len(data), size):
        lines.feed(data[start : start + size])
    lines.close()
    assert secret not in "\n".join(emitted).replace(MASK, "\n")


def test_a_secret_over_the_border_of_a_piece_is_found() -> None:
    emitted: list[str] = []
    lines = Lines(Redactor(["geheimes Wort"]), emitted.append)
    lines.feed(b"a" * (LONGEST_PIECE - 5) + b"gehei")
    lines.feed(b"m" + b"es Wort" + b"b" * LONGEST_PIECE)
    lines.close()
    text = "".join(emitted)
    assert text == "a" * (LONGEST_PIECE - 5) + MASK + "b" * LONGEST_PIECE
    assert max(len(piece) for piece in emitted) <= LONGEST_PIECE


def test_short_secrets_are_masked_as_they_are() -> None:
    assert Redactor(["abc", ""]).redact("abc YWJj") == f"{MASK} YWJj"


def test_lines_of_a_secret_are_masked_one_by_one() -> None:
    assert Redactor(["-----BEGIN\nfirst line\nx"]).redact("first line") == MASK


# --- output ---------------------------------------------------------------------------------------


def test_lines_are_cut_at_line_ends_only() -> None:
    emitted: list[str] = []
    lines = Lines(Redactor([]), emitted.append)
    for piece in (b"on", b"e\r\ntwo\n\nth", "ü".encode()[:1], "ü".encode()[1:], b"\xffr\0ee"):
        lines.feed(piece)
    lines.close()
    assert emitted == ["one", "two", "", "thü�ree"]


@pytest.mark.parametrize(
    ("seen", "line"),
    [
        ([("stdout", "x.sql:1: ERROR: a"), ("stderr", "b")], "x.sql:1: ERROR: a"),
        ([("stdout", "ERROR 1"), ("stdout", "FATAL: 2"), ("stdout", "done")], "FATAL: 2"),
        ([("stdout", "rsql: error: c"), ("stderr", "d")], "rsql: error: c"),
        ([("stdout", "0 ERRORS"), ("stderr", "e"), ("stdout", "f"), ("stderr", " ")], "e"),
        ([("stdout", "g")], "g"),
        ([], ""),
        ([("stderr", "ERROR " + "x" * 2000)], ("ERROR " + "x" * 2000)[:1000]),
    ],
)
def test_the_error_line_is_the_last_that_looks_like_one(seen: list[tuple[str, str]], line: str) -> None:
    error = ErrorLine()
    for stream, text in seen:
        error.see(stream, text)
    assert error.text() == line


# --- logs -----------------------------------------------------------------------------------------


class FakeLogs:
    """CloudWatch Logs that checks the limits of PutLogEvents."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.batches: list[list[dict[str, Any]]] = []

    def create_log_stream(self, **request: Any) -> None:
        self.created = request

    def put_log_events(self, *, logEvents: list[dict[str, Any]], **_: Any) -> dict[str, Any]:
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        times = [event["timestamp"] for event in logEvents]
        sizes = [len(event["message"].encode()) for event in logEvents]
        assert times == sorted(times)
        assert 1 <= len(logEvents) <= BATCH_EVENTS
        assert sum(sizes) + EVENT_OVERHEAD * len(sizes) <= BATCH_BYTES
        assert min(sizes) >= 1 and max(sizes) <= EVENT_BYTES
        self.batches.append(logEvents)
        return {}


def shipped(logs: FakeLogs, lines: list[str]) -> tuple[LogStream, list[str]]:
    stream = LogStream(logs, "group", "stream", FakeClock(), flush_seconds=0.01)
    stream.start()
    for line in lines:
        stream.put(line)
    stream.close(bound_seconds=30)
    return stream, [event["message"] for batch in logs.batches for event in batch]


def test_batches_keep_the_limits_and_the_order() -> None:
    lines = [f"{number}" for number in range(25_000)] + ["", "é" * 400_000, "end"]
    stream, sent = shipped(FakeLogs(), lines)
    assert sent[:25_000] == lines[:25_000]
    assert sent[25_000] == " "
    assert "".join(sent[25_001:-1]) == "é" * 400_000
    assert sent[-1] == "end"
    assert stream.problem == ""


def test_a_service_that_is_away_for_a_while_gets_everything_in_order() -> None:
    stream, sent = shipped(FakeLogs(offline(), refusal("ThrottlingException"), offline()), ["a", "b", "c"])
    assert sent == ["a", "b", "c"]
    assert stream.problem == ""


def test_a_service_that_refuses_is_reported() -> None:
    stream, _ = shipped(FakeLogs(refusal("AccessDeniedException")), ["a"])
    assert stream.problem == "lines are missing in the log stream: AccessDeniedException: no"


def test_lines_beyond_what_may_wait_are_counted() -> None:
    logs = FakeLogs()
    stream = LogStream(logs, "group", "stream", FakeClock())
    for number in range(400):
        stream.put(f"{number:03}" + "x" * 100_000)
    stream.start()
    stream.close(bound_seconds=30)
    sent = [event["message"] for batch in logs.batches for event in batch]
    first = int(sent[1][:3])
    assert sent[0] == f"[landfall] {first} lines were not sent in time; the archive has them"
    assert [int(line[:3]) for line in sent[1:]] == list(range(first, 400))


@given(st.text(max_size=50), st.integers(1, 3))
def test_split_events_join_to_the_line(text: str, times: int) -> None:
    line = text * (times * 20_000)
    assert "".join(split_event(line)) == (line.encode("utf-8", "replace").decode() if line else " ")


# --- connection -----------------------------------------------------------------------------------


class FakeSecrets:
    def __init__(self, text: str) -> None:
        self.text = text

    def get_secret_value(self, **_: Any) -> dict[str, str]:
        return {"SecretString": self.text}


def test_the_connection_comes_from_the_secret_and_hides_it() -> None:
    secret = {"username": "u", "password": "p4ss", "host": "h", "port": 5439, "dbname": "x", "apiKey": "k3y"}
    made = connection(FakeSecrets(json.dumps(secret)), JOB, FakeClock())
    assert made.variables == {
        "PGHOST": "h",
        "PGPORT": "5439",
        "PGUSER": "u",
        "PGPASSWORD": "p4ss",
        "PGDATABASE": "dev",
    }
    assert set(made.secrets) == {"p4ss", "k3y"}
    assert "p4ss" not in repr(made)


@pytest.mark.parametrize(
    "text", ["p4ss", "[]", '{"username": "u", "password": "p4ss"}', '{"password": ["p4ss"]}']
)
def test_a_broken_secret_is_named_and_not_shown(text: str) -> None:
    with pytest.raises(JobFailed) as caught:
        connection(FakeSecrets(text), JOB, FakeClock())
    assert "secret secret" in str(caught.value)
    assert "p4ss" not in str(caught.value)


# --- identity -------------------------------------------------------------------------------------

COMMAND = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"


@pytest.mark.parametrize(
    ("environment", "folder", "parent"),
    [
        ({"SSM_COMMAND_ID": COMMAND}, "/", ""),
        ({}, f"/var/lib/amazon/ssm/i-1/document/orchestration/{COMMAND}/runJob/0.awsrunShellScript", ""),
        ({"PWD": f"/var/lib/amazon/ssm/i-1/document/orchestration/{COMMAND}"}, "/usr/bin", ""),
        ({}, "/usr/bin", f"sh\0-c\0/var/lib/amazon/ssm/i-1/document/orchestration/{COMMAND}/x/_script.sh\0"),
    ],
)
def test_the_command_is_found_where_the_agent_says_it(
    environment: dict[str, str], folder: str, parent: str
) -> None:
    here = {"AWS_SSM_INSTANCE_ID": "i-1", **environment}
    assert identify(here, Path(folder), parent) == Host("i-1", COMMAND)


# --- answers --------------------------------------------------------------------------------------


def test_retries_end_at_their_bound_and_at_final_errors() -> None:
    clock = FakeClock()
    began = clock.seconds
    states = FakeStates(*[offline()] * 1000)
    with pytest.raises(EndpointConnectionError):
        persistently(states.send_task_heartbeat, bound_seconds=100, clock=clock)
    assert 80 < clock.seconds - began <= 100
    states = FakeStates(refusal("AccessDeniedException"))
    with pytest.raises(ClientError):
        persistently(states.send_task_heartbeat, bound_seconds=100, clock=clock)
    assert len(states.calls) == 1


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_token_that_is_gone_is_no_error(code: str) -> None:
    token = TaskToken(FakeStates(refusal(code), refusal(code), refusal(code)), "t", FakeClock())
    assert not token.heartbeat()
    assert not token.succeed({}, bound_seconds=1)
    assert not token.fail("JobFailed", "x", bound_seconds=1)


def test_a_long_cause_is_cut_to_the_limit_of_the_service() -> None:
    states = FakeStates()
    TaskToken(states, "t", FakeClock()).fail("E" * 300, "c" * 40_000, bound_seconds=1)
    assert len(states.calls[0][1]["error"]) == 256
    assert len(states.calls[0][1]["cause"]) == 32_768


def test_an_answer_survives_a_lost_network_and_is_given_once() -> None:
    states, table = FakeStates(*[offline()] * 12), FakeTable(offline(), offline())
    clock = FakeClock()
    audit = JobAudit(table, JOB, "me", clock)
    problems = report(JOB, Outcome("Completed", 0), audit, TaskToken(states, "t", clock))
    assert problems == []
    assert [name for name, _ in states.calls] == ["success"] * 13
    assert len(table.calls) == 3


def test_a_record_that_somebody_closed_is_left_alone_and_the_token_answered() -> None:
    states, clock = FakeStates(), FakeClock()
    closed = record_of("me", "Aborted")
    audit = JobAudit(FakeTable(closed), JOB, "me", clock)
    problems = report(JOB, Outcome("Failed", 1, "JobFailed", "x"), audit, TaskToken(states, "t", clock))
    assert problems == ["the audit record was closed by somebody else before this runner could close it"]
    assert [name for name, _ in states.calls] == ["failure"]


def test_a_claim_whose_answer_was_lost_is_recognised() -> None:
    mine, other = record_of("me", "Running"), record_of("he", "Running")
    host = Host("i-1", "c")
    assert JobAudit(FakeTable(offline(), mine), JOB, "me", FakeClock()).claim(host, bound_seconds=10)
    assert not JobAudit(FakeTable(other), JOB, "me", FakeClock()).claim(host, bound_seconds=10)


def test_the_record_expires_after_its_retention() -> None:
    table, clock = FakeTable(), FakeClock()
    JobAudit(table, JOB, "me", clock).claim(Host("i-1", "c"), bound_seconds=1)
    values = table.calls[0]["ExpressionAttributeValues"]
    assert int(values[":expires"]["N"]) == int(clock.seconds) + 400 * 86_400
    assert values[":started"] == {"S": "2026-01-31T06:00:00.123Z"}


def test_timestamps_sort_as_text() -> None:
    moments = [0.0, 0.0009, 0.001, 1.5, 1_769_839_200.999, 1_769_839_201.0]
    texts = [timestamp(moment) for moment in moments]
    assert texts == sorted(texts)
    assert texts[0] == "1970-01-01T00:00:00.000Z"


def test_heartbeats_stop_the_job_when_the_task_is_gone() -> None:
    reasons: Queue[str] = Queue()
    token = TaskToken(FakeStates(None, refusal("TaskTimedOut")), "t", Clock())
    Heartbeats(token, 0.03, reasons.put, Clock()).start()
    assert reasons.get(timeout=60) == "the workflow no longer waits for this job"


def test_heartbeats_pause_without_a_thread_and_go_on() -> None:
    def threads() -> int:
        return [thread.name for thread in threading.enumerate()].count("heartbeats")

    def beaten(more_than: int) -> None:
        deadline = time.monotonic() + 60
        while len(states.calls) <= more_than:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    states = FakeStates()
    before = threads()
    beats = Heartbeats(TaskToken(states, "t", Clock()), 0.03, pytest.fail, Clock())
    beats.start()
    beaten(0)
    beats.pause()
    assert threads() == before
    beats.start()
    beats.start()
    assert threads() == before + 1
    beaten(len(states.calls))
    beats.pause()


def test_a_pause_does_not_hide_how_long_the_network_was_away() -> None:
    clock = FakeClock()
    reasons: Queue[str] = Queue()
    beats = Heartbeats(TaskToken(FakeStates(*[offline()] * 9), "t", clock), 60, reasons.put, clock)
    beats.start()
    beats.pause()
    clock.sleep(61)
    beats.start()
    assert reasons.get(timeout=60) == "the workflow could not be reached for longer than the heartbeat allows"


# --- rooms ----------------------------------------------------------------------------------------


def test_the_runner_needs_python_39_and_boto3_only() -> None:
    for path in sorted((ROOT / "handlers" / "host").glob("*.py")):
        tree = ast.parse(path.read_text(), feature_version=(3, 9))
        imported = {
            node.module.split(".")[0] if isinstance(node, ast.ImportFrom) else alias.name.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
            if not isinstance(node, ast.ImportFrom) or node.module
        }
        outside = imported - {"handlers", "boto3", "botocore", "__future__"}
        assert outside <= set(__import__("sys").stdlib_module_names), path.name
