"""IAM enforcement of a sandbox: who calls is known, and what his role may not do is refused in the history.

A few roles of our own, and a few statements of the deployed plane's; that none of the plane's is superfluous
is shown by `make least-privilege`.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from benchmarks.least_privilege.plane import Plane, open_plane
from benchmarks.least_privilege.policies import grants, without
from benchmarks.least_privilege.proof import prove
from benchmarks.least_privilege.scenarios import SCENARIOS
from benchmarks.least_privilege.stack import deploy
from sandbox.launcher import Sandbox
from tests.e2e.sandbox_states import finish

pytestmark = pytest.mark.emulator

ACCOUNT = "111111111111"
REGION = "eu-central-1"


@pytest.fixture(scope="module")
def plane() -> Iterator[Plane]:
    """The sandbox stack, with workflows of every kind, on a sandbox under enforcement."""
    own, config = deploy(f"enforced-{os.getpid()}", owner_pid=os.getpid(), progress=lambda line: None)
    yield open_plane(own, config)
    own.down(discard=True)


@pytest.fixture(scope="module")
def enforced(plane: Plane) -> Sandbox:
    return plane.sandbox


@dataclass
class Role:
    """A role with one inline policy that tests rewrite."""

    sandbox: Sandbox
    name: str

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{ACCOUNT}:role/{self.name}"

    def may(self, *statements: dict[str, Any]) -> None:
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        self.sandbox.client("iam", "data").put_role_policy(
            RoleName=self.name, PolicyName="own", PolicyDocument=json.dumps(document)
        )


def make_role(sandbox: Sandbox, service: str, condition: dict[str, Any] | None = None) -> Role:
    name = f"r-{uuid.uuid4().hex[:8]}"
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Trust",
                "Effect": "Allow",
                "Principal": {"Service": f"{service}.amazonaws.com"},
                "Action": ["sts:AssumeRole"],
                **({"Condition": condition} if condition else {}),
            }
        ],
    }
    sandbox.client("iam", "data").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    return Role(sandbox, name)


def allow(action: str, resource: str, **more: Any) -> dict[str, Any]:
    return {"Sid": "Allow", "Effect": "Allow", "Action": [action], "Resource": [resource], **more}


@pytest.fixture(scope="module")
def key(enforced: Sandbox) -> str:
    kms = enforced.client("kms", "data")
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Account",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "kms:*",
                "Resource": "*",
            }
        ],
    }
    made = kms.create_key(Policy=json.dumps(policy))["KeyMetadata"]
    kms.create_alias(AliasName="alias/enforced", TargetKeyId=made["KeyId"])
    return str(made["Arn"])


@pytest.fixture(scope="module")
def table(enforced: Sandbox, key: str) -> str:
    enforced.client("dynamodb", "data").create_table(
        TableName="enforced",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/enforced"


def putting(table: str) -> dict[str, Any]:
    """The statement that lets a state machine put an item."""
    return {**allow("dynamodb:PutItem", table), "Sid": "Put"}


def run_machine(sandbox: Sandbox, role: Role) -> Any:
    """A state machine that puts one item."""
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "Put",
        "States": {
            "Put": {
                "Type": "Task",
                "Resource": "arn:aws:states:::dynamodb:putItem",
                "Arguments": {"TableName": "enforced", "Item": {"id": {"S": "1"}}},
                "End": True,
            }
        },
    }
    states = sandbox.client("stepfunctions", "data")
    machine = states.create_state_machine(
        name=f"m-{uuid.uuid4().hex[:8]}", roleArn=role.arn, definition=json.dumps(definition)
    )["stateMachineArn"]
    started = states.start_execution(stateMachineArn=machine)["executionArn"]
    return finish(lambda service: sandbox.client(service, "data"), started)


def test_a_task_needs_its_action_and_the_key_of_its_table(enforced: Sandbox, key: str, table: str) -> None:
    role = make_role(enforced, "states")
    by_alias = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/enforced"}}
    use = allow("kms:Decrypt", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*", Condition=by_alias)
    role.may(putting(table), use)
    assert run_machine(enforced, role).status == "SUCCEEDED"
    for missing, action in (("Put", "dynamodb:PutItem"), ("Allow", "kms:Decrypt")):
        iam = enforced.client("iam", "data")
        (grant,) = (each for each in grants(iam, role.name) if each.sid == missing)
        with without(iam, grant):
            ended = run_machine(enforced, role)
        assert ended.status == "FAILED"
        assert "AccessDenied" in ended.error
        assert f"assumed-role/{role.name}/" in ended.cause and action in ended.cause
    assert run_machine(enforced, role).status == "SUCCEEDED"


def test_a_role_is_taken_as_its_trust_policy_says(enforced: Sandbox, table: str) -> None:
    own = {"ArnLike": {"aws:SourceArn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m-*"}}
    role = make_role(enforced, "states", own)
    role.may(putting(table), {**allow("kms:*", "*"), "Sid": "Key"})
    assert run_machine(enforced, role).status == "SUCCEEDED"
    for elsewhere in (
        make_role(enforced, "lambda"),
        make_role(enforced, "states", {"StringEquals": {"aws:SourceAccount": "222222222222"}}),
        make_role(enforced, "states", {"ArnLike": {"aws:SourceArn": "arn:aws:states:*:*:stateMachine:x"}}),
    ):
        with pytest.raises(ClientError, match=r"Neither the global service principal states\.amazonaws\.com"):
            run_machine(enforced, elsewhere)


def test_a_task_fails_and_a_function_is_refused_once_the_role_is_not_trusted(
    enforced: Sandbox, table: str
) -> None:
    iam, states = enforced.client("iam", "data"), enforced.client("stepfunctions", "data")
    role = make_role(enforced, "states")
    role.may(putting(table), {**allow("kms:*", "*"), "Sid": "Key"})
    assert run_machine(enforced, role).status == "SUCCEEDED"
    machine = next(
        each["stateMachineArn"]
        for each in states.list_state_machines()["stateMachines"]
        if states.describe_state_machine(stateMachineArn=each["stateMachineArn"])["roleArn"] == role.arn
    )
    (trust,) = (each for each in grants(iam, role.name) if each.sid == "Trust")
    with without(iam, trust):
        started = states.start_execution(stateMachineArn=machine)["executionArn"]
        ended = finish(lambda service: enforced.client(service, "data"), started)
    assert ended.status == "FAILED"
    assert f"sts:AssumeRole on resource: {role.arn}" in str(ended.cause)
    wanted: dict[str, Any] = {
        "FunctionName": role.name,
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Code": {"ZipFile": b"unread"},
    }
    with pytest.raises(ClientError, match="role defined for the function cannot be assumed by Lambda"):
        enforced.client("lambda", "data").create_function(Role=role.arn, **wanted)


def test_a_schedule_is_made_only_with_a_role_that_scheduler_may_take(enforced: Sandbox) -> None:
    group = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group"
    scheduler = enforced.client("scheduler", "data")

    def make(role: Role) -> Any:
        return scheduler.create_schedule(
            Name=role.name,
            ScheduleExpression="rate(1 day)",
            State="DISABLED",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q", "RoleArn": role.arn},
        )

    default = {"StringEquals": {"aws:SourceArn": f"{group}/default"}}
    assert make(make_role(enforced, "scheduler", default))["ScheduleArn"]
    other = {"StringEquals": {"aws:SourceArn": f"{group}/other"}}
    with pytest.raises(ClientError, match="must allow AWS EventBridge Scheduler to assume the role"):
        make(make_role(enforced, "scheduler", other))


def test_a_boundary_and_a_denial_take_away_what_a_policy_gives(enforced: Sandbox, table: str) -> None:
    role = make_role(enforced, "states")
    everything = {**allow("*", "*"), "Sid": "Everything"}
    role.may(everything, {**allow("dynamodb:PutItem", table), "Effect": "Deny", "Sid": "No"})
    assert "with an explicit deny in an identity-based policy" in run_machine(enforced, role).cause
    role.may(everything)
    iam = enforced.client("iam", "data")
    boundary = iam.create_policy(
        PolicyName=f"b-{role.name}",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:*", "*")]}),
    )["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=role.name, PermissionsBoundary=boundary)
    assert "no permissions boundary allows" in run_machine(enforced, role).cause


def test_log_delivery_is_checked_when_a_state_machine_is_made(enforced: Sandbox) -> None:
    role = make_role(enforced, "states")
    role.may(allow("logs:CreateLogDelivery", "*"))
    group = f"/aws/vendedlogs/states/{role.name}"
    enforced.client("logs", "data").create_log_group(logGroupName=group)
    logging = {
        "level": "ALL",
        "includeExecutionData": False,
        "destinations": [
            {
                "cloudWatchLogsLogGroup": {
                    "logGroupArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:*"
                }
            }
        ],
    }
    with pytest.raises(ClientError) as refused:
        enforced.client("stepfunctions", "data").create_state_machine(
            name=role.name,
            roleArn=role.arn,
            definition=json.dumps({"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}),
            loggingConfiguration=logging,
        )
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    assert "not authorized to access the Log Destination" in str(refused.value)


def test_a_machine_that_waits_for_a_child_is_made_only_with_leave_for_its_rule(enforced: Sandbox) -> None:
    role = make_role(enforced, "states")
    child = {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "End": True}
    wanted = {
        "name": role.name,
        "roleArn": role.arn,
        "definition": json.dumps(
            {"StartAt": "S", "States": {"S": {**child, "Parameters": {"StateMachineArn": "arn"}}}}
        ),
    }
    states = enforced.client("stepfunctions", "data")
    with pytest.raises(ClientError, match=f"role/{role.name}' is not authorized to create managed-rule"):
        states.create_state_machine(**wanted)
    rule = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
    actions = ["events:DescribeRule", "events:PutRule", "events:PutTargets"]
    role.may({**allow("", rule), "Action": actions})
    assert states.create_state_machine(**wanted)["stateMachineArn"].endswith(role.name)


def test_a_host_has_the_role_of_its_instance_profile_and_nothing_more(plane: Plane) -> None:
    ssm, iam = plane.client("ssm"), plane.client("iam")
    wait_for_ping(plane, "Online")
    script = (
        'python3 -c \'import boto3; print(boto3.client("sts").get_caller_identity()["Arn"]);'
        ' boto3.client("s3").list_buckets()\''
    )
    instance = plane.sandbox.state.spec.hosts[0].instance_id
    command = ssm.send_command(
        DocumentName="AWS-RunShellScript", InstanceIds=[instance], Parameters={"commands": [script]}
    )["Command"]["CommandId"]

    def ended() -> Any:
        found = ssm.get_command_invocation(CommandId=command, InstanceId=instance)
        return found if found["Status"] not in ("Pending", "InProgress") else None

    found = plane.wait_for("the command does not end", ended)
    role = plane.names.host_role
    assert found["StandardOutputContent"].strip() == (
        f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{instance}"
    )
    assert "is not authorized to perform: s3:ListAllMyBuckets" in found["StandardErrorContent"]

    (agent,) = (each for each in grants(iam, role) if not each.sid)
    with without(iam, agent):
        wait_for_ping(plane, "ConnectionLost")


def wait_for_ping(plane: Plane, status: str) -> None:
    def reached() -> bool | None:
        (host,) = plane.client("ssm").describe_instance_information()["InstanceInformationList"]
        return True if host["PingStatus"] == status else None

    plane.wait_for(f"the host does not become {status}", reached)


def test_ec2_names_no_account_so_that_a_condition_on_it_locks_a_host_out(plane: Plane) -> None:
    iam, role = plane.client("iam"), plane.names.host_role
    trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    wait_for_ping(plane, "Online")
    condition = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    narrowed = {**trust, "Statement": [{**trust["Statement"][0], "Condition": condition}]}
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(narrowed))
    try:
        wait_for_ping(plane, "ConnectionLost")
    finally:
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))
    wait_for_ping(plane, "Online")


def test_runs_complete_with_the_roles_as_they_are_and_fail_without_a_part_of_one(plane: Plane) -> None:
    trusts = ("etl ServiceAssumesRole", "etl-host ServiceAssumesRole")
    taken = ("ConfigTable", "states:SendTaskSuccess", *trusts)
    chosen = [each for each in SCENARIOS if each.name in ("managed_host", "one_script")]
    proof = prove(plane, only=taken, scenarios=chosen)
    assert proof.broken == {}
    assert {(each.role, each.refused) for each in proof.outcomes} == {
        ("landfall-sandbox-etl", "dynamodb:GetItem"),
        ("landfall-sandbox-etl", "sts:AssumeRole"),
        ("landfall-sandbox-etl-host", "states:SendTaskSuccess"),
        ("landfall-sandbox-etl-host", "sts:AssumeRole"),
    }
    assert proof.complete, proof.to_json()
