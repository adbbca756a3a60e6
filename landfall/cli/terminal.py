"""What commands write: data to standard output, progress to standard error.

Plain lines without control characters when standard error is not a terminal or ``NO_COLOR`` is set.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from landfall.config import ConfigIssue

PLAIN_WIDTH = 160
"""Columns where there is no terminal to measure."""

out = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
"""Data."""
err = Console(
    stderr=True, soft_wrap=True, highlight=False, width=None if sys.stderr.isatty() else PLAIN_WIDTH
)
"""Progress and errors."""

STATUS_STYLES: Mapping[str, str] = {
    "Running": "cyan",
    "Completed": "green",
    "Failed": "bold red",
    "Skipped": "dim",
    "Aborted": "yellow",
}


def print_json(value: Any) -> None:
    """One JSON document on standard output, keys in the order given."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, whole: Sequence[str] = ()
) -> None:
    """A table for people; statuses are coloured. Columns in `whole` are folded only when no other can be."""
    view = Table(
        title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False
    )
    for column in columns:
        view.add_column(column, overflow="fold", no_wrap=column in whole)
    for row in rows:
        view.add_row(*(Text(cell, style=STATUS_STYLES.get(cell, "")) for cell in row))
    out.print(view)


REPORT_STYLES: Mapping[str, str] = {
    "place": "bold",
    "code": "bold red",
    "key": "cyan",
    "source": "dim",
    "mark": "bold red",
    "file": "bold underline",
    "count": "bold red",
}


def print_report(issues: Iterable[ConfigIssue], console: Console) -> None:
    """The report of mistakes in stack files: in colours on a terminal, else as plain text."""
    from landfall.config.errors import report_parts

    text = Text()
    for part, piece in report_parts(issues):
        text.append(piece, style=REPORT_STYLES.get(part, ""))
    console.print(text)


def say(message: str) -> None:
    """One line of progress."""
    err.print(Text(message))


@contextmanager
def step(title: str) -> Iterator[Callable[[str], None]]:
    """A step of long work: a spinner while it runs, a line with its time when it is done.

    Yields a function that says how far it is, where there is a terminal to say it on.
    """
    started = time.monotonic()
    if err.is_terminal:
        with err.status(title) as status:
            yield lambda detail: status.update(f"{title} · {detail}")
    else:
        say(f"… {title}")
        yield lambda detail: None
    say(f"✓ {title} ({time.monotonic() - started:.1f} s)")
