"""Cuts SQL into tokens without losing a character: the texts of the tokens joined are the source.

Redshift's lexical rules ("Names and identifiers", "Literals" of the Database Developer Guide): a backslash
escapes inside string literals, block comments nest, bodies may be dollar-quoted, and `#name` is a temporary
table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["space", "comment", "string", "dollar", "quoted", "word", "number", "punct"]

_SPACE = re.compile(r"\s+")
_LINE_COMMENT = re.compile(r"--[^\r\n]*")
_STRING = re.compile(r"[eE]?'(?:[^'\\]|\\.|'')*(?:'|\Z)", re.DOTALL)
_QUOTED = re.compile(r'"(?:[^"]|"")*(?:"|\Z)')
_DOLLAR = re.compile(r"\$(?:[A-Za-z_\x80-\U0010ffff][\w]*)?\$")
_WORD = re.compile(r"#?[A-Za-z_\x80-\U0010ffff][\w$]*")
_NUMBER = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_PUNCT = re.compile(r"::|:=|<=|>=|<>|!=|\|\||.", re.DOTALL)
_UNFINISHED_STRING = re.compile(r"[eE]?'(?:[^'\\]|\\.|'')*\\?\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of SQL; `blank` pieces mean nothing to the database."""

    kind: Kind
    text: str

    @property
    def blank(self) -> bool:
        """White space or a comment."""
        return self.kind in ("space", "comment")

    def is_word(self, *words: str) -> bool:
        """Whether this is one of the given keywords, in any case; quoted names never are."""
        return self.kind == "word" and self.text.lower() in words

    def is_punct(self, text: str) -> bool:
        """Whether this is the given operator or bracket."""
        return self.kind == "punct" and self.text == text


def tokenize(sql: str) -> list[Token]:
    """All tokens of `sql`; text that never ends (an open quote or comment) becomes one last token."""
    tokens: list[Token] = []
    at = 0
    while at < len(sql):
        token = next_token(sql, at)
        tokens.append(token)
        at += len(token.text)
    return tokens


def join(tokens: Iterable[Token]) -> str:
    """The text of the tokens."""
    return "".join(token.text for token in tokens)


def next_token(sql: str, at: int) -> Token:
    """The token that starts at `at`."""
    if match := _SPACE.match(sql, at):
        return Token("space", match.group())
    if match := _LINE_COMMENT.match(sql, at):
        return Token("comment", match.group())
    if sql.startswith("/*", at):
        return Token("comment", _block_comment(sql, at))
    if match := _STRING.match(sql, at) or _UNFINISHED_STRING.match(sql, at):
        return Token("string", match.group())
    if match := _QUOTED.match(sql, at):
        return Token("quoted", match.group())
    if match := _DOLLAR.match(sql, at):
        end = sql.find(match.group(), match.end())
        return Token("dollar", sql[at:] if end < 0 else sql[at : end + len(match.group())])
    if match := _WORD.match(sql, at):
        return Token("word", match.group())
    if match := _NUMBER.match(sql, at):
        return Token("number", match.group())
    match = _PUNCT.match(sql, at)
    assert match is not None  # noqa: S101 - the pattern matches any character
    return Token("punct", match.group())


def _block_comment(sql: str, at: int) -> str:
    """The comment that starts at `at`, with the comments inside it."""
    depth = 0
    end = at
    while end < len(sql):
        if sql.startswith("/*", end):
            depth += 1
            end += 2
        elif sql.startswith("*/", end):
            depth -= 1
            end += 2
            if depth == 0:
                break
        else:
            end += 1
    return sql[at:end]
