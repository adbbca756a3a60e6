"""Accept what the stacks plan now as right: ``python -m tests.plan.accept``.

Read the difference that git then shows before it is committed: a line that goes or changes means that a
resource is deleted or replaced wherever the stack is deployed, unless the program gives it an alias.
"""

from __future__ import annotations

import sys

from .golden_list import golden_lines
from .planning import GOLDEN, STACKS, planned


def main() -> int:
    """Writes every golden list anew."""
    GOLDEN.mkdir(exist_ok=True)
    for old in GOLDEN.glob("*.txt"):
        if old.stem not in STACKS:
            old.unlink()
    for stack in STACKS:
        path = GOLDEN / f"{stack}.txt"
        path.write_text("\n".join(golden_lines(planned(stack))) + "\n", encoding="utf-8")
        sys.stdout.write(f"wrote {path.relative_to(GOLDEN.parents[2])}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
