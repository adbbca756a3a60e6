"""``python -m benchmarks.source_design``: both designs on the sample workflow, as tables for the docs."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Sequence

from benchmarks.source_design.compare import CRITICAL_PATH, SCRIPT_SECONDS, Side, in_a_sandbox
from sandbox.paths import REPOSITORY

CHILD_LOOKED_AT_EVERY = 0.5
"""Seconds between two looks of the emulator at a child execution that a state waits for. (source: moto,
``_DELAY_SECONDS_SYNC_CONDITION_CHECK``)"""
PAGE = REPOSITORY / "docs" / "source-design.md"
NAMES = {
    "executions": "executions",
    "state_transitions": "state transitions",
    "lambda_invocations": "Lambda invocations",
}
_BEGIN, _END = "<!-- measured: begin -->", "<!-- measured: end -->"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs both designs in a sandbox of their own, which ends with the process."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.source_design",
        description="The source's design, rebuilt, against ours: transitions, Lambda invocations, seconds.",
        epilog="Example: python -m benchmarks.source_design --rounds 9 --write",
    )
    parser.add_argument("--rounds", type=int, default=9, help="runs of each after a cold one (9)")
    parser.add_argument("--write", action="store_true", help=f"put the tables into docs/{PAGE.name}")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    text = tables(*in_a_sandbox(options.rounds))
    sys.stdout.write(text)
    if options.write:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
        PAGE.write_text(f"{before}{_BEGIN}\n{text}{_END}{rest.partition(_END)[2]}", encoding="utf-8")
    return 0


def tables(source: Side, ours: Side) -> str:
    """What was measured, as Markdown."""
    counts = [(NAMES[what], source.count(what), ours.count(what)) for what in NAMES]
    spread = [f"{min(times):.2f} to {max(times):.2f}" for times in (source.warm, ours.warm)]
    waits = (source.count("executions") - 1) * CHILD_LOOKED_AT_EVERY
    lines = [
        "| one run of the sample workflow | the source's design | ours |",
        "|---|---|---|",
        *(f"| {what} | {theirs} | {own} |" for what, theirs, own in counts),
        f"| seconds, median of {len(ours.warm)} runs in turn | {source.seconds:.2f} | {ours.seconds:.2f} |",
        f"| shortest to longest | {spread[0]} | {spread[1]} |",
        f"| without the scripts' own {CRITICAL_PATH:g} s | {source.overhead:.2f} | {ours.overhead:.2f} |",
        f"| first run, everything cold | {source.runs[0].seconds:.2f} | {ours.runs[0].seconds:.2f} |",
        "",
        f"Seconds, ours over theirs: {ours.seconds / source.seconds:.2f}; of the orchestration alone: "
        f"{ours.overhead / source.overhead:.2f}. Each script takes {SCRIPT_SECONDS:g} s in both.",
        "",
        f"The emulator looks every {CHILD_LOOKED_AT_EVERY:g} s whether a child has ended. If all of that "
        f"were waiting, their orchestration would take {source.overhead - waits:.2f} s without it.",
        "",
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python "
        f"{platform.python_version()}; load average {os.getloadavg()[0]:.1f} at the end.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
