"""The text of a document into plain JSON values, whatever the text is.

Systems Manager keeps documents as JSON: YAML's aliases, tags, dates and keys that are no text have no place
in one. Read with limits, so that a few kilobytes cannot become gigabytes or a stack too deep.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any, Final

import yaml

LONGEST_CONTENT: Final = 64 * 1024
"""Bytes of a document's content."""
_DEEPEST: Final = 50
_MOST_VALUES: Final = 50_000


class Unreadable(ValueError):
    """The content is no document; one sentence."""


def read(content: str, document_format: str) -> Any:
    """The plain value that `content` writes as JSON or YAML. Raises Unreadable."""
    try:
        value = json.loads(content) if document_format == "JSON" else yaml.safe_load(content)
    except (ValueError, TypeError, yaml.YAMLError):
        raise Unreadable(f"the content is not {document_format}") from None
    except RecursionError:
        raise _too_deep() from None
    return _Plain().of(value)


def _too_deep() -> Unreadable:
    return Unreadable(f"the content is nested deeper than {_DEEPEST} levels")


class _Plain:
    """Copies a value; counts what aliases would multiply."""

    def __init__(self) -> None:
        self._values = 0

    def of(self, value: Any, depth: int = 0) -> Any:
        self._values += 1
        if depth > _DEEPEST:
            raise _too_deep()
        if self._values > _MOST_VALUES:
            raise Unreadable(f"the content has more than {_MOST_VALUES} values, aliases expanded")
        if isinstance(value, dict):
            return {self._key(key): self.of(inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.of(inner, depth + 1) for inner in value]
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, str):
            return _whole(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        raise Unreadable(f"the content has a {type(value).__name__}, which JSON does not have")

    @staticmethod
    def _key(key: Any) -> str:
        if not isinstance(key, str):
            raise Unreadable(f"the key {str(key)[:80]} is not text")
        return _whole(key)


def _whole(text: str) -> str:
    """The text. Raises Unreadable where it has half a character, which no other program takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unreadable("the content has half a character (a lone surrogate)") from None
    return text
