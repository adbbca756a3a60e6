"""What a preview is compared with: a file, or the same stack at a git revision."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from landfall.cli.exits import CommandError, Exit
from landfall.cli.json_file import read_json
from landfall.cli.stacks import ROOT
from landfall.risk.snapshot import EMPTY, NotASnapshot, Snapshot, read, read_digest

_LARGEST: Final = 256 * 1024 * 1024
"""Bytes of a file that are read at most."""


@dataclass(frozen=True)
class Baseline:
    """Resources to compare with, and what to call them."""

    name: str
    snapshot: Snapshot
    note: str = ""
    """A sentence for people, such as that the stack is new."""


@contextmanager
def baseline(against: str, stack: str) -> Iterator[_Pending]:
    """Begin to find what `--against` names; `.result()` waits for it.

    A git revision is planned in a process of its own, beside whatever the caller does meanwhile.
    """
    path = Path(against)
    if path.is_file():
        yield _Pending(against, _of_file(path), None)
        return
    revision = _revision(against)
    if revision is None:
        raise CommandError(
            f'"{against}" is neither a file nor a revision of git; --against takes a file of '
            "landfall preview --json, one of pulumi stack export, or a revision such as main",
            Exit.INVALID,
        )
    with tempfile.TemporaryDirectory(prefix="landfall-against-") as folder:
        tree = Path(folder)
        _extract(revision, tree)
        if not (tree / "stacks" / f"Pulumi.{stack}.yaml").is_file():
            yield _Pending(
                against, EMPTY, None, f"stack {stack} does not exist at {against}: all of it is new"
            )
            return
        with (tree / ".plan.json").open("w+") as out, (tree / ".plan.err").open("w+") as err:
            child = subprocess.Popen(  # noqa: S603 - an argument list of our own; the name is a stack's
                [sys.executable, "-m", "sandbox.engines.embedded", stack],
                cwd=tree,
                stdout=out,
                stderr=err,
                stdin=subprocess.DEVNULL,
            )
            try:
                yield _Pending(against, None, (child, tree))
            finally:
                if child.poll() is None:
                    child.kill()
                child.wait()


@dataclass
class _Pending:
    """A baseline that may still be in the making."""

    name: str
    snapshot: Snapshot | None
    running: tuple[subprocess.Popen[bytes], Path] | None
    note: str = ""

    def result(self) -> Baseline:
        """The baseline. Raises ``CommandError`` where the program of that revision fails."""
        if self.snapshot is None and self.running is not None:
            child, tree = self.running
            if child.wait():
                lines = (
                    (tree / ".plan.err").read_text(encoding="utf-8", errors="replace").strip().splitlines()
                )
                said = lines[-1].removeprefix("error: ") if lines else f"exit code {child.returncode}"
                raise CommandError(f"the program of {self.name} cannot be planned: {said}", Exit.FAILED)
            self.snapshot = _of_file(tree / ".plan.json")
        return Baseline(self.name, self.snapshot or EMPTY, self.note)


def digest(path: Path) -> tuple[Snapshot, Snapshot]:
    """What is deployed and what is wanted, from a file of ``pulumi preview --json``.

    Raises ``CommandError`` for anything else.
    """
    try:
        return read_digest(_document(path))
    except NotASnapshot as wrong:
        raise CommandError(f"{path}: {wrong}", Exit.INVALID) from wrong


def _of_file(path: Path) -> Snapshot:
    try:
        return read(_document(path))
    except NotASnapshot as wrong:
        raise CommandError(f"{path}: {wrong}", Exit.INVALID) from wrong


def _document(path: Path) -> Any:
    return read_json(path, _LARGEST)


def _revision(name: str) -> str | None:
    """The commit that a name stands for; None where it is none, or where there is no git."""
    if name.startswith("-"):
        return None
    try:
        found = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except FileNotFoundError:
        return None
    return found.stdout.decode().strip() or None if found.returncode == 0 else None


def _extract(revision: str, tree: Path) -> None:
    """The tree of a commit, without touching the working copy or the index."""
    archive = _git("archive", "--format=tar", revision)
    if archive.returncode:
        raise CommandError(f"git archive: {archive.stderr.decode(errors='replace').strip()}", Exit.FAILED)
    import tarfile

    packed = tree / ".tree.tar"
    packed.write_bytes(archive.stdout)
    try:
        with tarfile.open(packed) as members:
            members.extractall(tree, filter="data")
    except tarfile.TarError as wrong:
        raise CommandError(f"the tree of {revision} cannot be laid out: {wrong}", Exit.FAILED) from wrong
    packed.unlink()


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 - an argument list of our own
        ["git", *arguments],  # noqa: S607 - git is wherever PATH has it
        cwd=ROOT,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
