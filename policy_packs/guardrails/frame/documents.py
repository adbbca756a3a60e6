"""IAM policy documents inside resource inputs.

A document must be readable when the plan is judged: one that is unknown until the update could say anything.
Documents built from names, account ids and Regions are known in a preview; one that embeds an output of a
resource which does not exist yet is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .resource import Resource
from .rule import Report
from .values import ABSENT, Marker, neutral, shown


@dataclass(frozen=True)
class Statement:
    """One statement of an IAM policy document."""

    data: Mapping[str, Any]
    place: str
    """Where it stands, for messages: the input's path and the statement's Sid or position."""

    @property
    def allows(self) -> bool:
        """Whether the statement grants; anything but an exact `Deny` counts as a grant."""
        return self.data.get("Effect") != "Deny"

    def items(self, key: str) -> list[Any]:
        """Return the values of an element that IAM lets be one value or a list."""
        value = self.data.get(key)
        if value is None:
            return []
        return list(value) if isinstance(value, list) else [value]

    def conditions(self) -> Iterator[tuple[str, str, list[Any]]]:
        """Yield operator, key and values of each condition, operator and key in lower case."""
        condition = self.data.get("Condition")
        for operator, tests in (condition if isinstance(condition, Mapping) else {}).items():
            for key, values in (tests if isinstance(tests, Mapping) else {}).items():
                yield operator.lower(), key.lower(), list(values) if isinstance(values, list) else [values]

    def is_public(self) -> bool:
        """Tell whether anybody is a principal of the statement."""
        if "NotPrincipal" in self.data:
            return True
        principal = self.data.get("Principal")
        groups = principal.values() if isinstance(principal, Mapping) else [principal]
        return any("*" in (group if isinstance(group, list) else [group]) for group in groups)


def statements(resource: Resource, report: Report, path: str) -> list[Statement] | None:
    """Return the statements of the document at `path`; None where it is absent or unreadable.

    Reports a document that is unknown, a secret, no JSON or not of the form that IAM defines.
    """
    value = resource.at(path)
    return None if value is ABSENT else parse(value, report, path)


def parse(value: Any, report: Report, path: str) -> list[Statement] | None:
    """Return the statements of a policy document, a JSON text or already decoded; see `statements`."""
    document = decode(value, report, path)
    if document is None:
        return None
    entries = document.get("Statement") if isinstance(document, Mapping) else None
    entries = [entries] if isinstance(entries, Mapping) else entries
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        report.violation(f"`{path}` is not a policy document with statements")
        return None
    found = [
        Statement(entry, f"`{path}`, {entry.get('Sid') or f'statement {i + 1}'}")
        for i, entry in enumerate(entries)
    ]
    for statement in found:
        if _has_marker(statement.data):
            report.violation(f"{statement.place} has a part that is not known before the update")
            return None
    return found


def decode(value: Any, report: Report, path: str) -> Any | None:
    """Return the decoded JSON of a document input; None, and a report, where it cannot be read."""
    if isinstance(value, Marker):
        report.violation(
            f"`{path}` is {shown(value)}, so nobody can tell what it allows; "
            "build it from names and account ids that are known beforehand"
        )
        return None
    if isinstance(value, str):
        try:
            return neutral(json.loads(value))
        except ValueError:
            report.violation(f"`{path}` is not valid JSON")
            return None
    return value


def _has_marker(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_marker(item) for item in value.values())
    if isinstance(value, list):
        return any(_has_marker(item) for item in value)
    return isinstance(value, Marker)
