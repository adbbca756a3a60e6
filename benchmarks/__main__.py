"""``make bench``: every comparison as a Markdown table; ``--write`` puts it into the docs."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks import guardrails, handlers, preview, startup, validate
from benchmarks.measure import Comparison
from benchmarks.progress import say
from benchmarks.source_design.compare import comparisons as source_design
from sandbox.paths import REPOSITORY

PAGE = REPOSITORY / "docs" / "benchmarks.md"
BENCHMARKS: Mapping[str, Callable[[], list[Comparison]]] = {
    "startup": startup.compare,
    "validate": validate.compare,
    "preview": preview.compare,
    "guardrails": guardrails.compare,
    "handlers": handlers.compare,
    "source-design": source_design,
}
_BEGIN, _END = "<!-- make bench: begin -->", "<!-- make bench: end -->"


def main() -> int:
    """Runs the chosen benchmarks one after another."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures Landfall against what its users would otherwise have, side by side.",
        epilog="Example: python -m benchmarks preview startup",
    )
    names = ", ".join(BENCHMARKS)
    parser.add_argument(
        "benchmark", nargs="*", choices=[[], *BENCHMARKS], metavar="NAME", help=f"{names}; all by default"
    )
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name} of the docs")
    options = parser.parse_args()
    chosen = options.benchmark or list(BENCHMARKS)
    lines = [
        f"{os.cpu_count()} cores, {_processor()}, {platform.system()}, Python {platform.python_version()}.",
        "",
        "| what | baseline | ours | ratio | goal |",
        "|---|---|---|---|---|",
    ]
    for name in chosen:
        say(f"{name} …")
        lines += [comparison.row() for comparison in BENCHMARKS[name]()]
    if "handlers" in chosen:
        lines += _modules()
    text = "\n".join(lines) + "\n"
    sys.stdout.write(text)
    if options.write:
        _write(PAGE, text)
    return 0


def _modules() -> list[str]:
    lines = []
    for name in handlers.FUNCTIONS:
        costs = ", ".join(f"`{cost.module}` {cost.milliseconds:.0f} ms" for cost in handlers.slowest(name))
        lines += ["", f"Modules of `{name}` that take longest to import by themselves: {costs}."]
    return lines


def _write(page: Path, text: str) -> None:
    before, _, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    page.write_text(f"{before}{_BEGIN}\n{text}{_END}{rest.partition(_END)[2]}", encoding="utf-8")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    sys.exit(main())
