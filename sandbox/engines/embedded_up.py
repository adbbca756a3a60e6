"""Deploys a stack with the embedded engine, for machines where no Pulumi CLI can be had.

The program runs in process as in a preview, but each registration goes through the same lifecycle and
provisioners as the real engine's plugin. State is one JSON file, written after every resource, so that a
run that failed goes on from there. For the sandbox only: no parallel updates, no refresh, no import.
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sandbox.engines.embedded import Guardrails, RecordingMonitor, plan, run_program
from sandbox.engines.errors import DeploymentFailed, EngineError
from sandbox.engines.lifecycle import Lifecycle
from sandbox.engines.plan import PROVIDER_PREFIX, PlannedResource
from sandbox.engines.project import Project, StackConfig
from sandbox.engines.provider_config import provider_place
from sandbox.engines.pulumi_engine import Deployment
from sandbox.engines.recorded import Ledger
from sandbox.provisioners import PROVISIONERS, Provisioner, explain

type Record = dict[str, Any]
type OnResource = Callable[[str, str], None]
"""Takes the operation and the URN of each resource that was touched."""


class EmbeddedEngine:
    """The embedded engine on one state folder."""

    def __init__(
        self, state_dir: Path, *, root: Path, provisioners: Mapping[str, Provisioner] = PROVISIONERS
    ) -> None:
        self._project = Project.load(root)
        self._file = state_dir / "embedded" / "state.json"
        self._ledger = Ledger(state_dir / "recorded")
        self._provisioners = provisioners

    def up(
        self,
        stack: str,
        *,
        environment: Mapping[str, str],
        guardrails: Guardrails | None = None,
        values: Mapping[str, str] | None = None,
        on_resource: OnResource = lambda operation, urn: None,
    ) -> Deployment:
        """Deploy the stack: make, change, replace and take away what differs from the state.

        `values` take the place of the stack file's by their keys, as with ``pulumi up --config``; guardrails
        judge the stack file.

        Raises:
            DeploymentFailed: a guardrail or a call refused; what was made is in the state.
            EngineError: there is no such stack, or the program failed.
        """
        began = time.monotonic()
        if guardrails is not None:
            refused = [
                v
                for v in plan(self._project.root, stack, guardrails=guardrails).violations
                if v.level == "mandatory"
            ]
            if refused:
                failures = tuple(f"{violation.policy}: {violation.message}" for violation in refused)
                raise DeploymentFailed("; ".join(failures), failures)
        config = self._project.config(stack)
        config = replace(config, values={**config.values, **(values or {})})
        state = _State(self._file)
        monitor = _DeployingMonitor(
            self._project, stack, config, state, self._provisioners, self._ledger, on_resource
        )
        with _variables(environment):
            try:
                run_program(self._project, stack, config, monitor, preview=False)
            except EngineError as wrong:
                failures = tuple(monitor.failures) or (str(wrong),)
                raise DeploymentFailed("; ".join(failures), failures) from wrong
            monitor.delete_all(state.urns() - monitor.registered)
        return Deployment(dict(monitor.changes), time.monotonic() - began, monitor.outputs())

    def destroy(self, stack: str, *, environment: Mapping[str, str]) -> Deployment:
        """Take everything of the stack away, last made first. Raises as `up` does."""
        began = time.monotonic()
        state = _State(self._file)
        monitor = _DeployingMonitor(
            self._project,
            stack,
            self._project.config(stack),
            state,
            self._provisioners,
            self._ledger,
            lambda operation, urn: None,
        )
        with _variables(environment):
            monitor.delete_all(state.urns())
        return Deployment(dict(monitor.changes), time.monotonic() - began)


class _State:
    """Records of what exists, in the order in which it was made."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._records: dict[str, Record] = json.loads(file.read_text()) if file.is_file() else {}

    def urns(self) -> set[str]:
        """URNs of everything that exists."""
        return set(self._records)

    def newest_first(self, urns: set[str]) -> list[str]:
        """Some of the URNs, the last made first."""
        return [urn for urn in reversed(self._records) if urn in urns]

    def get(self, urn: str) -> Record | None:
        """The record of a resource, if it exists."""
        return self._records.get(urn)

    def put(self, urn: str, record: Record) -> None:
        """Keep a resource's record; one that is known keeps its place in the order."""
        with self._lock:
            self._records[urn] = record
            self._write()

    def drop(self, urn: str) -> None:
        """Forget a resource."""
        with self._lock:
            self._records.pop(urn, None)
            self._write()

    def _write(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=self._file.parent, delete=False) as partial:
            json.dump(self._records, partial)
        Path(partial.name).replace(self._file)


class _DeployingMonitor(RecordingMonitor):
    """A monitor whose registrations make the resources."""

    def __init__(
        self,
        project: Project,
        stack: str,
        config: StackConfig,
        state: _State,
        provisioners: Mapping[str, Provisioner],
        ledger: Ledger,
        on_resource: OnResource,
    ) -> None:
        super().__init__(project, stack, config)
        self._state = state
        self._provisioners = provisioners
        self._ledger = ledger
        self._on_resource = on_resource
        self.changes: dict[str, int] = {}
        self.failures: list[str] = []
        self.registered: set[str] = set()

    def provision(self, planned: PlannedResource, inputs: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """Make or change the resource; its id and outputs."""
        if planned.type.startswith(PROVIDER_PREFIX):
            self.registered.add(planned.urn)
            return planned.name, inputs
        provider = dict(self._raw.get(planned.provider or "", {}))
        lifecycle = self._lifecycle(provider)
        try:
            operation, identifier, outputs = self._settle(lifecycle, planned, dict(inputs))
        except EngineError:
            raise
        except Exception as refused:
            sentence = f'{planned.type} "{planned.name}": {explain(refused)}'
            self.failures.append(sentence)
            raise EngineError(sentence) from refused
        self._state.put(
            planned.urn,
            {
                "token": planned.type,
                "id": identifier,
                "inputs": dict(inputs),
                "outputs": dict(outputs),
                "provider": provider,
                "retain": planned.retain_on_delete,
            },
        )
        self.registered.add(planned.urn)
        self._count(operation, planned.urn)
        return identifier, outputs

    def delete_all(self, urns: set[str]) -> None:
        """Take resources away, the last made first; those that are to be kept only leave the state."""
        for urn in self._state.newest_first(urns):
            record = self._state.get(urn)
            if record is None:
                continue
            if not record["retain"]:
                self._delete(urn, record)
            self._state.drop(urn)
            self._count("delete", urn)

    def _settle(
        self, lifecycle: Lifecycle, planned: PlannedResource, inputs: dict[str, Any]
    ) -> tuple[str, str, Mapping[str, Any]]:
        token, urn = planned.type, planned.urn
        known = self._state.get(urn)
        if known is not None:
            difference = lifecycle.diff(token, known["inputs"], known["outputs"], inputs)
            if not difference.changed:
                return "same", known["id"], known["outputs"]
            if not difference.replaces:
                outputs = lifecycle.update(
                    token, urn, known["id"], known["inputs"], known["outputs"], inputs, preview=False
                )
                return "update", known["id"], outputs
            # One state record a resource: the old one goes first, which the sandbox can afford.
            self._delete(urn, known)
            self._state.drop(urn)
        identifier, outputs = lifecycle.create(token, urn, planned.name, inputs, preview=False)
        return "create" if known is None else "replace", identifier, outputs

    def _delete(self, urn: str, record: Record) -> None:
        lifecycle = self._lifecycle(record["provider"])
        try:
            lifecycle.delete(record["token"], urn, record["id"], record["inputs"], record["outputs"])
        except Exception as refused:
            sentence = f"{urn.rpartition('::')[2]}: {explain(refused)}"
            raise DeploymentFailed(sentence, (sentence,)) from refused

    def _lifecycle(self, provider: Mapping[str, Any]) -> Lifecycle:
        return Lifecycle(provider_place(provider), self._provisioners, self._ledger)

    def _count(self, operation: str, urn: str) -> None:
        with self._lock:
            self.changes[operation] = self.changes.get(operation, 0) + 1
        self._on_resource(operation, urn)


@contextmanager
def _variables(environment: Mapping[str, str]) -> Iterator[None]:
    """The sandbox's AWS variables instead of the caller's, for as long as the program deploys."""
    before = {key: value for key, value in os.environ.items() if key.startswith("AWS_")}
    for key in before:
        del os.environ[key]
    os.environ.update(environment)
    try:
        yield
    finally:
        for key in environment:
            os.environ.pop(key, None)
        os.environ.update(before)
