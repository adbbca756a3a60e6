"""One round of `benchmarks.kills`: a command, a kill -9 at a random moment, and what comes after it.

Everything goes through the command line, as a user would do it; only rows, records and processes are looked
at from here.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from landfall.cli.demo import QUERY, WORKFLOW, table_rows
from landfall.cli.session import Session, open_session
from sandbox import launcher, processes
from sandbox.paths import REPOSITORY, state_dir
from sandbox.state import read_state

VICTIMS: Final = ("emulator", "postgres", "runner", "landfall")
ROWS: Final = 4
JOBS: Final = 6
JOB_SECONDS: Final = 0.8
"""About as long as a job of the sample takes: later moments mean the job after it."""
END_SECONDS: Final = 30.0
"""How long processes of an owned sandbox may live after the command that owned it was killed."""
DIED: Final = "ended unexpectedly (signal 9) at"
"""How a command tells that a part was killed."""
_POLL: Final = 0.005


class Broken(Exception):
    """What a round found wrong, in one sentence."""


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def last(self) -> str:
        """Its last line for people."""
        lines = [line for line in (self.err or self.out).splitlines() if line.strip()]
        return lines[-1] if lines else ""


@dataclass
class Round:
    """What happened in one round."""

    victim: str
    number: int
    command: str
    after: float
    """Seconds after the command's start at which the victim was killed."""
    hit: bool = False
    """Whether the victim was there to be killed."""
    code: int | None = None
    said: str = ""
    """Last line of the command that ran meanwhile."""
    next_said: list[str] = field(default_factory=list)
    """Lines of the next command that tell what had happened."""
    recovery_seconds: float | None = None
    """From the start of the next command to a Completed run with all its rows."""
    failure: str | None = None


class Bench:
    """A sandbox of its own, the commands on it, and the checks."""

    def __init__(self, name: str, *, seed: int, bound: float) -> None:
        self.name = name
        self.folder = state_dir(name)
        self.bound = bound
        self._random = random.Random(seed)  # noqa: S311 - moments that can be repeated
        self._serial = 0
        self._run_seconds = 6.0
        self._up_seconds = 20.0
        self._prefix = f"k{seed}-{os.getpid()}"

    def warm_up(self) -> tuple[float, float]:
        """Seconds of a start with deployment and run, and of a run alone, undisturbed."""
        self.check(self.landfall("sandbox", "down", "--discard"), 0)
        self._up_seconds = self.check(self.landfall("sandbox", "up"), 0).seconds
        self._run_seconds = self.check(self.landfall("workflow", "run", WORKFLOW, "--json"), 0).seconds
        return self._up_seconds, self._run_seconds

    def play(self, victim: str, number: int) -> Round:
        """One round; what it found wrong is in it."""
        kinds: dict[str, Callable[[Round], None]] = {
            "emulator": self._service,
            "postgres": self._service,
            "runner": self._runner,
            "landfall": self._landfall,
        }
        round_ = Round(victim, number, "", 0.0)
        try:
            kinds[victim](round_)
            self.consistent()
        except Broken as broken:
            round_.failure = str(broken)
        return round_

    def down(self) -> None:
        """Stop the sandbox; raises `Broken` where anything of it is left."""
        self.check(self.landfall("sandbox", "down"), 0)
        if left := self.left():
            raise Broken(f"after down there is still: {'; '.join(left)[:300]}")

    def _ready(self) -> None:
        if launcher.attach(self.name) is None:
            self.check(self.landfall("sandbox", "up"), 0)

    def _service(self, round_: Round) -> None:
        """The emulator or the database dies while a workflow runs."""
        self._ready()
        execution = self._new_id()
        round_.command = f"workflow run {WORKFLOW}"
        round_.after = self._random.uniform(0.0, self._run_seconds)
        name = "emulator" if round_.victim == "emulator" else "warehouse"
        with self.begun("workflow", "run", WORKFLOW, "--execution-id", execution, "--json") as command:
            time.sleep(round_.after)
            state = read_state(self.folder)
            process = state.process(name) if state else None
            if process is None or not process.identity.alive():
                raise Broken(f"the {name} does not run")
            os.kill(process.pid, signal.SIGKILL)
            round_.hit = True
            first = self.ended(command)
        round_.code, round_.said = first.code, first.last if first.code else ""
        self._sane(first)
        if first.code == 0 and DIED in first.err:
            # Killed before the command had looked: it was itself the next command.
            self._completed(round_, first, told=DIED)
            round_.recovery_seconds = first.seconds
            return
        status = self.landfall("sandbox", "status")
        self.check(status, 3)
        if DIED not in status.err:
            raise Broken(f"status does not say what happened: {status.last}")
        self._recover(round_, execution, told=DIED)

    def _runner(self, round_: Round) -> None:
        """The job runner of one of the jobs dies, from its first moment on."""
        self._ready()
        execution = self._new_id()
        round_.command = f"workflow run {WORKFLOW}"
        nth, later = self._random.randint(1, JOBS), self._random.uniform(0.0, JOB_SECONDS)
        seen: set[int] = set()
        due = float("inf")
        with self.begun("workflow", "run", WORKFLOW, "--execution-id", execution, "--json") as command:
            began = time.monotonic()
            while command.poll() is None:
                runners = self.runners()
                seen.update(runners)
                if len(seen) >= nth:
                    due = min(due, time.monotonic() + later)
                if runners and time.monotonic() >= due and _kill(self._random.choice(runners)):
                    round_.hit = True
                    break
                time.sleep(_POLL)
            round_.after = time.monotonic() - began
            first = self.ended(command)
        round_.code, round_.said = first.code, _error_of(first) if first.code else ""
        self._sane(first)
        self._recover(round_, execution, told=None)

    def _landfall(self, round_: Round) -> None:
        """The command itself dies: while a run is followed, while the sandbox starts, in the demo."""
        kind = self._random.choices(("run", "up", "demo"), weights=(2, 1, 1))[0]
        execution = self._new_id()
        if kind == "run":
            self._ready()
            arguments = ["workflow", "run", WORKFLOW, "--execution-id", execution]
        else:
            self.down()
            arguments = ["sandbox", "up"] if kind == "up" else ["demo"]
        longest = self._run_seconds if kind == "run" else self._up_seconds
        round_.command = " ".join(arguments[:2])
        round_.after = self._random.uniform(0.0, longest)
        with self.begun(*arguments) as command:
            time.sleep(round_.after)
            round_.hit = _kill(command.pid)
            first = self.ended(command)
        round_.code = first.code
        if kind == "demo":
            self._all_ended()
        if kind == "run":
            self._settled(execution)
        self._recover(round_, execution, told=None)

    def _recover(self, round_: Round, execution: str, told: str | None) -> None:
        """The next command brings the workflow to Completed, and says what had happened."""
        began = time.monotonic()
        ended = self.landfall("workflow", "resume", execution, "--json")
        if ended.code and ("there is nothing to resume" in ended.err or "is recorded" in ended.err):
            # The kill came too late to hurt the run, or before it was begun.
            said = ended.err
            ended = self.landfall("workflow", "run", WORKFLOW, "--json")
            ended = Ended(ended.code, ended.out, said + ended.err, ended.seconds)
        round_.recovery_seconds = time.monotonic() - began
        self._completed(round_, ended, told)

    def _completed(self, round_: Round, ended: Ended, told: str | None) -> None:
        """Raises `Broken` unless this command completed the workflow and said what had happened."""
        round_.next_said = [line for line in ended.err.splitlines() if _tells(line)]
        self._sane(ended)
        if ended.code or json.loads(ended.out)["status"] != "Completed":
            raise Broken(f"the workflow was not brought to Completed: {_error_of(ended)}")
        if told is not None and told not in ended.err:
            raise Broken(f"the next command does not say what happened: {ended.err.strip()[:300]}")
        rows = len(self.rows())
        if rows != ROWS:
            raise Broken(f"the table has {rows} rows instead of {ROWS}")

    def _settled(self, execution: str) -> None:
        """A run whose command was killed goes on; wait for its end, if it had begun."""
        deadline = time.monotonic() + self.bound
        while True:
            status = self.landfall("workflow", "status", execution, "--json")
            if status.code == 2 and "is recorded" in status.err:
                return
            if status.code not in (0, 1):
                raise Broken(f"status: {status.last}")
            if json.loads(status.out)["status"] != "Running":
                return
            if time.monotonic() > deadline:
                raise Broken(f"{execution} is Running for ever")
            time.sleep(0.5)

    def consistent(self) -> None:
        """Raises `Broken` where a record says Running though nothing runs."""
        session = self._session()
        names = session.names
        for table in (names.workflow_audit_table, names.job_audit_table):
            pages = session.client("dynamodb", session.workflows.account).get_paginator("scan")
            for page in pages.paginate(TableName=table, ConsistentRead=True):
                for item in page["Items"]:
                    if item["execution_status"]["S"] == "Running":
                        raise Broken(f"{table}: {item['workflow_execution_id']['S']} is Running for ever")

    def rows(self) -> list[dict[str, Any]]:
        """What the workflow left in the warehouse."""
        sandbox = launcher.attach(self.name)
        if sandbox is None:
            raise Broken("the sandbox does not run")
        return table_rows(sandbox, self._session(), QUERY)

    def left(self) -> list[str]:
        """Processes of the sandbox, by mark, arguments and working directory."""
        marked = processes.marked(processes.mark_of(self.folder))
        found = []
        for pid, command, place in processes.listed():
            if pid != os.getpid() and (pid in marked or str(self.folder) in f"{command} {place}"):
                found.append(f"{pid} {command}")
        return found

    def runners(self) -> list[int]:
        """Job runners on the sandbox's hosts; the guard of each is not meant."""
        found = [pid for pid, command, _ in processes.listed() if f"{self.folder}/hosts" in command
                 and "runner.pyz" in command and " -c " not in command]  # fmt: skip
        return [pid for pid in found if _parent(pid) not in found]

    def landfall(self, *arguments: str) -> Ended:
        """A command of the sandbox, to its end; raises `Broken` where that takes longer than the bound."""
        with self.begun(*arguments) as command:
            return self.ended(command)

    @contextmanager
    def begun(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A command, started; it is gone when the block ends."""
        environment = {**os.environ, "LANDFALL_SANDBOX_NAME": self.name, "NO_COLOR": "1"}
        command = subprocess.Popen(
            [sys.executable, "-m", "landfall.cli", *arguments],
            cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            yield command
        finally:
            if command.poll() is None:
                command.kill()
                command.wait()

    def ended(self, command: subprocess.Popen[str]) -> Ended:
        """The end of a command; raises `Broken` where it hangs."""
        began = time.monotonic()
        try:
            out, err = command.communicate(timeout=self.bound)
        except subprocess.TimeoutExpired as late:
            words = command.args if isinstance(command.args, Sequence) else ()
            shown = " ".join(str(word) for word in words[3:])
            raise Broken(f"landfall {shown} hung for {self.bound:.0f} s") from late
        return Ended(command.returncode, out, err, time.monotonic() - began)

    @staticmethod
    def check(ended: Ended, code: int) -> Ended:
        """The same, if it ended with this code."""
        if ended.code != code:
            raise Broken(f"exit code {ended.code} instead of {code}: {ended.last}")
        return ended

    @staticmethod
    def _sane(ended: Ended) -> None:
        if "Traceback" in ended.err:
            raise Broken(f"a traceback: {ended.last}")
        if ended.code not in (0, 1, 3):
            raise Broken(f"exit code {ended.code}: {ended.last}")
        if ended.code and not ended.last:
            raise Broken("it failed without a word")

    def _all_ended(self) -> None:
        deadline = time.monotonic() + END_SECONDS
        while left := self.left():
            if time.monotonic() > deadline:
                raise Broken(f"the killed demo left: {'; '.join(left)[:300]}")
            time.sleep(0.1)

    def _session(self) -> Session:
        os.environ["LANDFALL_SANDBOX_NAME"] = self.name
        return open_session("sandbox")

    def _new_id(self) -> str:
        self._serial += 1
        return f"{self._prefix}-{self._serial}"


def _kill(pid: int) -> bool:
    """Whether there was something to kill."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _tells(line: str) -> bool:
    """Whether a line tells of something that had happened."""
    words = ("ended unexpectedly", "cut off", "without stopping", "is lost", "goes on whose", "is gone")
    return any(word in line for word in words)


def _error_of(ended: Ended) -> str:
    """The run's error where one was printed, else the last line."""
    try:
        return str(json.loads(ended.out)["workflow"]["error_message"])
    except (ValueError, KeyError, TypeError):
        return ended.last


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0
