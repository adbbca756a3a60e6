"""What resources cost a month: counted, by use, free or unknown; never silently nothing."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landfall.cost import findings as cost_findings
from landfall.cost.charges import BILLED, UNKNOWN
from landfall.cost.estimate import Estimate, differences, estimate
from landfall.cost.findings import dollars
from landfall.cost.prices import load
from landfall.risk.model import Severity
from landfall.risk.snapshot import Item, Snapshot

KEY = "aws:kms/key:Key"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
TABLE = "aws:dynamodb/table:Table"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
ROLE = "aws:iam/role:Role"


def item(type_: str, name: str = "it", region: str | None = "us-east-1", **inputs: Any) -> Item:
    return Item(
        urn=f"u::{type_}::{name}", type=type_, name=name, account="1" * 12, region=region, inputs=inputs
    )


def cost(*items: Item) -> Estimate:
    return estimate(items, load())


def fixed(*items: Item) -> dict[str, tuple[Decimal | None, Decimal | None]]:
    return {line.price: (line.quantity, line.monthly) for line in cost(*items).fixed}


def used(*items: Item) -> set[tuple[str, str]]:
    return {(line.price, line.region) for line in cost(*items).per_use}


def reasons(*items: Item) -> list[str]:
    return [entry.reason for entry in cost(*items).unknown]


@pytest.mark.parametrize(
    ("type_", "inputs", "price", "monthly"),
    [
        (KEY, {}, "kms.key", "1.00"),
        (
            ENDPOINT,
            {"vpcEndpointType": "Interface", "subnetIds": [UNKNOWN] * 3},
            "vpc.interface-endpoint",
            "21.90",
        ),
        (
            ENDPOINT,
            {"vpcEndpointType": "GatewayLoadBalancer", "subnetIds": ["s"]},
            "vpc.gateway-load-balancer-endpoint",
            "7.30",
        ),
        (ALARM, {"period": 300}, "cloudwatch.alarm", "0.10"),
        (ALARM, {"period": 10}, "cloudwatch.alarm-high", "0.30"),
        (
            ALARM,
            {"thresholdMetricId": "e1", "metricQueries": [{"metric": {}}, {"expression": "BAND(m1)"}]},
            "cloudwatch.alarm",
            "0.30",
        ),
        (ALARM, {"metricQueries": [{"metric": {}}, {"metric": {}}]}, "cloudwatch.alarm", "0.20"),
        ("aws:ec2/natGateway:NatGateway", {}, "vpc.nat-gateway", "32.85"),
        ("aws:ec2/eip:Eip", {}, "vpc.public-ipv4", "3.65"),
        (
            "aws:secretsmanager/secret:Secret",
            {"replicas": [{"region": "x"}]},
            "secretsmanager.secret",
            "0.80",
        ),
        ("aws:ssm/parameter:Parameter", {"tier": "Advanced"}, "ssm.advanced-parameter", "0.05"),
        (
            TABLE,
            {
                "writeCapacity": 2,
                "readCapacity": 4,
                "globalSecondaryIndexes": [{"writeCapacity": 1, "readCapacity": 1}],
            },
            "dynamodb.write-capacity",
            "1.4235",
        ),
        (
            "aws:redshift/cluster:Cluster",
            {"nodeType": "ra3.xlplus", "numberOfNodes": 2},
            "redshift.ra3.xlplus",
            "1585.56",
        ),
        (
            "aws:redshift/cluster:Cluster",
            {"nodeType": "ra3.large", "numberOfNodes": 2, "multiAz": True},
            "redshift.ra3.large",
            "1585.56",
        ),
        ("aws:cloudwatch/dashboard:Dashboard", {}, "cloudwatch.dashboard", "3.00"),
        ("aws:cloudwatch/compositeAlarm:CompositeAlarm", {}, "cloudwatch.composite-alarm", "0.50"),
        ("aws:route53/zone:Zone", {}, "route53.zone", "0.50"),
    ],
)
def test_what_is_billed_by_the_month_is_counted(
    type_: str, inputs: dict[str, Any], price: str, monthly: str
) -> None:
    assert fixed(item(type_, **inputs))[price][1] == Decimal(monthly)
    assert reasons(item(type_, **inputs)) == []


@pytest.mark.parametrize(
    ("type_", "inputs", "prices"),
    [
        ("aws:cloudwatch/logGroup:LogGroup", {}, {"cloudwatch.logs-ingest", "cloudwatch.logs-storage"}),
        (
            "aws:cloudwatch/logGroup:LogGroup",
            {"logGroupClass": "INFREQUENT_ACCESS"},
            {"cloudwatch.logs-ingest-infrequent", "cloudwatch.logs-storage"},
        ),
        ("aws:s3/bucket:Bucket", {}, {"s3.storage", "s3.writes", "s3.reads"}),
        (
            "aws:lambda/function:Function",
            {"architectures": ["arm64"]},
            {"lambda.requests", "lambda.duration-arm64"},
        ),
        ("aws:lambda/function:Function", {}, {"lambda.requests", "lambda.duration-x86_64"}),
        ("aws:sfn/stateMachine:StateMachine", {}, {"states.transitions"}),
        ("aws:sfn/stateMachine:StateMachine", {"type": "EXPRESS"}, {"states.express-requests"}),
        ("aws:sqs/queue:Queue", {}, {"sqs.requests"}),
        ("aws:sqs/queue:Queue", {"fifoQueue": True}, {"sqs.fifo-requests"}),
        ("aws:sns/topic:Topic", {}, {"sns.requests"}),
        ("aws:sns/topicSubscription:TopicSubscription", {"protocol": "email"}, {"sns.email"}),
        ("aws:ec2/flowLog:FlowLog", {}, {"vpc.flow-logs"}),
        ("aws:cloudwatch/eventRule:EventRule", {"eventBusName": "mine"}, {"events.custom"}),
        ("aws:cloudwatch/eventBus:EventBus", {}, {"events.custom"}),
        ("aws:scheduler/schedule:Schedule", {}, {"scheduler.invocations"}),
        ("aws:redshiftserverless/workgroup:Workgroup", {}, {"redshift.rpu"}),
        ("aws:redshiftserverless/namespace:Namespace", {}, {"redshift.storage"}),
        (TABLE, {"billingMode": "PAY_PER_REQUEST"}, {"dynamodb.write", "dynamodb.read", "dynamodb.storage"}),
    ],
)
def test_what_depends_on_use_has_a_price_and_no_sum(
    type_: str, inputs: dict[str, Any], prices: set[str]
) -> None:
    made = cost(item(type_, **inputs))
    assert {line.price for line in made.per_use} == prices
    assert made.monthly == 0 and not made.fixed and not made.unknown and not made.free


def test_a_replica_is_billed_in_its_own_region() -> None:
    table = item(
        TABLE,
        region="eu-central-1",
        billingMode="PAY_PER_REQUEST",
        pointInTimeRecovery={"enabled": True},
        replicas=[{"regionName": "eu-west-1"}],
    )
    assert used(table) == {
        ("dynamodb.replicated-write", "eu-central-1"),
        ("dynamodb.read", "eu-central-1"),
        ("dynamodb.storage", "eu-central-1"),
        ("dynamodb.pitr", "eu-central-1"),
        ("dynamodb.replicated-write", "eu-west-1"),
        ("dynamodb.storage", "eu-west-1"),
        ("dynamodb.pitr", "eu-west-1"),
    }


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        (ROLE, {}),
        (ENDPOINT, {}),
        (ENDPOINT, {"vpcEndpointType": "Gateway"}),
        ("aws:ssm/parameter:Parameter", {}),
        ("aws:cloudwatch/eventRule:EventRule", {"eventBusName": "default"}),
        ("aws:sns/topicSubscription:TopicSubscription", {"protocol": "sqs"}),
    ],
)
def test_what_is_free_is_counted_as_free(type_: str, inputs: dict[str, Any]) -> None:
    made = cost(item(type_, **inputs))
    assert (made.free, made.fixed, made.per_use, made.unknown) == (1, (), (), ())


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (item("aws:rds/instance:Instance"), "the price file does not know the type"),
        (
            item(ENDPOINT, vpcEndpointType="Interface", subnetIds=UNKNOWN),
            "the number of its subnets is not known",
        ),
        (item(ENDPOINT, vpcEndpointType="Interface"), "the number of its subnets is not known"),
        (item(ENDPOINT, vpcEndpointType="Resource"), "endpoints of type Resource have no price in the file"),
        (
            item(ENDPOINT, region="eu-north-1", vpcEndpointType="Interface", subnetIds=["a"]),
            "no price of interface endpoint in eu-north-1",
        ),
        (item("aws:ec2/natGateway:NatGateway", region=None), "no price of NAT gateway in —"),
        (item("aws:redshift/cluster:Cluster", nodeType="dc9.huge"), "no price of dc9.huge in us-east-1"),
        (item("aws:redshift/cluster:Cluster", nodeType=UNKNOWN), "type or number of nodes is not known"),
        *(
            (
                item("aws:redshift/cluster:Cluster", nodeType="ra3.large", numberOfNodes=nodes),
                "type or number of nodes is not known",
            )
            for nodes in (True, "two", math.nan, math.inf)
        ),
        (item(TABLE, readCapacity=1, writeCapacity=True), "writeCapacity is not known"),
        (item(TABLE, readCapacity=1), "writeCapacity is not known"),
        (
            item(TABLE, readCapacity=1, writeCapacity=1, replicas=[{"regionName": "x"}]),
            "provisioned tables with replicas are billed in replicated units",
        ),
        (
            item("aws:ssm/parameter:Parameter", tier="Intelligent-Tiering"),
            "a parameter of tier Intelligent-Tiering may be billed",
        ),
        (
            item("aws:sns/topicSubscription:TopicSubscription", protocol="sms"),
            "deliveries by sms have no price in the file",
        ),
        (
            item("aws:ec2/flowLog:FlowLog", logDestinationType="s3"),
            "flow logs to s3 have no price in the file",
        ),
        (
            item(ALARM, metricQueries=[{"expression": "SELECT AVG(x) FROM y"}]),
            "alarms on Metrics Insights queries are billed by the metrics that they find",
        ),
    ],
)
def test_what_is_not_known_is_listed_with_its_reason(one: Item, reason: str) -> None:
    made = cost(one)
    assert reason in [entry.reason for entry in made.unknown]
    assert made.unknowns == 1
    assert one.urn in made.unknown[0].urns


INPUTS = st.dictionaries(
    st.sampled_from(
        [
            "vpcEndpointType",
            "subnetIds",
            "billingMode",
            "replicas",
            "nodeType",
            "numberOfNodes",
            "readCapacity",
            "tier",
            "protocol",
            "metricQueries",
            "period",
            "architectures",
        ]
    ),
    st.sampled_from(
        [None, UNKNOWN, "Interface", 3, 1.5, True, [], ["a"], [UNKNOWN], {"enabled": True}, [{}]]
    ),
)
RESOURCES = st.lists(
    st.builds(
        lambda type_, name, region, inputs: item(type_, str(name), region, **inputs),
        st.sampled_from([*sorted(BILLED), ROLE, "aws:new/type:Type"]),
        st.integers(0, 3),
        st.sampled_from(["us-east-1", "eu-central-1", "mars-north-1", None]),
        INPUTS,
    ),
    max_size=8,
    unique_by=lambda one: one.urn,
)


@given(RESOURCES)
def test_no_resource_is_silently_nothing(resources: list[Item]) -> None:
    made = cost(*resources)
    said = {urn for line in (*made.fixed, *made.per_use, *made.unknown) for urn in line.urns}
    assert len(said) + made.free == len(resources)
    assert made.monthly == sum((line.monthly or Decimal(0) for line in made.fixed), Decimal(0))
    assert all(line.unit_price > 0 for line in (*made.fixed, *made.per_use))


@given(RESOURCES, st.randoms())
def test_the_order_of_resources_does_not_matter(resources: list[Item], random: Any) -> None:
    shuffled = list(resources)
    random.shuffle(shuffled)
    assert cost(*shuffled) == cost(*resources)
    assert differences(cost(*resources), cost(*shuffled)) == ()


def endpoints(count: int) -> list[Item]:
    return [item(ENDPOINT, f"e{n}", vpcEndpointType="Interface", subnetIds=["a", "b"]) for n in range(count)]


def found(old: list[Item], new: list[Item]) -> list[tuple[str, Severity, tuple[str, ...]]]:
    before, after = (Snapshot({one.urn: one for one in items}) for items in (old, new))
    made = cost_findings.findings(before, after, cost(*old), cost(*new))
    return [(one.rule, one.severity, one.details) for one in made]


@pytest.mark.parametrize(
    ("count", "severity", "amount"),
    [(1, Severity.LOW, "$14.60"), (4, Severity.MEDIUM, "$58.40"), (35, Severity.HIGH, "$511.00")],
)
def test_what_becomes_dearer_is_as_severe_as_it_is_dear(count: int, severity: Severity, amount: str) -> None:
    first = [line for line in found(endpoints(1), endpoints(1 + count)) if line[0] == "cost-added"]
    noun = "resource" if count == 1 else "resources"
    assert first == [
        (
            "cost-added",
            severity,
            (
                f"+ {amount} a month: interface endpoint in us-east-1, $0.01 per endpoint-AZ-hour, "
                f"{count} {noun}",
            ),
        )
    ]


def test_what_becomes_cheaper_or_stays_is_no_finding() -> None:
    assert found(endpoints(3), endpoints(1)) == []
    assert found(endpoints(2), endpoints(2)) == []


def test_a_new_kind_of_use_is_one_finding_for_its_resources() -> None:
    queue = item("aws:sqs/queue:Queue")
    assert found([], [queue]) == [
        ("cost-per-use-added", Severity.LOW, ("+ $0.40 per 1,000,000 requests: standard queue",))
    ]
    other = item("aws:sqs/queue:Queue", "second")
    assert found([queue], [queue, other]) == []


def test_a_new_unknown_is_a_finding_and_an_old_one_is_none() -> None:
    database = item("aws:rds/instance:Instance")
    assert found([], [database]) == [
        ("cost-unknown", Severity.LOW, ("1 resource: the price file does not know the type",))
    ]
    assert found([database], [database]) == []


def test_the_document_says_totals_parts_and_the_difference() -> None:
    before, after = cost(*endpoints(1)), cost(*endpoints(2), item("aws:rds/instance:Instance"), item(ROLE))
    document = after.to_json(before)
    assert document["monthly"] == 29.2
    assert document["asOf"] == load().as_of
    assert document["fixed"][0]["resources"] == 2
    assert document["perUse"][0]["unitPrice"] == 0.01
    assert document["unknown"][0]["urns"] == ["u::aws:rds/instance:Instance::it"]
    assert document["freeResources"] == 1
    assert document["against"] == {
        "monthly": 14.6,
        "difference": 14.6,
        "changes": [
            {
                "price": "vpc.interface-endpoint",
                "what": "interface endpoint",
                "unit": "endpoint-AZ-hour",
                "account": "1" * 12,
                "region": "us-east-1",
                "resources": [1, 2],
                "difference": 14.6,
            }
        ],
    }
    assert after.to_json()["against"] is None


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1", "$1.00"),
        ("-12.5", "-$12.50"),
        ("1234.567", "$1,234.57"),
        ("0.0000133334", "$0.0000133334"),
        ("0.6250", "$0.625"),
        ("0", "$0.00"),
        ("0.40", "$0.40"),
    ],
)
def test_amounts_are_shown_with_the_digits_that_count(amount: str, text: str) -> None:
    assert dollars(Decimal(amount)) == text
