"""Progress of a long measurement, on standard error: standard output is for its result."""

from __future__ import annotations

import sys


def say(line: str) -> None:
    """Print one line of progress at once."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
