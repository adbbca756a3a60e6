"""Every provisioner against a real emulator: create, read, update, delete, delete again."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sandbox.provisioners import KNOWN_GAPS, PROVISIONERS, Call, ProvisionError, RefusedCallError, merged_tags
from sandbox.provisioners.base import ASSET_SIGNATURE
from sandbox.provisioners.gaps import Gap
from tests.e2e.provisioners_emulator import emulator

pytestmark = pytest.mark.emulator

ACCOUNT, REGION = "111111111111", "eu-central-1"
DEFAULT_TAGS = {"owner": "data-platform"}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with emulator(tmp_path_factory.mktemp("emulator")) as url:
        yield url


class World:
    """What the resource under test hangs on, made by the provisioners themselves, once."""

    def __init__(self, endpoint: str, folder: Path) -> None:
        self.call = Call(account=ACCOUNT, region=REGION, default_tags=DEFAULT_TAGS, endpoint=endpoint)
        self.folder = folder
        self._made: dict[str, dict[str, Any]] = {}

    def make(self, token: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
        if name not in self._made:
            created = PROVISIONERS[token].create(self.call, inputs, name)
            self._made[name] = {**created.outputs, "id": created.id}
        return self._made[name]

    def client(self, service: str) -> Any:
        return self.call.client(service)

    @property
    def key(self) -> str:
        return str(self.make("aws:kms/key:Key", "w-key", {})["arn"])

    @property
    def role(self) -> dict[str, Any]:
        return self.make("aws:iam/role:Role", "w-role", {"assumeRolePolicy": trust("lambda")})

    @property
    def topic(self) -> str:
        return str(self.make("aws:sns/topic:Topic", "w-topic", {})["arn"])

    @property
    def queue(self) -> dict[str, Any]:
        return self.make("aws:sqs/queue:Queue", "w-queue", {})

    @property
    def bucket(self) -> str:
        return str(self.make("aws:s3/bucket:Bucket", "w-bucket", {"forceDestroy": True})["bucket"])

    @property
    def log_group(self) -> str:
        return str(self.make("aws:cloudwatch/logGroup:LogGroup", "w-logs", {"name": "/w/logs"})["arn"])

    @property
    def vpc(self) -> str:
        return str(self.make("aws:ec2/vpc:Vpc", "w-vpc", {"cidrBlock": "10.20.0.0/20"})["id"])

    @property
    def subnet(self) -> str:
        inputs = {"vpcId": self.vpc, "cidrBlock": "10.20.8.0/24", "availabilityZone": f"{REGION}a"}
        return str(self.make("aws:ec2/subnet:Subnet", "w-subnet", inputs)["id"])

    def route_table(self, name: str = "w-routes") -> str:
        return str(self.make("aws:ec2/routeTable:RouteTable", name, {"vpcId": self.vpc})["id"])

    def group(self, name: str = "w-group") -> str:
        return str(self.make("aws:ec2/securityGroup:SecurityGroup", name, {"vpcId": self.vpc})["id"])

    @property
    def rule(self) -> str:
        inputs = {"eventPattern": json.dumps({"source": ["landfall"]})}
        return str(self.make("aws:cloudwatch/eventRule:EventRule", "w-rule", inputs)["name"])

    @property
    def table(self) -> str:
        inputs = {
            "hashKey": "id",
            "attributes": [{"name": "id", "type": "S"}],
            "billingMode": "PAY_PER_REQUEST",
        }
        return str(self.make("aws:dynamodb/table:Table", "w-table", inputs)["name"])

    @property
    def function(self) -> str:
        return str(self.make("aws:lambda/function:Function", "w-function", function(self))["name"])

    @property
    def document(self) -> str:
        return str(self.make("aws:ssm/document:Document", "w-document", document("echo 1"))["name"])

    def archive(self, body: str) -> dict[str, Any]:
        """An archive as the SDK hands it to a provider: a signed dictionary with path and hash."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as bundle:
            bundle.writestr("handler.py", f"def handler(event, context):\n    return {body!r}\n")
        path = self.folder / f"{body}.zip"
        path.write_bytes(buffer.getvalue())
        return {
            "4dabf18193072939515e22adb298388d": "0def7320c3a5731c473e5ecbe6d01bc7",
            "path": str(path),
            "hash": body,
        }


@pytest.fixture(scope="module")
def world(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(endpoint, tmp_path_factory.mktemp("assets"))


def trust(service: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def allow(action: str, resource: str, **extra: Any) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **extra}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def for_service(service: str, action: str, resource: str) -> str:
    return allow(action, resource, Principal={"Service": f"{service}.amazonaws.com"})


def machine(comment: str) -> str:
    return json.dumps({"Comment": comment, "StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})


def document(command: str) -> dict[str, Any]:
    step = {"action": "aws:runShellScript", "name": "run", "inputs": {"runCommand": [command]}}
    content = {
        "schemaVersion": "2.2",
        "description": "a test",
        "parameters": {"Job": {"type": "String", "default": "MQ==", "allowedPattern": "^[A-Za-z0-9+/=]+$"}},
        "mainSteps": [step],
    }
    return {"documentType": "Command", "documentFormat": "JSON", "content": json.dumps(content)}


def function(world: World, **extra: Any) -> dict[str, Any]:
    return {
        "code": world.archive("one"),
        "runtime": "python3.13",
        "handler": "handler.handler",
        "architectures": ["arm64"],
        "role": world.role["arn"],
        **extra,
    }


@dataclass(frozen=True, kw_only=True)
class Case:
    """A resource as made, what of it changes, and what the service itself must then say."""

    token: str
    inputs: Callable[[World], dict[str, Any]]
    changes: Callable[[World], dict[str, Any]] = field(default=lambda world: {})
    outputs: tuple[str, ...] = ()
    seen: Callable[[World, str, dict[str, Any]], Any]
    before: Any
    after: Any = None

    def __str__(self) -> str:
        return self.token.rsplit(":", 1)[-1]


def _table(world: World, id: str, state: dict[str, Any]) -> Any:
    client = world.client("dynamodb")
    held = client.describe_table(TableName=id)["Table"]
    expiry = client.describe_time_to_live(TableName=id)["TimeToLiveDescription"]
    backups = client.describe_continuous_backups(TableName=id)["ContinuousBackupsDescription"]
    return {
        "indexes": sorted(i["IndexName"] for i in held.get("GlobalSecondaryIndexes", [])),
        "key": held.get("SSEDescription", {}).get("KMSMasterKeyArn") == world.key,
        "protected": held.get("DeletionProtectionEnabled"),
        "ttl": expiry["TimeToLiveStatus"],
        "recovery": backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
        "stream": held.get("StreamSpecification", {}).get("StreamEnabled", False),
    }


def _role(world: World, id: str, state: dict[str, Any]) -> Any:
    held = world.client("iam").get_role(RoleName=id)["Role"]
    trusted = held["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"]
    return [trusted, held.get("Description"), held["MaxSessionDuration"], state["tagsAll"]]


def _function(world: World, id: str, state: dict[str, Any]) -> Any:
    held = world.client("lambda").get_function(FunctionName=id)
    configuration = held["Configuration"]
    return [
        configuration["MemorySize"],
        configuration.get("Environment", {}).get("Variables", {}),
        configuration["TracingConfig"]["Mode"],
        configuration.get("LoggingConfig", {}).get("LogFormat"),
        held.get("Concurrency", {}).get("ReservedConcurrentExecutions"),
        held.get("Tags"),
    ]


def _machine(world: World, id: str, state: dict[str, Any]) -> Any:
    held = world.client("stepfunctions").describe_state_machine(stateMachineArn=id)
    return [
        json.loads(held["definition"])["Comment"],
        held.get("loggingConfiguration", {}).get("level"),
    ]


def _rule(direction: bool) -> Callable[[World, str, dict[str, Any]], Any]:
    def seen(world: World, id: str, state: dict[str, Any]) -> Any:
        filters = [{"Name": "group-id", "Values": [world.group()]}]
        rules = world.client("ec2").describe_security_group_rules(Filters=filters)["SecurityGroupRules"]
        rule = next(r for r in rules if r["SecurityGroupRuleId"] == id)
        return [rule["IsEgress"], rule["FromPort"], rule["ToPort"], rule["CidrIpv4"], rule.get("Description")]

    return seen


def _rule_case(kind: str, egress: bool) -> Case:
    return Case(
        token=f"aws:vpc/securityGroup{kind}Rule:SecurityGroup{kind}Rule",
        inputs=lambda w: {
            "securityGroupId": w.group(),
            "ipProtocol": "tcp",
            "fromPort": 443.0,
            "toPort": 443.0,
            "cidrIpv4": "10.20.0.0/20",
            "description": "https",
        },
        changes=lambda w: {"fromPort": 5439.0, "toPort": 5439.0, "description": "warehouse"},
        outputs=("arn", "securityGroupRuleId"),
        seen=_rule(egress),
        before=[egress, 443, 443, "10.20.0.0/20", "https"],
        after=[egress, 5439, 5439, "10.20.0.0/20", "warehouse"],
    )


SSM_AGENT = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"

CASES = [
    Case(
        token="aws:dynamodb/table:Table",
        inputs=lambda w: {
            "name": "audit",
            "hashKey": "execution",
            "rangeKey": "job",
            "billingMode": "PAY_PER_REQUEST",
            "attributes": [{"name": n, "type": "S"} for n in ("execution", "job", "workflow", "start")],
            "globalSecondaryIndexes": [
                {"name": "by_workflow", "hashKey": "workflow", "rangeKey": "start", "projectionType": "ALL"}
            ],
            "serverSideEncryption": {"enabled": True, "kmsKeyArn": w.key},
            "pointInTimeRecovery": {"enabled": True},
            "ttl": {"attributeName": "expires_at", "enabled": True},
            "deletionProtectionEnabled": True,
            "streamEnabled": True,
            "streamViewType": "NEW_AND_OLD_IMAGES",
            "tags": {"purpose": "audit"},
        },
        changes=lambda w: {
            "deletionProtectionEnabled": False,
            "pointInTimeRecovery": {"enabled": False},
            "attributes": [
                {"name": n, "type": "S"} for n in ("execution", "job", "workflow", "start", "status")
            ],
            "globalSecondaryIndexes": [
                {"name": "by_workflow", "hashKey": "workflow", "rangeKey": "start", "projectionType": "ALL"},
                {"name": "by_status", "hashKey": "status", "projectionType": "KEYS_ONLY"},
            ],
        },
        outputs=("arn", "name", "streamArn", "streamLabel", "tagsAll"),
        seen=_table,
        before={
            "indexes": ["by_workflow"],
            "key": True,
            "protected": True,
            "ttl": "ENABLED",
            "recovery": "ENABLED",
            "stream": True,
        },
        after={
            "indexes": ["by_status", "by_workflow"],
            "key": True,
            "protected": False,
            "ttl": "ENABLED",
            "recovery": "DISABLED",
            "stream": True,
        },
    ),
    Case(
        token="aws:dynamodb/tableItem:TableItem",
        inputs=lambda w: {
            "tableName": w.table,
            "hashKey": "id",
            "item": json.dumps({"id": {"S": "a"}, "n": {"L": [{"N": "1"}, {"B": "aGk="}]}}),
        },
        changes=lambda w: {"item": json.dumps({"id": {"S": "b"}, "n": {"BOOL": True}})},
        seen=lambda w, id, state: w.client("dynamodb").scan(TableName=w.table)["Items"],
        before=[{"id": {"S": "a"}, "n": {"L": [{"N": "1"}, {"B": b"hi"}]}}],
        after=[{"id": {"S": "b"}, "n": {"BOOL": True}}],
    ),
    Case(
        token="aws:iam/role:Role",
        inputs=lambda w: {
            "name": "runner",
            "assumeRolePolicy": trust("states"),
            "description": "runs",
            "tags": {"a": "1"},
        },
        changes=lambda w: {
            "assumeRolePolicy": trust("lambda"),
            "description": "runs more",
            "maxSessionDuration": 7200.0,
            "tags": {"b": "2"},
        },
        outputs=("arn", "name", "uniqueId", "createDate", "path"),
        seen=_role,
        before=["states.amazonaws.com", "runs", 3600, {"owner": "data-platform", "a": "1"}],
        after=["lambda.amazonaws.com", "runs more", 7200, {"owner": "data-platform", "b": "2"}],
    ),
    Case(
        token="aws:iam/rolePolicy:RolePolicy",
        inputs=lambda w: {"role": w.role["name"], "policy": allow("sqs:SendMessage", "arn:aws:sqs:*:*:a")},
        changes=lambda w: {"policy": allow("sqs:ReceiveMessage", "arn:aws:sqs:*:*:a")},
        outputs=("name",),
        seen=lambda w, id, state: w.client("iam").get_role_policy(
            RoleName=w.role["name"], PolicyName=state["name"]
        )["PolicyDocument"]["Statement"][0]["Action"],
        before="sqs:SendMessage",
        after="sqs:ReceiveMessage",
    ),
    Case(
        token="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        inputs=lambda w: {"role": w.role["name"], "policyArn": SSM_AGENT},
        seen=lambda w, id, state: [
            p["PolicyArn"]
            for p in w.client("iam").list_attached_role_policies(RoleName=w.role["name"])["AttachedPolicies"]
        ],
        before=[SSM_AGENT],
    ),
    Case(
        token="aws:iam/instanceProfile:InstanceProfile",
        inputs=lambda w: {"name": "hosts", "role": w.role["name"]},
        changes=lambda w: {
            "role": w.make("aws:iam/role:Role", "w-role-2", {"assumeRolePolicy": trust("ec2")})["name"]
        },
        outputs=("arn", "name", "uniqueId"),
        seen=lambda w, id, state: [
            r["RoleName"] == w.role["name"]
            for r in w.client("iam").get_instance_profile(InstanceProfileName=id)["InstanceProfile"]["Roles"]
        ],
        before=[True],
        after=[False],
    ),
    Case(
        token="aws:kms/key:Key",
        inputs=lambda w: {
            "description": "audit",
            "enableKeyRotation": True,
            "deletionWindowInDays": 7.0,
            "policy": allow("kms:*", "*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
        },
        changes=lambda w: {"description": "audits", "enableKeyRotation": False},
        outputs=("arn", "keyId", "tagsAll"),
        seen=lambda w, id, state: [
            w.client("kms").describe_key(KeyId=id)["KeyMetadata"]["Description"],
            w.client("kms").get_key_rotation_status(KeyId=id)["KeyRotationEnabled"],
            {t["TagKey"]: t["TagValue"] for t in w.client("kms").list_resource_tags(KeyId=id)["Tags"]},
        ],
        before=["audit", True, DEFAULT_TAGS],
        after=["audits", False, DEFAULT_TAGS],
    ),
    Case(
        token="aws:kms/alias:Alias",
        inputs=lambda w: {"targetKeyId": w.key},
        changes=lambda w: {"targetKeyId": str(w.make("aws:kms/key:Key", "w-key-2", {})["keyId"])},
        outputs=("arn", "name", "targetKeyArn"),
        seen=lambda w, id, state: w.client("kms").describe_key(KeyId=id)["KeyMetadata"]["Arn"] == w.key,
        before=True,
        after=False,
    ),
    Case(
        token="aws:cloudwatch/logGroup:LogGroup",
        inputs=lambda w: {"name": "/ops/jobs", "retentionInDays": 90.0, "kmsKeyId": w.key},
        changes=lambda w: {"retentionInDays": 400.0, "tags": {"a": "1"}},
        outputs=("arn", "name", "retentionInDays"),
        seen=lambda w, id, state: (
            [
                w.client("logs").describe_log_groups(logGroupNamePrefix=id)["logGroups"][0].get(key)
                for key in ("retentionInDays", "logGroupName")
            ]
            + [w.client("logs").list_tags_for_resource(resourceArn=state["arn"])["tags"]]
        ),
        before=[90, "/ops/jobs", DEFAULT_TAGS],
        after=[400, "/ops/jobs", {**DEFAULT_TAGS, "a": "1"}],
    ),
    Case(
        token="aws:cloudwatch/eventRule:EventRule",
        inputs=lambda w: {"name": "failed", "eventPattern": json.dumps({"source": ["aws.states"]})},
        changes=lambda w: {"state": "DISABLED", "description": "off"},
        outputs=("arn", "name", "eventBusName", "state"),
        seen=lambda w, id, state: [
            w.client("events").describe_rule(Name=id).get(key) for key in ("State", "Description")
        ],
        before=["ENABLED", None],
        after=["DISABLED", "off"],
    ),
    Case(
        token="aws:cloudwatch/eventTarget:EventTarget",
        inputs=lambda w: {
            "rule": w.rule,
            "targetId": "topic",
            "arn": w.topic,
            "inputTransformer": {"inputPaths": {"state": "$.detail.status"}, "inputTemplate": '"<state>"'},
            "deadLetterConfig": {"arn": w.queue["arn"]},
            "retryPolicy": {"maximumRetryAttempts": 3.0, "maximumEventAgeInSeconds": 600.0},
        },
        changes=lambda w: {"inputTransformer": None, "input": '{"a": 1}'},
        outputs=("targetId",),
        seen=lambda w, id, state: [
            [t.get("Input"), t.get("RetryPolicy", {}).get("MaximumRetryAttempts"), "InputTransformer" in t]
            for t in w.client("events").list_targets_by_rule(Rule=w.rule)["Targets"]
        ],
        before=[[None, 3, True]],
        after=[['{"a": 1}', 3, False]],
    ),
    Case(
        token="aws:cloudwatch/eventPermission:EventPermission",
        inputs=lambda w: {"principal": "222222222222", "statementId": "ops"},
        changes=lambda w: {"principal": "333333333333"},
        outputs=("action", "eventBusName"),
        seen=lambda w, id, state: [
            s["Principal"]
            for s in json.loads(w.client("events").describe_event_bus()["Policy"])["Statement"]
            if s["Sid"] == "ops"
        ],
        before=[{"AWS": "arn:aws:iam::222222222222:root"}],
        after=[{"AWS": "arn:aws:iam::333333333333:root"}],
    ),
    Case(
        token="aws:scheduler/scheduleGroup:ScheduleGroup",
        inputs=lambda w: {"name": "etl"},
        changes=lambda w: {"tags": {"a": "1"}},
        outputs=("arn", "name"),
        seen=lambda w, id, state: {
            t["Key"]: t["Value"]
            for t in w.client("scheduler").list_tags_for_resource(ResourceArn=state["arn"])["Tags"]
        },
        before=DEFAULT_TAGS,
        after={**DEFAULT_TAGS, "a": "1"},
    ),
    Case(
        token="aws:scheduler/schedule:Schedule",
        inputs=lambda w: {
            "name": "nightly",
            "scheduleExpression": "cron(0 6 * * ? *)",
            "scheduleExpressionTimezone": "Europe/Berlin",
            "flexibleTimeWindow": {"mode": "OFF"},
            "kmsKeyArn": w.key,
            "target": {
                "arn": w.queue["arn"],
                "roleArn": w.role["arn"],
                "input": "{}",
                "retryPolicy": {"maximumEventAgeInSeconds": 60.0, "maximumRetryAttempts": 1.0},
                "deadLetterConfig": {"arn": w.queue["arn"]},
            },
        },
        changes=lambda w: {"state": "DISABLED", "scheduleExpression": "rate(2 hours)"},
        outputs=("arn", "name", "groupName"),
        seen=lambda w, id, state: [
            w.client("scheduler").get_schedule(Name="nightly").get(key)
            for key in ("State", "ScheduleExpression")
        ],
        before=["ENABLED", "cron(0 6 * * ? *)"],
        after=["DISABLED", "rate(2 hours)"],
    ),
    Case(
        token="aws:cloudwatch/metricAlarm:MetricAlarm",
        inputs=lambda w: {
            "name": "failures",
            "comparisonOperator": "GreaterThanOrEqualToThreshold",
            "evaluationPeriods": 1.0,
            "metricName": "ExecutionsFailed",
            "namespace": "AWS/States",
            "period": 300.0,
            "statistic": "Sum",
            "threshold": 1.0,
            "alarmActions": [w.topic],
            "dimensions": {"StateMachineArn": "arn:x"},
            "treatMissingData": "notBreaching",
        },
        changes=lambda w: {"threshold": 2.5, "actionsEnabled": False},
        outputs=("arn", "name"),
        seen=lambda w, id, state: [
            [a["Threshold"], a["ActionsEnabled"], a["Dimensions"]]
            for a in w.client("cloudwatch").describe_alarms(AlarmNames=[id])["MetricAlarms"]
        ],
        before=[[1.0, True, [{"Name": "StateMachineArn", "Value": "arn:x"}]]],
        after=[[2.5, False, [{"Name": "StateMachineArn", "Value": "arn:x"}]]],
    ),
    Case(
        token="aws:sns/topic:Topic",
        inputs=lambda w: {"name": "alerts", "kmsMasterKeyId": w.key},
        changes=lambda w: {"displayName": "Alerts", "tags": {"a": "1"}},
        outputs=("arn", "name", "owner"),
        seen=lambda w, id, state: [
            w.client("sns").get_topic_attributes(TopicArn=id)["Attributes"].get("DisplayName") or "",
            w.client("sns").get_topic_attributes(TopicArn=id)["Attributes"].get("KmsMasterKeyId") == w.key,
            {t["Key"]: t["Value"] for t in w.client("sns").list_tags_for_resource(ResourceArn=id)["Tags"]},
        ],
        before=["", True, DEFAULT_TAGS],
        after=["Alerts", True, {**DEFAULT_TAGS, "a": "1"}],
    ),
    Case(
        token="aws:sns/topicPolicy:TopicPolicy",
        inputs=lambda w: {"arn": w.topic, "policy": for_service("events", "sns:Publish", w.topic)},
        changes=lambda w: {"policy": for_service("cloudwatch", "sns:Publish", w.topic)},
        outputs=("owner",),
        seen=lambda w, id, state: json.loads(
            w.client("sns").get_topic_attributes(TopicArn=id)["Attributes"]["Policy"]
        )["Statement"][0]["Principal"],
        before={"Service": "events.amazonaws.com"},
        after={"Service": "cloudwatch.amazonaws.com"},
    ),
    Case(
        token="aws:sns/topicSubscription:TopicSubscription",
        inputs=lambda w: {
            "topic": w.topic,
            "protocol": "sqs",
            "endpoint": w.queue["arn"],
            "rawMessageDelivery": True,
        },
        changes=lambda w: {"rawMessageDelivery": False, "filterPolicy": json.dumps({"kind": ["a"]})},
        outputs=("arn", "ownerId", "pendingConfirmation"),
        seen=lambda w, id, state: [
            w.client("sns").get_subscription_attributes(SubscriptionArn=id)["Attributes"].get(key)
            for key in ("RawMessageDelivery", "FilterPolicy")
        ],
        before=["true", None],
        after=["false", '{"kind": ["a"]}'],
    ),
    Case(
        token="aws:sqs/queue:Queue",
        inputs=lambda w: {"name": "dead", "kmsMasterKeyId": w.key, "messageRetentionSeconds": 1209600.0},
        changes=lambda w: {"visibilityTimeoutSeconds": 60.0, "messageRetentionSeconds": None},
        outputs=("arn", "url", "name"),
        seen=lambda w, id, state: (
            [
                w.client("sqs").get_queue_attributes(QueueUrl=id, AttributeNames=["All"])["Attributes"][key]
                for key in ("VisibilityTimeout", "MessageRetentionPeriod")
            ]
            + [w.client("sqs").list_queue_tags(QueueUrl=id)["Tags"]]
        ),
        before=["30", "1209600", DEFAULT_TAGS],
        after=["60", "345600", DEFAULT_TAGS],
    ),
    Case(
        token="aws:sqs/queuePolicy:QueuePolicy",
        inputs=lambda w: {
            "queueUrl": w.queue["url"],
            "policy": for_service("events", "sqs:SendMessage", w.queue["arn"]),
        },
        changes=lambda w: {"policy": for_service("sns", "sqs:SendMessage", w.queue["arn"])},
        seen=lambda w, id, state: json.loads(
            w.client("sqs").get_queue_attributes(QueueUrl=id, AttributeNames=["Policy"])["Attributes"][
                "Policy"
            ]
        )["Statement"][0]["Principal"],
        before={"Service": "events.amazonaws.com"},
        after={"Service": "sns.amazonaws.com"},
    ),
    Case(
        token="aws:lambda/function:Function",
        inputs=lambda w: function(
            w,
            name="start",
            memorySize=256.0,
            timeout=30.0,
            environment={"variables": {"TABLE": "audit"}},
            tracingConfig={"mode": "Active"},
            loggingConfig={"logFormat": "JSON", "logGroup": "/w/logs"},
            kmsKeyArn=w.key,
            reservedConcurrentExecutions=5.0,
            deadLetterConfig={"targetArn": w.queue["arn"]},
            tags={"a": "1"},
        ),
        changes=lambda w: {
            "code": w.archive("two"),
            "memorySize": 512.0,
            "environment": {"variables": {"TABLE": "audit", "MODE": "x"}},
            "tracingConfig": None,
            "reservedConcurrentExecutions": None,
            "tags": None,
        },
        outputs=("arn", "invokeArn", "qualifiedArn", "version", "codeSha256", "lastModified"),
        seen=_function,
        before=[256, {"TABLE": "audit"}, "Active", "JSON", 5, {**DEFAULT_TAGS, "a": "1"}],
        after=[512, {"TABLE": "audit", "MODE": "x"}, "PassThrough", "JSON", None, DEFAULT_TAGS],
    ),
    Case(
        token="aws:lambda/permission:Permission",
        inputs=lambda w: {
            "function": w.function,
            "action": "lambda:InvokeFunction",
            "principal": "events.amazonaws.com",
            "sourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/x",
        },
        outputs=("statementId",),
        seen=lambda w, id, state: json.loads(
            w.client("lambda").get_policy(FunctionName=w.function)["Policy"]
        )["Statement"][0]["Principal"],
        before={"Service": "events.amazonaws.com"},
    ),
    Case(
        token="aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",
        inputs=lambda w: {
            "functionName": w.function,
            "maximumRetryAttempts": 1.0,
            "destinationConfig": {"onFailure": {"destination": w.queue["arn"]}},
        },
        changes=lambda w: {"maximumRetryAttempts": 0.0},
        seen=lambda w, id, state: [
            w.client("lambda").get_function_event_invoke_config(FunctionName=w.function)[
                "MaximumRetryAttempts"
            ],
        ],
        before=[1],
        after=[0],
    ),
    Case(
        token="aws:sfn/stateMachine:StateMachine",
        inputs=lambda w: {
            "name": "etl",
            "roleArn": w.role["arn"],
            "definition": machine("one"),
            "loggingConfiguration": {
                "level": "ALL",
                "includeExecutionData": True,
                "logDestination": f"{w.log_group}:*",
            },
            "tracingConfiguration": {"enabled": True},
            "encryptionConfiguration": {
                "type": "CUSTOMER_MANAGED_KMS_KEY",
                "kmsKeyId": w.key,
                "kmsDataKeyReusePeriodSeconds": 300.0,
            },
        },
        changes=lambda w: {"definition": machine("two"), "tracingConfiguration": None},
        outputs=("arn", "name", "creationDate", "status"),
        seen=_machine,
        before=["one", "ALL"],
        after=["two", "ALL"],
    ),
    Case(
        token="aws:s3/bucket:Bucket",
        inputs=lambda w: {"bucket": "landfall-archive", "forceDestroy": True},
        changes=lambda w: {"tags": {"a": "1"}},
        outputs=("arn", "bucket", "bucketRegionalDomainName", "tagsAll"),
        seen=lambda w, id, state: [
            w.client("s3").get_bucket_location(Bucket=id)["LocationConstraint"],
            {t["Key"]: t["Value"] for t in w.client("s3").get_bucket_tagging(Bucket=id)["TagSet"]},
        ],
        before=[REGION, DEFAULT_TAGS],
        after=[REGION, {**DEFAULT_TAGS, "a": "1"}],
    ),
    Case(
        token="aws:s3/bucketVersioning:BucketVersioning",
        inputs=lambda w: {"bucket": w.bucket, "versioningConfiguration": {"status": "Enabled"}},
        changes=lambda w: {"versioningConfiguration": {"status": "Suspended"}},
        seen=lambda w, id, state: w.client("s3").get_bucket_versioning(Bucket=id)["Status"],
        before="Enabled",
        after="Suspended",
    ),
    Case(
        token="aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        inputs=lambda w: {
            "bucket": w.bucket,
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {
                        "sseAlgorithm": "aws:kms",
                        "kmsMasterKeyId": w.key,
                    },
                    "bucketKeyEnabled": True,
                }
            ],
        },
        changes=lambda w: {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]},
        seen=lambda w, id, state: [
            rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
            for rule in w.client("s3").get_bucket_encryption(Bucket=id)["ServerSideEncryptionConfiguration"][
                "Rules"
            ]
        ],
        before=["aws:kms"],
        after=["AES256"],
    ),
    Case(
        token="aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        inputs=lambda w: {
            "bucket": w.bucket,
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        },
        changes=lambda w: {"blockPublicAcls": False},
        seen=lambda w, id, state: sorted(
            w.client("s3").get_public_access_block(Bucket=id)["PublicAccessBlockConfiguration"].values()
        ),
        before=[True] * 4,
        after=[False, True, True, True],
    ),
    Case(
        token="aws:s3/bucketPolicy:BucketPolicy",
        inputs=lambda w: {
            "bucket": w.bucket,
            "policy": for_service("logs", "s3:GetObject", f"arn:aws:s3:::{w.bucket}/*"),
        },
        changes=lambda w: {"policy": for_service("logs", "s3:PutObject", f"arn:aws:s3:::{w.bucket}/*")},
        seen=lambda w, id, state: json.loads(w.client("s3").get_bucket_policy(Bucket=id)["Policy"])[
            "Statement"
        ][0]["Action"],
        before="s3:GetObject",
        after="s3:PutObject",
    ),
    Case(
        token="aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        inputs=lambda w: {
            "bucket": w.bucket,
            "rules": [
                {
                    "id": "expire",
                    "status": "Enabled",
                    "filter": {"prefix": "logs/"},
                    "expiration": {"days": 365.0},
                    "noncurrentVersionExpiration": {"noncurrentDays": 30.0},
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7.0},
                    "transitions": [{"days": 90.0, "storageClass": "STANDARD_IA"}],
                }
            ],
        },
        changes=lambda w: {
            "rules": [{"id": "expire", "status": "Disabled", "filter": {}, "expiration": {"days": 400.0}}]
        },
        seen=lambda w, id, state: [
            [rule["ID"], rule["Status"], rule["Expiration"]["Days"]]
            for rule in w.client("s3").get_bucket_lifecycle_configuration(Bucket=id)["Rules"]
        ],
        before=[["expire", "Enabled", 365]],
        after=[["expire", "Disabled", 400]],
    ),
    Case(
        token="aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        inputs=lambda w: {"bucket": w.bucket, "rule": {"objectOwnership": "BucketOwnerEnforced"}},
        changes=lambda w: {"rule": {"objectOwnership": "BucketOwnerPreferred"}},
        seen=lambda w, id, state: w.client("s3").get_bucket_ownership_controls(Bucket=id)[
            "OwnershipControls"
        ]["Rules"],
        before=[{"ObjectOwnership": "BucketOwnerEnforced"}],
        after=[{"ObjectOwnership": "BucketOwnerPreferred"}],
    ),
    Case(
        token="aws:s3/bucketObjectv2:BucketObjectv2",
        inputs=lambda w: {"bucket": w.bucket, "key": "bundle/a.txt", "content": "one", "kmsKeyId": w.key},
        changes=lambda w: {
            "content": None,
            "source": {"4dabf18193072939515e22adb298388d": ASSET_SIGNATURE, "text": "two"},
        },
        outputs=("arn", "etag", "key"),
        seen=lambda w, id, state: (
            w.client("s3").get_object(Bucket=w.bucket, Key="bundle/a.txt")["Body"].read()
        ),
        before=b"one",
        after=b"two",
    ),
    Case(
        token="aws:ssm/document:Document",
        inputs=lambda w: {"name": "landfall-sandbox-run-job", **document("echo 1")},
        changes=lambda w: {"content": document("echo 2")["content"], "tags": {"a": "1"}},
        outputs=("arn", "name", "defaultVersion", "latestVersion", "schemaVersion"),
        seen=lambda w, id, state: [
            json.loads(w.client("ssm").get_document(Name=id)["Content"])["mainSteps"][0]["inputs"][
                "runCommand"
            ],
            w.client("ssm").describe_document(Name=id)["Document"]["DefaultVersion"],
        ],
        before=[["echo 1"], "1"],
        after=[["echo 2"], "2"],
    ),
    Case(
        token="aws:ssm/association:Association",
        inputs=lambda w: {
            "name": w.document,
            "associationName": "install",
            "parameters": {"Job": "MQ=="},
            "targets": [{"key": "tag:landfall:role", "values": ["etl-host"]}],
        },
        changes=lambda w: {"parameters": {"Job": "Mg=="}},
        outputs=("arn", "associationId"),
        seen=lambda w, id, state: w.client("ssm").describe_association(AssociationId=id)[
            "AssociationDescription"
        ]["Parameters"],
        before={"Job": ["MQ=="]},
        after={"Job": ["Mg=="]},
    ),
    Case(
        token="aws:ec2/vpc:Vpc",
        inputs=lambda w: {"cidrBlock": "10.30.0.0/20", "enableDnsHostnames": True, "tags": {"Name": "etl"}},
        changes=lambda w: {"enableDnsHostnames": False, "tags": None},
        outputs=("arn", "defaultSecurityGroupId", "mainRouteTableId", "defaultNetworkAclId", "ownerId"),
        seen=lambda w, id, state: [
            w.client("ec2").describe_vpc_attribute(VpcId=id, Attribute="enableDnsHostnames")[
                "EnableDnsHostnames"
            ],
            {
                t["Key"]: t["Value"]
                for t in w.client("ec2").describe_vpcs(VpcIds=[id])["Vpcs"][0].get("Tags", [])
            },
        ],
        before=[{"Value": True}, {**DEFAULT_TAGS, "Name": "etl"}],
        after=[{"Value": False}, DEFAULT_TAGS],
    ),
    Case(
        token="aws:ec2/subnet:Subnet",
        inputs=lambda w: {"vpcId": w.vpc, "cidrBlock": "10.20.1.0/24", "availabilityZone": f"{REGION}b"},
        changes=lambda w: {"mapPublicIpOnLaunch": True},
        outputs=("arn", "availabilityZone", "vpcId"),
        seen=lambda w, id, state: w.client("ec2").describe_subnets(SubnetIds=[id])["Subnets"][0][
            "MapPublicIpOnLaunch"
        ],
        before=False,
        after=True,
    ),
    Case(
        token="aws:ec2/routeTable:RouteTable",
        inputs=lambda w: {"vpcId": w.vpc, "tags": {"Name": "private"}},
        changes=lambda w: {"tags": {"Name": "isolated"}},
        outputs=("arn", "ownerId"),
        seen=lambda w, id, state: sorted(
            t["Value"]
            for t in w.client("ec2").describe_route_tables(RouteTableIds=[id])["RouteTables"][0]["Tags"]
        ),
        before=["data-platform", "private"],
        after=["data-platform", "isolated"],
    ),
    Case(
        token="aws:ec2/routeTableAssociation:RouteTableAssociation",
        inputs=lambda w: {"subnetId": w.subnet, "routeTableId": w.route_table()},
        changes=lambda w: {"routeTableId": w.route_table("w-routes-2")},
        seen=lambda w, id, state: [
            table["RouteTableId"] == w.route_table()
            for table in w.client("ec2").describe_route_tables(
                Filters=[{"Name": "association.subnet-id", "Values": [w.subnet]}]
            )["RouteTables"]
        ],
        before=[True],
        after=[False],
    ),
    Case(
        token="aws:ec2/securityGroup:SecurityGroup",
        inputs=lambda w: {
            "vpcId": w.vpc,
            "description": "endpoints",
            "ingress": [
                {"protocol": "tcp", "fromPort": 443.0, "toPort": 443.0, "cidrBlocks": ["10.20.0.0/20"]}
            ],
        },
        changes=lambda w: {"ingress": [], "tags": {"a": "1"}},
        outputs=("arn", "name", "ownerId"),
        seen=lambda w, id, state: [
            [len(g["IpPermissions"]), g["IpPermissionsEgress"]]
            for g in w.client("ec2").describe_security_groups(GroupIds=[id])["SecurityGroups"]
        ],
        before=[[1, []]],
        after=[[0, []]],
    ),
    _rule_case("Ingress", False),
    _rule_case("Egress", True),
    Case(
        token="aws:ec2/vpcEndpoint:VpcEndpoint",
        inputs=lambda w: {
            "vpcId": w.vpc,
            "serviceName": f"com.amazonaws.{REGION}.ssm",
            "vpcEndpointType": "Interface",
            "subnetIds": [w.subnet],
            "securityGroupIds": [w.group()],
            "privateDnsEnabled": True,
        },
        changes=lambda w: {"tags": {"a": "1"}},
        outputs=("arn", "state"),
        seen=lambda w, id, state: [
            [e["VpcEndpointType"], sorted(t["Key"] for t in e.get("Tags", []))]
            for e in w.client("ec2").describe_vpc_endpoints(VpcEndpointIds=[id])["VpcEndpoints"]
        ],
        before=[["Interface", ["owner"]]],
        after=[["Interface", ["a", "owner"]]],
    ),
    Case(
        token="aws:ec2/flowLog:FlowLog",
        inputs=lambda w: {
            "vpcId": w.vpc,
            "trafficType": "ALL",
            "logDestination": w.log_group,
            "iamRoleArn": w.role["arn"],
            "maxAggregationInterval": 60.0,
        },
        changes=lambda w: {"tags": {"a": "1"}},
        outputs=("arn", "trafficType"),
        seen=lambda w, id, state: [
            [f["TrafficType"], sorted(t["Key"] for t in f.get("Tags", []))]
            for f in w.client("ec2").describe_flow_logs(FlowLogIds=[id])["FlowLogs"]
        ],
        before=[["ALL", ["owner"]]],
        after=[["ALL", ["a", "owner"]]],
    ),
]


# S3 cannot take versioning away again: deleting the resource suspends it.
OUTLIVES = {"aws:s3/bucketVersioning:BucketVersioning"}


def test_every_provisioner_is_cycled_here() -> None:
    assert {case.token for case in CASES} == set(PROVISIONERS)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_resource_is_made_read_changed_and_deleted(world: World, case: Case) -> None:
    provisioner = PROVISIONERS[case.token]
    inputs = case.inputs(world)
    created = provisioner.create(world.call, inputs, f"t-{case}".lower())
    assert created.id
    missing = [key for key in case.outputs if created.outputs.get(key) in (None, "")]
    assert not missing, created.outputs
    assert case.seen(world, created.id, created.outputs) == case.before

    read = provisioner.read(world.call, created.id, created.outputs)
    assert read is not None
    assert {k: read[k] for k in inputs} == {k: created.outputs[k] for k in inputs}

    state, held = created.outputs, inputs
    changes = case.changes(world)
    assert not set(changes) & provisioner.replace_on
    if changes:
        held = {key: value for key, value in {**inputs, **changes}.items() if value is not None}
        state = provisioner.update(world.call, created.id, inputs, held)
        assert case.seen(world, created.id, state) == case.after
        assert provisioner.read(world.call, created.id, state) is not None
    if provisioner.taggable:
        assert state["tagsAll"] == merged_tags(world.call, held)

    provisioner.delete(world.call, created.id, state)
    assert (provisioner.read(world.call, created.id, state) is None) == (case.token not in OUTLIVES)
    provisioner.delete(world.call, created.id, state)


# --- what else a deployment meets ----------------------------------------------------------------

TABLE = {"hashKey": "id", "attributes": [{"name": "id", "type": "S"}], "billingMode": "PAY_PER_REQUEST"}


def elsewhere(world: World, account: str) -> Call:
    return Call(account=account, region=REGION, default_tags=DEFAULT_TAGS, endpoint=world.call.endpoint)


def test_a_call_that_aws_would_refuse_makes_nothing(world: World) -> None:
    provisioner = PROVISIONERS["aws:dynamodb/table:Table"]
    wrong = {**TABLE, "name": "refused", "attributes": [{"name": "id", "type": "STRING"}]}
    with pytest.raises(RefusedCallError, match=r"AttributeType found 'STRING', allowed S, N, B"):
        provisioner.create(world.call, wrong, "refused")
    assert provisioner.read(world.call, "refused", {}) is None


def test_a_half_made_resource_is_taken_back(world: World) -> None:
    provisioner = PROVISIONERS["aws:cloudwatch/logGroup:LogGroup"]
    with pytest.raises(RefusedCallError, match="retentionInDays found 42, allowed 1, 3, 5"):
        provisioner.create(world.call, {"name": "/half", "retentionInDays": 42}, "half")
    assert provisioner.read(world.call, "/half", {}) is None


def test_an_input_that_is_not_carried_out_fails_the_resource(world: World) -> None:
    with pytest.raises(
        ProvisionError, match="does not carry out restoreSourceName of aws:dynamodb/table:Table"
    ):
        PROVISIONERS["aws:dynamodb/table:Table"].create(world.call, {**TABLE, "restoreSourceName": "a"}, "x")


def test_accounts_do_not_see_each_other(world: World) -> None:
    provisioner = PROVISIONERS["aws:dynamodb/table:Table"]
    created = provisioner.create(world.call, TABLE, "mine")
    assert provisioner.read(elsewhere(world, "222222222222"), created.id, created.outputs) is None
    assert created.outputs["arn"].split(":")[3:5] == [REGION, ACCOUNT]
    provisioner.delete(world.call, created.id, created.outputs)


def test_a_protected_table_is_not_deleted(world: World) -> None:
    provisioner = PROVISIONERS["aws:dynamodb/table:Table"]
    inputs = {**TABLE, "deletionProtectionEnabled": True}
    created = provisioner.create(world.call, inputs, "protected")
    with pytest.raises(Exception, match="DeletionProtectionEnabled"):
        provisioner.delete(world.call, created.id, created.outputs)
    state = provisioner.update(world.call, created.id, inputs, TABLE)
    provisioner.delete(world.call, created.id, state)
    assert provisioner.read(world.call, created.id, state) is None


def test_a_table_goes_from_provisioned_to_on_demand(world: World) -> None:
    provisioner = PROVISIONERS["aws:dynamodb/table:Table"]
    inputs = {**TABLE, "billingMode": "PROVISIONED", "readCapacity": 2.0, "writeCapacity": 2.0}
    created = provisioner.create(world.call, inputs, "billing")
    assert provisioner.update(world.call, created.id, inputs, TABLE)["billingMode"] == "PAY_PER_REQUEST"
    provisioner.delete(world.call, created.id, created.outputs)


def test_an_item_of_somebody_else_is_not_taken_over(world: World) -> None:
    inputs = {"tableName": world.table, "hashKey": "id", "item": json.dumps({"id": {"S": "theirs"}})}
    world.client("dynamodb").put_item(TableName=world.table, Item={"id": {"S": "theirs"}})
    with pytest.raises(Exception, match="ConditionalCheckFailed"):
        PROVISIONERS["aws:dynamodb/tableItem:TableItem"].create(world.call, inputs, "x")
    world.client("dynamodb").delete_item(TableName=world.table, Key={"id": {"S": "theirs"}})


def test_a_full_bucket_is_deleted_only_by_force(world: World) -> None:
    provisioner = PROVISIONERS["aws:s3/bucket:Bucket"]
    created = provisioner.create(world.call, {}, "Full")
    assert created.id.startswith("full-")
    world.client("s3").put_object(Bucket=created.id, Key="a", Body=b"")
    with pytest.raises(Exception, match="BucketNotEmpty"):
        provisioner.delete(world.call, created.id, created.outputs)
    provisioner.delete(world.call, created.id, {**created.outputs, "forceDestroy": True})
    assert provisioner.read(world.call, created.id, {}) is None


def test_a_bucket_in_us_east_1_names_no_location(world: World) -> None:
    call = Call(account=ACCOUNT, region="us-east-1", endpoint=world.call.endpoint)
    provisioner = PROVISIONERS["aws:s3/bucket:Bucket"]
    created = provisioner.create(call, {}, "virginia")
    assert created.outputs["bucketRegion"] == "us-east-1"
    provisioner.delete(call, created.id, created.outputs)


def test_a_role_with_foreign_policies_keeps_them(world: World) -> None:
    roles, policies = PROVISIONERS["aws:iam/role:Role"], PROVISIONERS["aws:iam/rolePolicy:RolePolicy"]
    role = roles.create(world.call, {"assumeRolePolicy": trust("lambda")}, "keeps")
    policy = policies.create(world.call, {"role": role.id, "policy": allow("sqs:SendMessage", "*")}, "keeps")
    with pytest.raises(Exception, match="DeleteConflict"):
        roles.delete(world.call, role.id, role.outputs)
    policies.delete(world.call, policy.id, policy.outputs)
    roles.delete(world.call, role.id, role.outputs)
    assert roles.read(world.call, role.id, role.outputs) is None


def test_a_role_attaches_and_detaches_what_it_lists(world: World) -> None:
    provisioner = PROVISIONERS["aws:iam/role:Role"]
    base = {"assumeRolePolicy": trust("lambda")}
    managed = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    inputs = {
        **base,
        "managedPolicyArns": [managed],
        "inlinePolicies": [{"name": "send", "policy": allow("sqs:SendMessage", "*")}],
    }
    created, client = provisioner.create(world.call, inputs, "lists"), world.client("iam")
    attached = client.list_attached_role_policies(RoleName=created.id)["AttachedPolicies"]
    assert [item["PolicyArn"] for item in attached] == [managed]
    assert client.list_role_policies(RoleName=created.id)["PolicyNames"] == ["send"]
    state = provisioner.update(world.call, created.id, inputs, base)
    assert client.list_attached_role_policies(RoleName=created.id)["AttachedPolicies"] == []
    assert client.list_role_policies(RoleName=created.id)["PolicyNames"] == []
    provisioner.delete(world.call, created.id, state)


def test_routes_come_and_go(world: World) -> None:
    client, provisioner = world.client("ec2"), PROVISIONERS["aws:ec2/routeTable:RouteTable"]
    gateway = client.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    client.attach_internet_gateway(InternetGatewayId=gateway, VpcId=world.vpc)
    without = {"vpcId": world.vpc}
    inside = {**without, "routes": [{"cidrBlock": "0.0.0.0/0", "gatewayId": gateway}]}
    created = provisioner.create(world.call, inside, "routes")

    def destinations() -> list[str]:
        table = client.describe_route_tables(RouteTableIds=[created.id])["RouteTables"][0]
        return [route["DestinationCidrBlock"] for route in table["Routes"]]

    assert "0.0.0.0/0" in destinations()
    provisioner.update(world.call, created.id, inside, without)
    assert destinations() == ["10.20.0.0/20"]
    provisioner.delete(world.call, created.id, created.outputs)


def test_a_gateway_endpoint_changes_its_route_tables(world: World) -> None:
    provisioner = PROVISIONERS["aws:ec2/vpcEndpoint:VpcEndpoint"]
    inputs = {
        "vpcId": world.vpc,
        "serviceName": f"com.amazonaws.{REGION}.s3",
        "vpcEndpointType": "Gateway",
        "routeTableIds": [world.route_table("w-routes-3")],
    }
    created = provisioner.create(world.call, inputs, "gateway")
    policy = allow("s3:GetObject", "arn:aws:s3:::a/*", Principal="*")
    changed = {**inputs, "routeTableIds": [world.route_table("w-routes-4")], "policy": policy}
    state = provisioner.update(world.call, created.id, inputs, changed)
    held = world.client("ec2").describe_vpc_endpoints(VpcEndpointIds=[created.id])["VpcEndpoints"][0]
    assert held["RouteTableIds"] == changed["routeTableIds"]
    assert json.loads(held["PolicyDocument"])["Statement"] == json.loads(policy)["Statement"]
    provisioner.delete(world.call, created.id, state)
    assert provisioner.read(world.call, created.id, state) is None


def test_an_email_subscription_waits_for_its_confirmation(world: World) -> None:
    provisioner = PROVISIONERS["aws:sns/topicSubscription:TopicSubscription"]
    inputs = {"topic": world.topic, "protocol": "email", "endpoint": "ops@example.org"}
    created = provisioner.create(world.call, inputs, "mail")
    assert created.outputs["pendingConfirmation"] is True
    provisioner.delete(world.call, created.id, created.outputs)


def test_fifo_queues_and_topics_end_in_fifo(world: World) -> None:
    for token, key in (("aws:sqs/queue:Queue", "fifoQueue"), ("aws:sns/topic:Topic", "fifoTopic")):
        provisioner = PROVISIONERS[token]
        created = provisioner.create(world.call, {key: True}, "ordered")
        assert created.outputs["name"].endswith(".fifo")
        provisioner.delete(world.call, created.id, created.outputs)


# --- the emulator's known gaps --------------------------------------------------------------------


def _gap_replicas(world: World) -> bool:
    provisioner = PROVISIONERS["aws:dynamodb/table:Table"]
    inputs = {
        **TABLE,
        "streamEnabled": True,
        "streamViewType": "NEW_AND_OLD_IMAGES",
        "replicas": [{"regionName": "eu-west-1"}],
    }
    created = provisioner.create(world.call, inputs, "replicated")
    held = world.client("dynamodb").describe_table(TableName=created.id)["Table"]
    provisioner.delete(world.call, created.id, created.outputs)
    return not held.get("Replicas")


def _gap_recovery_period(world: World) -> bool:
    provisioner = PROVISIONERS["aws:dynamodb/table:Table"]
    inputs = {**TABLE, "pointInTimeRecovery": {"enabled": True, "recoveryPeriodInDays": 10.0}}
    created = provisioner.create(world.call, inputs, "recovered")
    held = world.client("dynamodb").describe_continuous_backups(TableName=created.id)
    provisioner.delete(world.call, created.id, created.outputs)
    recovery = held["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    return recovery["PointInTimeRecoveryStatus"] == "ENABLED" and "RecoveryPeriodInDays" not in recovery


def _made(world: World, token: str, inputs: dict[str, Any], look: Callable[[str], Any]) -> Any:
    provisioner = PROVISIONERS[token]
    created = provisioner.create(world.call, inputs, "gap")
    try:
        return look(created.id)
    finally:
        provisioner.delete(world.call, created.id, created.outputs)


def _gap_lambda_key(world: World) -> bool:
    inputs = function(world, kmsKeyArn=world.key)
    client = world.client("lambda")
    return "KMSKeyArn" not in _made(
        world,
        "aws:lambda/function:Function",
        inputs,
        lambda id: client.get_function_configuration(FunctionName=id),
    )


NO_ROLE = f"arn:aws:iam::{ACCOUNT}:role/nobody"


def _machine_of(world: World, **extra: Any) -> dict[str, Any]:
    client = world.client("stepfunctions")
    inputs = {"definition": machine("gap"), "roleArn": world.role["arn"], **extra}
    return dict(
        _made(
            world,
            "aws:sfn/stateMachine:StateMachine",
            inputs,
            lambda id: client.describe_state_machine(stateMachineArn=id),
        )
    )


def _gap_permission(world: World) -> bool:
    client = world.client("events")
    for account in ("222222222222", "333333333333"):
        client.put_permission(
            EventBusName="default", Action="events:PutEvents", Principal=account, StatementId="twice"
        )
    statements = json.loads(client.describe_event_bus()["Policy"])["Statement"]
    client.remove_permission(EventBusName="default", RemoveAllPermissions=True)
    return sum(s["Sid"] == "twice" for s in statements) == 2


def _gap_group(world: World) -> bool:
    with pytest.raises(Exception, match="DeleteScheduleGroup") as caught:
        world.client("scheduler").delete_schedule_group(Name="nothing")
    return "InternalError" in str(caught.value)


def _gap_encryption(world: World) -> bool:
    client = world.client("s3")
    client.delete_bucket_encryption(Bucket=world.bucket)
    return not client.get_bucket_encryption(Bucket=world.bucket)["ServerSideEncryptionConfiguration"].get(
        "Rules"
    )


def _gap_association(world: World) -> bool:
    def look(id: str) -> bool:
        with pytest.raises(Exception, match="InvalidResourceType"):
            world.client("ssm").list_tags_for_resource(ResourceType="Association", ResourceId=id)
        return True

    inputs = {"name": world.document, "targets": [{"key": "tag:a", "values": ["b"]}]}
    return bool(_made(world, "aws:ssm/association:Association", inputs, look))


def _gap_gateway(world: World) -> bool:
    client = world.client("ec2")
    tables = [world.route_table("w-routes-5"), world.route_table("w-routes-6")]
    endpoint = client.create_vpc_endpoint(
        VpcId=world.vpc,
        VpcEndpointType="Gateway",
        ServiceName=f"com.amazonaws.{REGION}.dynamodb",
        RouteTableIds=tables[:1],
    )["VpcEndpoint"]["VpcEndpointId"]
    client.modify_vpc_endpoint(
        VpcEndpointId=endpoint, AddRouteTableIds=tables[1:], RemoveRouteTableIds=tables[:1]
    )
    with pytest.raises(Exception, match=r"InvalidRoute\.NotFound"):
        client.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    client.modify_vpc_endpoint(VpcEndpointId=endpoint, RemoveRouteTableIds=tables[1:])
    client.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    return True


def _gap_endpoint_policy(world: World) -> bool:
    client = world.client("ec2")
    inputs = {
        "vpcId": world.vpc,
        "serviceName": f"com.amazonaws.{REGION}.s3",
        "policy": allow("s3:GetObject", "arn:aws:s3:::a/*", Principal="*"),
    }
    held = _made(
        world,
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        inputs,
        lambda id: client.describe_vpc_endpoints(VpcEndpointIds=[id])["VpcEndpoints"][0]["PolicyDocument"],
    )
    return "Version" not in json.loads(held)


def _gap_flow_log(world: World) -> bool:
    client = world.client("ec2")
    inputs = {"vpcId": world.vpc, "trafficType": "ALL", "logDestination": world.log_group}
    inputs["iamRoleArn"] = world.role["arn"]
    return bool(
        _made(
            world,
            "aws:ec2/flowLog:FlowLog",
            inputs,
            lambda id: client.describe_flow_logs(FlowLogIds=[id])["FlowLogs"][0],
        )["DeliverLogsStatus"]
        == "FAILED"
    )


MISSING_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-1111-1111-1111-111111111111"

PROBES: dict[str, Callable[[World], bool]] = {
    "dynamodb-replicas": _gap_replicas,
    "dynamodb-recovery-period": _gap_recovery_period,
    "lambda-key": _gap_lambda_key,
    "lambda-role-missing": lambda w: _made(
        w, "aws:lambda/function:Function", {**function(w), "role": NO_ROLE}, lambda id: bool(id)
    ),
    "sfn-tracing": lambda w: (
        "tracingConfiguration" not in _machine_of(w, tracingConfiguration={"enabled": True})
    ),
    "sfn-encryption": lambda w: (
        "encryptionConfiguration"
        not in _machine_of(w, encryptionConfiguration={"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": w.key})
    ),
    "sfn-role-missing": lambda w: _machine_of(w, roleArn=NO_ROLE)["roleArn"] == NO_ROLE,
    "logs-key-missing": lambda w: _made(
        w, "aws:cloudwatch/logGroup:LogGroup", {"kmsKeyId": MISSING_KEY}, lambda id: bool(id)
    ),
    "events-permission-twice": _gap_permission,
    "scheduler-group-missing": _gap_group,
    "s3-encryption-default": _gap_encryption,
    "ssm-association-tags": _gap_association,
    "ec2-gateway-routes": _gap_gateway,
    "ec2-endpoint-policy-version": _gap_endpoint_policy,
    "ec2-flow-log-status": _gap_flow_log,
}


def test_every_known_gap_is_looked_for() -> None:
    assert set(PROBES) == {gap.key for gap in KNOWN_GAPS}


@pytest.mark.parametrize("gap", KNOWN_GAPS, ids=lambda gap: gap.key)
def test_a_known_gap_of_the_emulator_is_still_there(world: World, gap: Gap) -> None:
    assert PROBES[gap.key](world), f"{gap.key} no longer holds: take it off the list, and its workaround"
