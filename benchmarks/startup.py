"""How long commands and imports take to start, in processes of their own."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.measure import Comparison, command_seconds


def compare() -> list[Comparison]:
    """Imports and ``--help`` against the bare interpreter, and against the SDK's own import."""
    python = sys.executable
    landfall = str(Path(python).with_name("landfall"))
    bare, sdk, ours, config, usage = command_seconds(
        [python, "-c", "pass"],
        [python, "-c", "import pulumi"],
        [python, "-c", "import landfall"],
        [python, "-c", "import landfall.config"],
        [landfall, "--help"],
    )
    return [
        Comparison(
            what="start",
            baseline="python",
            baseline_seconds=bare,
            ours="import landfall",
            ours_seconds=ours,
            most_seconds=0.3,
        ),
        Comparison(
            what="start",
            baseline="import pulumi",
            baseline_seconds=sdk,
            ours="import landfall.config",
            ours_seconds=config,
        ),
        Comparison(
            what="start",
            baseline="import pulumi",
            baseline_seconds=sdk,
            ours="landfall --help",
            ours_seconds=usage,
            most_seconds=0.4,
        ),
    ]
