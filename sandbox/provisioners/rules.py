"""Rules of the services that botocore's models are silent about, as data.

Each entry names the AWS document it comes from; all were read in 2026. The models already say types,
enum values, most patterns and most ranges, so only what they leave out (or say too loosely) is here.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

type Params = Mapping[str, Any]
type Check = Callable[[Params], Iterator["Problem"]]

_SHOWN = 80


@dataclass(frozen=True)
class Problem:
    """One reason why AWS would refuse a call: where, what was found, what is allowed."""

    path: str
    found: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.path} found {self.found}, allowed {self.allowed}"


def shown(value: Any) -> str:
    """A value as an error prints it: short, on one line."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def values_at(params: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every value under a dotted path; `[]` after a name means each item of that list."""

    def walk(value: Any, parts: list[str], where: str) -> Iterator[tuple[str, Any]]:
        if not parts:
            yield where, value
            return
        key, rest = parts[0], parts[1:]
        name = key.removesuffix("[]")
        if not isinstance(value, Mapping) or value.get(name) is None:
            return
        here = f"{where}.{name}" if where else name
        if key.endswith("[]"):
            if isinstance(value[name], list | tuple):
                for index, item in enumerate(value[name]):
                    yield from walk(item, rest, f"{here}[{index}]")
        else:
            yield from walk(value[name], rest, here)

    yield from walk(params, path.split("."), "")


# --- kinds of rules -------------------------------------------------------------------------------


def one_of(path: str, *allowed: Any) -> Check:
    """The value is one of a set."""

    def check(params: Params) -> Iterator[Problem]:
        for where, value in values_at(params, path):
            if value not in allowed:
                yield Problem(where, shown(value), ", ".join(str(item) for item in allowed))

    return check


def between(path: str, low: int, high: int) -> Check:
    """The value (a number, or the digits of one) lies in a range."""

    def check(params: Params) -> Iterator[Problem]:
        for where, value in values_at(params, path):
            try:
                fits = low <= int(value) <= high
            except (TypeError, ValueError):
                fits = False
            if not fits:
                yield Problem(where, shown(value), f"{low} to {high}")

    return check


def at_most(member: str, count: int) -> Check:
    """A list has no more than so many items."""

    def check(params: Params) -> Iterator[Problem]:
        items = params.get(member) or ()
        if len(items) > count:
            yield Problem(member, f"{len(items)} items", f"at most {count}")

    return check


def matches(path: str, pattern: str, words: str = "") -> Check:
    """The whole value matches a pattern; `words` say it more kindly."""
    compiled = re.compile(pattern)

    def check(params: Params) -> Iterator[Problem]:
        for where, value in values_at(params, path):
            if not isinstance(value, str) or not compiled.fullmatch(value):
                yield Problem(where, shown(value), words or f"pattern {pattern}")

    return check


def parsed(
    path: str, judge: Callable[[Any], Iterator[tuple[str, str, str]]], *, empty: bool = False
) -> Check:
    """The value is the text of a JSON object, and `judge` finds nothing wrong in it; `empty` removes it."""

    def check(params: Params) -> Iterator[Problem]:
        for where, value in values_at(params, path):
            if empty and value == "":
                continue
            try:
                content = json.loads(value)
            except (TypeError, ValueError):
                yield Problem(where, shown(value), "the text of a JSON document")
                continue
            if not isinstance(content, dict):
                yield Problem(where, shown(value), "the text of a JSON object")
                continue
            for place, found, allowed in judge(content):
                yield Problem(f"{where}: {place}", found, allowed)

    return check


def needs(member: str, others: str, when: Callable[[Params], bool] = lambda params: True) -> Check:
    """A member must be set whenever `when` holds; `others` says why."""

    def check(params: Params) -> Iterator[Problem]:
        if when(params) and params.get(member) is None:
            yield Problem(member, "nothing", others)

    return check


def forbids(member: str, why: str, when: Callable[[Params], bool]) -> Check:
    """A member must be absent whenever `when` holds."""

    def check(params: Params) -> Iterator[Problem]:
        if when(params) and params.get(member) is not None:
            yield Problem(member, shown(params[member]), why)

    return check


def network(path: str, shortest: int, longest: int) -> Check:
    """The value is an IPv4 network in CIDR form, with a prefix in range and no host bits."""

    def check(params: Params) -> Iterator[Problem]:
        for where, value in values_at(params, path):
            try:
                fits = shortest <= ipaddress.IPv4Network(value).prefixlen <= longest
            except ValueError:
                fits = False
            if not fits:
                yield Problem(
                    where, shown(value), f"an IPv4 network of /{shortest} to /{longest}, no host bits set"
                )

    return check


# --- documents ------------------------------------------------------------------------------------


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _policy(content: dict[str, Any], *, resource: bool) -> Iterator[tuple[str, str, str]]:
    # "Grammar of the IAM JSON policy language", IAM User Guide.
    for key in content.keys() - {"Version", "Id", "Statement"}:
        yield key, "this element", "Version, Id, Statement"
    if content.get("Version", "2008-10-17") not in ("2012-10-17", "2008-10-17"):
        yield "Version", shown(content["Version"]), "2012-10-17, 2008-10-17"
    statements = _listed(content.get("Statement", []))
    if not statements:
        yield "Statement", "nothing", "one statement or more"
    known = {
        "Sid", "Effect", "Condition",
        "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource",
    }  # fmt: skip
    for index, statement in enumerate(statements):
        place = f"Statement[{index}]"
        if not isinstance(statement, dict):
            yield place, shown(statement), "an object"
            continue
        for key in sorted(statement.keys() - known):
            yield f"{place}.{key}", "this element", ", ".join(sorted(known))
        if statement.get("Effect") not in ("Allow", "Deny"):
            yield f"{place}.Effect", shown(statement.get("Effect")), "Allow, Deny"
        if ("Action" in statement) == ("NotAction" in statement):
            yield place, "both or neither of them", "one of Action, NotAction"
        for action in _listed(statement.get("Action", statement.get("NotAction", []))):
            if not isinstance(action, str) or not re.fullmatch(r"\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+", action):
                yield f"{place}.Action", shown(action), "<service>:<action>"
        if resource:
            if ("Resource" in statement) == ("NotResource" in statement):
                yield place, "both or neither of them", "one of Resource, NotResource"
            for target in _listed(statement.get("Resource", statement.get("NotResource", []))):
                if not isinstance(target, str) or not (target == "*" or target.startswith("arn:")):
                    yield f"{place}.Resource", shown(target), "an ARN or *"
        elif "Resource" in statement:
            yield (
                f"{place}.Resource",
                shown(statement["Resource"]),
                "nothing (a trust policy has no resource)",
            )
        if not isinstance(statement.get("Condition", {}), dict):
            yield f"{place}.Condition", shown(statement["Condition"]), "an object"


def _identity_policy(content: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield from _policy(content, resource=True)
    for index, statement in enumerate(_listed(content.get("Statement", []))):
        if isinstance(statement, dict) and statement.keys() & {"Principal", "NotPrincipal"}:
            yield f"Statement[{index}].Principal", "this element", "nothing (the principal is the role)"


def _with_principal(content: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for index, statement in enumerate(_listed(content.get("Statement", []))):
        if isinstance(statement, dict) and not statement.keys() & {"Principal", "NotPrincipal"}:
            yield f"Statement[{index}]", "neither of them", "one of Principal, NotPrincipal"


def _trust_policy(content: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield from _policy(content, resource=False)
    yield from _with_principal(content)


def _resource_policy(content: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield from _policy(content, resource=True)
    yield from _with_principal(content)


def _state_machine(content: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    # Amazon States Language specification, "Top-level fields".
    states = content.get("States")
    if not isinstance(states, dict) or not states:
        yield "States", shown(states), "an object with one state or more"
        return
    if content.get("StartAt") not in states:
        yield "StartAt", shown(content.get("StartAt")), ", ".join(sorted(states))
    kinds = ("Task", "Pass", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map")
    for name, state in states.items():
        if not isinstance(state, dict) or state.get("Type") not in kinds:
            found = state.get("Type") if isinstance(state, dict) else state
            yield f"States.{name}.Type", shown(found), ", ".join(kinds)
        elif isinstance(state.get("Next"), str) and state["Next"] not in states:
            yield f"States.{name}.Next", shown(state["Next"]), ", ".join(sorted(states))


def _event_pattern(content: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    # "Amazon EventBridge event patterns": leaves are arrays.
    def walk(value: Any, place: str) -> Iterator[tuple[str, str, str]]:
        if isinstance(value, dict):
            for key, item in value.items():
                yield from walk(item, f"{place}.{key}" if place else key)
        elif not isinstance(value, list):
            yield place, shown(value), "an array of values or matchers"
        elif not value:
            yield place, "an empty array", "one value or more"

    if not content:
        yield "pattern", "an empty object", "one field or more"
    yield from walk(content, "")


def _ssm_document(content: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    # "Schemas, features, and examples" of Systems Manager documents.
    versions = ("1.2", "2.0", "2.2", "0.3", "1.0", "2.1")
    if content.get("schemaVersion") not in versions:
        yield "schemaVersion", shown(content.get("schemaVersion")), ", ".join(versions)
    if content.get("schemaVersion") == "2.2":
        steps = content.get("mainSteps")
        if not isinstance(steps, list) or not steps:
            yield "mainSteps", shown(steps), "one step or more"
            return
        for index, step in enumerate(steps):
            for key in ("action", "name"):
                if not isinstance(step, dict) or not step.get(key):
                    yield f"mainSteps[{index}].{key}", "nothing", "a value"
        types = ("String", "StringList", "Boolean", "Integer", "MapList", "StringMap")
        for name, parameter in (content.get("parameters") or {}).items():
            if parameter.get("type") not in types:
                yield f"parameters.{name}.type", shown(parameter.get("type")), ", ".join(types)


def _ssm_content(params: Params) -> Iterator[Problem]:
    if params.get("DocumentFormat", "JSON") == "JSON":
        yield from parsed("Content", _ssm_document)(params)


def policy_attribute(params: Params) -> Iterator[Problem]:
    """`Policy` of SNS `SetTopicAttributes`, which carries name and value apart."""
    if params.get("AttributeName") == "Policy" and params.get("AttributeValue"):
        yield from parsed("AttributeValue", _resource_policy)(params)


def _table_keys(params: Params) -> Iterator[Problem]:
    # DynamoDB API reference, CreateTable: "the attributes in KeySchema must also be defined in
    # AttributeDefinitions", and the service refuses definitions that no key uses.
    defined = {item.get("AttributeName") for item in params.get("AttributeDefinitions") or ()}
    used = {item.get("AttributeName") for item in params.get("KeySchema") or ()}
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        for index in params.get(kind) or ():
            used |= {item.get("AttributeName") for item in index.get("KeySchema") or ()}
    if defined != used:
        yield Problem(
            "AttributeDefinitions", shown(sorted(map(str, defined))), f"exactly {sorted(map(str, used))}"
        )
    roles = [item.get("KeyType") for item in params.get("KeySchema") or ()]
    if roles and roles[0] != "HASH":
        yield Problem("KeySchema[0].KeyType", shown(roles[0]), "HASH (the partition key comes first)")


def _table_billing(params: Params) -> Iterator[Problem]:
    # DynamoDB API reference, CreateTable, ProvisionedThroughput.
    mode = params.get("BillingMode", "PROVISIONED")
    throughput = params.get("ProvisionedThroughput")
    if mode == "PAY_PER_REQUEST" and throughput:
        yield Problem("ProvisionedThroughput", shown(throughput), "nothing with PAY_PER_REQUEST")
    if mode == "PROVISIONED" and not throughput:
        yield Problem("ProvisionedThroughput", "nothing", "read and write capacity with PROVISIONED")


_RESERVED_VARIABLES = frozenset({
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
})  # fmt: skip


def _is_zip(params: Params) -> bool:
    return bool(params.get("PackageType", "Zip") == "Zip")


def _lambda_environment(params: Params) -> Iterator[Problem]:
    # Lambda Developer Guide, "Defined runtime environment variables" and "Lambda quotas" (4 KB).
    variables = (params.get("Environment") or {}).get("Variables") or {}
    for name in sorted(variables):
        if name in _RESERVED_VARIABLES:
            yield Problem(f"Environment.Variables.{name}", "this name", "a name that Lambda does not reserve")
        elif not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_]+", name):
            yield Problem(
                f"Environment.Variables.{name}", "this name", "a letter, then letters, digits, _ (2 or more)"
            )
    size = sum(len(str(k).encode()) + len(str(v).encode()) for k, v in variables.items())
    if size > 4096:
        yield Problem("Environment.Variables", f"{size} bytes", "at most 4096 bytes in all")


def _alarm(params: Params) -> Iterator[Problem]:
    # CloudWatch API reference, PutMetricAlarm.
    if bool(params.get("Metrics")) == bool(params.get("MetricName")):
        yield Problem("MetricName", "both or neither of them", "one of MetricName, Metrics")
    if params.get("MetricName"):
        if bool(params.get("Statistic")) == bool(params.get("ExtendedStatistic")):
            yield Problem("Statistic", "both or neither of them", "one of Statistic, ExtendedStatistic")
        period = params.get("Period")
        if not isinstance(period, int) or not (period in (10, 20, 30) or (period > 0 and period % 60 == 0)):
            yield Problem("Period", shown(period), "10, 20, 30 or a multiple of 60")
    points, periods = params.get("DatapointsToAlarm"), params.get("EvaluationPeriods")
    if isinstance(points, int) and isinstance(periods, int) and points > periods:
        yield Problem("DatapointsToAlarm", shown(points), f"at most EvaluationPeriods ({periods})")


def _lifecycle(params: Params) -> Iterator[Problem]:
    # S3 API reference, PutBucketLifecycleConfiguration: a rule needs an action, and a filter or prefix.
    actions = (
        "Expiration",
        "Transitions",
        "NoncurrentVersionTransitions",
        "NoncurrentVersionExpiration",
        "AbortIncompleteMultipartUpload",
    )
    for where, rule in values_at(params, "LifecycleConfiguration.Rules[]"):
        if not any(rule.get(action) for action in actions):
            yield Problem(where, "no action", ", ".join(actions))
        if "Filter" not in rule and "Prefix" not in rule:
            yield Problem(where, "neither of them", "Filter or Prefix")


def _fifo(member: str, attributes: str) -> Check:
    def check(params: Params) -> Iterator[Problem]:
        fifo = (params.get(attributes) or {}).get("FifoQueue") or (params.get(attributes) or {}).get(
            "FifoTopic"
        )
        if isinstance(params.get(member), str) and params[member].endswith(".fifo") != (
            str(fifo).lower() == "true"
        ):
            yield Problem(member, shown(params[member]), "the ending .fifo exactly on FIFO queues and topics")

    return check


def _subscriber(params: Params) -> Iterator[Problem]:
    # SNS API reference, Subscribe.
    forms = {
        "email": r"[^@\s]+@[^@\s]+",
        "email-json": r"[^@\s]+@[^@\s]+",
        "https": r"https://.+",
        "http": r"http://.+",
        "sqs": r"arn:[^:]+:sqs:.+",
        "lambda": r"arn:[^:]+:lambda:.+",
        "firehose": r"arn:[^:]+:firehose:.+",
        "sms": r"\+?[0-9-]+",
        "application": r"arn:[^:]+:sns:.+",
    }
    protocol, endpoint = params.get("Protocol"), params.get("Endpoint")
    if protocol not in forms:
        yield Problem("Protocol", shown(protocol), ", ".join(sorted(forms)))
    elif not isinstance(endpoint, str) or not re.fullmatch(forms[protocol], endpoint):
        yield Problem("Endpoint", shown(endpoint), f"for {protocol}: {forms[protocol]}")


def reserved_tags(params: Params) -> Iterator[Problem]:
    """Tag keys that start with `aws:` belong to AWS ("Tag naming limits and requirements")."""
    for member in ("Tags", "tags"):
        tags = params.get(member)
        if isinstance(tags, Mapping):
            keys = [str(key) for key in tags]
        elif isinstance(tags, list | tuple):
            keys = [str(t.get("Key", t.get("key", t.get("TagKey")))) for t in tags if isinstance(t, Mapping)]
        else:
            continue
        for key in keys:
            if key.lower().startswith("aws:"):
                yield Problem(member, shown(key), "keys that do not start with aws:")
        for key in sorted({key for key in keys if keys.count(key) > 1}):
            yield Problem(member, f"{shown(key)} twice", "each key once")
        if len(keys) > 50:
            yield Problem(member, f"{len(keys)} tags", "at most 50")


# --- the table ------------------------------------------------------------------------------------

# CloudWatch Logs API reference, PutRetentionPolicy, retentionInDays.
RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip

_CRON_OR_RATE = r"rate\([1-9]\d* (minute|minutes|hour|hours|day|days)\)|cron\(\S+( \S+){5}\)"
_SCHEDULE = _CRON_OR_RATE + r"|at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)"

# Lambda quotas, AWS Lambda Developer Guide: memory in MB, timeout in seconds, layers.
_FUNCTION: tuple[Check, ...] = (
    between("MemorySize", 128, 10240),
    between("Timeout", 1, 900),
    _lambda_environment,
    at_most("Layers", 5),
)

# SQS API reference, SetQueueAttributes: seconds, bytes.
_QUEUE: tuple[Check, ...] = (
    between("Attributes.DelaySeconds", 0, 900),
    between("Attributes.MaximumMessageSize", 1024, 1048576),
    between("Attributes.MessageRetentionPeriod", 60, 1209600),
    between("Attributes.ReceiveMessageWaitTimeSeconds", 0, 20),
    between("Attributes.VisibilityTimeout", 0, 43200),
    between("Attributes.KmsDataKeyReusePeriodSeconds", 60, 86400),
    parsed("Attributes.Policy", _resource_policy, empty=True),
)

# EC2 API reference, IpPermission: protocol names, or -1 for all, or an IANA number.
_PERMISSIONS: tuple[Check, ...] = (
    matches(
        "IpPermissions[].IpProtocol",
        r"tcp|udp|icmp|icmpv6|-1|\d{1,3}",
        "tcp, udp, icmp, icmpv6, -1 or a number",
    ),
    between("IpPermissions[].FromPort", -1, 65535),
    between("IpPermissions[].ToPort", -1, 65535),
    network("IpPermissions[].IpRanges[].CidrIp", 0, 32),
)

# EC2 API reference, CreateSecurityGroup, GroupDescription.
_GROUP_TEXT = r"[A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}"

# S3 User Guide, "General purpose bucket naming rules".
_BUCKET_NAME = matches(
    "Bucket",
    r"(?!xn--|sthree-|amzn-s3-demo-)(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?<!-s3alias)(?<!--ol-s3)",
    "3 to 63 of a-z 0-9 . -, a letter or digit at both ends",
)

RULES: Mapping[tuple[str, str], tuple[Check, ...]] = MappingProxyType(
    {
        ("dynamodb", "CreateTable"): (_table_keys, _table_billing),
        ("iam", "CreateRole"): (parsed("AssumeRolePolicyDocument", _trust_policy),),
        ("iam", "UpdateAssumeRolePolicy"): (parsed("PolicyDocument", _trust_policy),),
        ("iam", "PutRolePolicy"): (parsed("PolicyDocument", _identity_policy),),
        ("iam", "CreatePolicy"): (parsed("PolicyDocument", _identity_policy),),
        # KMS API reference: a key policy must name principals; the window is in days.
        ("kms", "CreateKey"): (parsed("Policy", _resource_policy),),
        ("kms", "PutKeyPolicy"): (parsed("Policy", _resource_policy), one_of("PolicyName", "default")),
        ("kms", "ScheduleKeyDeletion"): (between("PendingWindowInDays", 7, 30),),
        ("kms", "EnableKeyRotation"): (between("RotationPeriodInDays", 90, 2560),),
        ("kms", "CreateAlias"): (matches("AliasName", r"alias/(?!aws/)[A-Za-z0-9/_-]+", "alias/<name>"),),
        ("logs", "PutRetentionPolicy"): (one_of("retentionInDays", *RETENTION_DAYS),),
        ("events", "PutRule"): (
            matches("ScheduleExpression", _CRON_OR_RATE, "rate(<n> <unit>) or cron(<6 fields>)"),
            parsed("EventPattern", _event_pattern),
            needs("EventPattern", "a pattern or a schedule", lambda p: not p.get("ScheduleExpression")),
        ),
        # EventBridge quotas: 5 targets a rule.
        ("events", "PutTargets"): (at_most("Targets", 5),),
        ("scheduler", "CreateSchedule"): (
            matches("ScheduleExpression", _SCHEDULE, "at(...), rate(<n> <unit>) or cron(<6 fields>)"),
        ),
        ("scheduler", "UpdateSchedule"): (
            matches("ScheduleExpression", _SCHEDULE, "at(...), rate(<n> <unit>) or cron(<6 fields>)"),
        ),
        ("cloudwatch", "PutMetricAlarm"): (_alarm,),
        # SNS API reference, CreateTopic, Name.
        ("sns", "CreateTopic"): (
            matches("Name", r"[A-Za-z0-9_-]{1,256}|[A-Za-z0-9_-]{1,251}\.fifo", "A-Z a-z 0-9 _ -, to 256"),
            _fifo("Name", "Attributes"),
            parsed("Attributes.Policy", _resource_policy),
        ),
        ("sns", "SetTopicAttributes"): (policy_attribute,),
        ("sns", "Subscribe"): (_subscriber,),
        # SQS API reference, CreateQueue, QueueName.
        ("sqs", "CreateQueue"): (
            matches("QueueName", r"[A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo", "A-Z a-z 0-9 _ -, to 80"),
            _fifo("QueueName", "Attributes"),
            *_QUEUE,
        ),
        ("sqs", "SetQueueAttributes"): _QUEUE,
        ("lambda", "CreateFunction"): (
            *_FUNCTION,
            needs("Runtime", "a runtime, for a zip", _is_zip),
            needs("Handler", "a handler, for a zip", _is_zip),
        ),
        ("lambda", "UpdateFunctionConfiguration"): _FUNCTION,
        ("stepfunctions", "CreateStateMachine"): (parsed("definition", _state_machine),),
        ("stepfunctions", "UpdateStateMachine"): (parsed("definition", _state_machine),),
        ("s3", "CreateBucket"): (_BUCKET_NAME,),
        ("s3", "PutBucketPolicy"): (parsed("Policy", _resource_policy),),
        ("s3", "PutBucketLifecycleConfiguration"): (_lifecycle,),
        # SSM API reference, CreateDocument, Name; documents are judged when they are JSON.
        ("ssm", "CreateDocument"): (
            matches(
                "Name",
                r"(?i:(?!aws-|amazon|amzn))[a-zA-Z0-9_\-.]{3,128}",
                "not aws-*, amazon*, amzn*",
            ),
            _ssm_content,
        ),
        ("ssm", "UpdateDocument"): (_ssm_content,),
        # VPC User Guide, "VPC CIDR blocks" and "Subnet sizing".
        ("ec2", "CreateVpc"): (network("CidrBlock", 16, 28),),
        ("ec2", "CreateSubnet"): (network("CidrBlock", 16, 28),),
        # EC2 API reference, CreateSecurityGroup.
        ("ec2", "CreateSecurityGroup"): (
            matches("GroupName", rf"(?!sg-){_GROUP_TEXT}", "up to 255 characters, not sg-*"),
            matches("Description", _GROUP_TEXT, "up to 255 of a-z A-Z 0-9 ._-:/()#,@[]+=&;{}!$*"),
        ),
        ("ec2", "AuthorizeSecurityGroupIngress"): _PERMISSIONS,
        ("ec2", "AuthorizeSecurityGroupEgress"): _PERMISSIONS,
    }
)
"""Checks by service (botocore's name) and operation; they come after the model's own."""
