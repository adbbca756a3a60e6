"""What the guardrails say about a plan."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from .rule import AnyRule, Finding, Level, Severity
from .waivers import Waiver


@dataclass(frozen=True, kw_only=True, order=True)
class Verdict:
    """One violation, judged: its level in this environment, and the waiver that covers it, if any.

    A waived violation is `advisory`, so whoever counts mandatory verdicts need not know of waivers.
    """

    urn: str
    policy: str
    message: str
    level: str
    severity: str
    description: str
    remediation: str
    waived: bool = False
    waiver: str | None = None
    reason: str | None = None
    owner: str | None = None
    expires: str | None = None

    @property
    def blocks(self) -> bool:
        """Whether the plan must not go on."""
        return self.level == Level.MANDATORY

    def to_json(self) -> dict[str, Any]:
        """Return the entry of `violations` in the plan's JSON; waiver fields only where a waiver matched."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def judge(rule: AnyRule, finding: Finding, level: Level, waivers: list[Waiver], today: date) -> Verdict:
    """Return the verdict on a finding, given the waivers that cover it (none, valid or expired)."""
    valid = next((waiver for waiver in waivers if not waiver.expired(today)), None)
    waiver = valid or (waivers[0] if waivers else None)
    message = f"{finding.message}. Fix: {rule.remediation}"
    if valid is not None:
        message = f"Waived until {valid.expires} by {valid.owner} ({valid.name}: {valid.reason}). {message}"
    elif waiver is not None:
        message = f"{message} Waiver {waiver.name} of {waiver.owner} expired on {waiver.expires}."
    return Verdict(
        urn=finding.urn,
        policy=rule.name,
        message=message,
        level=Level.ADVISORY.value if valid else level.value,
        severity=rule.severity.value,
        description=rule.description,
        remediation=rule.remediation,
        waived=valid is not None,
        waiver=waiver.name if waiver else None,
        reason=waiver.reason if waiver else None,
        owner=waiver.owner if waiver else None,
        expires=waiver.expires.isoformat() if waiver else None,
    )


def notice(policy: str, message: str, urn: str, description: str) -> Verdict:
    """Return an advisory verdict of the frame itself, for instance an unused waiver."""
    return Verdict(
        urn=urn,
        policy=policy,
        message=message,
        level=Level.ADVISORY.value,
        severity=Severity.LOW.value,
        description=description,
        remediation="",
    )
