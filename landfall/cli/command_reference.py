"""The reference of the command line, made from the commands themselves: ``docs/cli-reference.md``.

What Typer knows of a command (help, arguments, options, example) is told as it is; how a command ends is data
of this module, because no signature says it. (source: DESIGN section 10)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final, get_args, get_origin

import typer

_INTRODUCTION: Final = """\
# Command line

<!-- Made by `python -m landfall.cli.reference --write`; do not edit. -->

Every command, its arguments and options, an example, and how it ends. `landfall` is `.venv/bin/landfall`.
`-h` and `--help` print the same text in the terminal.

## Exit codes

| code | means |
|---|---|
| 0 | done |
| 1 | a guardrail is violated, or a run failed |
| 2 | the configuration or the command's usage is wrong |
| 3 | something of this machine, or of the connection, is missing; the message says how to get it |
| 130 | interrupted (Ctrl-C) |

Every command may end with 2 and 130; what else it may end with stands beneath it.
"""

_READS: Final = "0 printed; 2 no such run or workflow; 3 the sandbox or the account cannot be reached"
_RUNS: Final = (
    "0 the run completed; 1 it failed or was aborted; 2 no such workflow or run, or an id that is taken; "
    "3 the sandbox or the account cannot be reached"
)
_FAULTS: Final = "0 done; 2 the rule is wrong; 3 the sandbox is not running"
ENDINGS: Final[Mapping[str, str]] = {
    "validate": "0 every file is valid; 2 a file is not, or there is none of that name",
    "preview": "0 no mandatory guardrail is violated; 1 one is, a finding is as severe as `--fail-on` says, "
    "or the program failed; "
    "2 the stack file is invalid; 3 the Pulumi CLI is wanted and missing",
    "diagram": "0 written; 1 the program failed; 2 the stack file is invalid, or a file cannot be written",
    "demo": "0 everything ran; 1 a job or the deployment failed; 3 something of this machine is missing",
    "explain": "0 explained; 2 no such code, guardrail or key",
    "new": "0 written, or shown by `--dry-run`; 2 refused, and nothing was written; "
    "3 the file cannot be written",
    "catalog": "0 printed; 2 no such kind",
    "doctor": "0 nothing is missing; 3 something is",
    "schema": "0 printed, written or up to date; 1 `--check` found it stale",
    "workflow list": _READS,
    "workflow run": _RUNS,
    "workflow resume": _RUNS.replace(
        "it failed or was aborted", "it failed or was aborted, or nothing is left to do"
    ),
    "workflow abort": "0 stopped; 1 it had already ended; 2 no such run; "
    "3 the sandbox or the account cannot be reached",
    "workflow status": "0 printed; 1 printed, and the run failed or was aborted; 2 no such run or workflow; "
    "3 the sandbox or the account cannot be reached",
    "workflow logs": _READS,
    "workflow report": "0 written; 2 no such run; 3 the sandbox or the account cannot be reached, "
    "or the file cannot be written",
    "workflow draw": "0 written; 2 no such stack, workflow or format",
    "sandbox prepare": "0 installed; 3 something cannot be had",
    "sandbox up": "0 it answers; 1 the deployment failed; 2 the stack file is invalid; "
    "3 something of this machine is missing",
    "sandbox status": "0 it runs, whole; 3 it does not, or a part of it is gone",
    "sandbox env": "0 printed; 3 the sandbox is not running, or has no such account",
    "sandbox down": "0 stopped, or was not running",
    "sandbox reset": "0 it answers; 1 the deployment failed; 2 the stack file is invalid; "
    "3 something of this machine is missing",
    "sandbox faults add": _FAULTS,
    "sandbox faults list": "0 printed; 3 the sandbox is not running",
    "sandbox faults remove": "0 removed; 2 no such rule; 3 the sandbox is not running",
    "sandbox faults clear": "0 done; 3 the sandbox is not running",
    "sandbox faults load": "0 all rules are in force; 2 one is wrong, so that none is; "
    "3 the sandbox is not running",
    "guardrails list": "0 printed",
    "guardrails explain": "0 printed; 2 no such rule",
}
"""How each command may end, by its words; a test holds that none is missing and none is left over."""

_KINDS: Final[Mapping[Any, str]] = {str: "text", int: "whole number", float: "number", Path: "file"}
"""What a parameter takes, by its annotation; one of another type is a ``KeyError``, to be told here."""
_HIDDEN: Final = frozenset({"help"})


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group with its words, in the order of the help."""
    for name, inner in command.commands.items():
        if inner.hidden:
            continue
        yield (*words, name), inner
        if hasattr(inner, "commands"):
            yield from commands(inner, (*words, name))


def render(app: typer.Typer, endings: Mapping[str, str] = ENDINGS) -> str:
    """The page. Raises ``KeyError`` for a command whose endings are not told."""
    root = typer.main.get_command(app)
    parts = [_INTRODUCTION, *_before(root)]
    for words, command in commands(root):
        parts += _group(words, command) if hasattr(command, "commands") else _leaf(words, command, endings)
    return "\n".join(parts).rstrip() + "\n"


def _before(root: Any) -> list[str]:
    """What may stand before every command."""
    rows = [_row(parameter) for parameter in root.params if parameter.name != "help"]
    head = ["## Before the command", "", "| option | takes | default | meaning |", "|---|---|---|---|"]
    return [*head, *rows, ""] if rows else []


def _group(words: tuple[str, ...], command: Any) -> list[str]:
    lines = [
        _title(words),
        "",
        _prose(command.help),
        "",
        "| command | does |",
        "|---|---|",
    ]
    for name, inner in command.commands.items():
        if not inner.hidden:
            path = (*words, name)
            lines.append(f"| [`{' '.join(path)}`](#{_anchor(path)}) | {_cell(_first(inner.help))} |")
    return [*lines, ""]


def _leaf(words: tuple[str, ...], command: Any, endings: Mapping[str, str]) -> list[str]:
    shown = [parameter for parameter in command.params if parameter.name not in _HIDDEN]
    arguments = [_argument(p) for p in shown if p.param_type_name == "argument"]
    options = ["[options]"] if len(shown) > len(arguments) else []
    usage = " ".join(("landfall", *words, *arguments, *options))
    lines = [_title(words), "", _prose(command.help), "", "```", usage, "```", ""]
    if shown:
        lines += ["| argument or option | takes | default | meaning |", "|---|---|---|---|"]
        lines += [_row(parameter) for parameter in shown]
        lines.append("")
    lines += [*_examples(command.epilog), "", f"Ends with: {endings[' '.join(words)]}.", ""]
    return lines


def _title(words: tuple[str, ...]) -> str:
    return f"{'#' * min(1 + len(words), 4)} landfall {' '.join(words)}"


def _anchor(words: tuple[str, ...]) -> str:
    return "-".join(("landfall", *words))


def _argument(parameter: Any) -> str:
    name = str(parameter.name).replace("_", "-").upper()
    name = f"{name}…" if parameter.nargs == -1 else name
    return name if parameter.required else f"[{name}]"


def _row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = f"`{str(parameter.name).replace('_', '-').upper()}`"
    else:
        name = ", ".join(f"`{spelling}`" for spelling in (*parameter.opts, *parameter.secondary_opts))
    cells = (name, _takes(parameter), _default(parameter), getattr(parameter, "help", None) or "")
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _takes(parameter: Any) -> str:
    if getattr(parameter, "is_flag", False):
        return "nothing"
    if metavar := getattr(parameter, "metavar", None):
        return str(metavar).replace("|", ", ") if "|" in metavar else str(metavar).lower()
    annotation = parameter.type_descriptor.annotation
    many = get_origin(annotation) is list
    one = get_args(annotation)[0] if many else annotation
    if isinstance(one, type) and issubclass(one, Enum):
        kind = ", ".join(f"`{choice.value}`" for choice in one)
    else:
        kind = _KINDS[one]
    return f"{kind}, repeatable" if many else kind


def _default(parameter: Any) -> str:
    if parameter.required:
        return "**required**"
    value = parameter.default
    if getattr(parameter, "is_flag", False):
        return f"`{parameter.opts[0]}`" if value and parameter.secondary_opts else "off"
    if value is None or value == () or value == []:
        return "none"
    return f"`{getattr(value, 'value', value)}`"


def _examples(epilog: str | None) -> list[str]:
    """The examples of an epilog, one a line. Raises ``ValueError`` where there is none."""
    head, _, rest = " ".join((epilog or "").split()).partition(": ")
    if head not in ("Example", "Examples"):
        raise ValueError(f'a command\'s epilog begins with "Example:" or "Examples:", found "{epilog}"')
    return [f"{head}:", "", "```", *(example.strip() for example in rest.split(" · ")), "```"]


def _prose(text: str | None) -> str:
    return " ".join((text or "").replace("\b", "").split())


def _first(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]


def _cell(text: str) -> str:
    return re.sub(r"(?<![*`])([*])(?![*`])", r"\\\1", " ".join(text.split()).replace("|", "\\|"))
