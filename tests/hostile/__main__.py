"""`python -m tests.hostile --write` renews the page of hostile inputs; `--check` says whether it is stale."""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

from .cases import CASES
from .doors import meet
from .page import COMMAND, PATH, page


def main(arguments: Sequence[str]) -> int:
    """0 when the page is written or up to date, 1 when it is stale, 2 for wrong use."""
    if list(arguments) not in (["--write"], ["--check"]):
        sys.stderr.write("usage: python -m tests.hostile --write | --check\n")
        return 2
    warnings.simplefilter("ignore")
    met = {}
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            met[case.id] = meet(case, Path(folder))
    text = page(met)
    if list(arguments) == ["--write"]:
        PATH.write_text(text, encoding="utf-8")
        return 0
    if PATH.is_file() and PATH.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{PATH} is stale; renew it with: {COMMAND}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
