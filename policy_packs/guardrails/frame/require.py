"""Helpers for checks: each reports a value that is absent, wrong or unreadable.

What an **unknown** value means depends on the question:

* `require_present` asks only whether something is referred to. A value that is unknown during a preview comes
  from another resource of the same program (a key's ARN, for instance), so it is there. The engine calls the
  rule again with the real value before it makes the resource, and a value that turns out empty is refused
  then.
* `require_equals` and `require` ask what the value is. Unknown means that nobody can say, so it is a
  violation: guardrails fail closed. The message says that the value is unknown, so that nobody hunts for a
  wrong one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .resource import Resource
from .rule import Report
from .values import ABSENT, SECRET, UNKNOWN, Marker, shown


def require_present(resource: Resource, report: Report, path: str) -> bool:
    """Report unless the input at `path` is set or refers to another resource; return whether it is."""
    value = resource.at(path)
    if value is UNKNOWN or value is SECRET:
        return True
    if value is ABSENT or value in ("", [], {}):
        report.violation(f"`{path}` is absent")
        return False
    return True


def require_equals(resource: Resource, report: Report, path: str, expected: Any) -> bool:
    """Report unless the input at `path` is known and equals `expected`; return whether it does."""
    return require(
        resource, report, path, lambda value: bool(value == expected), f"must be {shown(expected)}"
    )


def require(
    resource: Resource, report: Report, path: str, accepts: Callable[[Any], bool], expectation: str
) -> bool:
    """Report unless the input at `path` is known and `accepts(value)`; return whether it is.

    `accepts` also gets `ABSENT`, so a rule can let a default of AWS pass.
    """
    value = resource.at(path)
    if value is UNKNOWN or value is SECRET:
        report.violation(unreadable(path, value, expectation))
        return False
    if not accepts(value):
        report.violation(f"`{path}` is {shown(value)}; it {expectation}")
        return False
    return True


def unreadable(path: str, value: Marker, expectation: str) -> str:
    """Return the message for a guarded value that a rule cannot read."""
    return f"`{path}` is {shown(value)}, so nobody can tell that it is right; it {expectation}"
