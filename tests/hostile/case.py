"""What a hostile case is: an input, the door that it comes in by, and what the user must get. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

CANARY: Final = "canary"
"""Every case that could run, write or read something it was not asked to does it to a file of this name."""

SCRIPT: Final = f"#!/bin/sh\ntouch {CANARY}-script\n"

_HEAD: Final = """\
config:
  landfall:platform: {name: landfall, environment: sandbox, owner: etl, cost_center: cc-1}
  landfall:accounts:
    data: {id: "111111111111", regions: [eu-central-1]}
  landfall:network:
    etl: {account: data, cidr: 10.20.0.0/20, availability_zones: [eu-central-1a, eu-central-1b]}
"""
_PLANE: Final = """\
  landfall:workflows:
    account: data
    network: etl
    operations: {account: data}
    warehouse: {secret: landfall/warehouse, workgroup: etl, database: dev}
    hosts: {tag_key: role, tag_value: etl-host}
    scripts: @SCRIPTS@
    definitions:
"""


def stack(
    jobs: str = "[load.sh]",
    *,
    kind: str = "sequential",
    workflow: str = "nightly",
    scripts: str = "../scripts",
    platform: str = "",
    definitions: str | None = None,
    rest: str = "",
) -> str:
    """A stack file, valid but for what is given; YAML is put in as it is."""
    head = _HEAD.replace("cost_center: cc-1}", f"cost_center: cc-1{platform}}}")
    if definitions is None:
        definitions = (
            f"      {workflow}: {{workflow_stages: [{{execution_type: {kind}, scripts: {jobs}}}]}}\n"
        )
    return head + _PLANE.replace("@SCRIPTS@", scripts) + definitions + rest


@dataclass(frozen=True)
class Special:
    """Something in the project's folder that is no plain file."""

    kind: str
    """`link`, `fifo`, `socket`, `device` (a link to /dev/zero), `folder`, or `large` (a sparse file)."""
    target: str = ""
    size: int = 0


@dataclass(frozen=True, kw_only=True)
class Case:
    """One hostile input."""

    topic: str
    """Section of the page."""
    name: str
    """Short, unique within the topic."""
    shown: str
    """The input as the page shows it: itself where it is short, else what it is."""
    door: str
    """Where it comes in: a key of `doors.DOORS`."""
    given: Any = ()
    """What goes through the door."""
    files: Mapping[str, str | bytes | Special] = field(default_factory=dict)
    """Further contents of the project's folder, by path."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Further environment variables."""
    ends: int | str = 2
    """Exit code of a command, or name of the error that a function ends with."""
    says: str
    """Part of what the user is told."""
    errors: int = 1
    """How many errors a report has."""

    @property
    def id(self) -> str:
        """The case's name among tests."""
        return f"{self.topic}: {self.name}"
