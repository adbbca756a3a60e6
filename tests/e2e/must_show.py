"""What the acceptance tests share: a copy of the tree, commands as processes, a machine without network.

A copy has stack files, program and scripts of its own, to be edited as anybody edits them; the sandbox
package, the environments and the tools are the tree's.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox import processes
from sandbox.paths import state_dir

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("landfall", "components", "workflows", "handlers", "policy_packs", "stacks", "examples")
SHARED = ("sandbox", ".venv")
FILES = ("__main__.py", "Pulumi.yaml")
SECONDS = 540.0
"""No command may take longer; a healthy one takes a tenth of it on an idle machine."""


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


def clean_environment(**more: str) -> dict[str, str]:
    """This process's variables without any of AWS, Pulumi or Landfall; ``LANDFALL_TOOLS_DIR`` stays."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "PULUMI_", "LANDFALL_")) or name == "LANDFALL_TOOLS_DIR"
    }
    return {**kept, "NO_COLOR": "1", "PYTHONWARNINGS": "ignore", **more}


@dataclass(frozen=True)
class Tree:
    """A tree whose ``landfall`` command runs as a process of its own."""

    root: Path = ROOT
    environment: Mapping[str, str] = field(default_factory=clean_environment)
    prefix: Sequence[str] = ()

    def landfall(self, *arguments: str) -> Ended:
        """The command line with these arguments; a traceback fails the test."""
        ended = self.run([sys.executable, "-m", "landfall.cli", *arguments])
        assert "Traceback" not in ended.out + ended.err, ended.err
        return ended

    def run(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> Ended:
        """Any command in the tree's folder."""
        variables = dict(environment or self.environment)
        program = shutil.which(command[0], path=variables.get("PATH"))
        assert program is not None, f"{command[0]} is not on the PATH of the test"
        done = subprocess.run(
            [*self.prefix, program, *command[1:]],
            cwd=self.root,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replaces a passage that stands exactly once in a file."""
        assert self.root != ROOT, "only a copy is edited"
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{path} holds the passage {text.count(old)} times"
        file.write_text(text.replace(old, new), encoding="utf-8")

    def append(self, path: str, lines: str) -> int:
        """Adds lines to the end of a file and returns how many."""
        assert self.root != ROOT, "only a copy is edited"
        with (self.root / path).open("a", encoding="utf-8") as file:
            file.write(lines)
        return len(lines.splitlines())


def copy_of_tree(folder: Path, **environment: str) -> Tree:
    """A copy of the tree that may be edited; with the compiled modules, which Python takes where they fit."""
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name)
    for name in FILES:
        shutil.copy2(ROOT / name, folder / name)
    for name in SHARED:
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    return Tree(folder, clean_environment(**environment))


_LOOPBACK_ONLY = """\
import socket

_connect = socket.socket.connect


def connect(self, address):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise OSError(101, "the test refuses the network")
    return _connect(self, address)


socket.socket.connect = connect
socket.socket.connect_ex = lambda self, address: connect(self, address) or 0
"""
_NAMESPACE = """\
import fcntl, os, socket, struct, sys
# SIOCSIFFLAGS with IFF_UP and IFF_RUNNING: a new namespace has its loopback down (netdevice(7)).
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 0x41))
os.execvp(sys.argv[1], sys.argv[1:])
"""


def without_network(folder: Path) -> Tree:
    """The tree on a machine that reaches nothing but itself.

    A network namespace of its own where the machine allows it; everywhere Python refuses other addresses
    and every other program is sent to a proxy that is not there.
    """
    (folder / "sitecustomize.py").write_text(_LOOPBACK_ONLY)
    nowhere = f"http://127.0.0.1:{_closed_port()}"
    environment = clean_environment(
        PYTHONPATH=str(folder), HTTP_PROXY=nowhere, HTTPS_PROXY=nowhere, NO_PROXY="127.0.0.1,localhost"
    )
    prefix = ["unshare", "--map-root-user", "--net", sys.executable, "-c", textwrap.dedent(_NAMESPACE)]
    unshare = shutil.which("unshare")
    allowed = unshare and subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    return Tree(ROOT, environment, tuple(prefix) if allowed else ())


def _closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def left_running(name: str) -> list[str]:
    """Command lines of all processes of a sandbox.

    Those that carry its mark, and those that run below its folder: scripts of jobs get an environment of
    their own, without the mark.
    """
    folder = state_dir(name)
    marked = processes.marked(processes.mark_of(folder))
    return [
        command
        for pid, command, place in processes.listed()
        if pid in marked or str(folder) in f"{command} {place}"
    ]
