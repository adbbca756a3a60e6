"""What becomes of an error that nobody foresaw: one line for the user, and a file with the rest.

The file holds the traceback, the command and the versions, without secrets; it stays on this machine. Only
its folder's owner can read it.
"""

from __future__ import annotations

import os
import platform
import re
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from handlers.host.redaction import MASK, Redactor
from landfall import __version__
from landfall.config.secrets import hides_its_value, secret_start

KEPT: Final = 20
"""Reports that are kept; older ones are removed."""
_SHORTEST_SECRET: Final = 6
_NO_SECRETS: Final = frozenset({"PWD", "OLDPWD"})
"""Variables that are named like passwords: the shell's folders."""
_PUBLIC: Final = frozenset({"sandbox"})
"""Values that are no secrets although their variable is named so: the key of every emulated account."""
_NAMED_VALUE: Final = re.compile(
    r"""(?x) (?<![\w.-]) (?P<name>[\w.-]+) (?P<gap>["']?\s*[=:]\s*) (?P<value>"[^"]*"|'[^']*'|[^\s,;)}\]]+)"""
)


def folder(root: Path, environment: Mapping[str, str]) -> Path:
    """Where reports are: in the tree's folder of tools, which git ignores."""
    return Path(environment.get("LANDFALL_TOOLS_DIR") or root / ".tools") / "crashes"


def without_secrets(text: str, environment: Mapping[str, str]) -> str:
    """The text without values of the environment's secrets and without what looks like a credential."""
    values = (
        value
        for name, value in environment.items()
        if hides_its_value(name) and name not in _NO_SECRETS
        if len(value) >= _SHORTEST_SECRET and value not in _PUBLIC
    )

    def masked(found: re.Match[str]) -> str:
        name = found["name"]
        kind_of_error = name.endswith(("Error", "Exception"))
        return f"{name}{found['gap']}{MASK}" if hides_its_value(name) and not kind_of_error else found[0]

    lines = []
    for line in Redactor(values).redact(text).split("\n"):
        shown = _NAMED_VALUE.sub(masked, line)
        start = secret_start(shown)
        lines.append(shown if start is None else shown[:start] + MASK)
    return "\n".join(lines)


def sentence(error: BaseException, environment: Mapping[str, str]) -> str:
    """The error in one line: its kind and what it says."""
    said = " ".join(str(error).split())
    return without_secrets(f"{type(error).__name__}: {said}" if said else type(error).__name__, environment)


def place(error: BaseException, root: Path) -> str | None:
    """The innermost line of the tree that the error passed, as ``file:line``."""
    found = None
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        if path.is_relative_to(root):
            inside = path.relative_to(root)
            if inside.parts[0] not in (".venv", ".tools", "build"):
                found = f"{inside.as_posix()}:{frame.lineno}"
    return found


def write(
    error: BaseException, command: Sequence[str], root: Path, environment: Mapping[str, str]
) -> Path | None:
    """The file with the full report of an error; None where it cannot be written. Never raises."""
    now = datetime.now(tz=UTC)
    text = "\n".join(
        (
            f"landfall {__version__}, Python {platform.python_version()}, {platform.platform()}",
            f"command: {' '.join(command)}",
            f"at: {now.isoformat(timespec='seconds')}",
            "",
            "".join(traceback.format_exception(error)),
        )
    )
    try:
        place = folder(root, environment)
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = place / f"{now:%Y%m%dT%H%M%S.%f}-{os.getpid()}.txt"
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as report:
            report.write(without_secrets(text, environment))
        for old in sorted(place.glob("*.txt"))[:-KEPT]:
            old.unlink(missing_ok=True)
    except OSError:
        return None
    return file


def told(error: BaseException, command: Sequence[str], root: Path, environment: Mapping[str, str]) -> str:
    """One line on an error that nobody foresaw, with the file that holds the rest."""
    file = write(error, command, root, environment)
    if file is None:
        where = "no report could be written"
    else:
        shown = file.relative_to(root) if file.is_relative_to(root) else file
        where = f"full report: {shown}"
    at = place(error, root)
    return f"{f'{at}: ' if at else ''}{sentence(error, environment)} ({where})"
