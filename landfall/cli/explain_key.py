"""``landfall explain KEY``: a key of the stack files, what it may hold, and where a value comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from landfall.cli.exits import CommandError, Exit, unknown
from landfall.cli.terminal import out, print_json, table

if TYPE_CHECKING:
    from landfall.config import ConfigIssue
    from landfall.config.explain import Explanation, Setting, UnknownKey

LONGEST_LIST = 12
"""Allowed values that are listed before the rest is counted."""
LONGEST_VALUE = 100
"""Characters of a value that are shown."""


def explain_key(key: str, stack: str | None, as_json: bool) -> int:
    """Prints what a key means and what holds for it, in one stack or in all; returns the exit code.

    Works on files with errors elsewhere. Raises ``CommandError`` with the nearest spellings for a key that
    there is not.
    """
    from landfall.catalog.samples import SAMPLES
    from landfall.cli import stacks
    from landfall.config.explain import UnknownKey, explain

    if stack is not None and stack not in stacks.stack_names():
        raise unknown("stack", stack, stacks.stack_names(), "stacks/ has")
    results = [stacks.stack_result(name) for name in ([stack] if stack else stacks.stack_names())]
    for result in results:
        if not result.source.readable:
            first = str(result.issues[0]) if result.issues else ""
            if stack is not None:
                raise CommandError(f"stack {stack} cannot be read:\n{first}", Exit.INVALID)
    try:
        found = explain(key, [result.source for result in results], SAMPLES)
    except UnknownKey as error:
        raise CommandError(_not_found(error, stack), Exit.INVALID) from error
    issues = [issue for result in results for issue in result.issues]
    if as_json:
        print_json([_to_json(one, issues) for one in found] if len(found) > 1 else _to_json(found[0], issues))
        return Exit.DONE
    for number, one in enumerate(found):
        if number:
            out.print()
        _print(one, issues)
    return Exit.DONE


def _not_found(error: UnknownKey, stack: str | None) -> str:
    where = f" in stack {stack}" if stack else ""
    text = f"{error.message}{where}"
    if error.allowed:
        names = ", ".join(error.allowed[:LONGEST_LIST])
        more = len(error.allowed) - LONGEST_LIST
        text += f"; there: {names}" + (f" and {more} more" if more > 0 else "")
    text += "."
    if error.suggestions:
        text += " Did you mean " + " or ".join(f'"{one}"' for one in error.suggestions) + "?"
    elif not error.allowed:
        text += " The keys are in docs/config-reference.md."
    return text


def _print(one: Explanation, issues: Sequence[ConfigIssue]) -> None:
    out.print(one.key, style="bold", markup=False)
    if one.description:
        out.print(f"  {one.description}", markup=False)
    rows = [
        ("type", one.type + (", required" if one.required else "")),
        ("default", _default(one)),
        ("kinds", ", ".join(one.kinds)),
        ("allowed", _listed(one.allowed)),
        ("must be", "; ".join(one.bounds)),
        ("pattern", one.pattern or ""),
        ("example", _example(one)),
        ("reference", one.page),
    ]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        if value:
            out.print(f"  {name:<{width}}  {value}", markup=False)
    if one.below:
        table(
            "  keys below",
            ("  key", "type", "default", "meaning"),
            [
                (
                    f"  {row.key}",
                    row.type,
                    "required" if row.required else _said(row.default),
                    row.description,
                )
                for row in one.below
            ],
            whole=("  key", "type"),
        )
    if one.settings:
        table(
            "  values",
            ("  stack", "key", "value", "from"),
            _setting_rows(one.settings),
            whole=("  stack", "key", "from"),
        )
    for issue in _about(one, issues):
        out.print(str(issue), style="red", markup=False)


def _default(one: Explanation) -> str:
    if one.required or one.default == "":
        return ""
    return _said(one.default)


def _said(default: str) -> str:
    return "none" if default == "null" else default


def _setting_rows(settings: Sequence[Setting]) -> list[tuple[str, str, str, str]]:
    """A row for each place with a value; places of a stack that have the same default are one row."""
    same: dict[tuple[str, str, str], list[Setting]] = {}
    for setting in settings:
        if setting.origin == "file":
            same[setting.stack, _path(setting), ""] = [setting]
        else:
            same.setdefault((setting.stack, setting.origin, _value(setting)), []).append(setting)
    return [
        (
            f"  {first.stack}",
            _path(first) if len(places) == 1 else f"{len(places)} places",
            _value(first),
            _origin(first),
        )
        for places in same.values()
        for first in places[:1]
    ]


def _listed(values: Sequence[str]) -> str:
    more = len(values) - LONGEST_LIST
    return ", ".join(values[:LONGEST_LIST]) + (f" and {more} more (--json lists them)" if more > 0 else "")


def _example(one: Explanation) -> str:
    if one.example is None:
        return ""
    from landfall.catalog.text import flow

    text = flow(one.example)
    if one.name and one.name[0] not in "[<(":
        text = f"{one.name}: {text}"
    return _cut(text, 2 * LONGEST_VALUE)


def _cut(text: str, most: int = LONGEST_VALUE) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _path(setting: Setting) -> str:
    from landfall.config.loader import shown_path

    return shown_path(setting.path).removeprefix("landfall:")


def _value(setting: Setting) -> str:
    from landfall.catalog.text import flow

    return "—" if setting.origin in ("unset", "missing") else _cut(flow(setting.value))


def _origin(setting: Setting) -> str:
    return {
        "file": f"{setting.file}:{setting.line}:{setting.column}",
        "default": "the default",
        "unset": "not set, and no default",
        "missing": "missing: it is required",
    }[setting.origin]


def _about(one: Explanation, issues: Sequence[ConfigIssue]) -> list[ConfigIssue]:
    """Errors of the stack files at the places that are shown, or below them."""
    from landfall.config.loader import shown_path

    places = {(setting.file, shown_path(setting.path)) for setting in one.settings}
    return [
        issue
        for issue in issues
        if any(
            issue.file == file
            and (issue.key_path == path or issue.key_path.startswith((f"{path}.", f"{path}[")))
            for file, path in places
        )
    ]


def _to_json(one: Explanation, issues: Sequence[ConfigIssue]) -> dict[str, Any]:
    import json

    about = _about(one, issues)
    return {
        "key": one.key,
        "description": one.description,
        "type": one.type,
        "required": one.required,
        "default": json.loads(one.default) if one.default else None,
        "allowed": list(one.allowed),
        "bounds": list(one.bounds),
        "pattern": one.pattern,
        "kinds": list(one.kinds),
        "example": one.example,
        "reference": one.page,
        "below": [asdict(row) for row in one.below],
        "values": [
            {
                "stack": setting.stack,
                "key": _path(setting),
                "value": setting.value,
                "origin": setting.origin,
                "file": setting.file,
                "line": setting.line or None,
                "column": setting.column or None,
            }
            for setting in one.settings
        ],
        "issues": [issue.to_json() for issue in about],
    }
