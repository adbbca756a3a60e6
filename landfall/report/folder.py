"""The folder of a report: made beside its place and put there as a whole, so that nobody sees half of it."""

from __future__ import annotations

import contextlib
import errno
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from landfall.report.model import Report
from landfall.report.render import GENERATOR, PAGE, RECORD_FILE, record_json, render

_HEAD_BYTES = 4096
_TRIES = 20


class NotOurs(Exception):
    """The folder holds something that is no report: it is left alone."""


def write(place: Path, make: Callable[[Path], Report]) -> Path:
    """Makes a report in ``place`` and returns the path of its page.

    ``make`` gets the folder that log files go to. An earlier report in ``place`` is replaced as a whole.
    Raises `NotOurs` where the place holds anything else, and ``OSError``.
    """
    place = place.absolute()
    check(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        report = make(made)
        (made / RECORD_FILE).write_text(record_json(report), encoding="utf-8")
        (made / PAGE).write_text(render(report), encoding="utf-8", errors="replace")
        made.chmod(0o755)
        _put(made, place)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return place / PAGE


def check(place: Path) -> None:
    """Raises `NotOurs` unless the place is free, empty or an earlier report."""
    if not place.exists():
        return
    if not place.is_dir() or place.is_symlink():
        raise NotOurs(f"{place} is not a folder")
    page = place / PAGE
    if page.is_file():
        with page.open("rb") as file:
            if f'content="{GENERATOR}"'.encode() in file.read(_HEAD_BYTES):
                return
    elif not any(place.iterdir()):
        return
    raise NotOurs(f"{place} holds something else than a report; name another folder")


def _put(made: Path, place: Path) -> None:
    """Swaps the folders; of two commands that do so at once, the later one's report stays."""
    old = made.with_name(f"{made.name}-old")
    for _ in range(_TRIES):
        with contextlib.suppress(FileNotFoundError):
            place.rename(old)
        shutil.rmtree(old, ignore_errors=True)
        try:
            made.rename(place)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        else:
            return
    raise OSError(errno.EBUSY, "other commands keep writing there", str(place))
