"""The embedded preview against the bare SDK registering as many resources, and how it grows."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

from benchmarks.measure import Comparison, processor_seconds
from benchmarks.trees import STACK, stack_config, tree, with_workflows, write_stack
from sandbox.engines import embedded
from sandbox.engines.guardrails import guardrails_for
from sandbox.engines.project import Project
from sandbox.paths import REPOSITORY

TODAY = date(2026, 1, 1)
SIZES = (300, 1000)
"""Numbers of resources to which the stack is grown."""
MOST = 1.5
BARE = """
import pulumi, pulumi_aws as aws
data = aws.Provider("data", region="eu-central-1", allowed_account_ids=["111111111111"])
for number in range({count}):
    aws.sns.Topic(f"topic-{{number}}", name=f"topic-{{number}}", opts=pulumi.ResourceOptions(provider=data))
"""


def compare() -> list[Comparison]:
    """Program, config and guardrails against the SDK's floor, at three sizes; then growth against size."""
    with tempfile.TemporaryDirectory() as folder:
        own, bare = Path(folder) / "own", Path(folder) / "bare"
        own.mkdir()
        (bare / "stacks").mkdir(parents=True)
        (bare / "Pulumi.yaml").write_text(
            "name: bare\nruntime: python\nmain: .\nstackConfigDir: stacks\n", encoding="utf-8"
        )
        (bare / "stacks" / f"Pulumi.{STACK}.yaml").write_text("config: {}\n", encoding="utf-8")
        tree(own)
        shipped = _resources(REPOSITORY)
        found = [_against_bare(REPOSITORY, bare, shipped)]
        for size in SIZES:
            write_stack(own, STACK, with_workflows(stack_config(), (size - shipped) // 2))
            found.append(_against_bare(own, bare, _resources(own)))
    return [*found, *_growth(found)]


def _resources(root: Path) -> int:
    return len(embedded.plan(root, STACK).resources)


def _against_bare(root: Path, bare: Path, count: int) -> Comparison:
    # The stack itself and its provider are resources too.
    (bare / "__main__.py").write_text(BARE.format(count=count - 2), encoding="utf-8")
    judge = guardrails_for(Project.load(root), STACK, TODAY)
    baseline, ours = processor_seconds(
        lambda: embedded.plan(bare, STACK), lambda: embedded.plan(root, STACK, guardrails=judge)
    )
    return Comparison(
        what=f"preview of {STACK}, {count} resources",
        baseline="bare SDK, as many topics",
        baseline_seconds=baseline,
        ours="program, config, guardrails",
        ours_seconds=ours,
        most_ratio=MOST,
    )


def _growth(found: list[Comparison]) -> list[Comparison]:
    """What one resource costs in the largest stack against the next smaller one; quadratic growth is 3.3."""
    (smaller, before), (larger, count) = ((one, int(one.what.split()[-2])) for one in found[-2:])
    return [
        Comparison(
            what="1,000 resources of a preview",
            baseline=f"in a stack of {before}",
            baseline_seconds=smaller.ours_seconds / before * 1000,
            ours=f"in a stack of {count}",
            ours_seconds=larger.ours_seconds / count * 1000,
            most_ratio=MOST,
        )
    ]
