"""Splitting SQL text into statements: quotes, dollar quotes and comments are respected. Pure.

Source: PostgreSQL documentation, "Lexical Structure", and the Redshift Database Developer Guide, "Literals":
a backslash escapes inside text, block comments nest. What is opened and never closed takes the rest of the
text: half of a statement never becomes one of its own. The time is linear in the text, whatever it is.
"""

from __future__ import annotations

import re
from typing import Final

# Pieces that may hold a semicolon which ends nothing, words (a dollar inside one opens no quote), and the
# semicolon. Possessive repetition, and ends that may be missing: no piece is ever looked at twice.
_PIECE: Final = re.compile(
    r"""
    '(?:[^'\\]|''|\\.)*+'?                                    # text
    | "(?:[^"]|"")*+"?                                        # quoted identifier
    | (?P<comment>--[^\r\n]*+|/\*)                            # comment to the end of the line; block comment
    | (?P<dollar>\$(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*+)?\$)
    | [A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*+  # word
    | (?P<end>;)
    | (?P<space>[ \t\n\r\f\v]++)
    | .
    """,
    re.DOTALL | re.VERBOSE,
)
_SPACE: Final = " \t\n\r\f\v"
"""What PostgreSQL takes for space; other blanks of Unicode are characters of a word to it."""
_COMMENT_MARK: Final = re.compile(r"/\*|\*/")


def split_statements(text: str) -> tuple[str, ...]:
    """The statements of `text` without their final semicolons; pieces of comments only are left out."""
    statements: list[str] = []
    start = at = 0
    says_something = False
    while at < len(text):
        piece = _PIECE.match(text, at)
        assert piece is not None  # noqa: S101 - the last alternative takes any character
        at = piece.end()
        match piece.lastgroup:
            case "end":
                if says_something:
                    statements.append(text[start : piece.start()].strip(_SPACE))
                start, says_something = at, False
            case "comment":
                at = _end_of_block(text, at) if piece[0] == "/*" else at
            case "dollar":
                closed = text.find(piece[0], at)
                at = len(text) if closed < 0 else closed + len(piece[0])
                says_something = True
            case None:
                says_something = True
    if says_something:
        statements.append(text[start:].strip(_SPACE))
    return tuple(statements)


def _end_of_block(text: str, at: int) -> int:
    """Where the block comment ends whose opening mark ends at `at`; the end of the text if it never does."""
    depth = 1
    for mark in _COMMENT_MARK.finditer(text, at):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(text)
