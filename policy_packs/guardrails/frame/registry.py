"""Finds the rules: every `Rule` or `StackRule` constant of every module in `rules/`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from .. import rules as rules_package
from .rule import ENVIRONMENTS, AnyRule, Rule, StackRule


@cache
def all_rules() -> tuple[AnyRule, ...]:
    """Return all rules in order of their names. Raises ValueError for two rules of one name."""
    found: dict[str, AnyRule] = {}
    for module in pkgutil.iter_modules(rules_package.__path__):
        contents = vars(importlib.import_module(f"{rules_package.__name__}.{module.name}"))
        for value in contents.values():
            if not isinstance(value, (Rule, StackRule)):
                continue
            if found.setdefault(value.name, value) is not value:
                raise ValueError(f"two guardrails are named {value.name}")
    return tuple(found[name] for name in sorted(found))


def describe() -> list[dict[str, Any]]:
    """Return every rule as plain data, for `landfall guardrails list` and `explain` and for the reference
    page.
    """
    return [
        {
            "name": rule.name,
            "severity": rule.severity.value,
            "description": rule.description,
            "controls": list(rule.controls),
            "levels": {environment: rule.levels.of(environment).value for environment in ENVIRONMENTS},
            "remediation": rule.remediation,
            "resource_types": list(rule.resource_types),
            "kind": "resource" if isinstance(rule, Rule) else "stack",
        }
        for rule in all_rules()
    ]
