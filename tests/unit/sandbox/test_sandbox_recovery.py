"""What a kill -9 may leave behind: torn files, stale locks, orphans, processes that are gone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landfall.cli.run_journal import RunJournal
from sandbox import deployments, launcher, parts, processes, recovery
from sandbox.endings import Ending, ending_of, note_of, told
from sandbox.errors import SandboxError
from sandbox.paths import REPOSITORY
from sandbox.processes import ProcessId
from sandbox.spec import SandboxSpec
from sandbox.state import STATE_FILE, ManagedProcess, SandboxState, locked, read_state, write_state

GONE = 2**22 + 1
"""No process can have this id (proc(5): pid_max is at most 2^22)."""
SPEC = SandboxSpec()


def process(name: str, pid: int = GONE) -> ManagedProcess:
    identity = ProcessId.of(pid)
    return ManagedProcess(name=name, pid=pid, started=identity.started)


def state(*members: ManagedProcess, ready: bool = True, owner: ManagedProcess | None = None) -> SandboxState:
    return SandboxState(
        name="x", spec=SPEC, port=1, generation="g1", ready=ready, processes=members, owner=owner
    )


@pytest.fixture
def daemons() -> Iterator[list[ProcessId]]:
    """Processes that a test starts; they end with it."""
    started: list[ProcessId] = []
    yield started
    processes.end([each.pid for each in started], grace=0.0)


def spawn(folder: Path, *command: str, note: str = "daemon", **environment: str) -> ProcessId:
    return processes.spawn(
        list(command), env={"PATH": os.environ["PATH"], **environment}, log=folder / "log", cwd=folder,
        note=note_of(folder, note),
    )  # fmt: skip


def wait_until_gone(daemon: ProcessId) -> None:
    deadline = time.monotonic() + 60
    while daemon.alive():
        assert time.monotonic() < deadline, "the process does not end"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("command", "how"),
    [("kill -9 $$", "signal 9"), ("exit 3", "exit code 3"), ("kill -TERM $$", "signal 15")],
)
def test_the_end_of_a_daemon_is_known_to_a_later_command(tmp_path: Path, command: str, how: str) -> None:
    daemon = spawn(tmp_path, "sh", "-c", f"sleep 0.05; {command}", note="emulator")
    wait_until_gone(daemon)
    ended = ending_of(
        tmp_path, ManagedProcess(name="emulator", pid=daemon.pid, started=daemon.started), seconds=5
    )
    assert ended is not None
    assert f"({how})" in str(ended)
    assert abs(ended.at - time.time()) < 10


def test_a_daemon_that_cannot_be_started_says_so_in_its_log(tmp_path: Path) -> None:
    daemon = spawn(tmp_path, "no-such-program-anywhere")
    wait_until_gone(daemon)
    assert "no-such-program-anywhere" in (tmp_path / "log").read_text()


def test_the_note_of_a_namesake_is_not_taken(tmp_path: Path) -> None:
    note = note_of(tmp_path, "warehouse")
    note.parent.mkdir()
    note.write_text(json.dumps({"pid": GONE, "code": -9, "at": 0.0}))
    assert str(ending_of(tmp_path, process("warehouse"), seconds=0)) == "(signal 9) at 1970-01-01T00:00:00Z"
    assert ending_of(tmp_path, process("warehouse", os.getpid()), seconds=0) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x", "code": 1, "at": 2}', '{"pid": null}'])
def test_a_torn_note_is_no_ending(tmp_path: Path, content: str) -> None:
    note = note_of(tmp_path, "warehouse")
    note.parent.mkdir()
    note.write_text(content)
    assert ending_of(tmp_path, process("warehouse"), seconds=0) is None
    assert (
        told(tmp_path, process("warehouse")) == f"the warehouse's PostgreSQL server (process {GONE}) is gone"
    )


def test_an_ending_reads_as_a_person_would_say_it() -> None:
    assert str(Ending(pid=1, code=-9, at=1_795_000_000)) == "(signal 9) at 2026-11-18T11:06:40Z"


WHOLE = json.dumps({"version": 1, "endpoint": "", "name": "x", "spec": SPEC.to_json(), "port": 1,
                    "generation": "g1", "ready": True, "discard": False, "owner": None,
                    "processes": []})  # fmt: skip


@given(st.integers(min_value=0, max_value=len(WHOLE) - 1))
def test_a_state_file_that_was_cut_anywhere_is_no_state(
    tmp_path_factory: pytest.TempPathFactory, end: int
) -> None:
    folder = tmp_path_factory.mktemp("state")
    (folder / STATE_FILE).write_text(WHOLE[:end])
    assert read_state(folder) is None
    assert recovery.happened(folder, None) == "the sandbox's state file is damaged"


def test_the_whole_state_file_is_read(tmp_path: Path) -> None:
    (tmp_path / STATE_FILE).write_text(WHOLE)
    assert read_state(tmp_path) == state()


def test_a_write_that_was_killed_leaves_the_state_before_it(tmp_path: Path) -> None:
    write_state(tmp_path, state())
    (tmp_path / f"{STATE_FILE}.{GONE}").write_text("{half")
    assert read_state(tmp_path) == state()


HOLDER = """
import sys, time
from pathlib import Path
from sandbox.state import locked
with locked(Path(sys.argv[1]), seconds=5):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_kill_of_its_holder_frees_a_lock(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    waited: list[str] = []
    with (
        pytest.raises(SandboxError, match="by another command"),
        locked(tmp_path, seconds=0.1, on_wait=lambda: waited.append("once")),
    ):
        raise AssertionError("the lock was held")
    assert waited == ["once"]
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with locked(tmp_path, seconds=1):
        pass


def test_the_lock_of_a_discarded_sandbox_holds_nobody_off(tmp_path: Path) -> None:
    with locked(tmp_path, seconds=1):
        (tmp_path / "lock").unlink()
        with locked(tmp_path, seconds=0.1):
            assert (tmp_path / "lock").exists()


def test_an_error_of_the_work_passes_through_a_lock(tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError), locked(tmp_path, seconds=1):
        raise BlockingIOError


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (state(ready=False, owner=process("owner")), "an earlier start of the sandbox was cut off"),
        (
            state(process("emulator"), owner=process("owner")),
            f"the command that owned the sandbox (process {GONE}) ended without stopping it",
        ),
        (state(process("emulator")), f"the emulator (process {GONE}) is gone"),
        (
            state(process("emulator", os.getpid())),
            f"the emulator (process {os.getpid()}) does not answer on port 1",
        ),
    ],
    ids=["cut off", "owner gone", "emulator gone", "silent"],
)
def test_what_happened_to_a_sandbox_is_one_clause(tmp_path: Path, known: SandboxState, expected: str) -> None:
    assert recovery.happened(tmp_path, known) == expected


class Parts:
    """Stands for the starting of real parts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.started: list[str] = []
        monkeypatch.setattr(recovery, "answers", lambda known: True)
        monkeypatch.setattr(parts, "start_warehouse", lambda *_: self._start("warehouse"))
        monkeypatch.setattr(parts, "start_host", lambda host, *_: self._start(host.instance_id))
        monkeypatch.setattr(parts, "store_secret", lambda *_: self.started.append("secret"))

    def _start(self, name: str) -> ManagedProcess:
        self.started.append(name)
        return process(name, os.getpid())


def test_a_part_that_is_gone_is_started_again_beside_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = Parts(monkeypatch)
    host = SPEC.hosts[0].instance_id
    known = state(process("emulator", os.getpid()), process("warehouse"), process(host))
    said: list[str] = []
    mended = recovery.mend(tmp_path, known, lambda service, alias: None, said.append)
    assert mended is not None
    assert (fake.started, recovery.dead(mended)) == (["warehouse", "secret", host], [])
    assert mended.generation == known.generation
    assert read_state(tmp_path) == mended
    assert said == [
        f"the warehouse's PostgreSQL server (process {GONE}) is gone; starting it again, its rows are kept",
        f"the agent of host {host} (process {GONE}) is gone; starting it again",
    ]


@pytest.mark.parametrize(
    "known",
    [state(process("warehouse"), ready=False), state(process("warehouse"), owner=process("owner"))],
)
def test_a_sandbox_that_was_cut_off_or_abandoned_is_not_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: SandboxState
) -> None:
    fake = Parts(monkeypatch)
    assert recovery.mend(tmp_path, known, lambda service, alias: None, lambda line: None) is None
    assert fake.started == []


def test_a_dead_emulator_means_a_new_start(tmp_path: Path) -> None:
    assert recovery.mend(tmp_path, state(process("emulator")), lambda *_: None, lambda line: None) is None


def test_a_sandbox_without_its_owner_is_not_attached_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "state_dir_of", lambda name: tmp_path)
    write_state(tmp_path, state(owner=process("owner", os.getpid())))
    assert launcher.attach("x") is not None
    write_state(tmp_path, state(owner=process("owner")))
    assert launcher.attach("x") is None
    assert "ended without stopping it" in (launcher.trouble("x") or "")


def lock_of_pulumi(folder: Path, content: str) -> Path:
    path = folder / "pulumi" / ".pulumi" / "locks" / "organization" / "landfall" / "sandbox" / "1.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    return path


def test_a_deployment_that_ended_is_trusted(tmp_path: Path) -> None:
    deployments.begin(tmp_path, "sandbox", "embedded")
    deployments.end(tmp_path)
    assert deployments.cut_off(tmp_path, lambda: None) is None


def test_a_killed_command_with_the_embedded_engine_cuts_the_deployment_off(tmp_path: Path) -> None:
    deployments.begin(tmp_path, "sandbox", "embedded")
    wrong = deployments.cut_off(tmp_path, lambda: None)
    assert wrong is not None
    assert wrong.startswith("the last deployment of stack sandbox that began at ")
    assert wrong.endswith(" was cut off")


def test_a_killed_command_leaves_pulumi_to_its_end(tmp_path: Path) -> None:
    deployments.begin(tmp_path, "sandbox", "pulumi")
    assert deployments.cut_off(tmp_path, lambda: None) is None
    deployments.begin(tmp_path, "sandbox", "pulumi")
    lock_of_pulumi(tmp_path, json.dumps({"pid": os.getpid()}))
    assert deployments.cut_off(tmp_path, lambda: None) is None


def test_a_killed_pulumi_leaves_a_lock_that_nobody_holds(tmp_path: Path) -> None:
    lock_of_pulumi(tmp_path, json.dumps({"pid": GONE}))
    wrong = deployments.cut_off(tmp_path, lambda: None)
    assert wrong == f"the last deployment was cut off (process {GONE} of Pulumi was killed)"


def test_a_torn_lock_is_a_lock_that_nobody_holds(tmp_path: Path) -> None:
    lock_of_pulumi(tmp_path, '{"pid": 1')
    assert (
        deployments.cut_off(tmp_path, lambda: None) == "the last deployment was cut off (its lock is damaged)"
    )


@pytest.mark.parametrize(
    "name",
    ["pulumi/.pulumi/stacks/landfall/sandbox.json", "pulumi/.pulumi/stacks/landfall/sandbox.json.attrs",
     "embedded/state.json"],
)  # fmt: skip
def test_a_torn_deployment_state_is_not_trusted(tmp_path: Path, name: str) -> None:
    for whole in ("pulumi/.pulumi/stacks/landfall/sandbox.json", name):
        (tmp_path / whole).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / whole).write_text("{}")
    assert deployments.cut_off(tmp_path, lambda: None) is None
    (tmp_path / name).write_text('{"version": 3, "checkp')
    wrong = deployments.cut_off(tmp_path, lambda: None)
    assert wrong == f"the state of the last deployment is damaged ({name})"


def test_an_orphaned_deployment_is_waited_for(tmp_path: Path, daemons: list[ProcessId]) -> None:
    daemons.append(spawn(tmp_path, "sleep", "2", **deployments.marks(tmp_path)))
    told_: list[str] = []
    assert deployments.cut_off(tmp_path, lambda: told_.append("once")) is None
    assert told_ == ["once"]
    assert not daemons[0].alive()


def test_an_orphaned_deployment_that_does_not_end_is_ended(tmp_path: Path, daemons: list[ProcessId]) -> None:
    daemons.append(spawn(tmp_path, "sleep", "60", **deployments.marks(tmp_path)))
    deployments.begin(tmp_path, "sandbox", "pulumi")
    lock_of_pulumi(tmp_path, json.dumps({"pid": daemons[0].pid}))
    wrong = deployments.cut_off(tmp_path, lambda: None, seconds=0.1)
    assert not daemons[0].alive()
    assert wrong is not None and f"process {daemons[0].pid} of Pulumi was killed" in wrong


def test_a_run_whose_emulator_is_gone_is_known_by_name(tmp_path: Path) -> None:
    RunJournal(tmp_path, "g1").note("run_1", "nightly")
    recovery.remember_loss(tmp_path, state(process("emulator")))
    assert RunJournal(tmp_path, "g1").lost("run_1") is None
    lost = RunJournal(tmp_path, "g2").lost("run_1")
    assert lost is not None
    assert lost.workflow_id == "nightly"
    assert str(lost) == (
        "workflow execution run_1 of nightly is lost: "
        f"the emulator (process {GONE}) is gone, and held its records"
    )
    assert RunJournal(tmp_path, "g2").lost("run_2") is None


def test_a_run_of_a_stopped_sandbox_is_lost_without_a_death(tmp_path: Path) -> None:
    RunJournal(tmp_path, "g1").note("run_1", "nightly")
    assert "the emulator was stopped, and held its records" in str(RunJournal(tmp_path, "g2").lost("run_1"))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"workflow_id": "x"}', "null"])
def test_a_torn_word_of_a_run_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "run_1.json").write_text(content)
    assert RunJournal(tmp_path, "g2").lost("run_1") is None


def test_only_the_last_runs_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landfall.cli.run_journal.KEPT", 3)
    journal = RunJournal(tmp_path, "g1")
    for number in range(6):
        journal.note(f"run_{number}", "nightly")
        os.utime(tmp_path / "runs" / f"run_{number}.json", (number, number))
    assert sorted(path.stem for path in (tmp_path / "runs").iterdir()) == ["run_3", "run_4", "run_5"]
