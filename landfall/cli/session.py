"""A stack as a command sees it: its config, its plane's names, and clients for its accounts."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from landfall.cli.deploy import ensure_deployed
from landfall.cli.exits import CommandError, Exit, unknown
from landfall.cli.runs import Runs
from landfall.cli.sandbox_spec import sandbox_spec
from landfall.cli.stacks import load_stack
from landfall.config import StackConfig, Workflows
from landfall.etl_names import EtlNames
from landfall.naming import Names
from sandbox import launcher


class Session:
    """One stack, its ETL plane and how to reach it."""

    def __init__(self, stack: str, config: StackConfig) -> None:
        self.stack = stack
        self.config = config

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
                raise CommandError(
                    "the sandbox is not running; start it with: landfall sandbox up", Exit.ENVIRONMENT
                )
            return self.sandbox.client(service, alias, region)
        return self._account_session(alias).client(service, region_name=region)

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

    def ensure_deployed(self) -> None:
        """In the sandbox: start it if need be, and deploy what changed since the last time."""
        if self.in_sandbox:
            self.__dict__["sandbox"] = ensure_deployed(self.stack, sandbox_spec(self.config))


def open_session(stack: str) -> Session:
    """The session of a stack; raises ``CommandError`` with the whole report where its config is invalid."""
    return Session(stack, load_stack(stack))
