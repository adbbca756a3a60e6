"""The `pulumi` of a prepared shell: which stack a command line means, and what it says unprepared."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sandbox.engines.by_hand import stack_of
from sandbox.paths import REPOSITORY


@pytest.mark.parametrize(
    ("line", "stack"),
    [
        ("preview -s dev", "dev"),
        ("up --stack prod --yes", "prod"),
        ("destroy --stack=sandbox", "sandbox"),
        ("up -s=dev", "dev"),
        ("stack ls", None),
        ("up -s", None),
    ],
)
def test_the_stack_of_a_command_line(line: str, stack: str | None) -> None:
    assert stack_of(line.split()) == stack


def test_an_unprepared_shell_is_told_what_to_do() -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LANDFALL_PULUMI")}
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.engines.by_hand", "preview", "-s", "dev"],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr == 'error: this shell is not prepared; run: eval "$(landfall sandbox env)"\n'
