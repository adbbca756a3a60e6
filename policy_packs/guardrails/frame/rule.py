"""What a rule is: a constant with a name, a severity, levels per environment and a check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache

from .resource import Resource, Stack


class Severity(StrEnum):
    """How bad a violation is, whatever the environment."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Level(StrEnum):
    """What a violation does: `mandatory` stops the plan, `advisory` warns, `disabled` skips the rule."""

    DISABLED = "disabled"
    ADVISORY = "advisory"
    MANDATORY = "mandatory"


ENVIRONMENTS = ("sandbox", "dev", "staging", "prod")


@dataclass(frozen=True, kw_only=True)
class Levels:
    """The enforcement level of a rule in each environment; mandatory unless stated."""

    sandbox: Level = Level.MANDATORY
    dev: Level = Level.MANDATORY
    staging: Level = Level.MANDATORY
    prod: Level = Level.MANDATORY

    def of(self, environment: str) -> Level:
        """Return the level in `environment`; an unknown environment is judged as production."""
        return {"sandbox": self.sandbox, "dev": self.dev, "staging": self.staging}.get(environment, self.prod)


@dataclass(frozen=True)
class Finding:
    """One violation that a check reported, before levels and waivers."""

    urn: str
    message: str


class Report:
    """Collects what a check finds; given to each check."""

    def __init__(self, urn: str) -> None:
        self._urn = urn
        self.findings: list[Finding] = []

    def violation(self, message: str, *, urn: str | None = None) -> None:
        """Report a violation of the checked resource, or of the resource `urn` (stack rules)."""
        self.findings.append(Finding(urn or self._urn, message))


@dataclass(frozen=True, kw_only=True)
class _Described:
    name: str
    severity: Severity
    description: str
    """What must hold and why, in one sentence."""
    controls: tuple[str, ...] = ()
    """The controls that the rule answers: `FSBP` (AWS Foundational Security Best Practices), other `Security
    Hub` controls, or `CIS` (AWS Foundations Benchmark, with its version).
    """
    levels: Levels = Levels()
    remediation: str
    """What to change, as one imperative sentence."""


@dataclass(frozen=True, kw_only=True)
class Rule(_Described):
    """A rule about one resource at a time; `resource_types` are type tokens or globs such as `aws:*`."""

    resource_types: tuple[str, ...]
    check: Callable[[Resource, Report], None]

    def applies_to(self, resource_type: str) -> bool:
        """Tell whether the rule guards resources of this type."""
        return _matches(resource_type, self.resource_types)


@cache  # a plan has a few dozen types and each rule a few patterns
def _matches(resource_type: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(resource_type, pattern) for pattern in patterns)


@dataclass(frozen=True, kw_only=True)
class StackRule(_Described):
    """A rule about resources in relation to each other; it sees the whole stack."""

    resource_types: tuple[str, ...]
    check: Callable[[Stack, Report], None]


AnyRule = Rule | StackRule
