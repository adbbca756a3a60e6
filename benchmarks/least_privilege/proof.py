"""The experiment: each scenario with the roles as they are, then each grant taken away.

A grant is proved when a scenario fails without it **and** the emulator refused the role an action of it in
that run: a scenario that fails for another reason proves nothing, and is reported as such.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import ClientError

from benchmarks.least_privilege.plane import Decision, NotAsExpected, Plane
from benchmarks.least_privilege.policies import Grant, grants, without
from benchmarks.least_privilege.scenarios import SCENARIOS, Scenario, prepare
from landfall.cli.exits import CommandError

Progress = Callable[[str], None]


UNSEEN: Mapping[tuple[str, str], str] = {
    ("GlueJobs", "glue:GetJobRuns"): (
        "AWS lists the action for tasks that wait for a Glue job; the emulator waits with GetJobRun alone"
    ),
    ("WriteJobLogs", "log-group:/ops/"): (
        "the authorization reference makes the log group the resource of CreateLogStream; the service's own "
        "refusals, which the emulator follows, name the stream"
    ),
}
"""Grants that stay though the emulator cannot show that they are needed: texts of the statement, reason."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a scenario without one grant."""

    role: str
    statement: str
    scenario: str
    """Name of the scenario; empty where none uses the grant."""
    refused: str
    """The action that was refused first; empty where none was."""
    seen: str
    """What the scenario said; empty where it went on as if nothing had happened."""

    @property
    def proved(self) -> bool:
        """Whether the grant is needed."""
        return bool(self.seen and self.refused)

    @property
    def unseen(self) -> str:
        """Why the emulator cannot show that the grant is needed; empty where it can."""
        if self.proved:
            return ""
        found = [why for texts, why in UNSEEN.items() if all(text in self.statement for text in texts)]
        return found[0] if found else ""

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {**asdict(self), "proved": self.proved, "unseen": self.unseen}


@dataclass(frozen=True, kw_only=True)
class Proof:
    """The outcome of the whole experiment."""

    scenarios: Mapping[str, str]
    """Title by name."""
    decisions: int
    """Decisions of the emulator while the scenarios ran with the roles as they are."""
    outcomes: tuple[Outcome, ...]
    statements: int
    """Statements and attached policies that the outcomes are parts of."""
    broken: Mapping[str, str]
    """Scenarios that failed with the roles as they are, and why."""

    @property
    def complete(self) -> bool:
        """Whether every scenario passes and every grant is needed, those apart that cannot be seen."""
        return not self.broken and all(outcome.proved or outcome.unseen for outcome in self.outcomes)

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "complete": self.complete,
            "scenarios": dict(self.scenarios),
            "decisions": self.decisions,
            "statements": self.statements,
            "broken": dict(self.broken),
            "outcomes": [outcome.to_json() for outcome in self.outcomes],
        }


def prove(
    plane: Plane,
    *,
    whole: bool = False,
    only: Sequence[str] = (),
    scenarios: Sequence[Scenario] = SCENARIOS,
    progress: Progress = lambda _: None,
) -> Proof:
    """Run the experiment; `only` keeps grants whose role or statement contains one of the texts.

    `whole` takes statements away in one piece instead of each action and resource.
    """
    prepare(plane)
    used: dict[str, list[Decision]] = {}
    broken: dict[str, str] = {}
    for scenario in scenarios:
        plane.begin()
        problem = _run(plane, scenario)
        used[scenario.name] = [decision for decision in plane.decisions() if decision.allowed]
        refused = [decision for decision in plane.decisions() if not decision.allowed]
        if problem or refused:
            broken[scenario.name] = problem or f"{refused[0].principal} may not {refused[0].action}"
        progress(f"{scenario.name}: {problem or 'passes'}")
    iam = plane.client("iam")
    before = grants(iam, plane.role_prefix)
    found = [
        grant
        for grant in grants(iam, plane.role_prefix, whole=whole)
        if not only or any(text in f"{grant.role} {grant.title}" for text in only)
    ]
    outcomes = []
    for number, grant in enumerate(found, start=1):
        outcome = _without(plane, iam, grant, scenarios, used)
        outcomes.append(outcome)
        progress(
            f"{number}/{len(found)} {grant.role} without {grant.title}: {outcome.seen or 'nothing fails'}"
        )
    if grants(iam, plane.role_prefix) != before:
        broken["roles"] = "after the experiment the roles are not what they were"
    return Proof(
        scenarios={scenario.name: scenario.title for scenario in scenarios},
        decisions=sum(len(decisions) for decisions in used.values()),
        outcomes=tuple(outcomes),
        statements=len({(grant.role, grant.policy, grant.sid) for grant in found}),
        broken=broken,
    )


def _without(
    plane: Plane,
    iam: Any,
    grant: Grant,
    scenarios: Sequence[Scenario],
    used: Mapping[str, list[Decision]],
) -> Outcome:
    """Take the grant away and run scenarios that use it, until one fails."""
    outcome = Outcome(role=grant.role, statement=grant.title, scenario="", refused="", seen="")
    for scenario in scenarios:
        if not any(_uses(decision, grant) for decision in used[scenario.name]):
            continue
        with without(iam, grant):
            plane.begin(grant.role)
            seen = _run(plane, scenario) or ""
            refusals = [r for r in plane.refusals() if grant.covers(r.action, r.resource)]
        refused = refusals[0].action if refusals else ""
        outcome = Outcome(
            role=grant.role, statement=grant.title, scenario=scenario.name, refused=refused, seen=seen
        )
        if outcome.proved:
            break
    return outcome


def _uses(decision: Decision, grant: Grant) -> bool:
    if decision.role != grant.role or not any(mark.startswith(grant.mark) for mark in decision.by):
        return False
    return grant.covers(decision.action, decision.resource)


def _run(plane: Plane, scenario: Scenario) -> str | None:
    """What kept the scenario from doing what it does."""
    try:
        scenario.run(plane)
    except (NotAsExpected, CommandError) as failed:
        return str(failed)
    except ClientError as refused:
        return str(refused.response["Error"].get("Message") or refused)
    return None
