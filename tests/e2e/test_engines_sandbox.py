"""The shipped sandbox stack, deployed by the real engine on the real emulator, and taken away again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import launcher
from sandbox.engines.errors import DeploymentFailed
from sandbox.engines.pulumi_engine import PulumiEngine
from sandbox.launcher import Sandbox, SandboxSpec
from sandbox.paths import REPOSITORY

pytestmark = [pytest.mark.engine, pytest.mark.emulator]

PACK = REPOSITORY / "policy_packs" / "guardrails"


@pytest.fixture(scope="module")
def own() -> Iterator[Sandbox]:
    """A sandbox that nothing else deploys to."""
    made = launcher.up(SandboxSpec(), f"engines-{os.getpid()}", owner_pid=os.getpid(), discard=True)
    yield made
    made.down(discard=True)


def left(own: Sandbox) -> dict[str, list[Any]]:
    """What the accounts hold of the kinds that the stack makes; only what is there."""
    found: dict[str, list[Any]] = {}
    for account in ("data", "ops"):
        for service, call, key in (
            ("dynamodb", "list_tables", "TableNames"),
            ("lambda", "list_functions", "Functions"),
            ("stepfunctions", "list_state_machines", "stateMachines"),
            ("sns", "list_topics", "Topics"),
            ("s3", "list_buckets", "Buckets"),
            ("logs", "describe_log_groups", "logGroups"),
            ("kms", "list_aliases", "Aliases"),
            ("events", "list_rules", "Rules"),
            ("iam", "list_roles", "Roles"),
        ):
            answer = getattr(own.client(service, account), call)()
            items = [item for item in answer.get(key, []) if "landfall" in str(item)]
            if items:
                found[f"{account} {service}"] = items
    return found


def test_the_sandbox_stack_is_deployed_unchanged_and_destroyed(own: Sandbox) -> None:
    engine = PulumiEngine(own.state_dir)
    variables = own.environment("data")
    stack_file = REPOSITORY / "stacks" / "Pulumi.sandbox.yaml"
    before = stack_file.read_bytes()
    assert left(own) == {}

    audit = next(
        resource.inputs["name"]
        for resource in engine.preview("sandbox").resources
        if resource.type == "aws:cloudwatch/logGroup:LogGroup" and resource.account == own.account_id("data")
    )
    logs = own.client("logs", "data")
    logs.create_log_group(logGroupName=str(audit))
    with pytest.raises(DeploymentFailed, match="CreateLogGroup: ResourceAlreadyExistsException"):
        engine.up("sandbox", environment=variables, policy_pack=PACK)
    logs.delete_log_group(logGroupName=str(audit))

    rest = engine.up("sandbox", environment=variables, policy_pack=PACK)
    assert rest.changes["create"] > 0
    assert rest.changes["same"] > 0
    assert set(rest.changes) == {"create", "same"}
    made = left(own)
    assert {"data dynamodb", "data lambda", "data stepfunctions", "ops sns", "data s3"} <= set(made)

    again = engine.up("sandbox", environment=variables, policy_pack=PACK)
    assert set(again.changes) == {"same"}

    engine.destroy("sandbox", environment=variables)
    assert left(own) == {}
    assert engine.resources("sandbox") == []
    assert engine.ledger.entries() == []
    assert stack_file.read_bytes() == before
