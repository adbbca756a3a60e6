"""The embedded preview of a stack against the bare SDK registering as many resources."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

from benchmarks.measure import Comparison, seconds
from policy_packs.guardrails.evaluate import evaluate
from policy_packs.guardrails.frame.dispatch import Dispatcher
from policy_packs.guardrails.frame.registry import all_rules
from policy_packs.guardrails.frame.resource import Stack, from_mapping, provider_from
from policy_packs.guardrails.frame.settings import settings
from sandbox.engines import embedded
from sandbox.engines.guardrails import guardrails_for
from sandbox.engines.project import Project
from sandbox.paths import REPOSITORY

STACK = "prod"
TODAY = date(2026, 1, 1)
BARE = """
import pulumi, pulumi_aws as aws
data = aws.Provider("data", region="eu-central-1", allowed_account_ids=["111111111111"])
for number in range({count}):
    aws.sns.Topic(f"topic-{{number}}", name=f"topic-{{number}}", opts=pulumi.ResourceOptions(provider=data))
"""


def compare() -> list[Comparison]:
    """Preview against the SDK's floor; all rules against one."""
    plan = embedded.plan(REPOSITORY, STACK)
    judge = guardrails_for(Project.load(REPOSITORY), STACK, TODAY)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "stacks").mkdir()
        (root / "Pulumi.yaml").write_text("name: bare\nruntime: python\nmain: .\nstackConfigDir: stacks\n")
        (root / "stacks" / "Pulumi.prod.yaml").write_text("config: {}\n")
        (root / "__main__.py").write_text(BARE.format(count=len(plan.resources) - 2))
        bare = seconds(lambda: embedded.plan(root, STACK))
    ours = seconds(lambda: embedded.plan(REPOSITORY, STACK, guardrails=judge))
    resources = [resource.to_json() for resource in plan.resources]
    every = all_rules()
    # The one rule that reads every resource: the cost of a pass, without most of the judging.
    tags = [rule for rule in every if rule.name == "required-tags"]

    def one_rule() -> None:
        providers = {
            str(record["urn"]): provider_from(record)
            for record in resources
            if str(record["type"]).startswith("pulumi:providers:")
        }
        dispatcher = Dispatcher(tags, settings("prod", {}, TODAY))
        stack = Stack(from_mapping(record, providers) for record in resources)
        for resource in stack.resources:
            dispatcher.resource(resource)

    single = seconds(one_rule)
    several = seconds(lambda: evaluate(resources, environment="prod", waivers={}, today=TODAY))
    return [
        Comparison(
            what=f"preview of {STACK}, {len(resources)} resources",
            baseline="bare SDK, as many topics",
            baseline_seconds=bare,
            ours="program, config, guardrails",
            ours_seconds=ours,
        ),
        Comparison(
            what=f"guardrails over {len(resources)} resources",
            baseline="one rule",
            baseline_seconds=single,
            ours=f"{len(every)} rules",
            ours_seconds=several,
        ),
    ]
