"""Condition blocks of policy statements.

LocalEmu's evaluator is not used for them: a negated operator with several values must hold for every value
and holds where the key is absent, `ArnEquals` takes wildcards like `ArnLike`, and the names of
keys are not case-sensitive.
(source: IAM User Guide, "Condition operators", "Set operators for multivalued context keys")
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

Context = Mapping[str, str | Sequence[str]]
"""Condition keys of a request in lower case; a list is a multivalued key."""

_VARIABLE: Final = re.compile(r"\$\{([^}]+)\}")
_LITERALS: Final = {"*": "*", "?": "?", "$": "$"}


def holds(block: Mapping[str, Mapping[str, Any]] | None, context: Context) -> bool:
    """Whether every operator and key of a condition block is satisfied; an unknown operator never is."""
    return all(
        _key_holds(operator, key.lower(), _listed(values), context)
        for operator, keys in (block or {}).items()
        for key, values in keys.items()
    )


def substituted(text: str, context: Context) -> str | None:
    """Text with its policy variables replaced; None where one has no value, which then matches nothing."""
    missing = False

    def value(found: re.Match[str]) -> str:
        nonlocal missing
        name, _, default = found[1].partition(",")
        if name in _LITERALS:
            return f"\0{_LITERALS[name]}"
        known = context.get(name.strip().lower())
        if isinstance(known, str):
            return known
        if default:
            return default.strip().strip("'")
        missing = True
        return ""

    replaced = _VARIABLE.sub(value, text)
    return None if missing else replaced


@lru_cache(maxsize=4096)
def pattern(text: str) -> re.Pattern[str]:
    """A text with the wildcards ``*`` and ``?``; a character after NUL stands for itself."""
    parts: list[str] = []
    literal = False
    for sign in text:
        if literal:
            parts.append(re.escape(sign))
            literal = False
        elif sign == "\0":
            literal = True
        else:
            parts.append({"*": ".*", "?": "."}.get(sign) or re.escape(sign))
    return re.compile("".join(parts), re.DOTALL)


def _key_holds(operator: str, key: str, wanted: list[str], context: Context) -> bool:
    qualifier, _, name = operator.rpartition(":")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    given = context.get(key)
    actual = [given] if isinstance(given, str) else list(given or ())
    if name == "Null":
        return (not actual) == (wanted[:1] == ["true"])
    negated = name in _NEGATIONS
    compare = _OPERATORS.get(_NEGATIONS.get(name, name))
    if compare is None:
        return False
    if not actual:
        return if_exists or negated or qualifier == "ForAllValues"
    expected = [value for value in (substituted(text, context) for text in wanted) if value is not None]

    def matches(value: str) -> bool:
        return any(_compared(compare, value, text) for text in expected) is not negated

    return any(map(matches, actual)) if qualifier == "ForAnyValue" else all(map(matches, actual))


def _compared(compare: Callable[[str, str], bool], actual: str, expected: str) -> bool:
    try:
        return compare(actual, expected)
    except ValueError:
        return False


def _listed(values: Any) -> list[str]:
    """Values of a condition key as the policy language reads them: numbers and booleans are texts."""
    several = values if isinstance(values, list) else [values]
    return [str(value).lower() if isinstance(value, bool) else str(value) for value in several]


def _like(actual: str, expected: str) -> bool:
    return pattern(expected).fullmatch(actual) is not None


def _arn_like(actual: str, expected: str) -> bool:
    """Each of the six parts of an ARN is matched by itself."""
    left, right = actual.split(":", 5), expected.split(":", 5)
    return len(left) == len(right) == 6 and all(map(_like, left, right))


def _time(text: str) -> float:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _in_network(actual: str, expected: str) -> bool:
    return ipaddress.ip_address(actual) in ipaddress.ip_network(expected, strict=False)


def _ordered(read: Callable[[str], float], prefix: str) -> dict[str, Callable[[str, str], bool]]:
    return {
        f"{prefix}Equals": lambda a, b: read(a) == read(b),
        f"{prefix}LessThan": lambda a, b: read(a) < read(b),
        f"{prefix}LessThanEquals": lambda a, b: read(a) <= read(b),
        f"{prefix}GreaterThan": lambda a, b: read(a) > read(b),
        f"{prefix}GreaterThanEquals": lambda a, b: read(a) >= read(b),
    }


_OPERATORS: Final[dict[str, Callable[[str, str], bool]]] = {
    "StringEquals": lambda a, b: a == b.replace("\0", ""),
    "StringEqualsIgnoreCase": lambda a, b: a.lower() == b.replace("\0", "").lower(),
    "StringLike": _like,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": lambda a, b: a.lower() == b.lower(),
    "BinaryEquals": lambda a, b: a == b,
    "IpAddress": _in_network,
    **_ordered(float, "Numeric"),
    **_ordered(_time, "Date"),
}

_NEGATIONS: Final = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
}
