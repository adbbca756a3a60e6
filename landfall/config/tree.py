"""A read-only view of plain config values that leaves out what is known to be wrong.

Cross-field checks read this view, so that one bad value hides nothing but itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from landfall.config.errors import Path


class Tree:
    """Plain values (mappings, lists, scalars) minus the `bad` paths and all below them."""

    def __init__(self, values: Mapping[str, Any], bad: Iterable[Path] = ()) -> None:
        self._values = values
        self._bad = frozenset(bad)

    def get(self, *path: str | int) -> Any:
        """The value at `path`; None where there is none or where it is wrong."""
        if any(path[: length + 1] in self._bad for length in range(len(path))):
            return None
        return self._raw(path)

    def text(self, *path: str | int) -> str | None:
        """The text at `path`, else None."""
        value = self.get(*path)
        return value if isinstance(value, str) else None

    def keys(self, *path: str | int) -> tuple[str, ...]:
        """All keys of the mapping at `path`, sorted, those of wrong values too: they are still named."""
        value = self._raw(path)
        return (
            tuple(sorted(key for key in value if isinstance(key, str))) if isinstance(value, Mapping) else ()
        )

    def items(self, *path: str | int) -> Iterator[tuple[int, Any]]:
        """Index and value of the list at `path`; wrong values are left out, their index stays taken."""
        value = self._raw(path)
        if isinstance(value, list | tuple):
            for index in range(len(value)):
                inner = self.get(*path, index)
                if inner is not None:
                    yield index, inner

    def wrong(self, *path: str | int) -> bool:
        """Whether the value at `path`, or its key, is known to be wrong by itself."""
        return path in self._bad

    def has(self, *path: str | int) -> bool:
        """Whether there is anything at `path`, right or wrong."""
        return self._raw(path) is not None

    def _raw(self, path: tuple[str | int, ...]) -> Any:
        value: Any = self._values
        for part in path:
            if isinstance(value, Mapping) and isinstance(part, str):
                value = value.get(part)
            elif isinstance(value, list | tuple) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return None
        return value
