"""Arguments of meta-commands."""

from __future__ import annotations

import re
import subprocess

from sandbox.rsql.variables import Variables

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_PIECE = re.compile(r"""'(?:[^'\\]|\\.|'')*'?|"(?:[^"]|"")*"?|`[^`]*`?|:'\w+'|:"\w+"|:\w+|[^\s'"`:]+|:""")


def split_arguments(text: str, variables: Variables) -> list[str]:
    """The arguments of a line.

    `'…'` knows C escapes and keeps spaces, `"…"` keeps its quotation marks, a backquoted command is replaced
    by its output, `:name` by the variable's value; parts that touch are one argument.
    """
    arguments: list[str] = []
    at = 0
    current: str | None = None
    while at < len(text):
        if text[at].isspace():
            if current is not None:
                arguments.append(current)
            current = None
            at += 1
            continue
        match = _PIECE.match(text, at)
        assert match is not None  # noqa: S101 - the alternatives cover every character that is not white space
        current = (current or "") + _value(match.group(), variables)
        at = match.end()
    if current is not None:
        arguments.append(current)
    return arguments


def unquoted(argument: str) -> str:
    """An argument without the double quotation marks around it."""
    if len(argument) >= 2 and argument[0] == argument[-1] == '"':
        return argument[1:-1].replace('""', '"')
    return argument


def run_shell(command: str, *, capture: bool = False) -> tuple[int, str]:
    """Run a command of the script's author in the shell, as `\\!` of psql does, and return its code and
    output."""
    done = subprocess.run(  # noqa: S602 - the script asks for a shell command by name
        command, shell=True, stdout=subprocess.PIPE if capture else None, text=True, check=False
    )
    return done.returncode, done.stdout or ""


def _value(piece: str, variables: Variables) -> str:
    """What one piece stands for."""
    if piece.startswith("'"):
        body = piece[1:-1] if piece.endswith("'") and len(piece) > 1 else piece[1:]
        return _ESCAPE.sub(_unescape, body.replace("''", "'"))
    if piece.startswith("`"):
        return run_shell(piece.strip("`"), capture=True)[1].rstrip("\n")
    if piece.startswith(":") and len(piece) > 1:
        name = piece[1:].strip("'\"")
        if name not in variables:
            return piece
        quote = piece[1] if piece[1] in "'\"" else ""
        return f"{quote}{variables[name].replace(quote, quote * 2) if quote else variables[name]}{quote}"
    return piece


def _unescape(match: re.Match[str]) -> str:
    """One C escape."""
    code = match.group(1)
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code[0] in "01234567":
        return chr(int(code, 8))
    return _ESCAPES.get(code, code)
