"""The guardrails' verdicts on a stack, for its run reports.

In the sandbox the deployed resources themselves are judged, out of the Pulumi engine's state; elsewhere, and
where the embedded engine has deployed, the plan of the stack's files as they are now.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from landfall.report.model import Finding, Guardrail, Guardrails
from policy_packs.guardrails.evaluate import Verdict, describe, evaluate_with_config
from sandbox.engines.plan import Violation


def judge_deployed(
    state: Mapping[str, Any], config: Mapping[str, str], *, stack: str, environment: str, today: date
) -> Guardrails:
    """Verdicts on the resources of a Pulumi state (`pulumi stack export`, or the checkpoint's own file).

    ``config`` is the stack's as the engine gives it to programs: its waivers count, ``today`` ends them.
    """
    latest = state.get("checkpoint", {}).get("latest") or state.get("deployment") or {}
    resources = [
        {
            "urn": entry["urn"],
            "type": entry["type"],
            "name": entry["urn"].rpartition("::")[2],
            "parent": entry.get("parent"),
            "provider": entry.get("provider"),
            "protect": entry.get("protect", False),
            "inputs": entry.get("inputs") or {},
            "dependencies": entry.get("dependencies") or [],
            "property_dependencies": entry.get("propertyDependencies") or {},
        }
        for entry in latest.get("resources") or []
        if not entry.get("delete")
    ]
    verdicts = evaluate_with_config(resources, config=config, today=today)
    return summarized(verdicts, len(resources), f"the deployed stack {stack}", environment)


def judge_planned(stack: str, environment: str) -> Guardrails:
    """Verdicts on the plan of a stack's files, without credentials; raises ``CommandError``."""
    from landfall.cli.preview import plan_of

    plan = plan_of(stack, "embedded")
    return summarized(
        plan.violations, len(plan.resources), f"stack {stack} as its files are now", environment
    )


def summarized(
    verdicts: Sequence[Verdict | Violation], resources: int, basis: str, environment: str
) -> Guardrails:
    """Every rule with what it found; what the frame itself says becomes notes."""
    rules = describe()
    names = {rule["name"] for rule in rules}
    return Guardrails(
        basis=basis,
        resources=resources,
        rules=tuple(
            Guardrail(
                name=rule["name"],
                severity=rule["severity"],
                level=str(rule["levels"].get(environment, "—")),
                description=rule["description"],
                findings=tuple(
                    Finding(
                        resource=(verdict.urn or "stack").rpartition("::")[2],
                        message=verdict.message,
                        level=verdict.level,
                        waived=verdict.waived,
                    )
                    for verdict in verdicts
                    if verdict.policy == rule["name"]
                ),
            )
            for rule in rules
        ),
        notes=tuple(verdict.message for verdict in verdicts if verdict.policy not in names),
    )


def deployed_state(state_dir: Path, stack: str) -> Mapping[str, Any] | None:
    """The Pulumi state of a stack in a sandbox's folder; None where that engine has not deployed it."""
    for path in sorted((state_dir / "pulumi" / ".pulumi" / "stacks").glob(f"*/{stack}.json")):
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found
    return None
