"""Validation of a platform of 100 stack files against reading their YAML."""

from __future__ import annotations

import copy
import tempfile
from pathlib import Path

from ruamel.yaml import YAML

from benchmarks.measure import Comparison, seconds
from benchmarks.trees import stack_config, tree, with_workflows, write_stack
from landfall.config.loader import load_all

STACKS = 100
WORKFLOWS = 5
"""Workflows of a stack file, besides the sample."""
MOST_SECONDS = 10.0


def compare() -> list[Comparison]:
    """All errors of 100 stack files against the parser alone."""
    with tempfile.TemporaryDirectory() as folder:
        root = tree(Path(folder))
        config = with_workflows(stack_config(), WORKFLOWS)
        for number in range(STACKS):
            own = copy.deepcopy(config)
            own["config"]["landfall:platform"]["name"] = f"team{number:03}"
            write_stack(root, f"team{number:03}", own)
        files = sorted((root / "stacks").glob("*.yaml"))

        def parse() -> None:
            for file in files:
                YAML(typ="rt").load(file.read_text(encoding="utf-8"))

        def validate() -> None:
            wrong = {
                name: result.issues for name, result in load_all(root / "stacks").items() if not result.ok
            }
            if wrong:
                raise ValueError(f"the generated platform is invalid: {wrong}")

        parsed, validated = seconds(parse, validate, repeats=3)
        return [
            Comparison(
                what=f"validate {STACKS} stack files of {len(files[0].read_text().splitlines())} lines",
                baseline="ruamel.yaml, reading alone",
                baseline_seconds=parsed,
                ours="all checks",
                ours_seconds=validated,
                most_seconds=MOST_SECONDS,
            )
        ]
