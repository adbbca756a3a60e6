"""``make least-privilege``: the experiment on a sandbox of its own, and its page."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time

from benchmarks.least_privilege.page import page
from benchmarks.least_privilege.plane import open_plane
from benchmarks.least_privilege.proof import prove
from benchmarks.least_privilege.stack import deploy
from benchmarks.progress import say
from landfall.cli.stacks import ROOT
from sandbox import launcher

NAME = "least-privilege"
PAGE = ROOT / "docs" / "least-privilege.md"


def main() -> int:
    """Runs the experiment; 0 when every grant is needed, 1 when not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.least_privilege", description=__doc__)
    parser.add_argument(
        "--whole", action="store_true", help="statements in one piece, not each action and resource"
    )
    parser.add_argument("--only", action="append", default=[], help="only roles or statements with this text")
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    parser.add_argument("--keep", action="store_true", help="leave the sandbox running")
    options = parser.parse_args()
    os.environ.setdefault("LANDFALL_SANDBOX_NAME", NAME)
    began = time.monotonic()
    try:
        owner = None if options.keep else os.getpid()
        sandbox, config = deploy(launcher.default_name(), owner_pid=owner, progress=say)
        proof = prove(open_plane(sandbox, config), whole=options.whole, only=options.only, progress=say)
    finally:
        if not options.keep:
            launcher.down(discard=True)
    if options.write:
        PAGE.write_text(page(proof), encoding="utf-8")
    if options.json:
        print(json.dumps(proof.to_json(), indent=1))
    needed = sum(outcome.proved for outcome in proof.outcomes)
    say(f"{needed} of {len(proof.outcomes)} grants are needed; {time.monotonic() - began:.0f} s")
    for name, why in proof.broken.items():
        say(f"scenario {name} fails with the roles as they are: {why}")
    return 0 if proof.complete else 1


if __name__ == "__main__":
    sys.exit(main())
