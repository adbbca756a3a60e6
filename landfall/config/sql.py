"""Splitting SQL text into statements: quotes, dollar quotes and comments are respected. Pure."""

from __future__ import annotations

import re

# One alternative per piece that may hold a semicolon which ends nothing; the last is the one that does.
_PIECE = re.compile(
    r"""
    '(?:[^'\\]|''|\\.)*'            # text
    | "(?:[^"]|"")*"                # quoted identifier
    | --[^\n]*                      # comment to the end of the line
    | /\*.*?(?:\*/|\Z)              # comment
    | (?<![\w$])\$(?P<tag>\w*)\$.*?\$(?P=tag)\$   # dollar-quoted text
    | ;
    """,
    re.DOTALL | re.VERBOSE,
)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)


def split_statements(text: str) -> tuple[str, ...]:
    """The statements of `text` without their final semicolons; pieces of comments only are left out."""
    statements: list[str] = []
    start = 0
    for match in _PIECE.finditer(text):
        if match[0] == ";":
            statements.append(text[start : match.start()])
            start = match.end()
    statements.append(text[start:])
    return tuple(statement.strip() for statement in statements if _COMMENT.sub("", statement).strip())
