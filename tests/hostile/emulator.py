"""The sandbox's Systems Manager, asked about one document or one set of parameters at a time.

Its code runs in the emulator's own environment only: one child process answers for all cases. Run as a
program in that environment this file is the child.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def ask(request: dict[str, Any]) -> tuple[str, str]:
    """Error code and message for a document (`content`, `format`) or for `values` of a `document`."""
    child = _child()
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(json.dumps(request) + "\n")
    child.stdin.flush()
    code, message = json.loads(child.stdout.readline())
    return code, message


@cache
def _child() -> subprocess.Popen[str]:
    from sandbox.paths import EMULATOR_PACKAGE, emulator_python
    from sandbox.venv import ensure_emulator

    os.environ.pop("LANDFALL_TOOLS_DIR", None)  # that of the case; the emulator is the tree's
    if not emulator_python().exists():
        ensure_emulator(lambda _: None)
    child = subprocess.Popen(
        [str(emulator_python()), __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(EMULATOR_PACKAGE), "HOME": os.environ["HOME"]},
    )
    atexit.register(child.kill)
    return child


def _answer(request: dict[str, Any]) -> tuple[str, str]:
    from landfall_emulator.ssm import documents
    from localemu.aws.api import CommonServiceException

    try:
        if "content" in request:
            documents.parse(request["content"], request["format"], "Command")
        else:
            content = json.dumps(request["document"])
            documents.bind(documents.parse(content, "JSON", "Command"), request["values"])
    except CommonServiceException as error:
        return error.code, error.message
    return "accepted", ""


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_answer(json.loads(line))) + "\n")
        sys.stdout.flush()
