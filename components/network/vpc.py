"""One private VPC: a subnet in each availability zone, interface and gateway endpoints, flow logs.

Has no internet gateway, no NAT and no route out: what runs inside reaches AWS through endpoints.
Does not peer and does not attach to a transit gateway.
(source: DESIGN section 3; AWS FSBP EC2.6; Amazon VPC User Guide, "VPC endpoints")
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.encryption import CustomerKey, CustomerKeyArgs, for_log_groups
from components.handles import NetworkHandles, Placement
from components.iam import document, service_trust, statement
from landfall.config import Network
from landfall.naming import Names

GATEWAY_ENDPOINTS = ("dynamodb", "s3")
"""Endpoints without an hourly price, by route table."""
HTTPS = 443
REDSHIFT = 5439


@dataclass(frozen=True, kw_only=True)
class VpcArgs:
    spec: Network
    names: Names
    placement: Placement


def subnet_cidrs(cidr: str, count: int) -> list[str]:
    """``count`` equal subnets of ``cidr``, as large as a power of two allows.

    Stable: the n-th zone keeps its range when zones are added up to the next power of two.
    """
    network = ipaddress.ip_network(cidr)
    bits = max(count - 1, 0).bit_length()
    return [str(subnet) for subnet in list(network.subnets(prefixlen_diff=bits))[:count]]


class Vpc(pulumi.ComponentResource):
    """A private VPC with what the ETL plane needs to reach AWS."""

    handles: NetworkHandles
    """What other planes may use."""

    def __init__(self, name: str, args: VpcArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("landfall:network:Vpc", name, None, opts)
        self._name = name
        self._args = args
        self._region = args.placement.region
        self._child = pulumi.ResourceOptions(parent=self)
        self._vpc = aws.ec2.Vpc(
            name,
            cidr_block=args.spec.cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=self._named(name),
            region=self._region,
            opts=self._child,
        )
        route_table = aws.ec2.RouteTable(
            name, vpc_id=self._vpc.id, tags=self._named(name), region=self._region, opts=self._child
        )
        subnets = self._make_subnets(route_table)
        workload = self._make_endpoints(route_table, subnets)
        self._make_flow_log()
        self.handles = NetworkHandles(
            vpc_id=self._vpc.id,
            subnet_ids={zone: subnet.id for zone, subnet in subnets.items()},
            workload_security_group_id=workload,
        )
        self.register_outputs({"vpcId": self._vpc.id})

    def _named(self, purpose: str) -> dict[str, str]:
        return {"Name": self._args.names.physical(purpose, limit=255)}

    def _make_subnets(self, route_table: aws.ec2.RouteTable) -> dict[str, aws.ec2.Subnet]:
        spec = self._args.spec
        zones = spec.availability_zones
        subnets: dict[str, aws.ec2.Subnet] = {}
        for zone, cidr in zip(zones, subnet_cidrs(spec.cidr, len(zones)), strict=True):
            logical = f"{self._name}-{zone}"
            subnets[zone] = aws.ec2.Subnet(
                logical,
                vpc_id=self._vpc.id,
                availability_zone=zone,
                cidr_block=cidr,
                map_public_ip_on_launch=False,
                tags=self._named(logical),
                region=self._region,
                opts=self._child,
            )
            aws.ec2.RouteTableAssociation(
                logical,
                route_table_id=route_table.id,
                subnet_id=subnets[zone].id,
                region=self._region,
                opts=self._child,
            )
        return subnets

    def _make_endpoints(
        self, route_table: aws.ec2.RouteTable, subnets: dict[str, aws.ec2.Subnet]
    ) -> pulumi.Output[str]:
        endpoints = self._security_group("endpoints", "Interface endpoints: TLS from this VPC only")
        workload = self._security_group("workload", "Compute of the planes: TLS to endpoints only")
        aws.vpc.SecurityGroupIngressRule(
            f"{self._name}-endpoints-tls",
            security_group_id=endpoints.id,
            referenced_security_group_id=workload.id,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            description="TLS from workloads",
            region=self._region,
            opts=self._child,
        )
        cidr = self._args.spec.cidr
        self._egress(workload, "tls", HTTPS, "TLS to interface endpoints", cidr_ipv4=cidr)
        self._egress(workload, "redshift", REDSHIFT, "Warehouses in this VPC", cidr_ipv4=cidr)
        for service in self._args.spec.endpoints:
            gateway = service in GATEWAY_ENDPOINTS
            endpoint = aws.ec2.VpcEndpoint(
                f"{self._name}-{service}",
                vpc_id=self._vpc.id,
                service_name=f"com.amazonaws.{self._region}.{service}",
                vpc_endpoint_type="Gateway" if gateway else "Interface",
                route_table_ids=[route_table.id] if gateway else None,
                subnet_ids=None if gateway else [subnet.id for subnet in subnets.values()],
                security_group_ids=None if gateway else [endpoints.id],
                private_dns_enabled=None if gateway else True,
                tags=self._named(f"{self._name}-{service}"),
                region=self._region,
                opts=self._child,
            )
            if gateway:
                # A gateway endpoint has no address in the VPC: it is reached by its prefix list.
                description = f"TLS to the {service} gateway endpoint"
                self._egress(workload, service, HTTPS, description, prefix_list_id=endpoint.prefix_list_id)
        return workload.id

    def _egress(
        self,
        workload: aws.ec2.SecurityGroup,
        purpose: str,
        port: int,
        description: str,
        *,
        cidr_ipv4: str | None = None,
        prefix_list_id: pulumi.Input[str] | None = None,
    ) -> None:
        aws.vpc.SecurityGroupEgressRule(
            f"{self._name}-workload-{purpose}",
            security_group_id=workload.id,
            cidr_ipv4=cidr_ipv4,
            prefix_list_id=prefix_list_id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description=description,
            region=self._region,
            opts=self._child,
        )

    def _security_group(self, purpose: str, description: str) -> aws.ec2.SecurityGroup:
        logical = f"{self._name}-{purpose}"
        return aws.ec2.SecurityGroup(
            logical,
            vpc_id=self._vpc.id,
            description=description,
            tags=self._named(logical),
            region=self._region,
            opts=self._child,
        )

    def _make_flow_log(self) -> None:
        logical = f"{self._name}-flow-log"
        names, placement = self._args.names, self._args.placement
        key = CustomerKey(
            logical,
            CustomerKeyArgs(
                description="Flow logs of a VPC",
                alias=f"alias/{names.physical(logical, limit=250)}",
                account_id=placement.account_id,
                region=placement.region,
                statements=[for_log_groups(placement.region, placement.account_id)],
            ),
            opts=self._child,
        )
        group_name = f"/{names.physical('vpc-flow-logs', limit=200)}/{self._name}"
        group = aws.cloudwatch.LogGroup(
            logical,
            name=group_name,
            retention_in_days=self._args.spec.flow_log_retention_days,
            kms_key_id=key.arn,
            region=self._region,
            opts=self._child,
        )
        role = aws.iam.Role(
            logical,
            name=names.physical(logical, limit=64),
            assume_role_policy=service_trust("vpc-flow-logs.amazonaws.com", account_id=placement.account_id),
            opts=self._child,
        )
        aws.iam.RolePolicy(
            logical,
            role=role.id,
            policy=document(
                [
                    statement(
                        "WriteFlowLogs",
                        ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                        [
                            placement.arn("logs", f"log-group:{group_name}"),
                            placement.arn("logs", f"log-group:{group_name}:log-stream:*"),
                        ],
                    )
                ]
            ),
            opts=self._child,
        )
        aws.ec2.FlowLog(
            logical,
            vpc_id=self._vpc.id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=600,
            tags=self._named(logical),
            region=self._region,
            opts=self._child,
        )
