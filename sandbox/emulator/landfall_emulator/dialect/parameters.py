"""Named parameters of the Redshift Data API: `:name` in the statement, bound by the server, never put into
the text.

Source: Amazon Redshift Management Guide, "Running SQL statements with parameters with the Amazon
Redshift Data API".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from landfall_emulator.dialect.lexer import Token, tokenize

_NAME = re.compile(r"\w+\Z", re.ASCII)


class ParameterError(ValueError):
    """Parameters and statement do not fit; the text is the service's own."""


def parameter_names(sql: str) -> list[str]:
    """The names in order of first appearance."""
    names: list[str] = []
    for piece in _pieces(tokenize(sql)):
        if isinstance(piece, _Parameter) and piece.name not in names:
            names.append(piece.name)
    return names


def bind_parameters(sql: str, values: Mapping[str, str] | None) -> tuple[str, list[str]]:
    """The statement with `$1`, `$2`, … for the names, and the values in that order.

    Without `values` the statement is returned as it is: the service looks for names only when parameters are
    given.

    Raises:
        ParameterError: a name of the statement has no value, or a value has no name in the statement.
    """
    if not values:
        return sql, []
    names = parameter_names(sql)
    for name in names:
        if name not in values:
            raise ParameterError(f"Cannot find parameter: {name}")
    unused = [name for name in values if name not in names]
    if unused:
        raise ParameterError(
            f"Parameters list contains unused parameters. Unused parameters: [{', '.join(unused)}]"
        )
    positions = {name: f"${number}" for number, name in enumerate(names, start=1)}
    text = "".join(
        positions[piece.name] if isinstance(piece, _Parameter) else piece for piece in _pieces(tokenize(sql))
    )
    return text, [values[name] for name in names]


class _Parameter:
    """A `:name` in the text."""

    def __init__(self, name: str) -> None:
        self.name = name


def _pieces(tokens: list[Token]) -> list[str | _Parameter]:
    """Text and parameters in order; `::` is a cast, and a colon inside a string or comment is text."""
    pieces: list[str | _Parameter] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        follower = tokens[at + 1] if at + 1 < len(tokens) else None
        if token.is_punct(":") and follower and follower.kind == "word" and _NAME.match(follower.text):
            pieces.append(_Parameter(follower.text))
            at += 2
            continue
        pieces.append(token.text)
        at += 1
    return pieces
