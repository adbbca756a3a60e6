"""Guardrails: all rules against one, and against the same rules as stock policies of the SDK.

Both packs answer the same messages of the analyzer protocol, in process: `GuardrailServicer` as it is served,
and the servicer of `pulumi_policy.PolicyPack` with one `ResourceValidationPolicy` a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pulumi_policy
from google.protobuf import json_format
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import policy as stock

from benchmarks.measure import Comparison, processor_seconds
from benchmarks.trees import STACK
from policy_packs.guardrails.frame.registry import all_rules
from policy_packs.guardrails.frame.resource import Provider, Resource
from policy_packs.guardrails.frame.rule import Report, Rule
from policy_packs.guardrails.frame.settings import settings
from policy_packs.guardrails.frame.values import neutral
from policy_packs.guardrails.pack import GuardrailServicer
from sandbox.engines import embedded
from sandbox.engines.plan import PlannedResource
from sandbox.paths import REPOSITORY

TODAY = date(2026, 1, 1)


def compare() -> list[Comparison]:
    """Our pack with all rules against one rule, and against the same rules as stock policies."""
    requests = _requests()
    rules = tuple(rule for rule in all_rules() if isinstance(rule, Rule))
    # The one rule that reads every resource: the cost of a pass, without most of the judging.
    single = tuple(rule for rule in rules if rule.name == "required-tags")
    given = settings(STACK, {}, TODAY)

    def ours(chosen: tuple[Rule, ...]) -> None:
        servicer = GuardrailServicer(given, chosen)
        for request in requests:
            servicer.Analyze(request, None)

    all_of_ours, one_of_ours, as_stock, program = processor_seconds(
        lambda: ours(rules),
        lambda: ours(single),
        _stock(requests, rules),
        lambda: embedded.plan(REPOSITORY, STACK),
    )
    what = f"guardrails over {len(requests)} resources"
    return [
        Comparison(
            what=what,
            baseline="one rule",
            baseline_seconds=one_of_ours,
            ours=f"{len(rules)} rules",
            ours_seconds=all_of_ours,
        ),
        Comparison(
            what=f"preview of {STACK} with guardrails",
            baseline="one rule",
            baseline_seconds=program + one_of_ours,
            ours=f"{len(rules)} rules",
            ours_seconds=program + all_of_ours,
            most_ratio=1.1,
        ),
        Comparison(
            what=what,
            baseline=f"{len(rules)} rules as stock policies",
            baseline_seconds=as_stock,
            ours=f"{len(rules)} rules in one pass",
            ours_seconds=all_of_ours,
            most_ratio=1.0,
        ),
    ]


def _requests() -> list[Any]:
    plan = embedded.plan(REPOSITORY, STACK)
    providers = {
        resource.urn: resource for resource in plan.resources if resource.type.startswith("pulumi:providers:")
    }
    return [_request(resource, providers) for resource in plan.resources if resource.custom]


def _request(resource: PlannedResource, providers: dict[str, PlannedResource]) -> Any:
    record = resource.to_json()
    request = analyzer_pb2.AnalyzeRequest(urn=resource.urn, type=resource.type, name=resource.name)
    json_format.ParseDict(record["inputs"], request.properties)
    provider = providers.get(str(record.get("provider") or "").split("::id")[0])
    if provider is not None:
        request.provider.urn = provider.urn
        request.provider.type = provider.type
        request.provider.name = provider.name
        json_format.ParseDict(provider.to_json()["inputs"], request.provider.properties)
    return request


def _stock(requests: Sequence[Any], rules: Sequence[Rule]) -> Callable[[], None]:
    servicer = stock._PolicyAnalyzerServicer(
        "stock",
        "0.0.1",
        [_policy(rule) for rule in rules],
        pulumi_policy.EnforcementLevel.MANDATORY,
        None,
    )

    def judge() -> None:
        for request in requests:
            servicer.Analyze(request, None)

    return judge


def _policy(rule: Rule) -> Any:
    def check(args: Any, report: Any) -> None:
        if not rule.applies_to(args.resource_type):
            return
        inputs = neutral(_plain(args.props))
        provider = args.provider
        found = Report(args.urn)
        rule.check(
            Resource(
                urn=args.urn,
                type=args.resource_type,
                name=args.name,
                inputs=inputs if isinstance(inputs, dict) else {},
                parent=None,
                provider=provider
                and Provider(
                    urn=provider.urn,
                    type=provider.resource_type,
                    name=provider.name,
                    inputs=_plain(provider.props),
                ),
                protect=False,
            ),
            found,
        )
        for finding in found.findings:
            report(finding.message)

    return pulumi_policy.ResourceValidationPolicy(rule.name, rule.description, check)


def _plain(value: Any) -> Any:
    """A proxy of the SDK as the plain values that rules read."""
    if isinstance(value, str) or value is None:
        return value
    if hasattr(value, "keys"):
        return {key: _plain(value[key]) for key in value}
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    return value
