"""The network resources of EC2 (pulumi-aws `aws:ec2/*` and `aws:vpc/*`)."""

from __future__ import annotations

import abc
from collections.abc import Mapping
from typing import Any, ClassVar

from sandbox.provisioners.base import (
    Base,
    Call,
    Created,
    Inputs,
    Outputs,
    ProvisionError,
    changed,
    found,
    ignoring,
    merged_tags,
    pick,
    replaces,
    retrying,
    rollback,
    sync_tags,
    tag_list,
    tag_map,
    wait_until,
)


class _Network(Base):
    """What is common: an EC2 id, tags by CreateTags, an ARN of the form `<kind>/<id>`."""

    taggable = True
    kind: ClassVar[str] = ""
    gone: ClassVar[tuple[str, ...]] = ()

    def specification(self, call: Call, inputs: Inputs) -> dict[str, Any]:
        tags = merged_tags(call, inputs)
        if not tags:
            return {}
        return {"TagSpecifications": [{"ResourceType": self.kind, "Tags": tag_list(tags)}]}

    def retag(self, call: Call, id: str, inputs: Inputs) -> None:
        client = call.client("ec2")
        held = client.describe_tags(Filters=[{"Name": "resource-id", "Values": [id]}]).get("Tags", [])
        sync_tags(
            tag_map(held),
            merged_tags(call, inputs),
            lambda tags: client.create_tags(Resources=[id], Tags=tag_list(tags)),
            lambda keys: client.delete_tags(Resources=[id], Tags=[{"Key": key} for key in keys]),
        )

    @abc.abstractmethod
    def describe(self, call: Call, id: str) -> dict[str, Any] | None: ...

    @abc.abstractmethod
    def computed(self, call: Call, id: str, held: dict[str, Any]) -> Outputs: ...

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        held = self.describe(call, id)
        if held is None:
            return None
        return {**state, "arn": call.arn("ec2", f"{self.kind}/{id}"), **self.computed(call, id, held)}

    def finished(self, call: Call, id: str, inputs: Inputs) -> Outputs:
        outputs = self.outputs(call, inputs)
        return self.read(call, id, outputs) or outputs


def _only(answer: Mapping[str, Any] | None, member: str) -> dict[str, Any] | None:
    items = (answer or {}).get(member) or []
    return dict(items[0]) if items else None


class Vpc(_Network, type="aws:ec2/vpc:Vpc"):
    """A VPC and its two DNS switches."""

    kind = "vpc"
    gone = ("InvalidVpcID.NotFound",)
    replace_on = replaces("cidrBlock", "instanceTenancy")
    handled = frozenset({"cidrBlock", "enableDnsHostnames", "enableDnsSupport", "instanceTenancy", "tags"})

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        client = call.client("ec2")
        params = pick(inputs, ("cidrBlock", "instanceTenancy"))
        vpc = client.create_vpc(**params, **self.specification(call, inputs))["Vpc"]["VpcId"]
        with rollback(lambda: client.delete_vpc(VpcId=vpc)):
            self._switches(client, vpc, {"enableDnsSupport": True, "enableDnsHostnames": False}, inputs)
        return Created(vpc, self.finished(call, vpc, inputs))

    def _switches(self, client: Any, vpc: str, old: Inputs, new: Inputs) -> None:
        for key, member, default in (
            ("enableDnsSupport", "EnableDnsSupport", True),
            ("enableDnsHostnames", "EnableDnsHostnames", False),
        ):
            if bool(old.get(key, default)) != bool(new.get(key, default)):
                client.modify_vpc_attribute(VpcId=vpc, **{member: {"Value": bool(new.get(key, default))}})

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        self._switches(call.client("ec2"), id, old, new)
        self.retag(call, id, new)
        return self.finished(call, id, new)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        with ignoring(*self.gone):
            retrying(lambda: call.client("ec2").delete_vpc(VpcId=id), "DependencyViolation", seconds=10)

    def describe(self, call: Call, id: str) -> dict[str, Any] | None:
        return _only(found(lambda: call.client("ec2").describe_vpcs(VpcIds=[id]), *self.gone), "Vpcs")

    def computed(self, call: Call, id: str, held: dict[str, Any]) -> Outputs:
        client = call.client("ec2")
        in_vpc = {"Name": "vpc-id", "Values": [id]}

        def first(request: Any, member: str, key: str, *extra: dict[str, Any]) -> str:
            item = _only(request(Filters=[in_vpc, *extra]), member) or {}
            return str(item.get(key, ""))

        groups = (client.describe_security_groups, "SecurityGroups", "GroupId")
        tables = (client.describe_route_tables, "RouteTables", "RouteTableId")
        acls = (client.describe_network_acls, "NetworkAcls", "NetworkAclId")
        main = first(*tables, {"Name": "association.main", "Values": ["true"]})
        return {
            "cidrBlock": held["CidrBlock"],
            "instanceTenancy": held.get("InstanceTenancy", "default"),
            "ownerId": held.get("OwnerId", call.account),
            "dhcpOptionsId": held.get("DhcpOptionsId", ""),
            "defaultSecurityGroupId": first(*groups, {"Name": "group-name", "Values": ["default"]}),
            "mainRouteTableId": main,
            "defaultRouteTableId": main,
            "defaultNetworkAclId": first(*acls, {"Name": "default", "Values": ["true"]}),
            "enableDnsSupport": _attribute(client, id, "enableDnsSupport", "EnableDnsSupport"),
            "enableDnsHostnames": _attribute(client, id, "enableDnsHostnames", "EnableDnsHostnames"),
        }


def _attribute(client: Any, vpc: str, name: str, member: str) -> bool:
    return bool(client.describe_vpc_attribute(VpcId=vpc, Attribute=name)[member]["Value"])


class Subnet(_Network, type="aws:ec2/subnet:Subnet"):
    """A subnet."""

    kind = "subnet"
    gone = ("InvalidSubnetID.NotFound",)
    replace_on = replaces("availabilityZone", "availabilityZoneId", "cidrBlock", "vpcId")
    handled = frozenset(
        {"availabilityZone", "availabilityZoneId", "cidrBlock", "mapPublicIpOnLaunch", "tags", "vpcId"}
    )

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        client = call.client("ec2")
        params = pick(inputs, ("availabilityZone", "availabilityZoneId", "cidrBlock", "vpcId"))
        subnet = client.create_subnet(**params, **self.specification(call, inputs))["Subnet"]["SubnetId"]
        with rollback(lambda: client.delete_subnet(SubnetId=subnet)):
            self._public(client, subnet, {}, inputs)
        return Created(subnet, self.finished(call, subnet, inputs))

    def _public(self, client: Any, subnet: str, old: Inputs, new: Inputs) -> None:
        wanted = bool(new.get("mapPublicIpOnLaunch"))
        if wanted != bool(old.get("mapPublicIpOnLaunch")):
            client.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": wanted})

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        self._public(call.client("ec2"), id, old, new)
        self.retag(call, id, new)
        return self.finished(call, id, new)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        with ignoring(*self.gone):
            retrying(lambda: call.client("ec2").delete_subnet(SubnetId=id), "DependencyViolation", seconds=10)

    def describe(self, call: Call, id: str) -> dict[str, Any] | None:
        return _only(
            found(lambda: call.client("ec2").describe_subnets(SubnetIds=[id]), *self.gone), "Subnets"
        )

    def computed(self, call: Call, id: str, held: dict[str, Any]) -> Outputs:
        return {
            "availabilityZone": held["AvailabilityZone"],
            "availabilityZoneId": held.get("AvailabilityZoneId", ""),
            "cidrBlock": held["CidrBlock"],
            "mapPublicIpOnLaunch": bool(held.get("MapPublicIpOnLaunch")),
            "ownerId": held.get("OwnerId", call.account),
            "vpcId": held["VpcId"],
        }


_ROUTE = {
    "cidrBlock": "DestinationCidrBlock",
    "destinationPrefixListId": "DestinationPrefixListId",
    "egressOnlyGatewayId": "EgressOnlyInternetGatewayId",
    "gatewayId": "GatewayId",
    "ipv6CidrBlock": "DestinationIpv6CidrBlock",
    "natGatewayId": "NatGatewayId",
    "networkInterfaceId": "NetworkInterfaceId",
    "transitGatewayId": "TransitGatewayId",
    "vpcEndpointId": "VpcEndpointId",
    "vpcPeeringConnectionId": "VpcPeeringConnectionId",
}
_DESTINATIONS = ("cidrBlock", "ipv6CidrBlock", "destinationPrefixListId")


class RouteTable(_Network, type="aws:ec2/routeTable:RouteTable"):
    """A route table with its inline routes."""

    kind = "route-table"
    gone = ("InvalidRouteTableID.NotFound",)
    replace_on = replaces("vpcId")
    handled = frozenset({"routes", "tags", "vpcId"})

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        client = call.client("ec2")
        answer = client.create_route_table(VpcId=inputs["vpcId"], **self.specification(call, inputs))
        table = answer["RouteTable"]["RouteTableId"]
        with rollback(lambda: client.delete_route_table(RouteTableId=table)):
            self._routes(client, table, {}, inputs)
        return Created(table, self.finished(call, table, inputs))

    def _routes(self, client: Any, table: str, old: Inputs, new: Inputs) -> None:
        def by_destination(inputs: Inputs) -> dict[tuple[str, str], dict[str, Any]]:
            result = {}
            for route in inputs.get("routes") or ():
                key = next(((name, route[name]) for name in _DESTINATIONS if route.get(name)), None)
                if key is None:
                    raise ProvisionError(f"a route needs one of {', '.join(_DESTINATIONS)}")
                result[key] = pick({k: v for k, v in route.items() if v}, _ROUTE)
            return result

        before, after = by_destination(old), by_destination(new)
        for name, destination in sorted(set(before) - set(after)):
            with ignoring("InvalidRoute.NotFound"):
                client.delete_route(RouteTableId=table, **{_ROUTE[name]: destination})
        for key in sorted(after):
            if key not in before:
                client.create_route(RouteTableId=table, **after[key])
            elif before[key] != after[key]:
                client.replace_route(RouteTableId=table, **after[key])

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        self._routes(call.client("ec2"), id, old, new)
        self.retag(call, id, new)
        return self.finished(call, id, new)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        with ignoring(*self.gone):
            call.client("ec2").delete_route_table(RouteTableId=id)

    def describe(self, call: Call, id: str) -> dict[str, Any] | None:
        answer = found(lambda: call.client("ec2").describe_route_tables(RouteTableIds=[id]), *self.gone)
        return _only(answer, "RouteTables")

    def computed(self, call: Call, id: str, held: dict[str, Any]) -> Outputs:
        return {"vpcId": held["VpcId"], "ownerId": held.get("OwnerId", call.account)}


class RouteTableAssociation(Base, type="aws:ec2/routeTableAssociation:RouteTableAssociation"):
    """Which route table a subnet uses."""

    replace_on = replaces("gatewayId", "subnetId")
    handled = frozenset({"gatewayId", "routeTableId", "subnetId"})

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        answer = call.client("ec2").associate_route_table(
            RouteTableId=inputs["routeTableId"], **pick(inputs, ("gatewayId", "subnetId"))
        )
        return Created(answer["AssociationId"], self.outputs(call, inputs))

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        held = self._held(call, new)
        if held is not None and held["RouteTableId"] != new["routeTableId"]:
            call.client("ec2").replace_route_table_association(
                AssociationId=held["RouteTableAssociationId"], RouteTableId=new["routeTableId"]
            )
        return self.outputs(call, new)

    def _held(self, call: Call, inputs: Inputs) -> dict[str, Any] | None:
        # A replaced association has a new id, so it is looked up by what it associates.
        key, member = ("subnetId", "SubnetId") if inputs.get("subnetId") else ("gatewayId", "GatewayId")
        name = "association.subnet-id" if key == "subnetId" else "association.gateway-id"
        answer = call.client("ec2").describe_route_tables(Filters=[{"Name": name, "Values": [inputs[key]]}])
        for table in answer["RouteTables"]:
            for association in table.get("Associations", []):
                if association.get(member) == inputs[key]:
                    return {"RouteTableId": table["RouteTableId"], **association}
        return None

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        held = self._held(call, state)
        if held is not None and held["RouteTableId"] == state["routeTableId"]:
            with ignoring("InvalidAssociationID.NotFound"):
                call.client("ec2").disassociate_route_table(AssociationId=held["RouteTableAssociationId"])

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        held = self._held(call, state)
        return None if held is None else {**state, "routeTableId": held["RouteTableId"]}


class SecurityGroup(_Network, type="aws:ec2/securityGroup:SecurityGroup"):
    """A security group. Its default rule, which lets everything out, is taken away, as the provider does."""

    name_key = "name"
    name_limit = 255
    kind = "security-group"
    gone = ("InvalidGroup.NotFound", "InvalidGroupId.Malformed")
    replace_on = replaces("description", "name", "namePrefix", "vpcId")
    handled = frozenset(
        {"description", "egress", "ingress", "name", "namePrefix", "revokeRulesOnDelete", "tags", "vpcId"}
    )

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        client = call.client("ec2")
        group = client.create_security_group(
            GroupName=self.physical_name(call, inputs, name),
            Description=inputs.get("description") or "Managed by Pulumi",
            **pick(inputs, ("vpcId",)),
            **self.specification(call, inputs),
        )["GroupId"]
        with rollback(lambda: client.delete_security_group(GroupId=group)):
            for kind in ("ingress", "egress"):
                self._rules(client, group, kind, inputs)
        return Created(group, self.finished(call, group, inputs))

    def _rules(self, client: Any, group: str, kind: str, inputs: Inputs) -> None:
        held = _only(client.describe_security_groups(GroupIds=[group]), "SecurityGroups") or {}
        present = held.get("IpPermissions" if kind == "ingress" else "IpPermissionsEgress") or []
        if present:
            getattr(client, f"revoke_security_group_{kind}")(GroupId=group, IpPermissions=present)
        if inputs.get(kind):
            wanted = [_inline_permission(item, group) for item in inputs[kind]]
            getattr(client, f"authorize_security_group_{kind}")(GroupId=group, IpPermissions=wanted)

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        for kind in ("ingress", "egress"):
            if changed(old, new, kind):
                self._rules(call.client("ec2"), id, kind, new)
        self.retag(call, id, new)
        return self.finished(call, id, new)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        client = call.client("ec2")
        with ignoring(*self.gone):
            if state.get("revokeRulesOnDelete"):
                for kind in ("ingress", "egress"):
                    self._rules(client, id, kind, {})
            retrying(lambda: client.delete_security_group(GroupId=id), "DependencyViolation", seconds=10)

    def describe(self, call: Call, id: str) -> dict[str, Any] | None:
        answer = found(lambda: call.client("ec2").describe_security_groups(GroupIds=[id]), *self.gone)
        return _only(answer, "SecurityGroups")

    def computed(self, call: Call, id: str, held: dict[str, Any]) -> Outputs:
        return {
            "name": held["GroupName"],
            "description": held["Description"],
            "ownerId": held.get("OwnerId", call.account),
            "vpcId": held.get("VpcId", ""),
        }


def _inline_permission(item: Inputs, group: str) -> dict[str, Any]:
    note = {"Description": item["description"]} if item.get("description") else {}
    permission: dict[str, Any] = {"IpProtocol": str(item["protocol"])}
    if permission["IpProtocol"] != "-1":
        permission.update(pick(item, ("fromPort", "toPort")))
    groups = [*(item.get("securityGroups") or []), *([group] if item.get("self") else [])]
    for key, member, name in (
        ("cidrBlocks", "IpRanges", "CidrIp"),
        ("ipv6CidrBlocks", "Ipv6Ranges", "CidrIpv6"),
        ("prefixListIds", "PrefixListIds", "PrefixListId"),
    ):
        if item.get(key):
            permission[member] = [{name: value, **note} for value in item[key]]
    if groups:
        permission["UserIdGroupPairs"] = [{"GroupId": value, **note} for value in groups]
    return permission


class _Rule(Base):
    """One rule of a security group, with an id of its own."""

    taggable = True
    egress: ClassVar[bool] = False
    replace_on = replaces("securityGroupId")
    handled = frozenset(
        {
            "cidrIpv4", "cidrIpv6", "description", "fromPort", "ipProtocol", "prefixListId",
            "referencedSecurityGroupId", "securityGroupId", "tags", "toPort",
        }
    )  # fmt: skip

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        client = call.client("ec2")
        note = pick(inputs, ("description",))
        permission: dict[str, Any] = {"IpProtocol": str(inputs["ipProtocol"])}
        if permission["IpProtocol"] != "-1":
            permission.update(pick(inputs, ("fromPort", "toPort")))
        for key, member, name_ in (
            ("cidrIpv4", "IpRanges", "CidrIp"),
            ("cidrIpv6", "Ipv6Ranges", "CidrIpv6"),
            ("prefixListId", "PrefixListIds", "PrefixListId"),
            ("referencedSecurityGroupId", "UserIdGroupPairs", "GroupId"),
        ):
            if inputs.get(key):
                permission[member] = [{name_: inputs[key], **note}]
        authorize = (
            client.authorize_security_group_egress if self.egress else client.authorize_security_group_ingress
        )
        tags = merged_tags(call, inputs)
        specification = [{"ResourceType": "security-group-rule", "Tags": tag_list(tags)}] if tags else []
        answer = authorize(
            GroupId=inputs["securityGroupId"],
            IpPermissions=[permission],
            **({"TagSpecifications": specification} if specification else {}),
        )
        rule = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        return Created(rule, self._outputs(call, rule, inputs))

    def _outputs(self, call: Call, rule: str, inputs: Inputs) -> Outputs:
        return self.outputs(
            call, inputs, arn=call.arn("ec2", f"security-group-rule/{rule}"), securityGroupRuleId=rule
        )

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        client = call.client("ec2")
        names = {
            "cidrIpv4": "CidrIpv4",
            "cidrIpv6": "CidrIpv6",
            "description": "Description",
            "fromPort": "FromPort",
            "ipProtocol": "IpProtocol",
            "prefixListId": "PrefixListId",
            "referencedSecurityGroupId": "ReferencedGroupId",
            "toPort": "ToPort",
        }
        if changed(old, new, *names):
            client.modify_security_group_rules(
                GroupId=new["securityGroupId"],
                SecurityGroupRules=[{"SecurityGroupRuleId": id, "SecurityGroupRule": pick(new, names)}],
            )
        held = client.describe_tags(Filters=[{"Name": "resource-id", "Values": [id]}]).get("Tags", [])
        sync_tags(
            tag_map(held),
            merged_tags(call, new),
            lambda tags: client.create_tags(Resources=[id], Tags=tag_list(tags)),
            lambda keys: client.delete_tags(Resources=[id], Tags=[{"Key": key} for key in keys]),
        )
        return self._outputs(call, id, new)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        client = call.client("ec2")
        revoke = client.revoke_security_group_egress if self.egress else client.revoke_security_group_ingress
        with ignoring(
            "InvalidSecurityGroupRuleId.NotFound", "InvalidPermission.NotFound", "InvalidGroup.NotFound"
        ):
            revoke(GroupId=state["securityGroupId"], SecurityGroupRuleIds=[id])

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        answer = found(
            lambda: call.client("ec2").describe_security_group_rules(
                Filters=[{"Name": "group-id", "Values": [state["securityGroupId"]]}]
            ),
            "InvalidGroup.NotFound",
        )
        for rule in (answer or {}).get("SecurityGroupRules", []):
            if rule["SecurityGroupRuleId"] == id:
                names = {"IpProtocol": "ipProtocol", "CidrIpv4": "cidrIpv4", "Description": "description"}
                return {**state, **pick(rule, names), "securityGroupRuleId": id}
        return None


class SecurityGroupIngressRule(_Rule, type="aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"):
    """One rule that lets something in."""


class SecurityGroupEgressRule(_Rule, type="aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"):
    """One rule that lets something out."""

    egress = True


class VpcEndpoint(_Network, type="aws:ec2/vpcEndpoint:VpcEndpoint"):
    """A gateway or interface endpoint."""

    kind = "vpc-endpoint"
    gone = ("InvalidVpcEndpointId.NotFound", "InvalidVpcEndpoint.NotFound")
    replace_on = replaces("serviceName", "serviceRegion", "vpcEndpointType", "vpcId")
    handled = frozenset(
        {
            "ipAddressType", "policy", "privateDnsEnabled", "routeTableIds", "securityGroupIds",
            "serviceName", "serviceRegion", "subnetIds", "tags", "vpcEndpointType", "vpcId",
        }
    )  # fmt: skip

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        client = call.client("ec2")
        names = {
            "ipAddressType": "IpAddressType",
            "policy": "PolicyDocument",
            "privateDnsEnabled": "PrivateDnsEnabled",
            "routeTableIds": "RouteTableIds",
            "securityGroupIds": "SecurityGroupIds",
            "serviceName": "ServiceName",
            "serviceRegion": "ServiceRegion",
            "subnetIds": "SubnetIds",
            "vpcId": "VpcId",
        }
        endpoint = client.create_vpc_endpoint(
            VpcEndpointType=inputs.get("vpcEndpointType") or "Gateway",
            **pick(inputs, names),
            **self.specification(call, inputs),
        )["VpcEndpoint"]["VpcEndpointId"]
        with rollback(lambda: client.delete_vpc_endpoints(VpcEndpointIds=[endpoint])):
            self._available(call, endpoint)
        return Created(endpoint, self.finished(call, endpoint, inputs))

    def _available(self, call: Call, endpoint: str) -> None:
        def ready() -> bool:
            held = self.describe(call, endpoint) or {}
            if str(held.get("State", "")).lower() in ("failed", "rejected"):
                raise ProvisionError(f"endpoint {endpoint} is {held['State']}")
            return str(held.get("State", "")).lower() == "available"

        wait_until(f"available of endpoint {endpoint}", ready)

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        client = call.client("ec2")
        params: dict[str, Any] = {}
        for key, member in (
            ("routeTableIds", "RouteTableIds"),
            ("subnetIds", "SubnetIds"),
            ("securityGroupIds", "SecurityGroupIds"),
        ):
            before, after = set(old.get(key) or ()), set(new.get(key) or ())
            if after - before:
                params[f"Add{member}"] = sorted(after - before)
            if before - after:
                params[f"Remove{member}"] = sorted(before - after)
        if changed(old, new, "policy"):
            params.update({"PolicyDocument": new["policy"]} if new.get("policy") else {"ResetPolicy": True})
        if changed(old, new, "privateDnsEnabled"):
            params["PrivateDnsEnabled"] = bool(new.get("privateDnsEnabled"))
        if changed(old, new, "ipAddressType") and new.get("ipAddressType"):
            params["IpAddressType"] = new["ipAddressType"]
        if params:
            client.modify_vpc_endpoint(VpcEndpointId=id, **params)
            self._available(call, id)
        self.retag(call, id, new)
        return self.finished(call, id, new)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        with ignoring(*self.gone):
            answer = self._drop(call, id)
            for item in answer.get("Unsuccessful", []):
                if item["Error"]["Code"] not in self.gone:
                    raise ProvisionError(
                        f"endpoint {id}: {item['Error']['Code']}: {item['Error']['Message']}"
                    )
            wait_until(f"deletion of endpoint {id}", lambda: self.describe(call, id) is None)

    def _drop(self, call: Call, endpoint: str) -> dict[str, Any]:
        client = call.client("ec2")
        with ignoring("InvalidRoute.NotFound"):
            return dict(client.delete_vpc_endpoints(VpcEndpointIds=[endpoint]))
        # The emulator leaves routes behind when route tables change (gaps.py).
        tables = (self.describe(call, endpoint) or {}).get("RouteTableIds", [])
        client.modify_vpc_endpoint(VpcEndpointId=endpoint, RemoveRouteTableIds=tables)
        return dict(client.delete_vpc_endpoints(VpcEndpointIds=[endpoint]))

    def describe(self, call: Call, id: str) -> dict[str, Any] | None:
        answer = found(lambda: call.client("ec2").describe_vpc_endpoints(VpcEndpointIds=[id]), *self.gone)
        held = _only(answer, "VpcEndpoints")
        return None if held is None or str(held.get("State", "")).lower() == "deleted" else held

    def computed(self, call: Call, id: str, held: dict[str, Any]) -> Outputs:
        return {
            "state": str(held["State"]).lower(),
            "ownerId": held.get("OwnerId", call.account),
            "requesterManaged": bool(held.get("RequesterManaged")),
            "networkInterfaceIds": list(held.get("NetworkInterfaceIds") or []),
            "dnsEntries": [
                {"dnsName": item.get("DnsName", ""), "hostedZoneId": item.get("HostedZoneId", "")}
                for item in held.get("DnsEntries") or []
            ],
            "vpcEndpointType": held.get("VpcEndpointType", "Gateway"),
            **_prefix_list(call, held),
        }


def _prefix_list(call: Call, held: dict[str, Any]) -> Outputs:
    """The prefix list that a gateway endpoint's routes lead to; interface endpoints have none."""
    if held.get("VpcEndpointType", "Gateway") != "Gateway":
        return {}
    named = [{"Name": "prefix-list-name", "Values": [held["ServiceName"]]}]
    lists = call.client("ec2").describe_prefix_lists(Filters=named)["PrefixLists"]
    return {"prefixListId": lists[0]["PrefixListId"]} if lists else {}


class FlowLog(_Network, type="aws:ec2/flowLog:FlowLog"):
    """A flow log; everything but its tags is fixed at its creation."""

    kind = "vpc-flow-log"
    gone = ("InvalidFlowLogId.NotFound",)
    handled = frozenset(
        {
            "deliverCrossAccountRole", "destinationOptions", "eniId", "iamRoleArn", "logDestination",
            "logDestinationType", "logFormat", "maxAggregationInterval", "subnetId", "tags",
            "trafficType", "vpcId",
        }
    )  # fmt: skip
    replace_on = replaces(*(handled - {"tags"}))

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        targets = {"vpcId": "VPC", "subnetId": "Subnet", "eniId": "NetworkInterface"}
        chosen = [key for key in targets if inputs.get(key)]
        if len(chosen) != 1:
            raise ProvisionError(f"a flow log needs exactly one of {', '.join(targets)}")
        params: dict[str, Any] = {
            "ResourceType": targets[chosen[0]],
            "ResourceIds": [inputs[chosen[0]]],
            "LogDestinationType": inputs.get("logDestinationType") or "cloud-watch-logs",
            "MaxAggregationInterval": inputs.get("maxAggregationInterval") or 600,
            **pick(
                inputs,
                {
                    "deliverCrossAccountRole": "DeliverCrossAccountRole",
                    "iamRoleArn": "DeliverLogsPermissionArn",
                    "logDestination": "LogDestination",
                    "logFormat": "LogFormat",
                    "trafficType": "TrafficType",
                },
            ),
        }
        if options := inputs.get("destinationOptions"):
            params["DestinationOptions"] = pick(
                options, ("fileFormat", "hiveCompatiblePartitions", "perHourPartition")
            )
        answer = call.client("ec2").create_flow_logs(**params, **self.specification(call, inputs))
        # CreateFlowLogs answers 200 with the failures in the body (API reference).
        for item in answer.get("Unsuccessful", []):
            raise ProvisionError(f"flow log: {item['Error']['Code']}: {item['Error']['Message']}")
        return Created(answer["FlowLogIds"][0], self.finished(call, answer["FlowLogIds"][0], inputs))

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        self.retag(call, id, new)
        return self.finished(call, id, new)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        with ignoring(*self.gone):
            answer = call.client("ec2").delete_flow_logs(FlowLogIds=[id])
            for item in answer.get("Unsuccessful", []):
                if item["Error"]["Code"] not in self.gone:
                    raise ProvisionError(
                        f"flow log {id}: {item['Error']['Code']}: {item['Error']['Message']}"
                    )

    def describe(self, call: Call, id: str) -> dict[str, Any] | None:
        answer = found(lambda: call.client("ec2").describe_flow_logs(FlowLogIds=[id]), *self.gone)
        return _only(answer, "FlowLogs")

    def computed(self, call: Call, id: str, held: dict[str, Any]) -> Outputs:
        members = {
            "LogDestination": "logDestination",
            "LogDestinationType": "logDestinationType",
            "LogFormat": "logFormat",
            "MaxAggregationInterval": "maxAggregationInterval",
            "TrafficType": "trafficType",
        }
        return {key: held[member] for member, key in members.items() if held.get(member) is not None}
