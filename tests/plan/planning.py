"""Plans of the shipped stacks, and of variants of them, made once for all tests."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import resource_pb2

from landfall.config import LoadResult, StackConfig, load_file
from sandbox.engines import embedded
from sandbox.engines.plan import PROVIDER_PREFIX, Plan, PlannedResource
from sandbox.engines.project import Project

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).with_name("golden")
STACKS = tuple(Project.load(ROOT).stacks())
UNKNOWN = "<unknown>"

TABLE = "aws:dynamodb/table:Table"
BUCKET = "aws:s3/bucket:Bucket"
KEY = "aws:kms/key:Key"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
MACHINE = "aws:sfn/stateMachine:StateMachine"

Values = dict[str, Any]
Change = Callable[[Values], None]


class Recorder(embedded.RecordingMonitor):
    """The engine's monitor, which also keeps what plans leave out: raw inputs, and who registered outputs."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.outputs_of: dict[str, int] = {}

    def RegisterResourceOutputs(
        self, request: resource_pb2.RegisterResourceOutputsRequest
    ) -> empty_pb2.Empty:
        self.outputs_of[request.urn] = self.outputs_of.get(request.urn, 0) + 1
        return super().RegisterResourceOutputs(request)

    @property
    def raw_inputs(self) -> Mapping[str, Mapping[str, Any]]:
        """Inputs by URN as they cross the wire, before a plan shows them."""
        return self._raw


@cache
def recorded(stack: str) -> Recorder:
    """The recorded registrations of a shipped stack."""
    return _run(stack, lambda values: None)


@cache
def planned(stack: str) -> Plan:
    """The plan of a shipped stack."""
    return _plan(stack, recorded(stack))


def variant(stack: str, change: Change) -> Plan:
    """The plan of a shipped stack with other values under ``landfall:``."""
    return _plan(stack, _run(stack, change))


def values_of(stack: str) -> Values:
    """The values under ``landfall:`` of a shipped stack, by top-level key."""
    return {
        key.removeprefix("landfall:"): json.loads(text)
        for key, text in Project.load(ROOT).config(stack).values.items()
        if key.startswith("landfall:")
    }


def _run(stack: str, change: Change) -> Recorder:
    project = Project.load(ROOT)
    values = copy.deepcopy(values_of(stack))
    change(values)
    config = project.config(stack)
    config = replace(
        config,
        values={**config.values, **{f"landfall:{key}": json.dumps(value) for key, value in values.items()}},
    )
    monitor = Recorder(project, stack, config)
    embedded.run_program(project, stack, config, monitor, preview=True)
    return monitor


def _plan(stack: str, monitor: Recorder) -> Plan:
    return Plan(
        stack=stack, engine="embedded", resources=monitor.resources_planned(), outputs=monitor.outputs()
    )


def config_of(stack: str) -> StackConfig:
    """The typed config of a shipped stack."""
    result: LoadResult = load_file(ROOT / "stacks" / f"Pulumi.{stack}.yaml")
    return result.require()


def of_type(plan: Plan, kind: str) -> list[PlannedResource]:
    """The resources of one type."""
    return [resource for resource in plan.resources if resource.type == kind]


def one(plan: Plan, kind: str, name: str) -> PlannedResource:
    """The resource of one type and logical name."""
    (found,) = [resource for resource in of_type(plan, kind) if resource.name == name]
    return found


def deployed(plan: Plan) -> list[PlannedResource]:
    """What AWS will hold: neither components nor providers nor the stack."""
    return [
        resource
        for resource in plan.resources
        if resource.custom and not resource.type.startswith((PROVIDER_PREFIX, "pulumi:"))
    ]


def statements(resource: PlannedResource, key: str = "policy") -> dict[str, dict[str, Any]]:
    """Statements of the policy document in an input, by Sid."""
    document = json.loads(str(resource.inputs[key]))
    found = {entry["Sid"]: entry for entry in document["Statement"]}
    assert len(found) == len(document["Statement"]), f"two statements of {resource.urn} share a Sid"
    return found


def machine_facts() -> list[str]:
    """Texts that only this machine has: where the tree and the home folder lie."""
    return [text for text in (str(ROOT), str(Path.home()), os.uname().nodename) if len(text) > 4]
