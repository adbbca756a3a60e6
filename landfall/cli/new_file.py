"""Writing a changed stack file: checked first, then replaced as a whole, or shown only."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from landfall.cli.exits import CommandError, Exit


def shown(path: Path) -> str:
    """The path as somebody in the current folder would write it."""
    here = Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()


def read_text(path: Path) -> str:
    """The file's text with its own line ends; raises ``CommandError`` where it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"cannot read {shown(path)}: {error}", Exit.INVALID) from error


def diff_of(path: Path, before: str, after: str) -> str:
    """What changes, as a unified diff."""
    lines = difflib.unified_diff(
        _lines(before),
        _lines(after),
        fromfile=f"a/{shown(path)}" if before else os.devnull,
        tofile=f"b/{shown(path)}",
        lineterm="",
    )
    return "\n".join(lines)


def _lines(text: str) -> list[str]:
    return text.removeprefix("\ufeff").splitlines()


def write_checked(path: Path, before: str | None, after: str, *, dry_run: bool) -> None:
    """Replaces the file in one step, once the new text is a valid stack config.

    ``before`` is what the file held when it was read: a file that somebody changed meanwhile is left alone.
    With ``dry_run`` the new text is checked and not kept.

    Raises:
        CommandError: the new text is no valid config (with every mistake), or the file cannot be written.
    """
    from landfall.config import load_file, report

    path = path.resolve()
    with _beside(path, after) as temporary:
        issues = [replace(issue, file=shown(path)) for issue in load_file(temporary).issues]
        if issues:
            raise CommandError(report(issues) + "\nnothing was written", Exit.INVALID)
        if dry_run:
            return
        there = path.read_bytes().decode("utf-8") if path.exists() else None
        if there != before:
            raise CommandError(
                f"{shown(path)} was changed by somebody else meanwhile; try again", Exit.INVALID
            )
        if there is not None:
            temporary.chmod(path.stat().st_mode & 0o777)
        temporary.replace(path)


@contextmanager
def _beside(path: Path, text: str) -> Iterator[Path]:
    """The text in a file of the same folder, which is removed unless it was moved away."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise CommandError(
            f"cannot write into {shown(path.parent)}: {error.strerror}", Exit.ENVIRONMENT
        ) from error
    temporary = Path(name)
    try:
        temporary.chmod(0o644)
        yield temporary
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
