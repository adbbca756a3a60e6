"""The sandbox's Systems Manager and Lambda, asked about one document or archive at a time.

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
    """Error and message for a document (`content`, `format`), `values` of one, or an `archive`."""
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


def _unpacked(archive: str, folder: str) -> tuple[str, str]:
    from landfall_emulator.lambda_executor import archives
    from localemu.services.lambda_.invocation import lambda_models

    if lambda_models.unzip.__module__ != archives.__name__:
        archives.install()
    try:
        lambda_models.unzip(archive, folder)
    except archives.BadArchive as error:
        return type(error).__name__, str(error)
    return "unpacked", ""


def _answer(request: dict[str, Any]) -> tuple[str, str]:
    if "archive" in request:
        return _unpacked(request["archive"], request["folder"])
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
