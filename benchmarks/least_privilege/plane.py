"""The deployed plane as scenarios see it: clients, runs, waiting, and the emulator's decisions."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from landfall.cli.runs import Run, Runs, new_execution_id
from landfall.config import StackConfig
from landfall.config.workflows import WorkflowDefinition
from landfall.etl_names import EtlNames, OperationsNames
from landfall.naming import Names
from sandbox.launcher import Sandbox
from workflows.items import marshal, to_item

Found = TypeVar("Found")

ENDED = ("Completed", "Failed", "Aborted")
PATIENCE_SECONDS = 90.0
"""How long something may take that nothing refuses."""
REFUSED_SECONDS = 5.0
"""How long is waited on after the role on trial was refused something: it may still come about."""


class NotAsExpected(Exception):
    """A scenario did not do what it does with the roles as they are; one sentence."""


@dataclass(frozen=True)
class Decision:
    """A decision of the emulator on one action of one principal."""

    number: int
    principal: str
    account: str
    action: str
    resource: str
    allowed: bool
    by: tuple[str, ...]
    reason: str
    why: str

    @property
    def role(self) -> str:
        """The role whose documents decide: the one that a service takes, else the principal's own."""
        return self.resource.rpartition("/")[2] if self.action == "sts:AssumeRole" else self.principal


@dataclass
class Plane:
    """The ETL plane of the sandbox stack."""

    sandbox: Sandbox
    config: StackConfig
    names: EtlNames
    operations: OperationsNames
    runs: Runs
    on_trial: str = ""
    """Role that lacks a statement at the moment."""
    since: int = 0
    """Number of the last decision before the present scenario."""
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    @property
    def role_prefix(self) -> str:
        """How the names of the plane's roles begin."""
        names = self.names.names
        return f"{names.prefix}-{names.environment}-"

    def client(self, service: str, alias: str = "data") -> Any:
        """A client of an account, as its administrator."""
        key = (service, alias)
        if key not in self._clients:
            self._clients[key] = self.sandbox.client(service, alias)
        return self._clients[key]

    def decisions(self, since: int | None = None) -> list[Decision]:
        """Decisions after a number; by default of the present scenario."""
        number = self.since if since is None else since
        url = f"{self.sandbox.endpoint}/_landfall/iam/decisions?since={number}"
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - the sandbox's own endpoint
            found = json.load(answer)["decisions"]
        return [Decision(**{**entry, "by": tuple(entry["by"])}) for entry in found]

    def begin(self, on_trial: str = "") -> None:
        """A scenario starts: decisions from here on are its own."""
        self.on_trial = on_trial
        latest = self.decisions()
        self.since = latest[-1].number if latest else self.since

    def refusals(self) -> list[Decision]:
        """What the role on trial was refused in the present scenario."""
        return [d for d in self.decisions() if not d.allowed and d.role == self.on_trial]

    def wait_for(self, what: str, look: Callable[[], Found | None]) -> Found:
        """What `look` finds; raises `NotAsExpected` when it does not come.

        While a role is on trial the wait ends soon after it was refused something.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        hurried = False
        while time.monotonic() < deadline:
            found = look()
            if found is not None:
                return found
            if self.on_trial and not hurried and self.refusals():
                deadline = min(deadline, time.monotonic() + REFUSED_SECONDS)
                hurried = True
            time.sleep(0.2)
        raise NotAsExpected(what)

    def define(self, workflow_id: str, *stages: Mapping[str, Any]) -> None:
        """Put a workflow of the scenario's own into the configuration table, as a deployment does."""
        definition = WorkflowDefinition.model_validate(
            {
                "workflow_id": workflow_id,
                "workflow_description": "Scenario of the least-privilege proof",
                "workflow_stages": [{"stage_description": "Scenario", **stage} for stage in stages],
            }
        )
        self.client("dynamodb").put_item(
            TableName=self.names.config_table, Item=marshal(to_item(workflow_id, definition))
        )

    def start(self, workflow_id: str, **more: str) -> str:
        """Start a workflow as an administrator; returns the execution's id."""
        execution_id = new_execution_id(workflow_id)
        self.runs.start(workflow_id, execution_id, **more)
        return execution_id

    def ended(self, execution_id: str) -> Run:
        """The run when it has ended; an execution that hangs is stopped."""
        try:
            return self.wait_for(
                "the workflow hangs: the call that should end it is refused",
                lambda: self._ended(execution_id),
            )
        except NotAsExpected:
            self.stop(execution_id)
            raise

    def completed(self, execution_id: str) -> Run:
        """The run, which has to be Completed with all its jobs."""
        run = self.ended(execution_id)
        if run.status != "Completed":
            raise NotAsExpected(f"the workflow is {run.status}: {_error(run)}")
        for job in run.jobs:
            if job["execution_status"] != "Completed":
                raise NotAsExpected(f"job {job['job_name']} is {job['execution_status']}: {_error(run)}")
        return run

    def stop(self, execution_id: str) -> None:
        """End an execution that hangs."""
        arn = self.names.execution_arn(execution_id)
        self.client("stepfunctions").stop_execution(executionArn=arn, error="Stopped", cause="hangs")

    def _ended(self, execution_id: str) -> Run | None:
        record = self.client("stepfunctions").describe_execution(
            executionArn=self.names.execution_arn(execution_id)
        )
        if record["status"] == "RUNNING":
            return None
        item = self.runs.recorded(execution_id)
        if not item:
            raise NotAsExpected(f"{record.get('error', record['status'])}: {record.get('cause', '')}")
        run = self.runs.get(execution_id, counted=False)
        return run if run.status in ENDED else None


def _error(run: Run) -> str:
    workflow = run.workflow
    text = f"{workflow.get('error_name', '')}: {workflow.get('error_message', '')}".strip(": ")
    return text or "no error is recorded"


def open_plane(sandbox: Sandbox, config: StackConfig) -> Plane:
    """The plane of the sandbox stack."""
    workflows = config.workflows
    assert workflows is not None  # noqa: S101 - the sandbox stack has workflows
    names = Names(config.platform.name, config.platform.environment)
    home, hub = config.accounts[workflows.account], config.accounts[workflows.operations.account]
    etl = EtlNames(names=names, account_id=home.id, region=home.regions[0])
    plane = Plane(
        sandbox=sandbox,
        config=config,
        names=etl,
        operations=OperationsNames(names=names, account_id=hub.id, region=hub.regions[0]),
        runs=Runs(etl, workflows.account, lambda service, alias: plane.client(service, alias)),
    )
    return plane
