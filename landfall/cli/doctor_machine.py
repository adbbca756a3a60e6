"""What the doctor looks at: this machine and this tree, as values that a test can replace."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

COMMAND_SECONDS = 2.0
"""Longest time that a program may take to say its version: the whole examination is to end in three."""


@dataclass(frozen=True)
class Said:
    """How a program ended and what it wrote; code None where it could not be run or did not end."""

    code: int | None
    text: str


def run(command: Sequence[str]) -> Said:
    """Runs a program for a moment, without input; never raises."""
    try:
        done = subprocess.run(  # noqa: S603 - argument lists of our own
            list(command), capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return Said(None, str(error))
    return Said(done.returncode, (done.stdout + done.stderr).strip())


def bind_loopback() -> int:
    """Binds a free port of the loopback interface and lets it go; raises ``OSError`` where that fails."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def available_memory() -> int | None:
    """Bytes that programs may still take; None where the system does not say."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (OSError, ValueError):
        return None


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The machine as the checks see it."""

    root: Path
    """The tree."""
    stacks: Path
    tools: Path
    home: Path
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    python: tuple[int, int, int] = field(default_factory=lambda: (*sys.version_info[:3],))
    uid: int = field(default_factory=os.geteuid)
    now: float = field(default_factory=time.time)
    """Seconds since 1970."""
    run: Callable[[Sequence[str]], Said] = run
    which: Callable[[str], str | None] = shutil.which
    disk_free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free
    memory: Callable[[], int | None] = available_memory
    bind: Callable[[], int] = bind_loopback

    @staticmethod
    def here() -> Machine:
        """This one."""
        from landfall.cli.stacks import ROOT, STACKS
        from sandbox.paths import tools_dir

        return Machine(root=ROOT, stacks=STACKS, tools=tools_dir(), home=Path.home())
