"""What roles and resource policies grant: what the definition uses, and to whom it was meant."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.engines.plan import Plan

from .planning import (
    BUCKET,
    KEY,
    MACHINE,
    ROLE,
    ROLE_POLICY,
    STACKS,
    Values,
    config_of,
    of_type,
    one,
    planned,
    statements,
    variant,
)

every_stack = pytest.mark.parametrize("stack", STACKS)

ALWAYS = {
    "kms:Decrypt", "kms:GenerateDataKey",
    "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies", "logs:GetLogDelivery", "logs:ListLogDeliveries",
    "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
    "xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments",
}  # fmt: skip
"""Actions that a state machine needs for its key, its log and its traces, whatever it calls.

(source: Step Functions Developer Guide, "Logging using CloudWatch Logs", "Encrypting data at rest")
"""
CALLS: dict[str, set[str]] = {
    "dynamodb:getItem": {"dynamodb:GetItem"},
    "dynamodb:putItem": {"dynamodb:PutItem"},
    "dynamodb:updateItem": {"dynamodb:UpdateItem"},
    "aws-sdk:dynamodb:putItem": {"dynamodb:PutItem"},
    "aws-sdk:dynamodb:query": {"dynamodb:Query"},
    "sns:publish": {"sns:Publish"},
    "aws-sdk:ssm:sendCommand.waitForTaskToken": {"ssm:SendCommand"},
    "aws-sdk:redshiftdata:executeStatement": {
        "redshift-data:ExecuteStatement",
        "secretsmanager:GetSecretValue",
    },
    "aws-sdk:redshiftdata:batchExecuteStatement": {
        "redshift-data:BatchExecuteStatement",
        "secretsmanager:GetSecretValue",
    },
    "aws-sdk:redshiftdata:describeStatement": {"redshift-data:DescribeStatement"},
    "aws-sdk:redshiftdata:getStatementResult": {"redshift-data:GetStatementResult"},
    "aws-sdk:redshiftdata:cancelStatement": {"redshift-data:CancelStatement"},
}
"""Actions of the calls that every workflow may make."""
RUN_BY_OTHERS: dict[str, set[str]] = {
    "aws-sdk:s3:listObjectsV2": {"s3:ListBucket"},
    "lambda:invoke": {"lambda:InvokeFunction"},
    "glue:startJobRun.sync": {
        "glue:BatchStopJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:StartJobRun",
    },
    "emr-serverless:startJobRun.sync": {
        "emr-serverless:CancelJobRun", "emr-serverless:GetJobRun", "emr-serverless:StartJobRun",
        "iam:PassRole",
    },
    "states:startExecution.sync:2": {
        "states:DescribeExecution", "states:StartExecution", "states:StopExecution",
    },
}  # fmt: skip
"""Actions of the calls that only a workflow's own resources are named for."""


def tasks(value: Any) -> Iterator[str]:
    """Service integrations of a definition, without their common prefix."""
    if isinstance(value, dict):
        if value.get("Type") == "Task":
            yield str(value["Resource"]).removeprefix("arn:aws:states:::")
        for inner in value.values():
            yield from tasks(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from tasks(inner)


def machine_statements(plan: Plan) -> dict[str, dict[str, Any]]:
    return statements(one(plan, ROLE_POLICY, "etl"))


def granted(found: dict[str, dict[str, Any]]) -> dict[str, set[str]]:
    """Resources by action."""
    by_action: dict[str, set[str]] = {}
    for entry in found.values():
        for action in entry["Action"]:
            by_action.setdefault(action, set()).update(entry["Resource"])
    return by_action


def with_job(job: dict[str, Any]) -> Any:
    """A change that gives the sample's first stage one more job."""

    def change(values: Values) -> None:
        stage = values["workflows"]["definitions"]["blog_test_workflow"]["workflow_stages"][0]
        stage["scripts"].append(job)

    return change


@every_stack
def test_the_machine_may_do_what_its_definition_calls_and_nothing_else(stack: str) -> None:
    plan = planned(stack)
    called = set(tasks(json.loads(str(one(plan, MACHINE, "etl").inputs["definition"]))))
    assert called <= {*CALLS, *RUN_BY_OTHERS}, "a new integration needs its actions in this test"
    needed = {action for call in called & set(CALLS) for action in CALLS[call]} | ALWAYS
    needed |= {"events:DescribeRule", "events:PutRule", "events:PutTargets"}
    own = {"states:DescribeExecution", "states:StartExecution", "states:StopExecution"}
    actions = set(granted(machine_statements(plan)))
    assert actions - own == needed
    # The machine starts the children of its own distributed Maps; nothing but itself is named for it.
    for action in own & actions:
        assert all(":landfall-" in arn and "-etl" in arn for arn in granted(machine_statements(plan))[action])


@every_stack
def test_the_machine_acts_only_on_resources_of_its_own_account_and_the_hub(stack: str) -> None:
    config, plan = config_of(stack), planned(stack)
    assert config.workflows is not None
    own = config.accounts[config.workflows.account].id
    hub = config.accounts[config.workflows.operations.account].id
    for sid, entry in machine_statements(plan).items():
        for arn in entry["Resource"]:
            if arn == "*":
                assert entry["Condition"], sid
                continue
            account = arn.split(":")[4]
            allowed = {hub} if arn.startswith(f"arn:aws:sns:eu-central-1:{hub}") else {own}
            assert account in (allowed | ({hub} if sid.startswith("UseOperationsKey") else set())), arn


def test_hosts_are_reached_by_their_tag_only() -> None:
    sends = [e for e in machine_statements(planned("dev")).values() if "ssm:SendCommand" in e["Action"]]
    assert len(sends) == 2
    for entry in sends:
        assert entry["Action"] == ["ssm:SendCommand"]
        if any(":document/" in arn for arn in entry["Resource"]):
            own = "arn:aws:ssm:eu-central-1:305871460213:document/landfall-dev-run-job"
            assert entry["Resource"] == [own]
        else:
            assert entry["Condition"] == {"StringEquals": {"ssm:resourceTag/landfall:role": "etl-host"}}


JOBS: list[tuple[dict[str, Any], str, set[str]]] = [
    (
        {"kind": "glue", "job": "nightly-load"},
        "glue:startJobRun.sync",
        {"arn:aws:glue:eu-central-1:305871460213:job/nightly-load"},
    ),
    (
        {"kind": "lambda", "function": "enrich"},
        "lambda:invoke",
        {
            "arn:aws:lambda:eu-central-1:305871460213:function:enrich",
        },
    ),
    (
        {"kind": "state_machine", "state_machine": "billing"},
        "states:startExecution.sync:2",
        {
            "arn:aws:states:eu-central-1:305871460213:stateMachine:billing",
            "arn:aws:states:eu-central-1:305871460213:execution:billing:*",
        },
    ),
    (
        {
            "kind": "emr_serverless",
            "application_id": "00abcdefgh012345",
            "execution_role_arn": "arn:aws:iam::305871460213:role/spark",
            "entry_point": "s3://code/load.py",
        },
        "emr-serverless:startJobRun.sync",
        {
            "arn:aws:emr-serverless:eu-central-1:305871460213:/applications/00abcdefgh012345",
            "arn:aws:emr-serverless:eu-central-1:305871460213:/applications/00abcdefgh012345/jobruns/*",
            "arn:aws:iam::305871460213:role/spark",
        },
    ),
]


@pytest.mark.parametrize(("job", "call", "resources"), JOBS, ids=[str(job["kind"]) for job, _, _ in JOBS])
def test_a_job_more_grants_its_own_resource_and_nothing_else(
    job: dict[str, Any], call: str, resources: set[str]
) -> None:
    before = granted(machine_statements(planned("dev")))
    after = granted(machine_statements(variant("dev", with_job(job))))
    new = {
        (action, arn)
        for action, arns in after.items()
        for arn in arns
        if arn not in before.get(action, set())
    }
    assert {action for action, _ in new if not action.startswith("events:")} == RUN_BY_OTHERS[call]
    assert {arn for action, arn in new if not action.startswith("events:")} == resources
    assert set(before) - set(after) == set()


def test_the_machine_may_make_the_managed_rules_that_it_is_not_created_without() -> None:
    found = granted(machine_statements(planned("dev")))
    rules = {
        f"arn:aws:events:eu-central-1:305871460213:rule/StepFunctionsGetEventsFor{rule}"
        for rule in ("EMRServerlessJobRule", "StepFunctionsExecutionRule")
    }
    assert found["events:PutRule"] == found["events:PutTargets"] == found["events:DescribeRule"] == rules


def test_a_precondition_on_a_bucket_grants_listing_it() -> None:
    def wait(values: Values) -> None:
        stage = values["workflows"]["definitions"]["blog_test_workflow"]["workflow_stages"][0]
        stage["preconditions"] = [{"kind": "s3_object", "bucket": "deliveries", "key": "ready"}]

    assert "s3:ListBucket" not in granted(machine_statements(planned("dev")))
    found = granted(machine_statements(variant("dev", wait)))
    assert found["s3:ListBucket"] == {"arn:aws:s3:::deliveries"}


def roles(stack: str, *names: str) -> list[str]:
    """ARNs of roles of the workflows' account, by physical name."""
    config = config_of(stack)
    assert config.workflows is not None
    account = config.accounts[config.workflows.account].id
    return sorted(f"arn:aws:iam::{account}:role/{name}" for name in names)


@every_stack
def test_the_hub_admits_exactly_the_roles_that_use_it(stack: str) -> None:
    config, plan = config_of(stack), planned(stack)
    assert config.workflows is not None
    data = config.accounts[config.workflows.account].id
    platform = f"landfall-{config.platform.environment}"
    publishers = roles(stack, f"{platform}-etl", f"{platform}-close-execution")
    archivers = roles(stack, f"{platform}-etl-host")
    (topic,) = of_type(plan, "aws:sns/topicPolicy:TopicPolicy")
    bucket = one(plan, "aws:s3/bucketPolicy:BucketPolicy", "log-archive")
    key = one(plan, KEY, "operations")
    for resource, sid, admitted, actions in (
        (topic, "PlanesPublish", publishers, ["sns:Publish"]),
        (bucket, "PlanesArchive", archivers, ["s3:PutObject"]),
        (key, "PlanesUse", sorted({*publishers, *archivers}), ["kms:Decrypt", "kms:GenerateDataKey"]),
    ):
        entry = statements(resource)[sid]
        assert entry["Effect"] == "Allow"
        assert entry["Action"] == actions
        assert entry["Principal"] == {"AWS": [f"arn:aws:iam::{data}:root"]}
        assert sorted(entry["Condition"]["ArnEquals"]["aws:PrincipalArn"]) == admitted
        assert set(entry["Condition"]) == {"ArnEquals"}


@every_stack
def test_the_hub_admits_nobody_besides(stack: str) -> None:
    config, plan = config_of(stack), planned(stack)
    assert config.workflows is not None
    hub = config.accounts[config.workflows.operations.account].id
    data = config.accounts[config.workflows.account].id
    (topic,) = of_type(plan, "aws:sns/topicPolicy:TopicPolicy")
    bucket = one(plan, "aws:s3/bucketPolicy:BucketPolicy", "log-archive")
    key = one(plan, KEY, "operations")
    allowed = {
        resource.type: {sid for sid, entry in statements(resource).items() if entry["Effect"] == "Allow"}
        for resource in (topic, bucket, key)
    }
    assert allowed == {
        topic.type: {"PlanesPublish", "AlarmsPublish"},
        bucket.type: {"PlanesArchive"},
        key.type: {"AccountAdministers", "AccountRolesUse", "PlanesUse", "AlarmsPublish"},
    }
    for sid in ("AccountAdministers", "AccountRolesUse"):
        assert statements(key)[sid]["Principal"] == {"AWS": [f"arn:aws:iam::{hub}:root"]}
    for resource in (topic, key):
        alarms = statements(resource)["AlarmsPublish"]
        assert alarms["Principal"] == {"Service": ["cloudwatch.amazonaws.com"]}
        assert alarms["Condition"] == {"StringEquals": {"aws:SourceAccount": data}}
    for resource in (topic, bucket):
        denied = statements(resource)["DenyWithoutTls"]
        assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@every_stack
def test_every_role_that_the_hub_admits_exists_in_the_plan(stack: str) -> None:
    plan = planned(stack)
    made = {f"arn:aws:iam::{r.account}:role/{r.inputs['name']}" for r in of_type(plan, ROLE)}
    for resource, sid in (
        (of_type(plan, "aws:sns/topicPolicy:TopicPolicy")[0], "PlanesPublish"),
        (one(plan, "aws:s3/bucketPolicy:BucketPolicy", "log-archive"), "PlanesArchive"),
        (one(plan, KEY, "operations"), "PlanesUse"),
    ):
        assert set(statements(resource)[sid]["Condition"]["ArnEquals"]["aws:PrincipalArn"]) <= made


@every_stack
def test_who_may_publish_or_archive_has_the_other_half_of_the_grant(stack: str) -> None:
    """Across accounts both sides must agree: the role's own policy and the resource's."""
    plan = planned(stack)
    (topic,) = of_type(plan, "aws:sns/topic:Topic")
    archive = f"arn:aws:s3:::{one(plan, BUCKET, 'log-archive').inputs['bucket']}/*"
    for policy in ("etl", "close-execution"):
        found = granted(statements(one(plan, ROLE_POLICY, policy)))
        assert {arn.rpartition(":")[2] for arn in found["sns:Publish"]} == {topic.inputs["name"]}
        assert {arn.split(":")[4] for arn in found["sns:Publish"]} == {topic.account}
    host = granted(statements(one(plan, ROLE_POLICY, "host-access")))
    assert host["s3:PutObject"] == {archive}


@every_stack
def test_no_policy_allows_a_wildcard_action_or_everything_without_a_condition(stack: str) -> None:
    checked = 0
    for resource in planned(stack).resources:
        for key in ("policy", "assumeRolePolicy"):
            if not isinstance(resource.inputs.get(key), str):
                continue
            checked += 1
            for sid, entry in statements(resource, key).items():
                actions = [entry["Action"]] if isinstance(entry["Action"], str) else entry["Action"]
                if entry["Effect"] == "Allow":
                    assert all(re.fullmatch(r"[a-z0-9-]+:[A-Za-z0-9]+", a) for a in actions), (
                        resource.urn,
                        sid,
                    )
                if entry["Effect"] == "Allow" and "Principal" not in entry and "*" in entry["Resource"]:
                    assert entry["Condition"], (resource.urn, sid)
                if "Principal" in entry and entry["Effect"] == "Allow":
                    assert entry["Principal"] != "*", (resource.urn, sid)
    assert checked > 12


@every_stack
def test_every_role_is_assumed_for_its_own_account_only(stack: str) -> None:
    for role in of_type(planned(stack), ROLE):
        (entry,) = statements(role, "assumeRolePolicy").values()
        assert list(entry["Principal"]) == ["Service"]
        if entry["Principal"]["Service"] == ["ec2.amazonaws.com"]:
            assert "Condition" not in entry, role.urn  # EC2 sends no account; see `instance_trust`
            continue
        assert entry["Condition"]["StringEquals"] == {"aws:SourceAccount": role.account}, role.urn
