"""The job runner as a real process against a real emulator: every way in which a job can end."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hosts_plane import PASSWORD, HostPlane, eventually, write_scripts

from handlers.host import archive
from handlers.host.clock import Clock
from sandbox.faults import Faults, delay
from sandbox.launcher import Sandbox
from sandbox.paths import REPOSITORY

pytestmark = pytest.mark.emulator

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

SCRIPTS = {
    "ok.sh": "#!/bin/sh\necho first\necho second >&2\nprintf third\n",
    "environment.sh": "#!/bin/sh\npwd\nenv | sort\nprintf '[%s]\\n' \"$@\"\n",
    "fails.sh": "#!/bin/sh\necho starting\necho 'psql:x.sql:3: ERROR: relation \"x\" does not exist'\n"
    "echo 'cleaning up' >&2\nexit 3\n",
    "fails_quietly.sh": "#!/bin/sh\necho out\necho 'the last words' >&2\necho more out\nexit 1\n",
    "fails_silently.sh": "#!/bin/sh\nexit 7\n",
    "killed.sh": "#!/bin/sh\nkill -9 $$\n",
    "leaks.py": "#!/usr/bin/env python3\nimport base64, json, os, sys, urllib.parse\n"
    "p = os.environ['PGPASSWORD']\n"
    "print(p); print('x' + p + 'y'); print(base64.b64encode(p.encode()).decode())\n"
    "for i in range(4): print(base64.b64encode(b'etl:'[i:] + p.encode() + b'@host').decode())\n"
    "print(urllib.parse.quote(p, safe='')); print(json.dumps(p)); print(p.encode().hex())\n"
    "sys.stdout.write('z' * 199_990 + p + 'z' * 199_990 + '\\n'); print('ERROR: ' + p)\nsys.exit(1)\n",
    "sleeps.sh": '#!/bin/sh\necho $$ > "$1"\nsleep 300 &\necho $! >> "$1"\nwait\n',
    "stubborn.sh": "#!/bin/sh\ntrap '' TERM\necho $$ > \"$1\"\nwhile :; do sleep 1; done\n",
    "counts.sh": '#!/bin/sh\necho ran >> "$1"\nsleep 1\n',
    "daemon.sh": '#!/bin/sh\nsleep 300 &\necho $! > "$1"\n',
    "seconds.sh": "#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.5; done\n",
    "until.sh": '#!/bin/sh\necho begun\nwhile [ ! -e "$1" ]; do sleep 0.2; done\necho ended\n',
    "loud.py": "#!/usr/bin/env python3\nfor i in range(60_000): print(f'{i:06} ' + 'x' * 60)\n"
    "print('é' * 150_000); print(); print('end')\n",
    "no_interpreter.sh": "echo no shebang\n",
    "$(touch pwned) `id`; echo 'ü\".sh": '#!/bin/sh\necho "hostile name ran: $1"\n',
    "sub/inner.sh": "#!/bin/sh\necho inner\n",
}

DIES_WHEN_ITS_SCRIPT_HAS_BEGUN = """
import os, signal, subprocess, time
from pathlib import Path

start = subprocess.Popen.__init__


def start_and_die(self, argv, **options):
    start(self, argv, **options)
    note = Path(argv[-1])
    while not note.exists() or len(note.read_text().split()) < 2:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)


subprocess.Popen.__init__ = start_and_die
"""


@pytest.fixture(scope="module")
def plane(sandbox: Sandbox, aws: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> HostPlane:
    folder = tmp_path_factory.mktemp("host")
    scripts = write_scripts(folder / "source", SCRIPTS)
    return HostPlane.make(aws, sandbox.environment("data"), scripts, folder / "installed")


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def pids(note: Path, count: int) -> list[int]:
    """The process ids that a script has noted."""

    def read() -> list[int]:
        return [int(line) for line in note.read_text().split()] if note.exists() else []

    found: list[int] = eventually(read, lambda it: len(it) >= count)
    assert len(found) == count and all(alive(pid) for pid in found)
    return found


def gone(found: list[int]) -> bool:
    return bool(eventually(lambda: not any(alive(pid) for pid in found), bool))


def test_a_job_that_completes_is_audited_logged_archived_and_answered(plane: HostPlane) -> None:
    job, arn = plane.waiting_job("ok.sh")

    code, printed = plane.run(job)

    assert (code, printed) == (0, "001.0001.ok.sh: Completed\n")
    record = plane.record(job)
    assert record.pop("execution_start_ts") <= record.pop("execution_end_ts")
    assert len(record.pop("runner_id")) == 32
    assert 399 * 86400 < int(record.pop("expires_at")) - time.time() < 401 * 86400
    assert record == {
        "workflow_execution_id": job["workflow_execution_id"],
        "job_id": "001.0001.ok.sh",
        "job_name": "ok.sh",
        "workflow_id": "nightly",
        "kind": "rsql",
        "stage": "1",
        "attempt": "1",
        "execution_status": "Completed",
        "instance_id": "i-0123456789abcdef0",
        "ssm_command_id": "11111111-2222-3333-4444-555555555555",
        "log_stream": plane.stream(job),
    }
    lines = plane.log(job)
    assert sorted(lines[:3]) == ["first", "second", "third"]
    assert re.fullmatch(r"\[landfall\] Completed, exit code 0, \d+\.\d s", lines[3])
    archived = plane.archived(job).splitlines()
    assert [line.split(" ", 1)[1] for line in archived] == lines
    assert all(TIMESTAMP.fullmatch(line.split(" ", 1)[0]) for line in archived)
    ended = plane.ended(arn)
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"]) == {
        "job_id": "001.0001.ok.sh",
        "job_name": "ok.sh",
        "status": "Completed",
        "exit_code": 0,
        "log_stream": plane.stream(job),
    }


def test_timestamps_are_utc_with_milliseconds(plane: HostPlane) -> None:
    job, _ = plane.waiting_job("ok.sh")
    plane.run(job)
    record = plane.record(job)
    assert TIMESTAMP.fullmatch(record["execution_start_ts"])
    assert TIMESTAMP.fullmatch(record["execution_end_ts"])


def test_a_script_gets_its_arguments_unchanged_and_only_the_named_environment(plane: HostPlane) -> None:
    hostile = ["a b", "$(touch pwned)", "`id`", "'; echo x", 'quote"', "ü", "", "-n", "*"]
    job, _ = plane.waiting_job("environment.sh", args=hostile)

    plane.run(job)

    lines = plane.log(job)
    assert lines[0] == str(plane.folder / "scripts")
    assert lines[-1 - len(hostile) : -1] == [f"[{argument}]" for argument in hostile]
    variables = dict(line.split("=", 1) for line in lines[1 : -1 - len(hostile)])
    assert set(variables) <= {
        "PATH", "PWD", "OLDPWD", "SHLVL", "_", "LANG", "LC_CTYPE", "AWS_REGION", "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
        "PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "LANDFALL_WORKFLOW_ID",
        "LANDFALL_WORKFLOW_EXECUTION_ID", "LANDFALL_JOB_NAME",
    }  # fmt: skip
    assert variables["PGPASSWORD"] == "***"
    assert [variables[name] for name in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE")] == [
        "db.internal",
        "5439",
        "etl",
        "dev",
    ]
    assert variables["LANDFALL_WORKFLOW_EXECUTION_ID"] == job["workflow_execution_id"]
    assert not (plane.folder / "scripts" / "pwned").exists()


@pytest.mark.parametrize(
    ("script", "line", "code"),
    [
        ("fails.sh", 'psql:x.sql:3: ERROR: relation "x" does not exist', 3),
        ("fails_quietly.sh", "the last words", 1),
        ("fails_silently.sh", "the script ended with exit code 7 and printed nothing", 7),
        ("killed.sh", "the script was killed by signal 9 and printed nothing", -9),
    ],
)
def test_a_failed_job_carries_the_error_line_of_its_log(
    plane: HostPlane, script: str, line: str, code: int
) -> None:
    job, arn = plane.waiting_job(script)

    exit_code, _ = plane.run(job)

    record = plane.record(job)
    assert exit_code == 1
    assert (record["execution_status"], record["error_name"], record["error_message"]) == (
        "Failed",
        "JobFailed",
        line,
    )
    ended = plane.ended(arn)
    assert (ended["status"], ended["error"], ended["cause"]) == ("FAILED", "JobFailed", line)
    assert plane.log(job)[-1].startswith(f"[landfall] Failed, exit code {code}, ")


def test_secrets_leave_in_no_encoding(plane: HostPlane) -> None:
    job, arn = plane.waiting_job("leaks.py")

    _, printed = plane.run(job)

    ended = plane.ended(arn)
    everything = "\n".join(
        ["".join(plane.log(job)), plane.archived(job), json.dumps(plane.record(job)), ended["cause"], printed]
    )
    plain = PASSWORD.encode()
    for form in (
        PASSWORD,
        base64.b64encode(plain).decode(),
        base64.b64encode(b"etl:" + plain).decode()[8:20],
        base64.b64encode(b":" + plain).decode()[4:20],
        urllib.parse.quote(PASSWORD, safe=""),
        json.dumps(PASSWORD)[1:-1],
        plain.hex(),
        job["task_token"],
    ):
        assert form not in everything
    assert ended["cause"] == "ERROR: ***"
    assert "".join(line for line in plane.log(job) if "zz" in line) == "z" * 199_990 + "***" + "z" * 199_990


def test_a_job_that_runs_too_long_is_stopped_with_its_children(plane: HostPlane, tmp_path: Path) -> None:
    note = tmp_path / "pids"
    job, arn = plane.waiting_job("sleeps.sh", args=[str(note)], timeout_seconds=3.5)
    process = plane.start(job)
    running = pids(note, 2)

    process.communicate(timeout=60)

    assert gone(running)
    record = plane.record(job)
    message = "the script ran longer than 3.5 s and was stopped"
    assert (record["execution_status"], record["error_name"], record["error_message"]) == (
        "Failed",
        "JobTimedOut",
        message,
    )
    ended = plane.ended(arn)
    assert (ended["error"], ended["cause"]) == ("JobTimedOut", message)


def test_a_script_that_ignores_sigterm_is_killed(plane: HostPlane, tmp_path: Path) -> None:
    note = tmp_path / "pids"
    job, arn = plane.waiting_job("stubborn.sh", args=[str(note)], timeout_seconds=3)
    process = plane.start(job)
    running = pids(note, 1)

    began = time.monotonic()
    process.communicate(timeout=60)

    assert time.monotonic() - began > 9, "SIGKILL follows SIGTERM after ten seconds"
    assert gone(running)
    assert plane.ended(arn)["error"] == "JobTimedOut"


def test_a_runner_that_is_asked_to_stop_aborts_its_job(plane: HostPlane, tmp_path: Path) -> None:
    note = tmp_path / "pids"
    job, arn = plane.waiting_job("sleeps.sh", args=[str(note)])
    process = plane.start(job)
    running = pids(note, 2)

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)

    assert gone(running)
    assert plane.record(job)["execution_status"] == "Aborted"
    assert plane.record(job)["error_message"] == "the job was stopped: the runner got SIGTERM"
    assert plane.ended(arn)["error"] == "JobAborted"


def test_a_runner_that_is_killed_leaves_no_process_and_no_open_record(
    plane: HostPlane, tmp_path: Path
) -> None:
    note = tmp_path / "pids"
    job, arn = plane.waiting_job("sleeps.sh", args=[str(note)], heartbeat_seconds=30)
    process = plane.start(job)
    running = pids(note, 2)

    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)

    assert gone(running)
    ended = plane.ended(arn)
    assert ended["error"] == "JobAborted"
    assert ended["stopDate"].timestamp() - ended["startDate"].timestamp() < 20, (
        "before any heartbeat is missed"
    )
    record = plane.record(job)
    assert (record["execution_status"], record["error_name"]) == ("Aborted", "JobAborted")


def test_a_runner_that_is_killed_while_its_script_begins_leaves_no_process(
    plane: HostPlane, tmp_path: Path
) -> None:
    note = tmp_path / "pids"
    job, arn = plane.waiting_job("sleeps.sh", args=[str(note)], heartbeat_seconds=30)

    process = plane.start(job, before=DIES_WHEN_ITS_SCRIPT_HAS_BEGUN)
    process.communicate(timeout=60)

    assert process.returncode == -signal.SIGKILL
    assert gone([int(line) for line in note.read_text().split()])
    assert plane.ended(arn)["error"] == "JobAborted"
    assert plane.record(job)["execution_status"] == "Aborted"


def test_a_job_waits_for_the_scripts_of_its_deployment(plane: HostPlane, tmp_path: Path) -> None:
    before, after = tmp_path / "versions" / ("a" * 64), tmp_path / "versions" / ("b" * 64)
    note = tmp_path / "note"
    for version in (before, tmp_path / "new"):
        shutil.copytree(plane.folder, version)
        write_scripts(version / "scripts", {"notes.sh": f'#!/bin/sh\necho {version.name} >> "$1"\n'})
    (tmp_path / "current").symlink_to(before)
    host = replace(plane, folder=tmp_path / "current")
    settings = {**plane.settings(), "bundle": after.name}
    job, arn = plane.waiting_job("notes.sh", args=[str(note)], settings=settings, heartbeat_seconds=6)

    process = host.start(job)
    time.sleep(1.5 * job["heartbeat_seconds"])
    assert process.poll() is None and not note.exists(), "longer than a heartbeat"
    (tmp_path / "new").rename(after)
    out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (0, "001.0001.notes.sh: Completed\n"), err
    assert note.read_text() == "new\n"
    assert plane.ended(arn)["status"] == "SUCCEEDED"
    again, _ = plane.waiting_job("notes.sh", args=[str(note)], settings={**settings, "bundle": before.name})
    assert host.run(again)[0] == 0
    assert note.read_text() == f"new\n{before.name}\n", "and a run that began before keeps its scripts"


def test_a_runner_that_was_killed_before_it_began_is_reported_by_the_next_one(
    plane: HostPlane, tmp_path: Path
) -> None:
    note = tmp_path / "ran"
    job, arn = plane.waiting_job("counts.sh", args=[str(note)], heartbeat_seconds=60)

    reporter = plane.start(job, "lost")
    out, err = reporter.communicate(timeout=60)

    assert reporter.returncode == 1, out + err
    assert plane.ended(arn)["error"] == "JobAborted"
    assert plane.record(job)["execution_status"] == "Aborted"
    assert not note.exists()


def test_the_report_of_a_killed_runner_leaves_a_job_alone_that_another_one_has(
    plane: HostPlane, tmp_path: Path
) -> None:
    note = tmp_path / "pids"
    job, arn = plane.waiting_job("sleeps.sh", args=[str(note)], heartbeat_seconds=30)
    holder = plane.start(job)
    pids(note, 2)

    out, err = plane.start(job, "lost").communicate(timeout=60)

    assert "another runner has it" in out, err
    assert holder.poll() is None
    assert plane.record(job)["execution_status"] == "Running"
    holder.send_signal(signal.SIGTERM)
    holder.communicate(timeout=30)
    assert plane.ended(arn)["error"] == "JobAborted"


def test_of_two_runners_of_one_job_only_one_runs_it(plane: HostPlane, tmp_path: Path) -> None:
    note = tmp_path / "ran"
    job, arn = plane.waiting_job("counts.sh", args=[str(note)])

    processes = [plane.start(job) for _ in range(4)]
    outputs = [process.communicate(timeout=60)[0] for process in processes]

    assert note.read_text() == "ran\n"
    assert [process.returncode for process in processes] == [0] * 4
    assert sum("Completed" in output for output in outputs) == 1
    assert sum("is finished or another runner has it" in output for output in outputs) >= 1
    assert plane.ended(arn)["status"] == "SUCCEEDED"
    late, printed = plane.run(job)
    assert late == 0
    assert "no longer waits" in printed
    assert note.read_text() == "ran\n"


def test_a_second_attempt_takes_over_a_failed_record_but_not_a_completed_one(plane: HostPlane) -> None:
    failed, _ = plane.waiting_job("fails.sh")
    plane.run(failed)
    again, arn = plane.waiting_job(
        "ok.sh", attempt=2, workflow_execution_id=failed["workflow_execution_id"], job_id=failed["job_id"]
    )
    assert plane.run(again)[0] == 0
    record = plane.record(again)
    assert (record["execution_status"], record["attempt"]) == ("Completed", "2")
    assert "error_name" not in record and "error_message" not in record
    assert plane.ended(arn)["status"] == "SUCCEEDED"
    third, _ = plane.waiting_job(
        "fails.sh", attempt=3, workflow_execution_id=failed["workflow_execution_id"], job_id=failed["job_id"]
    )
    plane.run(third)
    assert plane.record(again)["attempt"] == "2"


def test_a_job_whose_execution_is_aborted_stops_within_its_heartbeat(
    plane: HostPlane, tmp_path: Path
) -> None:
    note = tmp_path / "pids"
    job, arn = plane.waiting_job("sleeps.sh", args=[str(note)])
    process = plane.start(job)
    running = pids(note, 2)

    plane.aws("stepfunctions").stop_execution(executionArn=arn)
    began = time.monotonic()
    process.communicate(timeout=60)

    assert time.monotonic() - began < job["heartbeat_seconds"]
    assert gone(running)
    record = plane.record(job)
    assert (record["execution_status"], record["error_message"]) == (
        "Aborted",
        "the job was stopped: the workflow no longer waits for this job",
    )


def test_a_job_that_nobody_waits_for_is_not_started(plane: HostPlane, tmp_path: Path) -> None:
    note = tmp_path / "ran"
    job, arn = plane.waiting_job("counts.sh", args=[str(note)])
    plane.aws("stepfunctions").stop_execution(executionArn=arn)
    plane.ended(arn)

    code, printed = plane.run(job)

    assert (code, plane.record(job)) == (0, {})
    assert "no longer waits" in printed
    assert not note.exists()


def test_heartbeats_keep_a_job_alive_that_lasts_longer_than_one(plane: HostPlane, tmp_path: Path) -> None:
    job, arn = plane.waiting_job("until.sh", args=[str(tmp_path / "go")], heartbeat_seconds=6)
    process = plane.start(job)
    assert eventually(lambda: plane.record(job), bool)["execution_status"] == "Running"
    time.sleep(1.5 * job["heartbeat_seconds"])
    (tmp_path / "go").touch()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    assert plane.ended(arn)["status"] == "SUCCEEDED", out + err
    assert plane.log(job)[:2] == ["begun", "ended"]


@pytest.mark.parametrize(
    ("service", "operation"), [("dynamodb", "UpdateItem"), ("secretsmanager", "GetSecretValue")]
)
def test_a_service_that_is_slower_than_a_heartbeat_costs_no_job(
    plane: HostPlane, sandbox: Sandbox, service: str, operation: str
) -> None:
    """The claim, the secret and the record of the end."""
    job, arn = plane.waiting_job("ok.sh", heartbeat_seconds=6)
    with Faults(sandbox).active(delay(service, operation, seconds=9)):
        code, printed = plane.run(job)
    assert (code, printed) == (0, "001.0001.ok.sh: Completed\n")
    assert plane.ended(arn)["status"] == "SUCCEEDED"
    assert plane.record(job)["execution_status"] == "Completed"


def test_a_script_is_not_started_when_its_workflow_ended_before(
    plane: HostPlane, sandbox: Sandbox, tmp_path: Path
) -> None:
    note = tmp_path / "ran"
    job, arn = plane.waiting_job("counts.sh", args=[str(note)], heartbeat_seconds=6)
    with Faults(sandbox).active(delay("secretsmanager", "GetSecretValue", seconds=9)):
        process = plane.start(job)
        assert eventually(lambda: plane.record(job), bool)["execution_status"] == "Running"
        plane.aws("stepfunctions").stop_execution(executionArn=arn)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1, out + err
    assert plane.record(job)["error_message"] == (
        "the job was stopped: the workflow no longer waits for this job"
    )
    assert not note.exists()


@pytest.mark.parametrize(
    "name",
    [
        "a;touch x", "$(id)", "../installed/runner.pyz", "/bin/true", "sub", "sub/../../runner.pyz", ".",
        "..", "with space.sh", "naïve.sh", "quote'\".sh", "link.sh", "linked/inner.sh", "plain.txt",
        "new\nline",
    ],
)  # fmt: skip
def test_a_name_that_is_no_script_is_refused_and_nothing_runs(plane: HostPlane, name: str) -> None:
    scripts = plane.folder / "scripts"
    for link, target in (("link.sh", "ok.sh"), ("linked", "sub")):
        if not (scripts / link).is_symlink():
            (scripts / link).symlink_to(target)
    (scripts / "plain.txt").write_text("#!/bin/sh\necho not executable\n")
    before = sorted(path.name for path in scripts.iterdir())
    job, arn = plane.waiting_job(name)

    code, _ = plane.run(job)

    ended = plane.ended(arn)
    assert code == 1
    assert ended["error"] == "ScriptRefused"
    record = plane.record(job)
    assert (record["execution_status"], record["error_name"]) == ("Failed", "ScriptRefused")
    assert record["error_message"] == ended["cause"]
    assert sorted(path.name for path in scripts.iterdir()) == before


@pytest.mark.parametrize("name", ["$(touch pwned) `id`; echo 'ü\".sh", "sub/inner.sh"])
def test_a_script_with_any_name_runs_when_it_exists(plane: HostPlane, name: str) -> None:
    job, arn = plane.waiting_job(name, args=["it's"])
    assert plane.run(job)[0] == 0
    assert plane.ended(arn)["status"] == "SUCCEEDED"
    assert plane.log(job)[0] in ("hostile name ran: it's", "inner")
    assert not (plane.folder / "scripts" / "pwned").exists()


def test_percent_encoded_documents_are_read(plane: HostPlane) -> None:
    name = "$(touch pwned) `id`; echo 'ü\".sh"
    job, arn = plane.waiting_job(name, args=["größer"])
    text = urllib.parse.quote(json.dumps(job, ensure_ascii=False), safe="!'()*~")

    assert plane.run(base64.b64encode(text.encode()).decode())[0] == 0

    assert plane.log(job)[0] == "hostile name ran: größer"
    assert plane.ended(arn)["status"] == "SUCCEEDED"


def test_what_a_script_leaves_running_ends_with_it(plane: HostPlane, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    job, arn = plane.waiting_job("daemon.sh", args=[str(note)])
    assert plane.run(job)[0] == 0
    assert not alive(int(note.read_text()))
    assert plane.ended(arn)["status"] == "SUCCEEDED"


def test_a_large_log_arrives_whole_and_in_order(plane: HostPlane) -> None:
    job, arn = plane.waiting_job("loud.py")
    assert plane.run(job)[0] == 0
    lines = plane.log(job)
    assert [line[:6] for line in lines[:60_000]] == [f"{number:06}" for number in range(60_000)]
    rest = lines[60_000:]
    assert rest[-3:-1] == [" ", "end"]
    assert "".join(rest[:-3]) == "é" * 150_000
    assert all(len(line.encode()) <= 262_144 - 26 for line in rest)
    assert plane.archived(job).count("\n") >= 60_004
    assert plane.ended(arn)["status"] == "SUCCEEDED"


def test_a_script_without_interpreter_fails_with_a_clear_error(plane: HostPlane) -> None:
    job, arn = plane.waiting_job("no_interpreter.sh")
    assert plane.run(job)[0] == 1
    assert plane.ended(arn)["cause"] == (
        "the script could not be started: it has no `#!` line that names its interpreter"
    )


def test_a_missing_secret_fails_the_job_without_running_it(plane: HostPlane, tmp_path: Path) -> None:
    note = tmp_path / "ran"
    settings = plane.settings() | {"secret_id": "no-such-secret"}
    job, arn = plane.waiting_job("counts.sh", args=[str(note)], settings=settings)
    assert plane.run(job)[0] == 1
    assert plane.ended(arn)["cause"].startswith("secret no-such-secret could not be read: ResourceNotFound")
    assert plane.record(job)["execution_status"] == "Failed"
    assert not note.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "the job document has version 2; this runner knows version 1"),
        ({"shell": True}, "the job document has keys that this runner does not know: shell"),
        ({"args": "x"}, "args is not a list of strings"),
        ({"job_id": "x"}, "job_id 'x' is not of the form 001.0001.name"),
        ({"timeout_seconds": -1}, "timeout_seconds is not a number of seconds"),
    ],
)
def test_a_malformed_job_is_refused_and_the_workflow_told(
    plane: HostPlane, change: dict[str, Any], message: str
) -> None:
    job, arn = plane.waiting_job("ok.sh")
    code, printed = plane.run(job | change)
    assert (code, printed) == (2, message + "\n")
    ended = plane.ended(arn)
    assert (ended["error"], ended["cause"]) == ("JobFailed", message)


def test_an_unreadable_document_ends_with_one_sentence(plane: HostPlane) -> None:
    assert plane.run("not base64!") == (2, "the job document is not base64 of JSON\n")


def test_a_lost_audit_table_fails_the_job(plane: HostPlane, tmp_path: Path) -> None:
    note = tmp_path / "ran"
    settings = plane.settings() | {"job_audit_table": "no-such-table"}
    job, arn = plane.waiting_job("counts.sh", args=[str(note)], settings=settings)
    assert plane.run(job)[0] == 1
    assert plane.ended(arn)["cause"].startswith("the job could not be claimed: ResourceNotFoundException")
    assert not note.exists()


def test_a_lost_log_group_does_not_fail_the_job(plane: HostPlane) -> None:
    settings = plane.settings() | {"log_group": "/no/such/group"}
    job, arn = plane.waiting_job("ok.sh", settings=settings)
    code, printed = plane.run(job)
    assert code == 0
    assert "lines are missing in the log stream: ResourceNotFoundException" in printed
    assert plane.ended(arn)["status"] == "SUCCEEDED"
    assert "first" in plane.archived(job)


class Network:
    """A TCP relay in front of the emulator that can be cut."""

    def __init__(self, target: str) -> None:
        parsed = urllib.parse.urlsplit(target)
        self._target = (parsed.hostname or "", parsed.port or 0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._up = True
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Drop all connections and take no new one."""
        self._up = False
        for connection in list(self._open):
            connection.close()

    def mend(self) -> None:
        """Work again."""
        self._up = True

    def close(self) -> None:
        """End."""
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if not self._up:
                client.close()
                continue
            server = socket.create_connection(self._target)
            self._open |= {client, server}
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._relay, args=(source, sink), daemon=True).start()

    @staticmethod
    def _relay(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            end.close()


@pytest.fixture
def network(sandbox: Sandbox) -> Iterator[Network]:
    relay = Network(sandbox.endpoint)
    yield relay
    relay.close()


def test_a_job_survives_a_network_that_is_away_for_less_than_the_heartbeat(
    plane: HostPlane, network: Network
) -> None:
    job, arn = plane.waiting_job("seconds.sh", heartbeat_seconds=10)
    process = plane.start(job, AWS_ENDPOINT_URL=network.endpoint)
    eventually(lambda: plane.record(job), lambda it: it.get("execution_status") == "Running")
    time.sleep(1.5)
    network.cut()
    time.sleep(4)
    network.mend()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    assert plane.ended(arn)["status"] == "SUCCEEDED"
    assert plane.log(job)[:8] == ["1", "2", "3", "4", "5", "6", "7", "8"]
    assert plane.record(job)["execution_status"] == "Completed"


def test_a_job_stops_itself_when_the_workflow_must_have_given_it_up(
    plane: HostPlane, network: Network, tmp_path: Path
) -> None:
    note = tmp_path / "pids"
    job, arn = plane.waiting_job("sleeps.sh", args=[str(note)], heartbeat_seconds=6)
    process = plane.start(job, AWS_ENDPOINT_URL=network.endpoint)
    running = pids(note, 2)
    network.cut()
    assert plane.ended(arn)["error"] == "States.Timeout"
    assert eventually(lambda: not any(alive(pid) for pid in running), bool, 30)
    network.mend()
    process.communicate(timeout=90)
    assert plane.record(job)["execution_status"] == "Aborted"


def test_a_log_too_large_for_one_request_is_archived_in_parts(
    plane: HostPlane, aws: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_ONE_PUT_BYTES", 1024 * 1024)
    log = tmp_path / "log"
    log.write_bytes(b"2026-01-31T06:00:00.000Z a line of a log\n" * 300_000)
    s3 = aws("s3")
    assert archive.archive(s3, plane.bucket, "large/log", log, Clock(), bound_seconds=30) == ""
    stored = s3.get_object(Bucket=plane.bucket, Key="large/log.log")
    assert stored["Body"].read() == log.read_bytes()
    assert stored["ContentType"] == "text/plain; charset=utf-8"
    assert "-" in stored["ETag"], "as only an object of several parts has"
    missing = archive.archive(s3, "no-such-bucket-here", "large/log", log, Clock(), bound_seconds=30)
    assert missing.startswith("the log could not be archived: NoSuchBucket")


def test_a_host_without_boto3_is_told_what_to_install() -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "handlers.host", "e30="], capture_output=True, text=True, cwd=REPOSITORY
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "the job runner needs boto3 for python3: install the package python3-boto3\n"
