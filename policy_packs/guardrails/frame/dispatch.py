"""The one pass over a plan: each resource is read once and shown to every rule that guards its type."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from .resource import Resource, Stack
from .rule import AnyRule, Finding, Level, Report, Rule, StackRule
from .settings import Settings
from .verdict import Verdict, judge, notice
from .waivers import Waiver

UNUSED_WAIVER = "waiver-unused"
UNUSED_WAIVER_DESCRIPTION = "A waiver that covers no violation is to be removed."
SETTINGS = "guardrail-settings"
SETTINGS_DESCRIPTION = "Guardrails know the environment and its waivers."


class Dispatcher:
    """Runs the rules for one plan and keeps account of the waivers that were needed.

    Both engines use it: the policy pack's server for `pulumi`, `evaluate` for the embedded engine. Thread-
    safe, since the engine analyses resources in parallel.
    """

    def __init__(self, rules: Sequence[AnyRule], settings: Settings) -> None:
        self._settings = settings
        enabled = [rule for rule in rules if self.level(rule) is not Level.DISABLED]
        self._rules = [rule for rule in enabled if isinstance(rule, Rule)]
        self._stack_rules = [rule for rule in enabled if isinstance(rule, StackRule)]
        self._names = {rule.name for rule in rules}
        self._by_type: dict[str, tuple[Rule, ...]] = {}
        self._needed: set[str] = set()
        self._lock = Lock()

    def level(self, rule: AnyRule) -> Level:
        """Return the level of a rule in this plan's environment."""
        return rule.levels.of(self._settings.environment)

    def resource(self, resource: Resource) -> list[Verdict]:
        """Return the verdicts of all resource rules on one resource."""
        verdicts = []
        for rule in self._guarding(resource.type):
            report = Report(resource.urn)
            try:
                rule.check(resource, report)
            except Exception as error:  # a broken rule must stop the plan, not let it through
                report.violation(_broken(error))
            verdicts += [self._judge(rule, finding) for finding in report.findings]
        return sorted(verdicts)

    def stack(self, stack: Stack) -> list[Verdict]:
        """Return the verdicts of all stack rules, and the notices about waivers and settings.

        To be called last: only then is it known which waivers were needed.
        """
        verdicts = []
        for rule in self._stack_rules:
            report = Report(stack.root)
            try:
                rule.check(stack, report)
            except Exception as error:  # as above
                report.violation(_broken(error))
            verdicts += [self._judge(rule, finding) for finding in report.findings]
        return sorted(verdicts + self._notices(stack.root))

    def _guarding(self, resource_type: str) -> tuple[Rule, ...]:
        rules = self._by_type.get(resource_type)
        if rules is None:
            rules = tuple(rule for rule in self._rules if rule.applies_to(resource_type))
            self._by_type[resource_type] = rules
        return rules

    def _judge(self, rule: AnyRule, finding: Finding) -> Verdict:
        covering = [waiver for waiver in self._settings.waivers if waiver.covers(rule.name, finding.urn)]
        with self._lock:
            self._needed.update(waiver.name for waiver in covering)
        return judge(rule, finding, self.level(rule), covering, self._settings.today)

    def _notices(self, root: str) -> list[Verdict]:
        unused = [waiver for waiver in self._settings.waivers if waiver.name not in self._needed]
        return [
            *(notice(SETTINGS, problem, root, SETTINGS_DESCRIPTION) for problem in self._settings.problems),
            *(
                notice(UNUSED_WAIVER, self._unused(waiver), root, UNUSED_WAIVER_DESCRIPTION)
                for waiver in unused
            ),
        ]

    def _unused(self, waiver: Waiver) -> str:
        if waiver.rule not in self._names:
            return (
                f"Waiver {waiver.name} of {waiver.owner} names {waiver.rule}, which is no rule: "
                f"remove or correct it."
            )
        return (
            f"Waiver {waiver.name} of {waiver.owner} covers no violation of {waiver.rule} on "
            f"{waiver.urn}: remove it."
        )


def _broken(error: Exception) -> str:
    return (
        f"the rule itself failed ({type(error).__name__}: {error}), so the resource is not known to be right"
    )
