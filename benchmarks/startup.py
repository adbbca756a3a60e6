"""How long commands and imports take to start, in processes of their own."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.measure import Comparison, command_seconds


def compare() -> list[Comparison]:
    """Imports and ``--help`` against the bare interpreter, and against the SDK's own import."""
    python = sys.executable
    bare = command_seconds([python, "-c", "pass"])
    sdk = command_seconds([python, "-c", "import pulumi"])
    landfall = str(Path(python).with_name("landfall"))
    return [
        Comparison(
            what="start",
            baseline="python",
            baseline_seconds=bare,
            ours="import landfall",
            ours_seconds=command_seconds([python, "-c", "import landfall"]),
            most_seconds=0.3,
        ),
        Comparison(
            what="start",
            baseline="import pulumi",
            baseline_seconds=sdk,
            ours="import landfall.config",
            ours_seconds=command_seconds([python, "-c", "import landfall.config"]),
        ),
        Comparison(
            what="start",
            baseline="import pulumi",
            baseline_seconds=sdk,
            ours="landfall --help",
            ours_seconds=command_seconds([landfall, "--help"]),
            most_seconds=0.4,
        ),
    ]
