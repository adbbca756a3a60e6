"""The functions that Step Functions adds to JSONata, and the one it takes away.

Source: AWS Step Functions Developer Guide, "Transforming data with JSONata in Step Functions", section
"JSONata functions provided by Step Functions": `$partition`, `$range`, `$hash`, `$random`, `$uuid`,
`$parse`; "The JSONata function `$eval` is not supported."
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

MAX_RANGE_ITEMS: Final = 1000
_ALGORITHMS: Final[Mapping[str, str]] = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
}


class FunctionError(Exception):
    """A Step Functions function was called in a way that it refuses; the text says why."""


def partition(array: Any, size: Any = None) -> list[Any] | None:
    """Split `array` into chunks of `size` items; the last one may be shorter."""
    if array is None:
        return None
    items = list(array) if isinstance(array, list) else [array]
    if not _is_number(size) or int(size) != size or size < 1:
        raise FunctionError("$partition: the chunk size must be a positive integer")
    step = int(size)
    return [items[at : at + step] for at in range(0, len(items), step)]


def number_range(first: Any, last: Any, step: Any) -> list[Any]:
    """The numbers from `first` to `last` inclusive, `step` apart; at most 1,000 of them."""
    if not (_is_number(first) and _is_number(last) and _is_number(step)):
        raise FunctionError("$range: first, last and step must be numbers")
    if step == 0:
        raise FunctionError("$range: the step must not be zero")
    count = max(0, math.floor((last - first) / step) + 1)
    if count > MAX_RANGE_ITEMS:
        raise FunctionError(f"$range: {count} items, more than the {MAX_RANGE_ITEMS} allowed")
    return [first + index * step for index in range(count)]


def hash_text(content: Any, algorithm: Any = None) -> str | None:
    """Hexadecimal digest of a string with MD5, SHA-1, SHA-256, SHA-384 or SHA-512."""
    if content is None:
        return None
    if not isinstance(content, str):
        raise FunctionError("$hash: the content must be a string")
    name = _ALGORITHMS.get(algorithm) if isinstance(algorithm, str) else None
    if name is None:
        raise FunctionError(f"$hash: the algorithm must be one of {', '.join(_ALGORITHMS)}")
    return hashlib.new(name, content.encode(), usedforsecurity=False).hexdigest()


def random_number(seed: Any = None) -> float:
    """A number from 0 (included) to 1 (excluded); the same for the same integer seed."""
    if seed is None:
        return random.random()  # noqa: S311 - JSONata's $random is not for secrets
    if not _is_number(seed):
        raise FunctionError("$random: the seed must be a number")
    return random.Random(seed).random()  # noqa: S311


def new_uuid() -> str:
    """A version 4 UUID."""
    return str(uuid.uuid4())


def parse(text: Any) -> Any:
    """The value of a JSON text."""
    if text is None:
        return None
    if not isinstance(text, str):
        raise FunctionError("$parse: the argument must be a string")
    try:
        return json.loads(text)
    except ValueError as broken:
        raise FunctionError(f"$parse: not a JSON text: {broken}") from broken


def refuse_eval(*_: Any) -> Any:
    """Always an error: Step Functions does not support `$eval`."""
    raise FunctionError("$eval is not supported in Step Functions; use $parse for JSON texts")


FUNCTIONS: Final[Mapping[str, tuple[Callable[..., Any], int]]] = {
    "partition": (partition, 2),
    "range": (number_range, 3),
    "hash": (hash_text, 2),
    "random": (random_number, 1),
    "uuid": (new_uuid, 0),
    "parse": (parse, 1),
    "eval": (refuse_eval, 2),
}
"""Function by JSONata name, with the number of arguments it takes; missing ones are undefined (None)."""


def padded(arguments: Sequence[Any] | None, count: int) -> list[Any]:
    """Exactly `count` arguments: too many are cut, as JSONata does, missing ones are undefined."""
    given = list(arguments or ())[:count]
    return given + [None] * (count - len(given))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
