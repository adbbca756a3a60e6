"""Results as text: psql's table formats, which are RSQL's."""

from __future__ import annotations

import csv
import html
import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from landfall_emulator.dialect.execute import Outcome

_RIGHT = frozenset({20, 21, 23, 26, 700, 701, 1700})
_FORMATS = ("aligned", "unaligned", "csv", "html", "wrapped")


class SettingError(ValueError):
    """A setting of `\\pset` is unknown or has a bad value."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """How results look."""

    format: str = "aligned"
    border: int = 1
    expanded: bool = False
    tuples_only: bool = False
    footer: bool = True
    fieldsep: str = "|"
    null: str = ""
    title: str = ""

    def with_setting(self, name: str, value: str | None) -> tuple[Format, str]:
        """The format with one setting changed, and the sentence that tells it.

        Raises:
            SettingError: no such setting or value.
        """
        match name:
            case "format":
                if value not in _FORMATS:
                    raise SettingError(f"\\pset: allowed formats are {', '.join(_FORMATS)}")
                return replace(self, format=value), f"Output format is {value}."
            case "border":
                if value is None or not value.isdigit():
                    raise SettingError('\\pset: "border" needs a number')
                return replace(self, border=min(int(value), 2)), f"Border style is {value}."
            case "expanded" | "x":
                on = _switch(value, self.expanded)
                return replace(self, expanded=on), f"Expanded display is {_state(on)}."
            case "tuples_only" | "t":
                on = _switch(value, self.tuples_only)
                return replace(self, tuples_only=on), f"Tuples only is {_state(on)}."
            case "footer":
                on = _switch(value, self.footer)
                return replace(self, footer=on), f"Default footer is {_state(on)}."
            case "fieldsep":
                return replace(self, fieldsep=value or ""), f'Field separator is "{value or ""}".'
            case "null":
                return replace(self, null=value or ""), f'Null display is "{value or ""}".'
            case "title" | "C":
                told = f'Title is "{value}".' if value else "Title is unset."
                return replace(self, title=value or ""), told
            case "pager" | "linestyle" | "recordsep" | "columns":
                return self, ""
        raise SettingError(f"\\pset: unknown option: {name}")


def _switch(value: str | None, now: bool) -> bool:
    """`on`, `off`, or the other of the two."""
    if value is None:
        return not now
    return value.lower() in ("on", "true", "1", "yes")


def _state(on: bool) -> str:
    return "on" if on else "off"


def render(outcome: Outcome, form: Format, *, dashes: bool = True) -> str:
    """A result as text that ends with a line break; `dashes` draws the line below the names."""
    names = [column.name for column in outcome.columns]
    right = [column.oid in _RIGHT for column in outcome.columns]
    rows = [[form.null if value is None else value for value in row] for row in outcome.rows]
    if form.format == "csv":
        return _csv(names, rows, form)
    if form.format == "html":
        return _html(names, rows, form)
    if form.expanded:
        return _expanded(names, rows, form)
    if form.format == "unaligned":
        return _unaligned(names, rows, form)
    return _aligned(names, rows, right, form, dashes)


def width(text: str) -> int:
    """Columns that the text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def _footer(count: int, form: Format) -> list[str]:
    if form.tuples_only or not form.footer:
        return []
    return [f"({count} row{'' if count == 1 else 's'})"]


def _csv(names: list[str], rows: list[list[str]], form: Format) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if not form.tuples_only:
        writer.writerow(names)
    writer.writerows(rows)
    return out.getvalue()


def _html(names: list[str], rows: list[list[str]], form: Format) -> str:
    lines = [f'<table border="{form.border}">']
    if not form.tuples_only:
        if form.title:
            lines.append(f"  <caption>{html.escape(form.title)}</caption>")
        lines.append("  <tr>" + "".join(f"<th>{html.escape(name)}</th>" for name in names) + "</tr>")
    lines += ["  <tr>" + "".join(f"<td>{html.escape(value)}</td>" for value in row) + "</tr>" for row in rows]
    return "\n".join([*lines, "</table>", *(f"<p>{line}</p>" for line in _footer(len(rows), form)), ""])


def _unaligned(names: list[str], rows: list[list[str]], form: Format) -> str:
    lines = [] if form.tuples_only else ([form.title] if form.title else []) + [form.fieldsep.join(names)]
    lines += [form.fieldsep.join(row) for row in rows]
    return "".join(f"{line}\n" for line in [*lines, *_footer(len(rows), form)])


def _expanded(names: list[str], rows: list[list[str]], form: Format) -> str:
    name_width = max((width(name) for name in names), default=0)
    value_width = max((width(value) for row in rows for value in row), default=0)
    lines = [form.title] if form.title and not form.tuples_only else []
    if not rows and not form.tuples_only:
        lines += _footer(0, form)
    for number, row in enumerate(rows, start=1):
        if form.format == "unaligned":
            lines += [f"{name}{form.fieldsep}{value}" for name, value in zip(names, row, strict=True)]
            lines.append("")
            continue
        if not form.tuples_only:
            head = f"-[ RECORD {number} ]"
            lines.append(head + "-" * max(name_width + 3 + value_width - len(head), 0))
        lines += [f"{_pad(name, name_width)} | {value}" for name, value in zip(names, row, strict=True)]
    return "".join(f"{line}\n" for line in [*lines, ""])


def _aligned(names: list[str], rows: list[list[str]], right: list[bool], form: Format, dashes: bool) -> str:
    cells = [[value.split("\n") for value in row] for row in rows]
    widths = [
        max([width(name), *(width(line) for row in cells for line in row[at])])
        for at, name in enumerate(names)
    ]
    edge = {0: ("", " ", ""), 1: (" ", " | ", ""), 2: ("| ", " | ", " |")}[form.border]
    cross = {0: ("", " ", ""), 1: ("-", "-+-", "-"), 2: ("+-", "-+-", "-+")}[form.border]
    ruler = cross[0] + cross[1].join("-" * w for w in widths) + cross[2]
    lines: list[str] = []
    if not form.tuples_only:
        if form.title:
            lines.append(form.title.center(len(ruler)).rstrip())
        if form.border == 2:
            lines.append(ruler)
        lines.append(
            _row([_center(n, w) for n, w in zip(names, widths, strict=True)], edge, form.border, True)
        )
        if dashes:
            lines.append(ruler)
    elif form.border == 2:
        lines.append(ruler)
    for row in cells:
        height = max((len(value) for value in row), default=1)
        for number in range(height):
            texts = [value[number] if number < len(value) else "" for value in row]
            padded = [_pad(t, w, right=r) for t, w, r in zip(texts, widths, right, strict=True)]
            lines.append(_row(padded, edge, form.border, False))
    if form.border == 2:
        lines.append(ruler)
    return "".join(f"{line}\n" for line in [*lines, *_footer(len(rows), form), ""])


def _row(cells: Sequence[str], edge: tuple[str, str, str], border: int, head: bool) -> str:
    """One line; names keep a blank at their end, values do not."""
    line = edge[0] + edge[1].join(cells) + edge[2]
    if border == 2:
        return line
    return (
        f"{line.rstrip(' ')} "
        if head and border == 1 and not line.endswith(" ")
        else line
        if head
        else line.rstrip()
    )


def _center(text: str, wanted: int) -> str:
    missing = wanted - width(text)
    return " " * (missing // 2) + text + " " * (missing - missing // 2)


def _pad(text: str, wanted: int, *, right: bool = False) -> str:
    blank = " " * (wanted - width(text))
    return blank + text if right else text + blank
