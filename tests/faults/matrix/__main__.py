"""``make faults``: runs the matrix and writes its page."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.progress import say
from sandbox import launcher
from sandbox.launcher import SandboxSpec
from tests.faults.matrix.cases import cases
from tests.faults.matrix.coverage import coverage
from tests.faults.matrix.page import coverage_lines, line, page, verdict
from tests.faults.matrix.run import PARALLEL, Matrix, Result, run
from tests.faults.matrix.scenarios import BESIDES
from workflows.etl import EtlSpec, definition

PAGE: Final = Path(__file__).parents[3] / "docs" / "fault-matrix.md"
MACHINE: Final = definition(
    EtlSpec(stack="sandbox", tag_key="role", tag_value="host", notify_on_success=True)
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what is asked for; 1 where an invariant broke or, of a whole run, something was not covered."""
    options = _options(arguments)
    wanted = cases(MACHINE, options.only)
    if not wanted:
        say(f"nothing is called {', '.join(options.only)}")
        return 2
    whole = not options.only
    name = f"faults-{os.getpid()}"
    sandbox = launcher.up(SandboxSpec(), name, owner_pid=os.getpid(), discard=True, progress=say)
    try:
        found = run(
            sandbox,
            wanted,
            besides=whole or options.besides,
            parallel=options.parallel,
            progress=_Progress(len(wanted), options.besides or whole),
        )
    finally:
        sandbox.down(discard=True)
    covered = coverage(found.machine, found.counts)
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
    if options.json:
        options.json.write_text(json.dumps(_document(found, machine), indent=1) + "\n", encoding="utf-8")
    if options.write and whole:
        PAGE.write_text(page(found, covered, machine), encoding="utf-8")
    for result in found.results:
        if not result.ok:
            _out(line(result))
    _out(f"{verdict(found)}, {found.seconds:.0f} s")
    if whole:
        _out("\n".join(coverage_lines(covered)))
    return int(any(not result.ok for result in found.results) or (whole and not covered.complete))


class _Progress:
    def __init__(self, count: int, besides: bool) -> None:
        self._count = count + besides * sum(len(scenario.lanes) for scenario in BESIDES.values())
        self._done = 0

    def __call__(self, result: Result) -> None:
        self._done += 1
        say(f"{self._done}/{self._count} {line(result)}")


def _document(matrix: Matrix, machine: str) -> dict[str, Any]:
    return {
        "machine": machine,
        "seconds": round(matrix.seconds, 1),
        "results": [
            {
                "state": result.state,
                "fault": result.fault,
                "lane": result.lane,
                "seconds": round(result.seconds, 1),
                "attempts": result.attempts,
                "status": None if result.seen is None else result.seen.faulty.record.get("execution_status"),
                "error": None if result.seen is None else result.seen.faulty.error,
                "notified": 0 if result.seen is None else len(result.seen.faulty.failures),
                "resumed": None
                if result.seen is None or not result.seen.resumed
                else result.seen.resumed[-1].record.get("execution_status"),
                "problems": list(result.problems),
            }
            for result in matrix.results
        ],
        "trace": matrix.counts,
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.matrix",
        description="Every Task state of the ETL machine under every fault.",
        epilog="Example: python -m tests.faults.matrix 'RecordCompleted (full)' CloseWorkflow/hung",
    )
    parser.add_argument("only", nargs="*", help="states, or STATE/FAULT; all by default")
    parser.add_argument("--parallel", type=int, default=PARALLEL, help=f"cases at once ({PARALLEL})")
    parser.add_argument(
        "--besides", action="store_true", help="with states: the runs without a fault as well"
    )
    parser.add_argument("--write", action="store_true", help="write docs/fault-matrix.md")
    parser.add_argument("--json", type=Path, help="file for every result and the record of transitions")
    return parser.parse_args(arguments)


def _out(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
