"""Calls that AWS would refuse are refused before they are made, with every reason."""

from __future__ import annotations

import datetime
import json
import string
from typing import Any

import boto3
import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.provisioners.rules import RETENTION_DAYS
from sandbox.provisioners.strict import RefusedCallError, compile_pattern, install, violations

SESSION = botocore.session.Session()
SERVICES = (
    "cloudwatch", "dynamodb", "ec2", "events", "iam", "kms", "lambda", "logs", "s3", "scheduler", "sns",
    "sqs", "ssm", "stepfunctions",
)  # fmt: skip
# Patterns that cannot be compiled, and so are not checked: (service, shape). None today.
UNCHECKED_PATTERNS: set[tuple[str, str]] = set()


def found(service: str, operation: str, **params: Any) -> list[str]:
    model = SESSION.get_service_model(service).operation_model(operation)
    return [str(problem) for problem in violations(service, model, params)]


def table(**changes: Any) -> dict[str, Any]:
    return {
        "TableName": "audit",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
        **changes,
    }


def policy(**changes: Any) -> str:
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:*:*:a", **changes}
    given = {key: value for key, value in statement.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [given]})


def function(**changes: Any) -> dict[str, Any]:
    return {
        "FunctionName": "start",
        "Runtime": "python3.13",
        "Role": "arn:aws:iam::111111111111:role/start",
        "Handler": "handler.handler",
        "Code": {"ZipFile": b"PK"},
        **changes,
    }


def alarm(**changes: Any) -> dict[str, Any]:
    return {
        "AlarmName": "failures",
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 2,
        "MetricName": "ExecutionsFailed",
        "Namespace": "AWS/States",
        "Period": 300,
        "Statistic": "Sum",
        "Threshold": 1.0,
        **changes,
    }


GOOD: list[tuple[str, str, dict[str, Any]]] = [
    ("dynamodb", "CreateTable", table()),
    (
        "dynamodb",
        "PutItem",
        {"TableName": "a", "Item": {"id": {"S": "1"}, "b": {"B": b"\0"}, "l": {"L": []}}},
    ),
    ("iam", "PutRolePolicy", {"RoleName": "a", "PolicyName": "b", "PolicyDocument": policy()}),
    ("iam", "TagRole", {"RoleName": "a", "Tags": [{"Key": "Größe: 1", "Value": ""}]}),
    ("kms", "ScheduleKeyDeletion", {"KeyId": "a", "PendingWindowInDays": 7}),
    ("kms", "CreateAlias", {"AliasName": "alias/landfall/audit", "TargetKeyId": "a"}),
    ("logs", "PutRetentionPolicy", {"logGroupName": "/ops/a", "retentionInDays": 400}),
    (
        "events",
        "PutRule",
        {"Name": "a", "EventPattern": '{"source": ["aws.states"], "detail": {"status": ["FAILED"]}}'},
    ),
    ("events", "PutRule", {"Name": "a", "ScheduleExpression": "rate(1 hour)"}),
    (
        "scheduler",
        "CreateSchedule",
        {
            "Name": "a",
            "ClientToken": "t",
            "ScheduleExpression": "cron(0 6 * * ? *)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "StartDate": datetime.datetime(2026, 1, 31, tzinfo=datetime.UTC),
            "Target": {
                "Arn": "arn:aws:sqs:eu-central-1:111111111111:a",
                "RoleArn": "arn:aws:iam::111111111111:role/a",
            },
        },
    ),
    ("cloudwatch", "PutMetricAlarm", alarm()),
    (
        "lambda",
        "CreateFunction",
        function(MemorySize=128, Timeout=900, Environment={"Variables": {"TABLE": "a"}}),
    ),
    ("sns", "CreateTopic", {"Name": "orders.fifo", "Attributes": {"FifoTopic": "true"}}),
    ("sns", "Subscribe", {"TopicArn": "a", "Protocol": "email", "Endpoint": "a@example.org"}),
    ("sqs", "SetQueueAttributes", {"QueueUrl": "u", "Attributes": {"Policy": ""}}),
    ("s3", "CreateBucket", {"Bucket": "landfall-archive.1"}),
    ("ec2", "CreateVpc", {"CidrBlock": "10.20.0.0/20"}),
]

BAD: list[tuple[str, str, dict[str, Any], list[str]]] = [
    # The model: names, required members, types, enums, patterns, lengths, ranges, nesting.
    (
        "dynamodb",
        "CreateTable",
        table(KeySchema=[{"AttributeName": "id", "KeyType": "HASHH"}], Nmae="x"),
        [
            "KeySchema[0].KeyType found 'HASHH', allowed HASH, RANGE",
            "Nmae found this parameter, allowed Attribute",
        ],
    ),
    (
        "dynamodb",
        "CreateTable",
        {"BillingMode": "PAY"},
        ["BillingMode found 'PAY', allowed PROVISIONED, PAY_PER_REQUEST"],
    ),
    ("kms", "CreateKey", {"MultiRegion": "yes"}, ["MultiRegion found str 'yes', allowed type boolean"]),
    ("kms", "CreateAlias", {"TargetKeyId": "a"}, ["AliasName found nothing, allowed a value (required)"]),
    (
        "kms",
        "CreateKey",
        {"Description": "x" * 8193},
        ["Description found 8193 characters, allowed 0 to 8192 characters"],
    ),
    ("logs", "CreateLogGroup", {"logGroupName": "a b"}, ["logGroupName found 'a b', allowed pattern"]),
    (
        "logs",
        "CreateLogGroup",
        {"logGroupName": ""},
        ["logGroupName found 0 characters, allowed 1 to 512 characters"],
    ),
    (
        "iam",
        "CreateRole",
        {"RoleName": "a", "AssumeRolePolicyDocument": "{}", "MaxSessionDuration": 60},
        ["MaxSessionDuration found 60, allowed 3600 to 43200"],
    ),
    (
        "iam",
        "CreateRole",
        {"RoleName": "a", "AssumeRolePolicyDocument": "{}", "MaxSessionDuration": True},
        ["MaxSessionDuration found bool True, allowed type integer"],
    ),
    (
        "dynamodb",
        "PutItem",
        {"TableName": "a", "Item": {"l": {"L": [{"N": 1}]}}},
        ["Item.l.L[0].N found int 1, allowed type string"],
    ),
    (
        "sqs",
        "CreateQueue",
        {"QueueName": "a", "Attributes": {"Visibility": "1"}},
        ["Attributes.Visibility (key) found 'Visibility', allowed All, Policy"],
    ),
    ("events", "PutTargets", {"Rule": "a", "Targets": []}, ["Targets found 0 items, allowed 1 to"]),
    (
        "lambda",
        "CreateFunction",
        function(Architectures=["arm"]),
        ["Architectures[0] found 'arm', allowed x86_64, arm64"],
    ),
    ("lambda", "CreateFunction", function(Runtime="python3.33"), ["Runtime found 'python3.33', allowed "]),
    # The services' own rules.
    (
        "dynamodb",
        "CreateTable",
        table(AttributeDefinitions=[]),
        ["AttributeDefinitions found [], allowed exactly ['id']"],
    ),
    ("dynamodb", "CreateTable", table(BillingMode="PROVISIONED"), ["ProvisionedThroughput found nothing"]),
    (
        "kms",
        "ScheduleKeyDeletion",
        {"KeyId": "a", "PendingWindowInDays": 5},
        ["PendingWindowInDays found 5, allowed 7 to 30"],
    ),
    (
        "kms",
        "CreateAlias",
        {"AliasName": "alias/aws/s3", "TargetKeyId": "a"},
        ["AliasName found 'alias/aws/s3', allowed"],
    ),
    (
        "logs",
        "PutRetentionPolicy",
        {"logGroupName": "a", "retentionInDays": 42},
        ["retentionInDays found 42, allowed 1, 3"],
    ),
    (
        "iam",
        "PutRolePolicy",
        {"RoleName": "a", "PolicyName": "b", "PolicyDocument": "{"},
        ["PolicyDocument found '{', allowed the text of a JSON document"],
    ),
    (
        "iam",
        "PutRolePolicy",
        {"RoleName": "a", "PolicyName": "b", "PolicyDocument": policy(Action=None)},
        ["PolicyDocument: Statement[0] found both or neither of them, allowed one of Action, NotAction"],
    ),
    (
        "iam",
        "PutRolePolicy",
        {"RoleName": "a", "PolicyName": "b", "PolicyDocument": policy(Effect="Permit")},
        ["PolicyDocument: Statement[0].Effect found 'Permit', allowed Allow, Deny"],
    ),
    (
        "iam",
        "PutRolePolicy",
        {"RoleName": "a", "PolicyName": "b", "PolicyDocument": policy(Principal="*")},
        ["PolicyDocument: Statement[0].Principal found this element"],
    ),
    (
        "iam",
        "CreateRole",
        {"RoleName": "a", "AssumeRolePolicyDocument": policy()},
        [
            "AssumeRolePolicyDocument: Statement[0].Resource found",
            "Statement[0] found neither of them, allowed one of Prin",
        ],
    ),
    ("events", "PutRule", {"Name": "a"}, ["EventPattern found nothing, allowed a pattern or a schedule"]),
    (
        "events",
        "PutRule",
        {"Name": "a", "EventPattern": '{"source": "aws.states"}'},
        ["EventPattern: source found 'aws.states', allowed an array"],
    ),
    (
        "events",
        "PutRule",
        {"Name": "a", "ScheduleExpression": "cron(0 6 * * *)"},
        ["ScheduleExpression found 'cron(0 6"],
    ),
    (
        "cloudwatch",
        "PutMetricAlarm",
        alarm(Period=45),
        ["Period found 45, allowed 10, 20, 30 or a multiple of 60"],
    ),
    (
        "cloudwatch",
        "PutMetricAlarm",
        alarm(Metrics=[{"Id": "a"}]),
        ["MetricName found both or neither of them"],
    ),
    (
        "cloudwatch",
        "PutMetricAlarm",
        alarm(DatapointsToAlarm=3),
        ["DatapointsToAlarm found 3, allowed at most Eval"],
    ),
    (
        "lambda",
        "CreateFunction",
        function(MemorySize=20480),
        ["MemorySize found 20480, allowed 128 to 10240"],
    ),
    (
        "lambda",
        "CreateFunction",
        function(Environment={"Variables": {"AWS_REGION": "a"}}),
        ["Environment.Variables.AWS_REGION found this name"],
    ),
    (
        "lambda",
        "CreateFunction",
        function(Environment={"Variables": {"BIG": "x" * 5000}}),
        ["5003 bytes, allowed at most 4096"],
    ),
    (
        "lambda",
        "CreateFunction",
        {k: v for k, v in function().items() if k != "Handler"},
        ["Handler found nothing"],
    ),
    (
        "stepfunctions",
        "CreateStateMachine",
        {"name": "a", "roleArn": "r", "definition": '{"StartAt": "B", "States": {"A": {"Type": "Pas"}}}'},
        ["definition: StartAt found 'B', allowed A", "definition: States.A.Type found 'Pas', allowed Task"],
    ),
    ("sns", "CreateTopic", {"Name": "a.fifo"}, ["Name found 'a.fifo', allowed the ending .fifo exactly"]),
    (
        "sns",
        "Subscribe",
        {"TopicArn": "a", "Protocol": "email", "Endpoint": "a"},
        ["Endpoint found 'a', allowed for email"],
    ),
    (
        "sns",
        "SetTopicAttributes",
        {"TopicArn": "a", "AttributeName": "Policy", "AttributeValue": "x"},
        ["AttributeValue"],
    ),
    (
        "sqs",
        "CreateQueue",
        {"QueueName": "a", "Attributes": {"VisibilityTimeout": "50000"}},
        ["Attributes.VisibilityTimeout found '50000', allowed 0 to 43200"],
    ),
    (
        "s3",
        "CreateBucket",
        {"Bucket": "Landfall_Archive"},
        ["Bucket found 'Landfall_Archive', allowed 3 to 63"],
    ),
    (
        "s3",
        "PutBucketLifecycleConfiguration",
        {
            "Bucket": "abc",
            "LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "Filter": {"Prefix": ""}}]},
        },
        ["LifecycleConfiguration.Rules[0] found no action, allowed Expiration"],
    ),
    (
        "ssm",
        "CreateDocument",
        {"Name": "AWS-Run", "Content": "{}"},
        ["Name found 'AWS-Run'", "Content: schemaVersion found None, allowed 1.2"],
    ),
    (
        "ec2",
        "CreateVpc",
        {"CidrBlock": "10.20.0.1/20"},
        ["CidrBlock found '10.20.0.1/20', allowed an IPv4 network"],
    ),
    (
        "ec2",
        "CreateSecurityGroup",
        {"GroupName": "a", "Description": "naïve"},
        ["Description found 'naïve', allowed"],
    ),
    (
        "kms",
        "TagResource",
        {"KeyId": "a", "Tags": [{"TagKey": "aws:x", "TagValue": "b"}]},
        ["Tags found 'aws:x', allowed keys"],
    ),
]


@pytest.mark.parametrize(("service", "operation", "params"), GOOD, ids=lambda value: str(value)[:24])
def test_a_call_that_aws_takes_is_let_through(service: str, operation: str, params: dict[str, Any]) -> None:
    assert found(service, operation, **params) == []


@pytest.mark.parametrize(
    ("service", "operation", "params", "reasons"), BAD, ids=lambda value: str(value)[:24]
)
def test_a_call_that_aws_refuses_is_refused_with_every_reason(
    service: str, operation: str, params: dict[str, Any], reasons: list[str]
) -> None:
    problems = found(service, operation, **params)
    for reason in reasons:
        assert any(reason in problem for problem in problems), problems


def test_the_client_refuses_before_it_sends() -> None:
    # Nothing listens on port 1: a call that was sent would fail in another way.
    client = install(
        boto3.client(
            "dynamodb",
            region_name="eu-central-1",
            endpoint_url="http://127.0.0.1:1",
            aws_access_key_id="111111111111",
            aws_secret_access_key="x",
        )
    )
    with pytest.raises(RefusedCallError) as caught:
        client.create_table(**table(KeySchema=[{"AttributeName": "id", "KeyType": "HASHH"}]))
    assert str(caught.value) == (
        "aws would refuse this call: dynamodb CreateTable: "
        "KeySchema[0].KeyType found 'HASHH', allowed HASH, RANGE"
    )


def test_generated_tokens_need_not_be_given() -> None:
    client = install(
        boto3.client(
            "scheduler",
            region_name="eu-central-1",
            endpoint_url="http://127.0.0.1:1",
            aws_access_key_id="111111111111",
            aws_secret_access_key="x",
        )
    )
    with pytest.raises(RefusedCallError, match="scheduler CreateScheduleGroup: Name found 'a b'"):
        client.create_schedule_group(Name="a b")


def test_a_sensitive_value_is_not_shown() -> None:
    problems = found("ssm", "PutParameter", Name="a", Value=7)
    assert problems == ["Value found int <sensitive>, allowed type string"]


def test_a_long_value_is_cut() -> None:
    (problem,) = found("logs", "CreateLogGroup", logGroupName=" " * 300)
    assert len(problem) < 200


@pytest.mark.parametrize("service", SERVICES)
def test_every_pattern_of_the_models_is_checked(service: str) -> None:
    model = SESSION.get_service_model(service)
    patterns = {name: model.shape_for(name).metadata.get("pattern") for name in model.shape_names}
    skipped = {(service, name) for name, item in patterns.items() if item and compile_pattern(item) is None}
    assert skipped == {item for item in UNCHECKED_PATTERNS if item[0] == service}


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", "Größe: 1", "a#b"),
        (r"[\w-_]*", "a-b_c", "a.b"),
        (r"\p{Print}+", "a b", "a\x07"),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*", "a\U0001f600", "\x01"),
        (r"\w+", "abc_1", "größe"),
        (r"^\d{12}$", "111111111111", "١١١١١١١١١١١١"),
        (r"[a-z]+", "abc", "abc1"),
    ],
)
def test_patterns_mean_what_java_means(pattern: str, yes: str, no: str) -> None:
    compiled = compile_pattern(pattern)
    assert compiled.fullmatch(yes)
    assert not compiled.fullmatch(no)


@given(st.integers(min_value=-10, max_value=5000))
def test_only_the_retentions_of_logs_are_let_through(days: int) -> None:
    problems = found("logs", "PutRetentionPolicy", logGroupName="a", retentionInDays=days)
    assert (problems == []) == (days in RETENTION_DAYS)


LEGAL = frozenset(string.ascii_letters + string.digits + "-_./#")


@given(st.text(alphabet=[*sorted(LEGAL), "ß", " ", "\n", "*"], max_size=530))
def test_log_group_names_are_let_through_exactly_when_aws_takes_them(name: str) -> None:
    # CloudWatch Logs API reference, CreateLogGroup: 1 to 512 of a-z A-Z 0-9 _ - / . #
    refused = found("logs", "CreateLogGroup", logGroupName=name)
    assert (refused == []) == (1 <= len(name) <= 512 and set(name) <= LEGAL)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(
    st.sampled_from(
        [
            ("dynamodb", "CreateTable"),
            ("events", "PutTargets"),
            ("lambda", "CreateFunction"),
            ("iam", "CreateRole"),
        ]
    ),
    st.dictionaries(
        st.sampled_from(
            ["TableName", "KeySchema", "Targets", "Rule", "Tags", "Code", "Role", "RoleName", "Environment"]
        ),
        JSON,
        max_size=6,
    ),
)
def test_no_parameters_whatever_make_the_check_itself_fail(
    call: tuple[str, str], params: dict[str, Any]
) -> None:
    # Each of these calls has a required member that a random value cannot satisfy, so something is found.
    problems = found(*call, **params)
    assert problems
    assert all(" found " in problem and ", allowed " in problem for problem in problems)
