"""A state machine: canonical bytes, placeholders, rendering."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workflows.asl.states import State

PLACEHOLDER = re.compile(r"\$\{([A-Za-z][A-Za-z0-9]*)\}")
"""``${Name}``: a value that is filled in when the machine is deployed."""

_UNSAFE = re.compile(r"[\"'`\\\x00-\x1f%{}]")


class DefinitionError(ValueError):
    """A definition that cannot be made or rendered; the message says what and where."""


@dataclass(frozen=True, kw_only=True)
class StateMachine:
    """A state machine whose query language is JSONata."""

    start_at: str
    states: Mapping[str, State]
    comment: str
    timeout_seconds: int
    """Limit of one execution."""

    def asl(self) -> dict[str, Any]:
        """The definition as a JSON document, placeholders unfilled."""
        return {
            "Comment": self.comment,
            "QueryLanguage": "JSONata",
            "StartAt": self.start_at,
            "States": {name: state.asl() for name, state in self.states.items()},
            "TimeoutSeconds": self.timeout_seconds,
        }

    def canonical(self) -> bytes:
        """The definition as canonical JSON: sorted keys, no spaces, UTF-8. Equal machines give equal
        bytes."""
        return json.dumps(self.asl(), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @property
    def placeholders(self) -> frozenset[str]:
        """Names of all ``${Name}`` in the definition."""
        return frozenset(PLACEHOLDER.findall(self.canonical().decode()))

    def render(self, values: Mapping[str, str]) -> str:
        """The definition with every placeholder filled, as canonical JSON.

        Values stand inside JSONata string literals, so those with quotes, backslashes, braces, percent or
        control characters are refused. Raises `DefinitionError` for such a value, a missing or an unused one.
        """
        if missing := sorted(self.placeholders - values.keys()):
            raise DefinitionError(f"no value for the placeholders {', '.join(missing)}")
        if unused := sorted(values.keys() - self.placeholders):
            raise DefinitionError(f"the definition has no placeholders {', '.join(unused)}")
        for name, value in sorted(values.items()):
            if _UNSAFE.search(value):
                raise DefinitionError(
                    f"the value of the placeholder {name} has a character that is not allowed"
                )
        return PLACEHOLDER.sub(lambda found: values[found[1]], self.canonical().decode())

    def walk(self) -> Iterator[tuple[str, State]]:
        """Every state with its name, those inside Maps included, outer ones first."""
        yield from _walk(self.states)


def _walk(states: Mapping[str, State]) -> Iterator[tuple[str, State]]:
    for name, state in states.items():
        yield name, state
        if state.processor is not None:
            yield from _walk(state.processor.states)
