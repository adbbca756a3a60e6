"""Cold imports of the functions, against the libraries that the runtime and the layer bring anyway.

A function's modules are imported from its own archive, as Lambda does it, in a new interpreter without
bytecode of ours.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import REPEATS, Comparison, command_processor_seconds
from landfall.archives import function_archive
from sandbox.paths import REPOSITORY

FUNCTIONS = ("close_execution", "start_workflow")
MOST_SECONDS = 0.150
"""Cold import of our own modules, the libraries excluded."""
_LIBRARIES = "import boto3, pydantic, aws_lambda_powertools, aws_lambda_powertools.utilities.parser"
_LISTED = 8


@dataclass(frozen=True)
class Cost:
    """What one module's import costs by itself, in milliseconds."""

    module: str
    milliseconds: float


def compare() -> list[Comparison]:
    """Our modules after the libraries, for each function."""
    found = []
    with TemporaryDirectory() as folder:
        (libraries,) = command_processor_seconds(_python(Path(folder), _LIBRARIES))
        for name in FUNCTIONS:
            archive = function_archive(name, REPOSITORY)
            code = Path(folder) / name
            with zipfile.ZipFile(archive.path) as packed:
                packed.extractall(code)
            found.append(
                Comparison(
                    what=f"cold import of {name}, archive of {archive.path.stat().st_size / 1024:.0f} KiB",
                    baseline="boto3, pydantic, Powertools",
                    baseline_seconds=libraries,
                    ours="our modules after them",
                    ours_seconds=statistics.median(_own_seconds(code, name) for _ in range(REPEATS)),
                    most_seconds=MOST_SECONDS,
                )
            )
    return found


def _own_seconds(code: Path, name: str) -> float:
    """Processor time of a function's own modules, in an interpreter that has imported the libraries."""
    timed = (
        f"{_LIBRARIES}; import time; began = time.process_time(); "
        f"import handlers.{name}.handler; print(time.process_time() - began)"
    )
    return float(subprocess.run(_python(code, timed), check=True, capture_output=True, text=True).stdout)


def slowest(name: str) -> list[Cost]:
    """The modules of a function whose own code takes longest to import."""
    with TemporaryDirectory() as folder:
        with zipfile.ZipFile(function_archive(name, REPOSITORY).path) as packed:
            packed.extractall(folder)
        command = _python(Path(folder), f"import handlers.{name}.handler")
        command[1:1] = ["-X", "importtime"]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    costs = []
    for line in said.splitlines():
        own, _, rest = line.removeprefix("import time:").partition("|")
        if own.strip().isdigit():
            costs.append(Cost(rest.rpartition("|")[2].strip(), int(own) / 1000))
    return sorted(costs, key=lambda cost: -cost.milliseconds)[:_LISTED]


def _python(folder: Path, code: str) -> list[str]:
    return [sys.executable, "-B", "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); {code}"]
