"""What each resource type is billed for: how much of which price, from its inputs. Pure.

A fixed charge has a quantity a month; one that depends on use has none. Types that are neither here nor
under `free` in the price file are unknown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

UNKNOWN: Final = "<unknown>"


@dataclass(frozen=True)
class Charge:
    """One thing that a resource is billed for."""

    price: str
    """Key of the price file."""
    quantity: Decimal | None = None
    """Units a month; None where it depends on use."""
    hourly: bool = False
    """Whether the quantity is per hour of the month."""
    region: str | None = None
    """Where it is billed, if not in the resource's own Region."""


@dataclass(frozen=True)
class Unclear:
    """Something that is billed, but of which the inputs do not say how much, or at which price."""

    reason: str


type Billed = Iterator[Charge | Unclear]
type Inputs = Mapping[str, Any]


def _key(inputs: Inputs) -> Billed:
    yield Charge("kms.key", Decimal(1))
    yield Charge("kms.requests")


def _endpoint(inputs: Inputs) -> Billed:
    kind = inputs.get("vpcEndpointType") or "Gateway"
    if kind == "Gateway":
        return  # free, for S3 and DynamoDB
    if kind not in ("Interface", "GatewayLoadBalancer"):
        yield Unclear(f"endpoints of type {kind} have no price in the file")
        return
    subnets = inputs.get("subnetIds")
    if not isinstance(subnets, list) or not subnets:
        yield Unclear("the number of its subnets is not known")
        return
    price = "vpc.interface-endpoint" if kind == "Interface" else "vpc.gateway-load-balancer-endpoint"
    yield Charge(price, Decimal(len(subnets)), hourly=True)
    yield Charge("vpc.interface-endpoint-data")


def _alarm(inputs: Inputs) -> Billed:
    queries = inputs.get("metricQueries")
    metrics = 1
    if isinstance(queries, list):
        metrics = sum(isinstance(query, dict) and query.get("metric") is not None for query in queries) or 1
        if any("SELECT" in str(query.get("expression")) for query in queries if isinstance(query, dict)):
            yield Unclear("alarms on Metrics Insights queries are billed by the metrics that they find")
            return
    if inputs.get("thresholdMetricId"):
        metrics *= 3  # anomaly detection bills the metric and its two bounds
    period = _number(inputs.get("period"))
    fast = period is not None and period < 60
    yield Charge("cloudwatch.alarm-high" if fast else "cloudwatch.alarm", Decimal(metrics))


def _log_group(inputs: Inputs) -> Billed:
    infrequent = inputs.get("logGroupClass") == "INFREQUENT_ACCESS"
    yield Charge("cloudwatch.logs-ingest-infrequent" if infrequent else "cloudwatch.logs-ingest")
    yield Charge("cloudwatch.logs-storage")


def _table(inputs: Inputs) -> Billed:
    replicas = [replica for replica in _listed(inputs.get("replicas")) if isinstance(replica, dict)]
    regions = [str(replica.get("regionName")) for replica in replicas]
    if inputs.get("billingMode", "PROVISIONED") == "PAY_PER_REQUEST":
        yield Charge("dynamodb.replicated-write" if regions else "dynamodb.write")
        yield Charge("dynamodb.read")
        for region in regions:
            yield Charge("dynamodb.replicated-write", region=region)
    else:
        yield from _capacity(inputs, len(regions))
    recovered = inputs.get("pointInTimeRecovery")
    kept = isinstance(recovered, dict) and recovered.get("enabled") is True
    for place in (None, *regions):
        yield Charge("dynamodb.storage", region=place)
        if kept:
            yield Charge("dynamodb.pitr", region=place)


def _capacity(inputs: Inputs, replicas: int) -> Billed:
    if replicas:
        yield Unclear("provisioned tables with replicas are billed in replicated units")
        return
    indexes = [index for index in _listed(inputs.get("globalSecondaryIndexes")) if isinstance(index, dict)]
    for name, price in (
        ("writeCapacity", "dynamodb.write-capacity"),
        ("readCapacity", "dynamodb.read-capacity"),
    ):
        units = [_number(source.get(name)) for source in (inputs, *indexes)]
        known = [unit for unit in units if unit is not None]
        if len(known) < len(units):
            yield Unclear(f"{name} is not known")
            continue
        yield Charge(price, sum(known, Decimal(0)), hourly=True)


def _bucket(inputs: Inputs) -> Billed:
    yield Charge("s3.storage")
    yield Charge("s3.writes")
    yield Charge("s3.reads")


def _function(inputs: Inputs) -> Billed:
    architectures = _listed(inputs.get("architectures")) or ["x86_64"]
    yield Charge("lambda.requests")
    yield Charge(f"lambda.duration-{architectures[0]}")


def _machine(inputs: Inputs) -> Billed:
    if inputs.get("type") == "EXPRESS":
        yield Charge("states.express-requests")
    else:
        yield Charge("states.transitions")


def _rule(inputs: Inputs) -> Billed:
    if inputs.get("eventBusName") not in (None, "default"):
        yield Charge("events.custom")


def _queue(inputs: Inputs) -> Billed:
    yield Charge("sqs.fifo-requests" if inputs.get("fifoQueue") is True else "sqs.requests")


def _subscription(inputs: Inputs) -> Billed:
    protocol = inputs.get("protocol")
    if protocol in ("email", "email-json"):
        yield Charge("sns.email")
    elif protocol not in ("sqs", "lambda", "firehose"):
        yield Unclear(f"deliveries by {protocol} have no price in the file")


def _secret(inputs: Inputs) -> Billed:
    replicas = inputs.get("replicas")
    yield Charge("secretsmanager.secret", Decimal(1 + len(_listed(replicas))))
    yield Charge("secretsmanager.requests")


def _parameter(inputs: Inputs) -> Billed:
    tier = inputs.get("tier") or "Standard"
    if tier == "Advanced":
        yield Charge("ssm.advanced-parameter", Decimal(1))
    elif tier != "Standard":
        yield Unclear(f"a parameter of tier {tier} may be billed")


def _cluster(inputs: Inputs) -> Billed:
    nodes = _number(inputs.get("numberOfNodes", 1))
    kind = inputs.get("nodeType")
    if nodes is None or not isinstance(kind, str) or kind == UNKNOWN:
        yield Unclear("type or number of nodes is not known")
        return
    copies = 2 if inputs.get("multiAz") is True else 1
    yield Charge(f"redshift.{kind}", nodes * copies, hourly=True)
    yield Charge("redshift.storage")


def _workgroup(inputs: Inputs) -> Billed:
    yield Charge("redshift.rpu")


def _address(inputs: Inputs) -> Billed:
    yield Charge("vpc.public-ipv4", Decimal(1), hourly=True)


def _gateway(inputs: Inputs) -> Billed:
    yield Charge("vpc.nat-gateway", Decimal(1), hourly=True)
    yield Charge("vpc.nat-gateway-data")


def _flow_log(inputs: Inputs) -> Billed:
    if inputs.get("logDestinationType", "cloud-watch-logs") == "cloud-watch-logs":
        yield Charge("vpc.flow-logs")
    else:
        yield Unclear(f"flow logs to {inputs.get('logDestinationType')} have no price in the file")


def _one(price: str) -> Callable[[Inputs], Billed]:
    def billed(inputs: Inputs) -> Billed:
        yield Charge(price, Decimal(1))

    return billed


def _used(price: str) -> Callable[[Inputs], Billed]:
    def billed(inputs: Inputs) -> Billed:
        yield Charge(price)

    return billed


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _number(value: Any) -> Decimal | None:
    """A finite number; None for all else, truth values too, which Python counts among the numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return Decimal(str(value))


BILLED: Final[dict[str, Callable[[Inputs], Billed]]] = {
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": _one("cloudwatch.composite-alarm"),
    "aws:cloudwatch/dashboard:Dashboard": _one("cloudwatch.dashboard"),
    "aws:cloudwatch/eventBus:EventBus": _used("events.custom"),
    "aws:cloudwatch/eventRule:EventRule": _rule,
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:cloudwatch/metricAlarm:MetricAlarm": _alarm,
    "aws:dynamodb/table:Table": _table,
    "aws:ec2/eip:Eip": _address,
    "aws:ec2/flowLog:FlowLog": _flow_log,
    "aws:ec2/natGateway:NatGateway": _gateway,
    "aws:ec2/vpcEndpoint:VpcEndpoint": _endpoint,
    "aws:kms/externalKey:ExternalKey": _key,
    "aws:kms/key:Key": _key,
    "aws:kms/replicaKey:ReplicaKey": _key,
    "aws:lambda/function:Function": _function,
    "aws:redshift/cluster:Cluster": _cluster,
    "aws:redshiftserverless/namespace:Namespace": _used("redshift.storage"),
    "aws:redshiftserverless/workgroup:Workgroup": _workgroup,
    "aws:route53/zone:Zone": _one("route53.zone"),
    "aws:s3/bucket:Bucket": _bucket,
    "aws:scheduler/schedule:Schedule": _used("scheduler.invocations"),
    "aws:secretsmanager/secret:Secret": _secret,
    "aws:sfn/stateMachine:StateMachine": _machine,
    "aws:sns/topic:Topic": _used("sns.requests"),
    "aws:sns/topicSubscription:TopicSubscription": _subscription,
    "aws:sqs/queue:Queue": _queue,
    "aws:ssm/parameter:Parameter": _parameter,
}
"""Type token to its charges; a type whose inputs yield none is free as it is configured."""
