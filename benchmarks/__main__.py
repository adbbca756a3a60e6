"""``make bench``: prints every comparison as a Markdown table."""

from __future__ import annotations

import os
import platform

from benchmarks import preview


def main() -> None:
    """Runs the benchmarks one after another."""
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}\n")
    print("| what | baseline | ours | ratio |\n|---|---|---|---|")
    for comparison in preview.compare():
        print(comparison.row())


if __name__ == "__main__":
    main()
