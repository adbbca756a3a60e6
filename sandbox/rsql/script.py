"""Cuts a script into SQL, statement ends and meta-commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from landfall_emulator.dialect.lexer import next_token

_END_OF_LINE = re.compile(r"[^\n]*")


@dataclass(frozen=True)
class Piece:
    """Part of a script: `sql` text, the `end` of a statement, or a `meta` command with the rest of its
    line."""

    kind: Literal["sql", "end", "meta"]
    text: str
    rest: str = ""
    line: int = 1


def pieces(script: str) -> Iterator[Piece]:
    """The pieces in order.

    A backslash outside quotes and comments starts a meta-command, which takes the rest of its line; a
    semicolon outside brackets ends a statement. Quotes inside a meta-command's line mean nothing to the SQL
    after it.
    """
    at = 0
    depth = 0
    line = 1
    while at < len(script):
        if script[at] == "\\":
            rest_of_line = _END_OF_LINE.match(script, at)
            assert rest_of_line is not None  # noqa: S101 - the pattern matches the empty string too
            yield _meta(rest_of_line.group(), line)
            at = rest_of_line.end()
            continue
        token = next_token(script, at)
        at += len(token.text)
        if token.is_punct("("):
            depth += 1
        elif token.is_punct(")"):
            depth = max(0, depth - 1)
        if token.is_punct(";") and depth == 0:
            yield Piece("end", ";", line=line)
        else:
            yield Piece("sql", token.text, line=line)
        line += token.text.count("\n")
        if token.is_punct(";"):
            depth = 0


def _meta(text: str, line: int) -> Piece:
    """`\\name rest`."""
    name = re.match(r"\\([!?]|[A-Za-z_]+\+?|\\|\S?)", text)
    assert name is not None  # noqa: S101 - the text begins with a backslash
    return Piece("meta", name.group(1), text[name.end() :].strip(), line)
