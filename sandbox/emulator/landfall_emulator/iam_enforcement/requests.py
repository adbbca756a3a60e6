"""What an API call must be allowed to do: actions, resources and condition keys.

LocalEmu's table gives the actions of an operation; what an action is judged on is worked out here for the
services that the platform uses, and by LocalEmu for the rest. An action without resources in IAM is judged
on ``*``.
(source: AWS Service Authorization Reference)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from localemu.services.iam_enforcement.arn_builder import build_resource_arn
from localemu.services.iam_enforcement.resource_tag_loader import load_resource_tags
from localemu.services.iam_enforcement.service_action_map import map_action
from localemu.services.stepfunctions.backend.models import sfn_stores

from landfall_emulator.iam_enforcement import resource_policies
from landfall_emulator.iam_enforcement.evaluation import Principal
from landfall_emulator.ssm.spool import Spool

Parameters = Mapping[str, Any]

_PREFIXES: Final = {"stepfunctions": "states", "bedrock-runtime": "bedrock"}
_WITHOUT_SOURCE: Final = frozenset({"ec2.amazonaws.com"})
"""Services that do not say for which account they call: EC2, as it takes the role of an instance profile."""
_TASK_ANSWERS: Final = frozenset({"SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat"})


@dataclass(frozen=True, kw_only=True)
class Need:
    """One action on one resource that has to be allowed."""

    action: str
    resource: str
    keys: Mapping[str, str | list[str]] = field(default_factory=dict)
    """Condition keys beyond the global ones."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """An API call as far as a decision depends on it."""

    service: str
    """Name of the service in botocore."""
    operation: str
    account: str
    region: str
    parameters: Parameters

    def arn(self, service: str, resource: str) -> str:
        """ARN of a resource of the called account and Region; an ARN stays as it is."""
        if resource.startswith("arn:"):
            return resource
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def text(self, name: str) -> str:
        """A parameter that is text; empty where it is absent."""
        return str(self.parameters.get(name) or "")

    def machine(self) -> str:
        """ARN of the state machine that the call makes or changes."""
        return self.text("stateMachineArn") or self.arn("states", f"stateMachine:{self.text('name')}")

    def function(self) -> str:
        """ARN of the function that the call makes or changes."""
        return self.arn("lambda", f"function:{self.text('FunctionName')}")

    def schedule_group(self) -> str:
        """Name of the group of the schedule that the call makes or changes."""
        return self.text("GroupName") or "default"


def needs(call: Call, principal: Principal) -> list[Need]:
    """Everything that the call itself has to be allowed to do; empty for a token that nobody waits for."""
    special = _SPECIAL.get((call.service, call.operation))
    if special is not None:
        return special(call, principal)
    prefix = _PREFIXES.get(call.service, call.service)
    resources = _resources(call)
    return [
        Need(action=action.replace(f"{call.service}:", f"{prefix}:", 1), resource=resource)
        for action in map_action(call.service, call.operation)
        for resource in resources
    ]


def global_keys(call: Call, principal: Principal, source_arn: str | None) -> dict[str, str | list[str]]:
    """Condition keys that every request has."""
    now = datetime.now(UTC)
    keys: dict[str, str | list[str]] = {
        "aws:PrincipalArn": principal.identity_arn,
        "aws:PrincipalAccount": principal.account,
        "aws:PrincipalType": "Service" if principal.service else "AssumedRole" if principal.role else "User",
        "aws:PrincipalIsAWSService": "true" if principal.service else "false",
        "aws:RequestedRegion": call.region,
        # The sandbox listens on loopback only, which stands for the service's TLS endpoint.
        "aws:SecureTransport": "true",
        "aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(now.timestamp())),
    }
    if principal.unique_id:
        keys["aws:userid"] = principal.unique_id
    if principal.service:
        keys["aws:PrincipalServiceName"] = principal.service
        if principal.service not in _WITHOUT_SOURCE:
            keys["aws:SourceAccount"] = principal.account
    if source_arn:
        keys["aws:SourceArn"] = source_arn
        keys["aws:SourceAccount"] = source_arn.split(":")[4] or principal.account
    return keys


def resource_tags(call: Call, resource: str) -> dict[str, str | list[str]]:
    """``aws:ResourceTag`` keys of a resource."""
    tags = load_resource_tags(resource, call.account, call.region) if resource != "*" else {}
    return {f"aws:ResourceTag/{name}": value for name, value in tags.items()}


def machine_of_token(account: str, region: str, token: str) -> str | None:
    """The state machine whose execution waits for a task token."""
    for execution in list(sfn_stores[account][region].executions.values()):
        worker = getattr(execution, "exec_worker", None)
        env = getattr(worker, "env", None)
        if env is not None and env.callback_pool_manager.get(token) is not None:
            return machine_arn(execution)
    return None


def machine_arn(execution: Any) -> str:
    """ARN of the state machine of an execution, without version or alias."""
    head, _, _ = str(execution.exec_arn).rpartition(":")
    return head.replace(":execution:", ":stateMachine:", 1)


def hosts_of(call: Call) -> Iterable[tuple[str, Mapping[str, str]]]:
    """Instances that a command is addressed to, with their tags."""
    spool = Spool(Path(os.environ.get("LANDFALL_STATE_DIR", ".")))
    named = set(call.parameters.get("InstanceIds") or ())
    wanted: dict[str, set[str]] = {}
    for target in call.parameters.get("Targets") or ():
        key, values = str(target.get("Key", "")), set(target.get("Values") or ())
        if key == "InstanceIds":
            named |= values
        else:
            wanted[key.removeprefix("tag:")] = values
    known = {host.instance_id: host.tags for host in spool.hosts(call.account, call.region)}
    for instance in sorted(named):
        yield instance, known.get(instance, {})
    if wanted:
        for instance, tags in sorted(known.items()):
            if instance not in named and all(tags.get(key) in values for key, values in wanted.items()):
                yield instance, tags


def _resources(call: Call) -> list[str]:
    maker = _RESOURCES.get(call.service)
    if maker is None:
        return [
            build_resource_arn(call.service, call.operation, dict(call.parameters), call.region, call.account)
        ]
    return maker(call)


def _table(call: Call) -> list[str]:
    name = call.text("TableName")
    if not name:
        return ["*"]
    arn = call.arn("dynamodb", f"table/{name}")
    index = call.text("IndexName")
    return [f"{arn}/index/{index}" if index else arn]


def _batch_tables(call: Call, principal: Principal) -> list[Need]:
    tables = call.parameters.get("RequestItems") or {}
    return [
        Need(action=f"dynamodb:{call.operation}", resource=call.arn("dynamodb", f"table/{name}"))
        for name in sorted(tables)
    ]


def _transaction(call: Call, principal: Principal) -> list[Need]:
    actions = {
        "Get": "GetItem", "Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem",
        "ConditionCheck": "ConditionCheckItem",
    }  # fmt: skip
    return [
        Need(
            action=f"dynamodb:{actions[kind]}",
            resource=call.arn("dynamodb", f"table/{part['TableName']}"),
            keys={"dynamodb:EnclosingOperation": call.operation},
        )
        for item in call.parameters.get("TransactItems") or ()
        for kind, part in item.items()
        if kind in actions
    ]


def _item(call: Call, principal: Principal) -> list[Need]:
    """One item: the partition key is a condition key."""
    (table,) = _table(call)
    given = call.parameters.get("Key") or call.parameters.get("Item") or {}
    schema = resource_policies.table(call.account, call.region, table.rpartition("/")[2]).get("KeySchema")
    hashed = next((each["AttributeName"] for each in schema or () if each["KeyType"] == "HASH"), "")
    value = given.get(hashed)
    leading = [str(next(iter(value.values())))] if isinstance(value, Mapping) and value else []
    return [
        Need(
            action=f"dynamodb:{call.operation}",
            resource=table,
            keys={"dynamodb:LeadingKeys": leading} if leading else {},
        )
    ]


def _object(call: Call) -> list[str]:
    bucket = call.text("Bucket")
    if not bucket:
        return ["*"]
    key = call.text("Key")
    return [f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"]


def _list_bucket(call: Call, principal: Principal) -> list[Need]:
    return [
        Need(
            action="s3:ListBucket",
            resource=f"arn:aws:s3:::{call.text('Bucket')}",
            keys={"s3:prefix": call.text("Prefix"), "s3:max-keys": str(call.parameters.get("MaxKeys", 1000))},
        )
    ]


def _delete_objects(call: Call, principal: Principal) -> list[Need]:
    bucket = call.text("Bucket")
    objects = (call.parameters.get("Delete") or {}).get("Objects") or ()
    return [
        Need(action="s3:DeleteObject", resource=f"arn:aws:s3:::{bucket}/{each['Key']}") for each in objects
    ]


def _topic(call: Call) -> list[str]:
    arn = call.text("TopicArn") or call.text("TargetArn")
    return [arn or call.arn("sns", call.text("Name") or "*")]


def _queue(call: Call) -> list[str]:
    url = call.text("QueueUrl").rstrip("/")
    if not url:
        return [call.arn("sqs", call.text("QueueName") or "*")]
    account, name = url.split("/")[-2:]
    return [f"arn:aws:sqs:{call.region}:{account if account.isdigit() else call.account}:{name}"]


def _key(call: Call) -> list[str]:
    reference = call.text("KeyId")
    found = resource_policies.key(reference, call.account, call.region) if reference else None
    return [found.arn if found else call.arn("kms", f"key/{reference}") if reference else "*"]


def _log(call: Call) -> list[str]:
    group = call.text("logGroupName") or call.text("logGroupIdentifier")
    if not group:
        return ["*"]
    stream = call.text("logStreamName")
    arn = call.arn("logs", f"log-group:{group}").removesuffix(":*")
    return [f"{arn}:log-stream:{stream}" if stream else arn]


def _function(call: Call) -> list[str]:
    name = call.text("FunctionName")
    if not name:
        return ["*"]
    if not name.startswith("arn:"):
        name = name.rpartition(":function:")[2] or name
        name = call.arn("lambda", f"function:{name}")
    qualifier = call.text("Qualifier")
    return [f"{name}:{qualifier}" if qualifier else name]


def _states(call: Call) -> list[str]:
    if arn := call.text("executionArn") or call.text("stateMachineArn") or call.text("activityArn"):
        return [arn]
    name = call.text("name")
    return [call.arn("states", f"stateMachine:{name}") if name else "*"]


def _task_answer(call: Call, principal: Principal) -> list[Need]:
    """An answer for a task is judged on the state machine that waits for it.

    The Service Authorization Reference names no resource; the service's refusals name the state machine.
    (source: AWS CDK, ``StateMachine.grantTaskResponse``)
    """
    machine = machine_of_token(call.account, call.region, call.text("taskToken"))
    return [Need(action=f"states:{call.operation}", resource=machine)] if machine else []


def _rule(call: Call) -> list[str]:
    name = call.text("Name") or call.text("Rule")
    bus = (call.text("EventBusName") or "default").rpartition("/")[2]
    if name:
        return [call.arn("events", f"rule/{name}" if bus == "default" else f"rule/{bus}/{name}")]
    return [call.arn("events", f"event-bus/{bus}")]


def _put_events(call: Call, principal: Principal) -> list[Need]:
    buses = {str(each.get("EventBusName") or "default") for each in call.parameters.get("Entries") or ()}
    return [
        Need(
            action="events:PutEvents",
            resource=bus if bus.startswith("arn:") else call.arn("events", f"event-bus/{bus}"),
        )
        for bus in sorted(buses)
    ]


def _glue_job(call: Call) -> list[str]:
    name = call.text("JobName") or call.text("Name")
    return [call.arn("glue", f"job/{name}") if name else "*"]


def _emr(call: Call) -> list[str]:
    application, run = call.text("applicationId"), call.text("jobRunId")
    if not application:
        return [call.arn("emr-serverless", "/*")]
    path = f"/applications/{application}"
    return [call.arn("emr-serverless", f"{path}/jobruns/{run}" if run else path)]


def _emr_start(call: Call, principal: Principal) -> list[Need]:
    return [
        Need(action="emr-serverless:StartJobRun", resource=_emr(call)[0]),
        Need(
            action="iam:PassRole",
            resource=call.text("executionRoleArn"),
            keys={"iam:PassedToService": "emr-serverless.amazonaws.com"},
        ),
    ]


def _send_command(call: Call, principal: Principal) -> list[Need]:
    """A command is judged on its document and on every instance that it is addressed to."""
    document = call.text("DocumentName")
    if not document.startswith("arn:"):
        account = "" if document.startswith(("AWS-", "AmazonCloudWatch-")) else call.account
        document = f"arn:aws:ssm:{call.region}:{account}:document/{document}"
    found = [Need(action="ssm:SendCommand", resource=document)]
    for instance, tags in hosts_of(call):
        kind = "managed-instance" if instance.startswith("mi-") else "instance"
        found.append(
            Need(
                action="ssm:SendCommand",
                resource=call.arn("ec2" if kind == "instance" else "ssm", f"{kind}/{instance}"),
                keys={
                    f"{prefix}/{name}": value
                    for name, value in tags.items()
                    for prefix in ("ssm:resourceTag", "aws:ResourceTag")
                },
            )
        )
    return found


def _statement_start(call: Call, principal: Principal) -> list[Need]:
    workgroup = call.text("WorkgroupName")
    resource = (
        call.arn("redshift-serverless", f"workgroup/{workgroup}")
        if workgroup
        else call.arn("redshift", f"cluster:{call.text('ClusterIdentifier')}")
    )
    return [Need(action=f"redshift-data:{call.operation}", resource=resource)]


def _statement(call: Call, principal: Principal) -> list[Need]:
    from landfall_emulator.redshift_data.provider import OWNERS

    owner = OWNERS.get(call.text("Id").partition(":")[0])
    keys: dict[str, str | list[str]] = {"redshift-data:statement-owner-iam-userid": owner} if owner else {}
    action = call.operation.removesuffix("V2")
    return [Need(action=f"redshift-data:{action}", resource="*", keys=keys)]


def _anything(call: Call, principal: Principal) -> list[Need]:
    prefix = _PREFIXES.get(call.service, call.service)
    return [Need(action=f"{prefix}:{call.operation}", resource="*")]


_RESOURCES: Final[dict[str, Callable[[Call], list[str]]]] = {
    "dynamodb": _table,
    "s3": _object,
    "sns": _topic,
    "sqs": _queue,
    "kms": _key,
    "logs": _log,
    "lambda": _function,
    "stepfunctions": _states,
    "events": _rule,
    "glue": _glue_job,
    "emr-serverless": _emr,
    "xray": lambda call: ["*"],
    "secretsmanager": lambda call: [secret_arn(call.text("SecretId"), call.account, call.region)],
}

_SPECIAL: Final[dict[tuple[str, str], Callable[[Call, Principal], list[Need]]]] = {
    **{("dynamodb", name): _item for name in ("GetItem", "PutItem", "UpdateItem", "DeleteItem")},
    **{("dynamodb", name): _batch_tables for name in ("BatchGetItem", "BatchWriteItem")},
    **{("dynamodb", name): _transaction for name in ("TransactGetItems", "TransactWriteItems")},
    **{("s3", name): _list_bucket for name in ("ListObjects", "ListObjectsV2")},
    ("s3", "DeleteObjects"): _delete_objects,
    **{("stepfunctions", name): _task_answer for name in _TASK_ANSWERS},
    ("events", "PutEvents"): _put_events,
    ("emr-serverless", "StartJobRun"): _emr_start,
    ("ssm", "SendCommand"): _send_command,
    **{("ssm", name): _anything for name in ("CancelCommand", "ListCommands", "ListCommandInvocations")},
    **{("redshift-data", name): _statement_start for name in ("ExecuteStatement", "BatchExecuteStatement")},
    **{
        ("redshift-data", name): _statement
        for name in ("DescribeStatement", "CancelStatement", "GetStatementResult", "GetStatementResultV2")
    },
}


def secret_arn(reference: str, account: str, region: str) -> str:
    """Full ARN of a secret that a request names by name, ARN or ARN without its suffix."""
    from moto.secretsmanager.models import secretsmanager_backends

    if not reference:
        return "*"
    secrets = secretsmanager_backends[account][region].secrets
    for secret in list(secrets.values()):
        if reference in (secret.name, secret.arn, str(secret.arn).rpartition("-")[0]):
            return str(secret.arn)
    if reference.startswith("arn:"):
        return reference
    return f"arn:aws:secretsmanager:{region}:{account}:secret:{reference}"
