"""Ctrl-C while the demo works ends everything that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from must_show import ROOT, clean_environment, left_running

from sandbox import launcher

pytestmark = [pytest.mark.engine, pytest.mark.emulator]

NAME = f"ms-{os.getpid()}-ctrl-c"
PATIENCE = 120.0


@pytest.fixture(autouse=True)
def gone() -> Iterator[None]:
    yield
    launcher.down(NAME, discard=True)


@pytest.mark.parametrize("moment", ["while the sandbox starts", "while the stack is deployed"])
def test_ctrl_c_leaves_nothing_running(moment: str) -> None:
    command = [sys.executable, "-m", "landfall.cli", "demo"]
    child = subprocess.Popen(
        command,
        cwd=ROOT,
        env=clean_environment(LANDFALL_SANDBOX_NAME=NAME),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stderr is not None
    awaited = "starting" if moment == "while the sandbox starts" else "… stack sandbox"
    seen = []
    for line in child.stderr:
        seen.append(line)
        if awaited in line:
            break
    time.sleep(1.0)
    assert left_running(NAME), "".join(seen)
    child.send_signal(signal.SIGINT)
    rest = child.stderr.read()
    assert child.wait(PATIENCE) == 130, rest
    assert rest.splitlines()[-1] == "interrupted"
    assert "Traceback" not in rest
    deadline = time.monotonic() + 60
    while left := left_running(NAME):
        assert time.monotonic() < deadline, left
        time.sleep(0.2)
    assert launcher.attach(NAME) is None
