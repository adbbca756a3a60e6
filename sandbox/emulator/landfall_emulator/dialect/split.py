"""Cuts a script into statements at the semicolons that end one."""

from __future__ import annotations

from landfall_emulator.dialect.lexer import Token, join, tokenize


def split_statements(script: str) -> list[str]:
    """The statements of `script` without their semicolons, trimmed; empty ones and lone comments are left
    out.

    A semicolon inside a string, a quoted name, a comment, a dollar-quoted body or brackets ends nothing.
    """
    statements: list[str] = []
    current: list[Token] = []
    depth = 0
    for token in tokenize(script):
        if token.kind == "punct":
            if token.text == "(":
                depth += 1
            elif token.text == ")":
                depth = max(0, depth - 1)
            elif token.text == ";" and depth == 0:
                _finish(current, statements)
                current = []
                continue
        current.append(token)
    _finish(current, statements)
    return statements


def _finish(tokens: list[Token], statements: list[str]) -> None:
    """Add the statement unless it says nothing."""
    if any(not token.blank for token in tokens):
        statements.append(join(tokens).strip())
