"""Run one job: `python3 runner.pyz BASE64`.

Order of things (specs/rsql-orchestration, "Ours" item 6): go over to the runner of the job's own bundle, post
a guard, ask the workflow whether it still waits, claim the audit record, resolve the script, read the secret,
run the script, send and archive the log, close the record, answer the token. Heartbeats go to the workflow
all the time from the first question to the answer: a service that is slow costs no job. Two runners of the
same job and attempt, as they happen when a tag matches several hosts, meet at the claim: the first one goes
on, the others end without doing anything.

Exit codes: 0 the job completed, or is another runner's; 1 it ended badly; 2 its document is malformed.
"""

from __future__ import annotations

import os
import signal
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from botocore.exceptions import BotoCoreError, ClientError

from handlers.host.archive import archive
from handlers.host.audit import ABORTED, COMPLETED, FAILED, Host, JobAudit
from handlers.host.callback import Heartbeats, TaskToken
from handlers.host.clients import Clients
from handlers.host.clock import Clock
from handlers.host.connection import connection, credentials, script_environment
from handlers.host.errors import InvalidJob, JobError, JobFailed, JobTimedOut
from handlers.host.guard import LOST, LOST_ARGUMENT, Guard
from handlers.host.identity import identify
from handlers.host.job import Job, parse
from handlers.host.logs import LogFile, LogStream
from handlers.host.output import ErrorLine, Lines
from handlers.host.process import Ending, Stop, run
from handlers.host.redaction import Redactor
from handlers.host.report import Outcome, report
from handlers.host.retry import summary
from handlers.host.scripts import resolve
from handlers.host.version import other_runner, wait_for

GRACE_SECONDS = 10.0
"""Between SIGTERM and SIGKILL."""
_LOG_SECONDS = 30.0
_ARCHIVE_SECONDS = 60.0
_CLAIM_SECONDS = 60.0


class Runner:
    """One run of one job on this host."""

    def __init__(
        self,
        job: Job,
        host: Host,
        scripts_folder: Path,
        environment: Mapping[str, str],
        clients: Clients,
        clock: Clock,
        *,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._job = job
        self._host = host
        self._scripts_folder = scripts_folder
        self._environment = environment
        self._clients = clients
        self._clock = clock
        self._grace_seconds = grace_seconds
        self._runner_id = uuid.uuid4().hex
        self.stop = Stop()
        self._connect(clients)

    def _connect(self, clients: Clients) -> None:
        job, clock = self._job, self._clock
        self._audit = JobAudit(clients.get("dynamodb"), job, self._runner_id, clock)
        self._token = TaskToken(clients.get("stepfunctions"), job.task_token, clock)
        self._heartbeats = Heartbeats(self._token, job.heartbeat_seconds, self.stop.request, clock)

    def execute(self) -> int:
        """Run the job to its reported end; returns the exit code of the runner."""
        job = self._job
        # Before the claim: from then on only this runner's own guard may speak for the job.
        guard = Guard(self._report_from_guard)
        refusal = self._take()
        if refusal is not None:
            guard.dismiss()
            return refusal
        guard.owns()
        try:
            outcome = self._outcome(guard)
        except Exception as error:  # whatever it is, the workflow must hear of it
            message = f"the job runner failed: {type(error).__name__}"
            outcome = Outcome(FAILED, None, JobFailed.__name__, message)
        guard.decided(outcome)
        self._report(outcome)
        guard.dismiss()
        _say(f"{job.job_id}: {outcome.status}" + (f", {outcome.error_message}" if outcome.error_name else ""))
        return 0 if outcome.status == COMPLETED else 1

    def await_version(self, runner: Path) -> int | None:
        """Wait until the host has the runner of the job's bundle; where that does not come, the exit code."""
        try:
            if wait_for(runner, self._token, self._job.heartbeat_seconds, self._clock):
                return None
        except JobFailed as error:
            return self._report_unstarted(Outcome(FAILED, None, error.error_name, str(error)))
        return self._unwanted()

    def report_lost(self) -> int:
        """Report the job of a runner that was killed before it had a guard; returns the exit code.

        Nothing is reported where that runner, its guard or another one has taken the job.
        """
        return self._report_unstarted(LOST)

    def _report_unstarted(self, outcome: Outcome) -> int:
        """Report a job that did not run here, unless another runner has taken it; returns the exit code."""
        refusal = self._take()
        if refusal is not None:
            return refusal
        self._report(outcome)
        _say(f"{self._job.job_id}: {outcome.status}, {outcome.error_message}")
        return 1

    def _unwanted(self) -> int:
        _say(f"{self._job.job_id}: the workflow no longer waits for this job; it was not started")
        return 0

    def _report(self, outcome: Outcome) -> None:
        """Report the job's end, and keep the task alive until it is answered."""
        self._heartbeats.start()
        try:
            problems = report(self._job, outcome, self._audit, self._token)
        finally:
            self._heartbeats.stop()
        for problem in problems:
            _say(f"{self._job.job_id}: {problem}")

    def _take(self) -> int | None:
        """Make the job this runner's, with heartbeats from then on; where it is not to run, the exit code."""
        refusal = self._claim()
        if refusal is not None:
            self._heartbeats.stop()
        return refusal

    def _claim(self) -> int | None:
        job = self._job
        try:
            if not self._token.heartbeat(bound_seconds=job.heartbeat_seconds):
                return self._unwanted()
            self._heartbeats.start()
            if not self._audit.claim(self._host, bound_seconds=_CLAIM_SECONDS):
                _say(f"{job.job_id}: attempt {job.attempt} is finished or another runner has it")
                return 0
        except (BotoCoreError, ClientError, OSError) as error:
            return self._give_up(f"the job could not be claimed: {summary(error)}")
        return None

    def _outcome(self, guard: Guard) -> Outcome:
        try:
            script = resolve(self._scripts_folder, self._job.script)
            connected = connection(self._clients.get("secretsmanager"), self._job, self._clock)
        except JobError as error:
            return Outcome(FAILED, None, error.error_name, str(error))
        redactor = Redactor((*connected.secrets, *credentials(self._environment), self._job.task_token))
        environment = script_environment(self._environment, self._job, connected)
        return self._run([str(script), *self._job.args], environment, redactor, guard)

    def _run(
        self, argv: list[str], environment: Mapping[str, str], redactor: Redactor, guard: Guard
    ) -> Outcome:
        job, clock, heartbeats = self._job, self._clock, self._heartbeats
        # The script's process is forked while this one has one thread only.
        heartbeats.pause()
        if self.stop.requested():
            return self._aborted()
        stream = LogStream(self._clients.get("logs"), job.settings.log_group, job.log_stream, clock)
        try:
            file = LogFile(clock)
        except OSError as error:
            return Outcome(FAILED, None, "JobFailed", f"the log has no place on this host: {error.strerror}")
        error_line = ErrorLine()

        def log(line: str) -> None:
            stream.put(line)
            file.put(line)

        def sink(name: str) -> Lines:
            def emit(line: str) -> None:
                error_line.see(name, line)
                log(line)

            return Lines(redactor, emit)

        sinks = {name: sink(name) for name in ("stdout", "stderr")}

        def started() -> None:
            heartbeats.start()
            stream.start()

        begun = clock.monotonic()
        try:
            try:
                ending = run(
                    argv,
                    folder=self._scripts_folder,
                    environment=environment,
                    timeout_seconds=job.timeout_seconds,
                    grace_seconds=self._grace_seconds,
                    stop=self.stop,
                    in_child=guard.watch,
                    on_started=started,
                    on_output=lambda name, data: sinks[name].feed(data),
                    clock=clock,
                )
            except JobFailed as error:
                outcome = Outcome(FAILED, None, error.error_name, redactor.redact(str(error)))
                heartbeats.start()
                stream.start()
            else:
                for lines in sinks.values():
                    lines.close()
                outcome = self._judge(ending, error_line.text())
            log(f"[landfall] {_epilogue(outcome, clock.monotonic() - begun)}")
            # Told before the slow part, so that a runner killed in it is still reported as it ended.
            guard.decided(outcome)
            stream.close(bound_seconds=_LOG_SECONDS)
            file.close()
            problems = [stream.problem, file.problem]
            if job.settings.archive_bucket:
                problems.append(
                    archive(
                        self._clients.get("s3"),
                        job.settings.archive_bucket,
                        job.log_stream,
                        file.path,
                        clock,
                        bound_seconds=_ARCHIVE_SECONDS,
                    )
                )
            for problem in filter(None, problems):
                _say(f"{job.job_id}: {problem}")
            return outcome
        finally:
            file.remove()

    def _judge(self, ending: Ending, error_line: str) -> Outcome:
        code = ending.exit_code
        if ending.stopped:
            return self._aborted(code)
        if ending.timed_out:
            message = f"the script ran longer than {self._job.timeout_seconds:g} s and was stopped"
            return Outcome(FAILED, code, JobTimedOut.__name__, message)
        if code == 0:
            return Outcome(COMPLETED, 0)
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return Outcome(
            FAILED, code, JobFailed.__name__, error_line or f"the script {how} and printed nothing"
        )

    def _aborted(self, code: int | None = None) -> Outcome:
        return Outcome(ABORTED, code, "JobAborted", f"the job was stopped: {self.stop.reason}")

    def _give_up(self, message: str) -> int:
        """Tell the workflow, which then writes the record: this runner never owned it."""
        try:
            self._token.fail(JobFailed.__name__, message, bound_seconds=_CLAIM_SECONDS)
        except (BotoCoreError, ClientError, OSError) as error:
            message += f"; the workflow could not be told: {summary(error)}"
        _say(f"{self._job.job_id}: {message}")
        return 1

    def _report_from_guard(self, outcome: Outcome, owned: bool) -> None:
        """In the guard, after the runner's death: report with clients of the guard's own.

        A runner that died while it claimed the job may have it or not: its claim is made once more.
        """
        self._connect(Clients(self._job.settings.region))
        if owned or self._take() is None:
            self._report(outcome)


def _epilogue(outcome: Outcome, seconds: float) -> str:
    code = "" if outcome.exit_code is None else f", exit code {outcome.exit_code}"
    return f"{outcome.status}{code}, {seconds:.1f} s"


def _say(line: str) -> None:
    """One line for the output of the Systems Manager command; the script's own output never goes there."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _parent_command() -> str:
    try:
        return Path(f"/proc/{os.getppid()}/cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


def main(arguments: list[str], scripts_folder: Path, environment: Mapping[str, str]) -> int:
    """Run the job in `arguments`; returns the exit code."""
    lost = arguments[1:] == [LOST_ARGUMENT]
    if len(arguments) != 1 and not lost:
        sys.stderr.write(f"usage: python3 runner.pyz BASE64_OF_JOB [{LOST_ARGUMENT}]\n")
        return 2
    clock = Clock()
    try:
        job = parse(arguments[0])
    except InvalidJob as error:
        sys.stderr.write(f"{error}\n")
        _refuse(error, environment, clock)
        return 2
    folder = Path.cwd()
    host = identify(environment, folder, _parent_command())
    runner = Runner(job, host, scripts_folder, environment, Clients(job.settings.region), clock)
    if lost:
        return runner.report_lost()
    if (other := other_runner(scripts_folder.parent, job.settings.bundle)) is not None:
        if (ended := runner.await_version(other)) is not None:
            return ended
        # In this process, so that whoever cancels the command or waits for it has the right one.
        os.execv(sys.executable, [sys.executable, str(other), *arguments])  # noqa: S606 - no shell is meant

    def asked_to_stop(number: int, _frame: FrameType | None) -> None:
        runner.stop.request(f"the runner got {signal.Signals(number).name}")

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, asked_to_stop)
    return runner.execute()


def _refuse(error: InvalidJob, environment: Mapping[str, str], clock: Clock) -> None:
    """Tell the workflow about a malformed document where the document says which workflow waits."""
    region = error.region or environment.get("AWS_SSM_REGION_NAME")
    if not error.task_token or not region:
        return
    token = TaskToken(Clients(region).get("stepfunctions"), error.task_token, clock)
    try:
        token.fail(JobFailed.__name__, str(error), bound_seconds=_CLAIM_SECONDS)
    except (BotoCoreError, ClientError, OSError) as problem:
        sys.stderr.write(f"the workflow could not be told: {summary(problem)}\n")
