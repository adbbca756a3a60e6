"""A config value as the engine keeps it: text, or a mapping as the text of a JSON object. Pure."""

from __future__ import annotations

import json
from typing import Final

from landfall.config.yamltree import DEEPEST

_OPENING: Final = frozenset("{[")
_CLOSING: Final = frozenset("}]")


def decoded(value: object) -> object:
    """The mapping that a text is the JSON of; any other value, and text nested too deeply, as it is.

    Nothing that a stack file may hold is nested deeper than `yamltree.DEEPEST` levels.
    """
    if isinstance(value, str) and value.lstrip().startswith("{") and _depth(value) <= DEEPEST:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _depth(text: str) -> int:
    """How deep a JSON text is nested, found without recursion; quotes are respected."""
    deepest = depth = 0
    quoted = escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif quoted:
            escaped = character == "\\"
            quoted = character != '"'
        elif character == '"':
            quoted = True
        elif character in _OPENING:
            depth += 1
            deepest = max(deepest, depth)
        elif character in _CLOSING:
            depth -= 1
    return deepest
