"""The policy pack's server: real protobuf requests give the verdicts of `evaluate`, in one pass."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from policy_packs.guardrails import pack
from policy_packs.guardrails.evaluate import describe, evaluate, evaluate_with_config
from policy_packs.guardrails.frame.settings import settings

from .plans import (
    KEY_ARN,
    SECRET,
    STACK_URN,
    TODAY,
    UNKNOWN,
    document,
    provider,
    resource,
    stack_resource,
    verdicts,
)

ROOT = Path(__file__).resolve().parents[2]
LEVELS = {analyzer_pb2.ADVISORY: "advisory", analyzer_pb2.MANDATORY: "mandatory"}
SEVERITIES = {
    analyzer_pb2.POLICY_SEVERITY_LOW: "low",
    analyzer_pb2.POLICY_SEVERITY_MEDIUM: "medium",
    analyzer_pb2.POLICY_SEVERITY_HIGH: "high",
    analyzer_pb2.POLICY_SEVERITY_CRITICAL: "critical",
}
BUCKET = resource("aws:s3/bucket:Bucket", {"tags": {"landfall:owner": UNKNOWN}}, name="logs")
PLAN: list[dict[str, Any]] = [
    stack_resource(),
    provider(),
    provider("untagged", tags={}),
    resource("landfall:etl:Plane", {}, provider_name=None),
    resource("aws:dynamodb/table:Table", {"serverSideEncryption": {"enabled": True, "kmsKeyArn": UNKNOWN}}),
    resource("aws:sqs/queue:Queue", {"kmsMasterKeyId": "alias/aws/sqs"}, name="in", provider_name="untagged"),
    resource("aws:sqs/queue:Queue", {"kmsMasterKeyId": KEY_ARN}, name="out", provider_name="default_7_51_1"),
    resource("aws:cloudwatch/logGroup:LogGroup", {"kmsKeyId": SECRET, "retentionInDays": 0.0}),
    resource("aws:iam/policy:Policy", {"policy": UNKNOWN}, name="unknown"),
    resource(
        "aws:iam/policy:Policy",
        {"policy": document({"Sid": "W", "Effect": "Allow", "Action": "s3:*", "Resource": "*"})},
        name="wild",
    ),
    resource("aws:lambda/function:Function", {"environment": {"variables": {"PASSWORD": SECRET}}}),
    BUCKET,
    resource(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        {"bucket": UNKNOWN, "blockPublicAcls": True, "blockPublicPolicy": UNKNOWN},
        links={"bucket": [BUCKET["urn"]]},
    ),
]
WAIVERS = {
    "in": {
        "rule": "encryption-customer-key",
        "urn": "*Queue::in",
        "reason": "r",
        "owner": "o",
        "expires": "2026-06-30",
    },
    "old": {
        "rule": "required-tags",
        "urn": "*Queue::in",
        "reason": "r",
        "owner": "o",
        "expires": "2025-06-30",
    },
    "idle": {
        "rule": "log-retention",
        "urn": "*::nothing",
        "reason": "r",
        "owner": "o",
        "expires": "2026-06-30",
    },
}


def wire(value: Any) -> Any:
    """A recorded value as the engine sends it."""
    if value == UNKNOWN:
        return rpc.UNKNOWN
    if value == SECRET:
        return {rpc._special_sig_key: rpc._special_secret_sig, "value": "hunter2"}
    if isinstance(value, Mapping):
        return {key: wire(item) for key, item in value.items()}
    return value


def struct(inputs: Mapping[str, Any]) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    message.update({key: wire(value) for key, value in inputs.items()})
    return message


def fields(record: Mapping[str, Any], plan: list[dict[str, Any]]) -> dict[str, Any]:
    made_by = {item["urn"]: item for item in plan}.get(record.get("provider"))
    if made_by is None and record.get("provider"):
        # What the engine says of a default provider, which no program registers.
        made_by = {
            "urn": record["provider"],
            "type": "pulumi:providers:aws",
            "name": record["provider"].split("::")[-1],
        }
    return {
        "urn": record["urn"],
        "type": record["type"],
        "name": record["name"],
        "properties": struct(record["inputs"]),
        "options": analyzer_pb2.AnalyzerResourceOptions(parent=record.get("parent") or ""),
        "provider": made_by
        and analyzer_pb2.AnalyzerProviderResource(
            urn=made_by["urn"],
            type=made_by["type"],
            name=made_by["name"],
            properties=struct(made_by.get("inputs", {})),
        ),
    }


def stack_item(record: Mapping[str, Any], plan: list[dict[str, Any]]) -> Any:
    """A resource as the engine shows it at the end: its outputs, which in a preview hold little."""
    links = {
        key: analyzer_pb2.AnalyzerPropertyDependencies(urns=urns)
        for key, urns in record.get("property_dependencies", {}).items()
    }
    message = analyzer_pb2.AnalyzerResource(
        **fields({**record, "inputs": {"outputs": "only"}}, plan),
        parent=record.get("parent") or "",
        dependencies=record.get("dependencies", []),
    )
    for key, value in links.items():
        message.propertyDependencies[key].CopyFrom(value)
    return message


def analysed(servicer: Any, plan: list[dict[str, Any]]) -> list[Any]:
    """The diagnostics of a whole preview, asked as the engine asks: each resource, then the stack."""
    found = []
    for record in plan:
        found += servicer.Analyze(analyzer_pb2.AnalyzeRequest(**fields(record, plan)), None).diagnostics
    items = [stack_item(record, plan) for record in reversed(plan)]
    found += servicer.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=items), None).diagnostics
    return found


def comparable(diagnostics: list[Any]) -> list[tuple[str, ...]]:
    return sorted(
        (d.urn, d.policyName, d.message, LEVELS[d.enforcementLevel], SEVERITIES[d.severity], d.description)
        for d in diagnostics
    )


@pytest.mark.parametrize("environment", ["sandbox", "dev", "staging", "prod", "elsewhere"])
@pytest.mark.parametrize("waivers", [{}, WAIVERS, {"bad": {"rule": "x"}}])
def test_the_pack_and_evaluate_give_the_same_verdicts(environment: str, waivers: dict[str, Any]) -> None:
    servicer = pack.GuardrailServicer(settings(environment, waivers, TODAY))
    expected = evaluate(PLAN, environment=environment, waivers=waivers, today=TODAY)
    assert comparable(analysed(servicer, PLAN)) == [
        (v.urn, v.policy, v.message, v.level, v.severity, v.description) for v in expected
    ]
    assert len({verdict.policy for verdict in expected}) >= 8


def test_each_resource_is_read_once_however_many_rules_there_are() -> None:
    read: list[str] = []

    def counting(message: struct_pb2.Struct) -> dict[str, Any]:
        read.append("read")
        return pack.properties(message)

    servicer = pack.GuardrailServicer(settings("prod", {}, TODAY), read=counting)
    analysed(servicer, PLAN)
    # Once each, and once the default provider, which is no resource of the plan.
    assert len(read) == len(PLAN) + 1


def test_a_resource_that_was_not_analysed_is_read_from_the_stack() -> None:
    servicer = pack.GuardrailServicer(settings("prod", {}, TODAY))
    items = [stack_item(record, PLAN) for record in PLAN]
    found = servicer.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=items), None).diagnostics
    assert (BUCKET["urn"], "bucket-tls-only") in {(d.urn, d.policyName) for d in found}


def test_messages_never_hold_a_secret() -> None:
    servicer = pack.GuardrailServicer(settings("prod", {}, TODAY))
    assert "hunter2" not in "".join(d.message for d in analysed(servicer, PLAN))


def test_config_arrives_with_configure_stack() -> None:
    servicer = pack.GuardrailServicer(settings(None, None, TODAY))
    config = {
        "landfall:platform": '{"environment": "sandbox"}',
        "landfall:guardrails": '{"waivers": {"idle": {"rule": "log-retention", "urn": "*::no", "reason": "r",'
        ' "owner": "o", "expires": "2026-06-30"}}}',
    }
    servicer.ConfigureStack(analyzer_pb2.AnalyzerStackConfigureRequest(config=config), None)
    empty = [provider("untagged", tags={}), resource("aws:ec2/vpc:Vpc", {}, provider_name="untagged")]
    diagnostics = analysed(servicer, empty)
    in_process = evaluate_with_config(empty, config=config, today=TODAY)
    assert comparable(diagnostics) == [
        (v.urn, v.policy, v.message, v.level, v.severity, v.description) for v in in_process
    ]
    found = {(d.policyName, LEVELS[d.enforcementLevel]) for d in diagnostics}
    assert found == {("required-tags", "advisory"), ("waiver-unused", "advisory")}


def test_without_config_the_pack_says_so_and_judges_as_in_production() -> None:
    servicer = pack.GuardrailServicer(settings(None, None, TODAY))
    servicer.ConfigureStack(analyzer_pb2.AnalyzerStackConfigureRequest(), None)
    plan = [
        stack_resource(),
        provider("untagged", tags={}),
        resource("aws:ec2/vpc:Vpc", {}, provider_name="untagged"),
    ]
    found = {(d.policyName, LEVELS[d.enforcementLevel], d.urn) for d in analysed(servicer, plan)}
    assert ("guardrail-settings", "advisory", STACK_URN) in found
    assert ("required-tags", "mandatory", plan[2]["urn"]) in found


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_pack_lists_its_rules_with_their_levels(environment: str) -> None:
    info = pack.GuardrailServicer(settings(environment, {}, TODAY)).GetAnalyzerInfo(empty_pb2.Empty(), None)
    assert info.supportsConfig is False
    assert [(policy.name, LEVELS[policy.enforcementLevel]) for policy in info.policies] == [
        (entry["name"], entry["levels"][environment]) for entry in describe()
    ]


def test_the_pack_changes_nothing() -> None:
    servicer = pack.GuardrailServicer(settings("prod", {}, TODAY))
    request = analyzer_pb2.AnalyzeRequest(**fields(PLAN[4], PLAN))
    assert list(servicer.Remediate(request, None).remediations) == []


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    """The pack in a process of its own, started as a language host starts it."""
    command = [sys.executable, str(ROOT / "policy_packs/guardrails"), "127.0.0.1:1"]
    environ = {**os.environ, "PULUMI_CONFIG": '{"landfall:platform": "{\\"environment\\": \\"dev\\"}"}'}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environ, cwd=ROOT.parent
    ) as started:
        try:
            yield started
            started.send_signal(signal.SIGTERM)
            assert started.wait(timeout=30) == 0
        finally:
            started.kill()


@pytest.fixture
def served(process: subprocess.Popen[str]) -> Iterator[analyzer_pb2_grpc.AnalyzerStub]:
    """A client of the pack's process."""
    assert process.stdout is not None
    port = int(process.stdout.readline())
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield analyzer_pb2_grpc.AnalyzerStub(channel)


def test_the_pack_runs_as_a_process(served: Any) -> None:
    info = served.GetAnalyzerInfo(empty_pb2.Empty())
    assert len(info.policies) == len(describe())
    assert {p.name: LEVELS[p.enforcementLevel] for p in info.policies}["function-log-group"] == "advisory"
    request = analyzer_pb2.AnalyzeRequest(**fields(PLAN[5], PLAN))
    assert [d.policyName for d in served.Analyze(request).diagnostics] == [
        "encryption-customer-key",
        "required-tags",
    ]
    with pytest.raises(grpc.RpcError) as refused:
        served.Handshake(analyzer_pb2.AnalyzerHandshakeRequest(engine_address="127.0.0.1:1"))
    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_no_other_thread_of_the_pack_catches_the_signal_that_the_main_thread_waits_for(
    served: Any, process: subprocess.Popen[str]
) -> None:
    served.GetAnalyzerInfo(empty_pb2.Empty())
    others = [each for each in Path(f"/proc/{process.pid}/task").iterdir() if each.name != str(process.pid)]
    assert others
    for thread in others:
        blocked = re.search(r"^SigBlk:\s*(\w+)$", (thread / "status").read_text(), re.MULTILINE)
        assert blocked is not None
        for number in (signal.SIGINT, signal.SIGTERM):
            assert int(blocked.group(1), 16) >> (number - 1) & 1, thread.name


def test_a_broken_pulumi_config_is_no_config() -> None:
    assert pack.environment_config({"PULUMI_CONFIG": "{"}) == {}
    assert pack.environment_config({"PULUMI_CONFIG": "[]"}) == {}
    assert pack.environment_config({}) == {}


def test_a_finished_plan_without_faults_is_silent() -> None:
    assert verdicts(resource("aws:sqs/queue:Queue", {"kmsMasterKeyId": KEY_ARN})) == []
