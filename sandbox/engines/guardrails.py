"""The policy pack's verdicts on a plan, in process: what `--policy-pack` says under the real engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from policy_packs.guardrails.evaluate import evaluate
from sandbox.engines.plan import PlannedResource, Violation
from sandbox.engines.project import Project


def guardrails_for(
    project: Project, stack: str, today: date
) -> Callable[[Sequence[PlannedResource]], tuple[Violation, ...]]:
    """A judge of the stack's plan, with the environment and the waivers of its configuration.

    Args:
        project: the project.
        stack: name of the stack.
        today: decides which waivers have expired.
    """
    values = project.config(stack).values
    environment = _object(values.get("landfall:platform")).get("environment")
    waivers = _object(values.get("landfall:guardrails")).get("waivers") or {}

    def judge(resources: Sequence[PlannedResource]) -> tuple[Violation, ...]:
        found = evaluate(resources, environment=str(environment or ""), waivers=waivers, today=today)
        return tuple(
            Violation(
                policy=verdict.policy,
                level=verdict.level,
                severity=verdict.severity,
                urn=verdict.urn or None,
                message=verdict.message,
                waived=verdict.waived,
            )
            for verdict in found
        )

    return judge


def _object(text: str | None) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except json.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
