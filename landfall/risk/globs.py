"""Patterns of IAM, in which `*` stands for any text and `?` for one character. Pure.

`covers` may say no where a cleverer answer were yes, never yes where it is no: whoever compares permissions
with it reports too much rather than too little.
"""

from __future__ import annotations

import functools


@functools.lru_cache(maxsize=65_536)
def covers(wide: str, narrow: str) -> bool:
    """Whether every text that `narrow` matches is matched by `wide`."""
    if wide in ("*", narrow):
        return True
    if "*" not in wide and "?" not in wide:
        return False
    # `wide` is matched against the characters of `narrow`; a `*` there can only be swallowed by a `*` here.
    at = [False] * (len(wide) + 1)
    at[0] = True
    _spread(wide, at)
    for character in narrow:
        after = [False] * (len(wide) + 1)
        for index, reached in enumerate(at[:-1]):
            if not reached:
                continue
            wanted = wide[index]
            if wanted == "*":
                after[index] = True
            elif wanted == character != "*" or (wanted == "?" and character != "*"):
                after[index + 1] = True
        at = after
        _spread(wide, at)
    return at[-1]


def _spread(wide: str, at: list[bool]) -> None:
    """A `*` may stand for nothing."""
    for index, character in enumerate(wide):
        if at[index] and character == "*":
            at[index + 1] = True


@functools.lru_cache(maxsize=65_536)
def overlap(one: str, other: str) -> bool:
    """Whether some text is matched by both."""
    rows = len(other) + 1
    meets = [False] * rows
    for index in range(len(one), -1, -1):
        row = [False] * rows
        for peer in range(len(other), -1, -1):
            if index == len(one) and peer == len(other):
                row[peer] = True
                continue
            left = one[index] if index < len(one) else ""
            right = other[peer] if peer < len(other) else ""
            if left == "*":
                row[peer] = meets[peer] or (bool(right) and row[peer + 1])
            if not row[peer] and right == "*":
                row[peer] = row[peer + 1] or (bool(left) and meets[peer])
            if not row[peer] and left and right and (left == right or "?" in (left, right)):
                row[peer] = left != "*" != right and meets[peer + 1]
        meets = row
    return meets[0]
