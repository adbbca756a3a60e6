"""A stack as a command sees it: its config, its plane's names, and clients for its accounts."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from landfall.cli.deploy import ensure_deployed
from landfall.cli.exits import CommandError, Exit, unknown
from landfall.cli.run_journal import LostRun, RunJournal
from landfall.cli.runs import EXECUTION_ID, Run, Runs
from landfall.cli.sandbox_spec import sandbox_spec
from landfall.cli.stacks import load_stack
from landfall.cli.terminal import say
from landfall.config import StackConfig, Workflows
from landfall.etl_names import EtlNames
from landfall.naming import Names
from sandbox import launcher
from sandbox.ports import LOOPBACK


class Session:
    """One stack, its ETL plane and how to reach it."""

    def __init__(self, stack: str, config: StackConfig) -> None:
        self.stack = stack
        self.config = config
        self._clients: dict[tuple[str, str], Any] = {}
        self._sessions: dict[str, boto3.Session] = {}

    @property
    def in_sandbox(self) -> bool:
        """Whether the stack lives on this machine."""
        return self.config.platform.environment == "sandbox"

    @property
    def workflows(self) -> Workflows:
        """The ETL plane's config; raises ``CommandError`` where the stack has none."""
        if self.config.workflows is None:
            raise CommandError(f"stack {self.stack} has no landfall:workflows", Exit.INVALID)
        return self.config.workflows

    def require_workflow(self, workflow_id: str) -> None:
        """Raises ``CommandError`` with the nearest name where the config has no such workflow."""
        known = list(self.workflows.definitions)
        if workflow_id not in known:
            raise unknown("workflow_id", workflow_id, known, f"stack {self.stack} has")

    @cached_property
    def names(self) -> EtlNames:
        """Names of the plane."""
        account = self.config.accounts[self.workflows.account]
        platform = self.config.platform
        return EtlNames(
            names=Names(platform.name, platform.environment), account_id=account.id, region=account.regions[0]
        )

    @cached_property
    def runs(self) -> Runs:
        """Runs of the plane."""
        return Runs(self.names, self.workflows.account, self.client)

    @cached_property
    def sandbox(self) -> launcher.Sandbox | None:
        """The running sandbox of this stack."""
        return launcher.attach() if self.in_sandbox else None

    @property
    def reachable(self) -> bool:
        """Whether the plane can be asked: always true in AWS accounts."""
        if not self.in_sandbox:
            return True
        if self.sandbox is None:
            return False
        status = self.sandbox.status()
        return all(process["alive"] for process in status["processes"])

    def client(self, service: str, alias: str) -> Any:
        """A client of a service in an account, in that account's home Region."""
        account = self.config.accounts[alias]
        region = account.regions[0]
        if self.in_sandbox:
            if self.sandbox is None:
                raise not_running()
            if lost := self.sandbox.lost("emulator"):
                raise CommandError(f"{lost}; start it again with: landfall sandbox up", Exit.ENVIRONMENT)
            return self.sandbox.client(service, alias, region)
        if (service, alias) not in self._clients:
            self._clients[service, alias] = self._session_of(alias).client(service, region_name=region)
        return self._clients[service, alias]

    def _session_of(self, alias: str) -> boto3.Session:
        """The account's session, made and checked once."""
        if alias not in self._sessions:
            self._sessions[alias] = self._account_session(alias)
        return self._sessions[alias]

    def _account_session(self, alias: str) -> boto3.Session:
        """The caller's own credentials, which must be of the account: nothing is assumed behind his back."""
        account = self.config.accounts[alias]
        session = boto3.Session(region_name=account.regions[0])
        try:
            actual = session.client("sts").get_caller_identity()["Account"]
        except (BotoCoreError, ClientError) as error:
            raise CommandError(
                f"no AWS credentials for account {alias} ({account.id}): {error}; "
                "sign in, for example: aws sso login",
                Exit.ENVIRONMENT,
            ) from error
        if actual != account.id:
            raise CommandError(
                f"the AWS credentials are of account {actual}, but {alias} is {account.id}", Exit.ENVIRONMENT
            )
        return session

    def start(self, workflow_id: str, execution_id: str, **more: str) -> str:
        """Starts a run, as ``Runs.start``; in the sandbox word of it is kept."""
        if (journal := self._journal()) is not None and EXECUTION_ID.fullmatch(execution_id):
            journal.note(execution_id, workflow_id)
        return self.runs.start(workflow_id, execution_id, **more)

    def resume(self, execution_id: str, new_id: str | None) -> str:
        """Starts a run of what another one did not complete, and returns its id.

        A run whose records went with a killed emulator starts from its first stage.
        """
        if lost := self._lost(execution_id):
            say(f"{lost}; it runs again from its first stage")
            chosen = new_id or self.runs.next_resume_id(execution_id)
            self.start(lost.workflow_id, chosen, rerun_of=execution_id)
            return chosen
        chosen = new_id or self.runs.next_resume_id(execution_id)
        if (journal := self._journal()) is not None and EXECUTION_ID.fullmatch(chosen):
            journal.note(chosen, self.runs.workflow_of(execution_id))
        self.runs.resume(execution_id, chosen)
        return chosen

    def get(self, execution_id: str) -> Run:
        """Everything recorded of a run; raises ``CommandError`` that says what became of a lost one."""
        if lost := self._lost(execution_id):
            raise CommandError(f"{lost}; run it again with: landfall workflow resume {execution_id}")
        return self.runs.get(execution_id)

    def _lost(self, execution_id: str) -> LostRun | None:
        """The run, if it was of this sandbox and its emulator is gone; one that is recorded is not lost."""
        journal = self._journal()
        lost = journal.lost(execution_id) if journal is not None else None
        return None if lost is not None and self.runs.recorded(execution_id) else lost

    def _journal(self) -> RunJournal | None:
        sandbox = self.sandbox
        return RunJournal(sandbox.state_dir, sandbox.generation) if sandbox is not None else None

    def say_what_is_gone(self, execution_id: str) -> None:
        """After a failed run: says which parts of the sandbox ended meanwhile, and what to do."""
        if self.sandbox is not None and (lost := self.sandbox.lost()):
            say(f"{lost}; to start it again and go on: landfall workflow resume {execution_id}")

    def ensure_deployed(self) -> None:
        """In the sandbox: start it if need be, and deploy what changed since the last time."""
        if self.in_sandbox:
            self.__dict__["sandbox"] = ensure_deployed(self.stack, sandbox_spec(self.config))


def not_running() -> CommandError:
    """The refusal of a command that needs the sandbox, with what became of it where that is known."""
    happened = launcher.trouble()
    reason = f"the sandbox is not running{f': {happened}' if happened else ''}"
    return CommandError(f"{reason}; start it with: landfall sandbox up", Exit.ENVIRONMENT)


def lost_connection(error: BaseException) -> CommandError | None:
    """Why a call to the sandbox failed that had no answer; None for any other error."""
    if not isinstance(error, BotoCoreError) or LOOPBACK not in str(error):
        return None
    sandbox = launcher.attach()
    if sandbox is None:
        return not_running()
    lost = sandbox.lost("emulator")
    if lost is None:
        return None
    return CommandError(f"{lost}; run the command again, it starts what is gone", Exit.ENVIRONMENT)


def open_session(stack: str) -> Session:
    """The session of a stack; raises ``CommandError`` with the whole report where its config is invalid."""
    return Session(stack, load_stack(stack))
