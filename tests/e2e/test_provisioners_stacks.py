"""Every shipped stack's program, deployed through the provisioners and taken down again.

The engine is left out on purpose: this is about the calls. A value that AWS would refuse in any of the
stacks fails here, also in those that are never deployed on one machine otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox.engines.embedded import RecordingMonitor, plan, run_program
from sandbox.engines.lifecycle import Lifecycle
from sandbox.engines.plan import PlannedResource
from sandbox.engines.project import Project
from sandbox.engines.provider_config import provider_place
from sandbox.engines.recorded import Ledger
from sandbox.provisioners import PROVISIONERS
from sandbox.provisioners.base import Base
from tests.e2e.provisioners_emulator import ROOT, emulator

pytestmark = pytest.mark.emulator

STACKS = sorted(path.name.split(".")[1] for path in (ROOT / "stacks").glob("Pulumi.*.yaml"))


class Deploying(RecordingMonitor):
    """Makes what is registered, through the provisioners, and remembers it."""

    def provision(self, planned: PlannedResource, inputs: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        if not planned.type.startswith("aws:"):
            return f"{planned.name}-id", inputs
        life = self.life(planned)
        id, outputs = life.create(planned.type, planned.urn, planned.name, inputs, preview=False)
        self.made.append((planned, id, dict(inputs), outputs))
        return id, outputs

    def life(self, planned: PlannedResource) -> Lifecycle:
        place = provider_place(self._raw[planned.provider or ""])
        return Lifecycle(place, PROVISIONERS, Ledger(None))

    @property
    def made(self) -> list[tuple[PlannedResource, str, dict[str, Any], dict[str, Any]]]:
        return self.__dict__.setdefault("_made", [])


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with emulator(tmp_path_factory.mktemp("emulator")) as url:
        yield url


@pytest.mark.parametrize("stack", STACKS)
def test_every_input_of_a_shipped_stack_is_carried_out(stack: str) -> None:
    left_out = {}
    for resource in plan(ROOT, stack).resources:
        if resource.type.startswith("aws:"):
            provisioner = PROVISIONERS[resource.type]
            assert isinstance(provisioner, Base)
            given = {key for key, value in resource.inputs.items() if value is not None}
            if extra := given - provisioner.handled - {"region"}:
                left_out[resource.urn] = extra
    assert left_out == {}


@pytest.mark.parametrize("stack", STACKS)
def test_a_shipped_stack_is_made_unchanged_and_taken_down(
    endpoint: str, stack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    project = Project.load(Path(ROOT))
    config = project.config(stack)
    monitor = Deploying(project, stack, config)
    run_program(project, stack, config, monitor, preview=False)

    planned = [r for r in plan(ROOT, stack).resources if r.type.startswith("aws:")]
    assert sorted(r.urn for r in planned) == sorted(entry[0].urn for entry in monitor.made)

    for resource, id, inputs, outputs in monitor.made:
        life = monitor.life(resource)
        assert life.read(resource.type, resource.urn, id, outputs, inputs) is not None, resource.urn
        difference = life.diff(resource.type, inputs, outputs, inputs)
        assert difference.changed == (), resource.urn
        # Updating to what is there already must be harmless: a rerun after a failure does that.
        if not PROVISIONERS[resource.type].replace_on >= set(inputs):
            life.update(resource.type, resource.urn, id, inputs, outputs, inputs, preview=False)

    for resource, id, inputs, outputs in reversed(monitor.made):
        life = monitor.life(resource)
        state = unprotected(life, resource, id, inputs, outputs)
        life.delete(resource.type, resource.urn, id, inputs, state)
    for resource, id, inputs, outputs in monitor.made:
        if resource.type != "aws:s3/bucketVersioning:BucketVersioning":
            life = monitor.life(resource)
            assert life.read(resource.type, resource.urn, id, outputs, inputs) is None, resource.urn


def unprotected(
    life: Lifecycle, resource: PlannedResource, id: str, inputs: dict[str, Any], outputs: dict[str, Any]
) -> dict[str, Any]:
    """Takes deletion protection off, as an operator does before taking a real environment down."""
    if inputs.get("deletionProtectionEnabled"):
        changed = {**inputs, "deletionProtectionEnabled": False}
        return life.update(resource.type, resource.urn, id, inputs, outputs, changed, preview=False)
    return outputs
