"""Trees that benchmarks work on: this project's with other stack files."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from sandbox.paths import REPOSITORY

STACK = "prod"
_SAMPLE = "blog_test_workflow"
_COPIED = ("Pulumi.yaml", "__main__.py", "examples", "handlers")


def tree(folder: Path) -> Path:
    """A copy of what the program reads, without any stack file."""
    for name in _COPIED:
        source, target = REPOSITORY / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    (folder / "stacks").mkdir()
    return folder


def stack_config() -> dict[str, Any]:
    """The shipped ``prod`` stack file, as plain values."""
    text = (REPOSITORY / "stacks" / f"Pulumi.{STACK}.yaml").read_text(encoding="utf-8")
    return dict(YAML(typ="safe").load(text))


def with_workflows(config: Mapping[str, Any], count: int) -> dict[str, Any]:
    """The config with ``count`` further workflows, each on a schedule: two resources a workflow."""
    grown = copy.deepcopy(dict(config))
    definitions = grown["config"]["landfall:workflows"]["definitions"]
    for number in range(count):
        workflow_id = f"workflow_{number:04}"
        definitions[workflow_id] = {**copy.deepcopy(definitions[_SAMPLE]), "workflow_id": workflow_id}
    return grown


def write_stack(folder: Path, stack: str, config: Mapping[str, Any]) -> Path:
    """Write a stack file of the tree."""
    path = folder / "stacks" / f"Pulumi.{stack}.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(config, file)
    return path
