r"""Conditions of `\if` and `\elseif`: comparisons with AND, OR, NOT and brackets."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from sandbox.rsql.variables import Variables, boolean

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<reference>:(?:'\w+'|"\w+"|\w+))
      | (?P<string>'(?:[^']|'')*')
      | (?P<operator><>|!=|<=|>=|==|=|<|>|\(|\))
      | (?P<word>[^\s()<>=!']+)
    )""",
    re.VERBOSE,
)
_COMPARISONS = ("=", "==", "<>", "!=", "<", "<=", ">", ">=")


class ExpressionError(ValueError):
    """The condition cannot be read."""


def evaluate(expression: str, variables: Variables) -> bool:
    """The truth of a condition.

    Numbers compare as numbers, everything else as text; `true` and `false` count as 1 and 0 against a
    number, so that `:ERROR <> 0` says whether the last statement failed.

    Raises:
        ExpressionError: the condition is malformed or not boolean.
    """
    parser = _Parser(_tokens(expression, variables), expression)
    value = parser.disjunction()
    if not parser.at_end():
        raise ExpressionError(f'unrecognized value "{expression.strip()}": Boolean expression expected')
    return value


def _tokens(expression: str, variables: Variables) -> list[tuple[str, str]]:
    """Kind and text; references are replaced by their values, which are operands whatever they contain."""
    found: list[tuple[str, str]] = []
    at = 0
    text = expression.strip().rstrip(";").strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.end() == at:
            raise ExpressionError(f'unrecognized value "{expression.strip()}": Boolean expression expected')
        at = match.end()
        kind = str(match.lastgroup)
        part = match.group(kind)
        if kind == "reference":
            name = part[1:].strip("'\"")
            found.append(("operand", variables.get(name, part)))
        elif kind == "string":
            found.append(("operand", part[1:-1].replace("''", "'")))
        elif kind == "word" and part.lower() in ("and", "or", "not"):
            found.append(("logic", part.lower()))
        else:
            found.append(("operand" if kind == "word" else kind, part))
    return found


class _Parser:
    """OR below AND below NOT below comparisons."""

    def __init__(self, tokens: list[tuple[str, str]], expression: str) -> None:
        self._tokens = tokens
        self._expression = expression.strip()
        self._at = 0

    def at_end(self) -> bool:
        """Whether everything has been read."""
        return self._at == len(self._tokens)

    def disjunction(self) -> bool:
        """`a OR b`."""
        value = self._conjunction()
        while self._take("logic", "or"):
            right = self._conjunction()
            value = value or right
        return value

    def _conjunction(self) -> bool:
        value = self._negation()
        while self._take("logic", "and"):
            right = self._negation()
            value = value and right
        return value

    def _negation(self) -> bool:
        if self._take("logic", "not"):
            return not self._negation()
        if self._take("operator", "("):
            value = self.disjunction()
            if not self._take("operator", ")"):
                raise self._error()
            return value
        return self._comparison()

    def _comparison(self) -> bool:
        left = self._operand()
        if (
            self.at_end()
            or self._tokens[self._at][0] != "operator"
            or self._tokens[self._at][1] not in _COMPARISONS
        ):
            value = boolean(left)
            if value is None:
                raise self._error()
            return value
        operator = self._tokens[self._at][1]
        self._at += 1
        return _compare(left, operator, self._operand())

    def _operand(self) -> str:
        if self.at_end() or self._tokens[self._at][0] != "operand":
            raise self._error()
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _take(self, kind: str, text: str) -> bool:
        if not self.at_end() and self._tokens[self._at] == (kind, text):
            self._at += 1
            return True
        return False

    def _error(self) -> ExpressionError:
        return ExpressionError(f'unrecognized value "{self._expression}": Boolean expression expected')


def _compare(left: str, operator: str, right: str) -> bool:
    """Compare as numbers where both are, else as text."""
    a: Decimal | str
    b: Decimal | str
    first, second = _number(left), _number(right)
    if first is None and second is not None:
        first = _truth(left)
    if second is None and first is not None:
        second = _truth(right)
    a, b = (first, second) if first is not None and second is not None else (left, right)
    if operator in ("=", "=="):
        return a == b
    if operator in ("<>", "!="):
        return a != b
    less = a < b  # type: ignore[operator]
    if operator in ("<", ">="):
        return less if operator == "<" else not less
    return (not less and a != b) if operator == ">" else (less or a == b)


def _number(text: str) -> Decimal | None:
    """The text as a number."""
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _truth(text: str) -> Decimal | None:
    """`true` is 1, `false` is 0."""
    lowered = text.strip().lower()
    return Decimal(1) if lowered == "true" else Decimal(0) if lowered == "false" else None
