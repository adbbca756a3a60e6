"""The agent of one sandbox host: `python agent.py <host folder>`. Standard library only.

The agent itself only looks at its inbox. For every command it forks a keeper, which runs the steps, answers
in the outbox and holds one end of a pipe to the agent: when the agent is gone, however it went, the keeper
kills every process that came out of the command. The keeper is a child subreaper, so no process of a command
can escape by becoming an orphan (prctl(2), PR_SET_CHILD_SUBREAPER).
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, Final

TICK_SECONDS: Final = 0.03
HEARTBEAT_SECONDS: Final = 1.0
CLOCK_NANOSECONDS: Final = 1_000_000_000
"""How long two changes of a folder may bear the same time: far more than a file system's clock needs."""
STDOUT_LIMIT: Final = 24_000
STDERR_LIMIT: Final = 8_000
STOPPED_CODE: Final = 137
"""Exit code of a step that was stopped, as amazon-ssm-agent reports it."""

_DEFAULT_TIMEOUT: Final = 3600.0
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


class Agent:
    """Picks commands up and passes cancellations on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._host: dict[str, Any] = json.loads((folder / "host.json").read_text(encoding="utf-8"))
        self._keepers: dict[int, str] = {}
        self._stop = False
        self._inbox_seen = 0
        # Only the agent holds the writing end; all keepers see its death as the end of the file.
        self._alive, self._life = os.pipe()

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        """End after this round."""
        self._stop = True

    def run(self) -> None:
        """Work until stopped."""
        self._report_stale()
        beat = 0.0
        while not self._stop:
            if time.monotonic() - beat >= HEARTBEAT_SECONDS:
                beat = time.monotonic()
                write_json(self._folder / "agent.json", {"pid": os.getpid(), "heartbeat": time.time()})
            was_busy = bool(self._keepers)  # one that ends makes room for a command that waits
            self._reap()
            if was_busy or self._inbox_changed():
                self._cancel()
                self._pick_up()
            time.sleep(TICK_SECONDS)
        os.close(self._life)
        for keeper in list(self._keepers):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(keeper, 0)
        (self._folder / "agent.json").unlink(missing_ok=True)

    def _report_stale(self) -> None:
        """Commands that ran when an earlier agent died have failed."""
        for left in sorted((self._folder / "running").glob("*.json")):
            answer = read_json(self._folder / "outbox" / left.name)
            if answer.get("status") in (None, "Pending", "InProgress"):
                began = float(answer.get("started") or time.time())
                message = "the host went down while the command ran"
                write_json(
                    self._folder / "outbox" / left.name, state("Failed", "Failed", -1, "", message, began)
                )
            left.unlink(missing_ok=True)
        for cancelled in (self._folder / "inbox").glob("*.cancel"):
            cancelled.unlink(missing_ok=True)

    def _inbox_changed(self) -> bool:
        """Whether files may have come or gone since the last look."""
        changed = (self._folder / "inbox").stat().st_mtime_ns
        seen, self._inbox_seen = self._inbox_seen, changed
        return changed != seen or time.time_ns() - changed < CLOCK_NANOSECONDS

    def _reap(self) -> None:
        for keeper in list(self._keepers):
            done, _ = os.waitpid(keeper, os.WNOHANG)
            if done:
                command_id = self._keepers.pop(keeper)
                (self._folder / "running" / f"{command_id}.json").unlink(missing_ok=True)

    def _cancel(self) -> None:
        for request in (self._folder / "inbox").glob("*.cancel"):
            for keeper, command_id in self._keepers.items():
                if command_id == request.stem:
                    os.kill(keeper, signal.SIGTERM)
            request.unlink(missing_ok=True)

    def _pick_up(self) -> None:
        inbox = self._folder / "inbox"
        for waiting in sorted(inbox.glob("*.json"), key=_age):
            if len(self._keepers) >= int(self._host["workers"]):
                return
            taken = self._folder / "running" / waiting.name
            try:
                waiting.rename(taken)
            except FileNotFoundError:
                continue  # taken back in this moment
            command = read_json(taken)
            write_json(self._folder / "outbox" / waiting.name, state("InProgress", "InProgress", -1, "", ""))
            # A cancellation may come before the keeper listens: hold it back until then.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
            keeper = os.fork()
            if keeper == 0:
                code = 1
                try:
                    os.close(self._life)
                    Keeper(self._folder, self._host, command, self._alive).run()
                    code = 0
                finally:
                    os._exit(code)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            self._keepers[keeper] = waiting.stem


class Keeper:
    """Runs one command and answers for it; lives until all its processes are gone, or the agent is."""

    def __init__(
        self, folder: Path, host: Mapping[str, Any], command: Mapping[str, Any], agent_alive: int
    ) -> None:
        self._folder = folder
        self._host = host
        self._command = command
        self._agent_alive = agent_alive
        self._cancelled = False
        self._started = time.time()
        os.setsid()
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1)
        self._endings: dict[int, int] = {}
        self._woken, waker = os.pipe()
        for descriptor in (agent_alive, self._woken, waker):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._cancel)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    def run(self) -> None:
        """Run the steps in order; a failed step ends the command unless it says `onFailure: continue`."""
        status, details, code = "Success", "Success", 0
        out = err = ""
        for step in self._command.get("steps") or ():
            result = self._step(step)
            out, err = out + result["stdout"], err + result["stderr"]
            if result["status"] != "Success":
                status, details, code = result["status"], result["details"], result["code"]
                if (step.get("inputs") or {}).get("onFailure") != "continue" or status != "Failed":
                    break
        answer = state(status, details, code, out, err, self._started)
        write_json(self._folder / "outbox" / f"{self._command['command_id']}.json", answer)
        # What a command left running stays, as on a host, for as long as the host lives.
        while self._collect():
            self._wait(None)

    def _step(self, step: Mapping[str, Any]) -> dict[str, Any]:
        action, name = str(step.get("action")), str(step.get("name"))
        inputs = step.get("inputs") or {}
        if not _applies(step):
            return _result("Success", "Success", 0)
        if action != "aws:runShellScript":
            return _result("Failed", "Failed", 1, err=f"the sandbox does not run the action {action}\n")
        place = self._place(action, name)
        script = place / "_script.sh"
        lines = inputs.get("runCommand") or []
        script.write_text("\n".join(str(line) for line in lines) + "\n", encoding="utf-8")
        script.chmod(0o700)
        folder = str(inputs.get("workingDirectory") or "") or str(place)
        try:
            timeout = float(inputs.get("timeoutSeconds") or _DEFAULT_TIMEOUT)
        except ValueError:
            return _result("Failed", "Failed", 1, err="timeoutSeconds is not a number\n")
        child = self._spawn(script, folder, place)
        deadline = time.monotonic() + timeout
        why = ""
        while self._collect() and child not in self._endings:
            if not why and (self._cancelled or time.monotonic() >= deadline):
                why = "Cancelled" if self._cancelled else "TimedOut"
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(child, signal.SIGKILL)
            self._wait(None if why else deadline - time.monotonic())
        status = self._endings[child]
        out = _head(place / "stdout", STDOUT_LIMIT)
        err = _head(place / "stderr", STDERR_LIMIT)
        if why:
            return _result(why, "ExecutionTimedOut" if why == "TimedOut" else why, STOPPED_CODE, out, err)
        code = os.waitstatus_to_exitcode(status)
        if code == 0:
            return _result("Success", "Success", 0, out, err)
        code = STOPPED_CODE if code == -signal.SIGKILL else abs(code)
        return _result("Failed", "Failed", code, out, err + f"failed to run commands: exit status {code}\n")

    def _place(self, action: str, name: str) -> Path:
        """The orchestration folder, laid out as amazon-ssm-agent does."""
        plugin = action.replace(":", "")
        place = (
            self._folder / "root" / "ssm" / str(self._host["instance_id"]) / "document" / "orchestration"
            / str(self._command["command_id"]) / name / f"0.{plugin}"
        )  # fmt: skip
        place.mkdir(parents=True, exist_ok=True)
        return place

    def _spawn(self, script: Path, folder: str, place: Path) -> int:
        environment = {
            **os.environ,
            "AWS_SSM_INSTANCE_ID": str(self._host["instance_id"]),
            "AWS_SSM_REGION_NAME": str(self._host["region"]),
            "AWS_SSM_PLATFORM_NAME": "Landfall sandbox",
            "SSM_COMMAND_ID": str(self._command["command_id"]),
        }
        child = os.fork()
        if child:
            with contextlib.suppress(OSError):
                os.setpgid(child, child)
            return child
        try:
            os.setpgid(0, 0)
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            for standard, name in ((1, "stdout"), (2, "stderr")):
                os.dup2(os.open(place / name, flags, 0o600), standard)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.closerange(3, 256)
            os.chdir(folder)
            os.execve("/bin/sh", ["sh", str(script)], environment)  # noqa: S606 - this is what a command is
        except OSError as error:
            os.write(2, f"{error.strerror}: {folder}\n".encode())
        finally:
            os._exit(127)

    def _collect(self) -> bool:
        """Take in all processes that have ended, orphans included; False when none is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            self._endings[pid] = status

    def _wait(self, seconds: float | None) -> None:
        """Wait for a signal or the time; pull the plug when the agent is gone."""
        ready, _, _ = select.select(
            [self._agent_alive, self._woken], [], [], None if seconds is None else max(0.0, seconds)
        )
        if self._agent_alive in ready:
            kill_descendants()
            os._exit(1)
        if self._woken in ready:
            os.read(self._woken, 4096)

    def _cancel(self, _number: int, _frame: FrameType | None) -> None:
        self._cancelled = True


def kill_descendants() -> None:
    """End every process below this one at once: stopped first, so that none can react to another's death."""
    while descendants := _descendants(os.getpid()):
        for killing in (signal.SIGSTOP, signal.SIGKILL):
            for pid in descendants:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, killing)
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)


def state(
    status: str, details: str, code: int, out: str, err: str, started: float | None = None
) -> dict[str, Any]:
    """An answer for the outbox."""
    now = time.time()
    return {
        "status": status,
        "details": details,
        "response_code": code,
        "stdout": out[:STDOUT_LIMIT],
        "stderr": err[:STDERR_LIMIT],
        "started": started or now,
        "ended": now,
    }


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a file that is never seen half written, readable by its owner only."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(value, file)
    part.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object; empty when there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _result(status: str, details: str, code: int, out: str = "", err: str = "") -> dict[str, Any]:
    return {"status": status, "details": details, "code": code, "stdout": out, "stderr": err}


def _applies(step: Mapping[str, Any]) -> bool:
    """Whether the step's precondition holds on Linux."""
    for left, right in (step.get("precondition") or {}).values():
        values = {"platformType": "Linux"}
        if values.get(left, left) != values.get(right, right):
            return False
    return True


def _head(path: Path, limit: int) -> str:
    try:
        with path.open("rb") as file:
            return file.read(limit * 4).decode("utf-8", "replace")[:limit]
    except OSError:
        return ""


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _descendants(root: int) -> list[int]:
    below: dict[int, list[int]] = {}
    for pid, parent in _parents():
        below.setdefault(parent, []).append(pid)
    found: list[int] = []
    queue = [root]
    while queue:
        for pid in below.get(queue.pop(), ()):
            found.append(pid)
            queue.append(pid)
    return found


def _parents() -> Iterable[tuple[int, int]]:
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                fields = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            yield int(entry.name), int(fields[1])


def main() -> None:
    """Run the agent of the folder in the first argument."""
    agent = Agent(Path(sys.argv[1]))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, agent.stop)
    agent.run()


if __name__ == "__main__":
    main()
