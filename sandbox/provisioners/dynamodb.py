"""DynamoDB tables and items (pulumi-aws `aws:dynamodb/*`)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.provisioners.base import (
    Base,
    Call,
    Created,
    Inputs,
    Outputs,
    changed,
    found,
    ignoring,
    merged_tags,
    replaces,
    retrying,
    rollback,
    sync_tags,
    tag_list,
    tag_map,
    wait_until,
)

_MISSING = "ResourceNotFoundException"


class Table(Base, type="aws:dynamodb/table:Table"):
    """A table with its indexes, stream, encryption, recovery, TTL and replicas."""

    name_key = "name"
    taggable = True
    name_limit = 255
    replace_on = replaces("name", "hashKey", "rangeKey", "localSecondaryIndexes")
    handled = frozenset(
        {
            "attributes", "billingMode", "deletionProtectionEnabled", "globalSecondaryIndexes",
            "hashKey", "localSecondaryIndexes", "name", "onDemandThroughput", "pointInTimeRecovery",
            "rangeKey", "readCapacity", "replicas", "serverSideEncryption", "streamEnabled",
            "streamViewType", "tableClass", "tags", "ttl", "writeCapacity",
        }
    )  # fmt: skip

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        client = call.client("dynamodb")
        table = self.physical_name(call, inputs, name)
        params: dict[str, Any] = {
            "TableName": table,
            "KeySchema": _keys(inputs),
            "AttributeDefinitions": _attributes(inputs),
            "BillingMode": inputs.get("billingMode", "PROVISIONED"),
            "DeletionProtectionEnabled": bool(inputs.get("deletionProtectionEnabled")),
            "Tags": tag_list(merged_tags(call, inputs)),
        }
        if throughput := _throughput(inputs, inputs):
            params["ProvisionedThroughput"] = throughput
        if inputs.get("onDemandThroughput"):
            params["OnDemandThroughput"] = _on_demand(inputs["onDemandThroughput"])
        if inputs.get("globalSecondaryIndexes"):
            params["GlobalSecondaryIndexes"] = [
                _index(item, inputs) for item in inputs["globalSecondaryIndexes"]
            ]
        if inputs.get("localSecondaryIndexes"):
            params["LocalSecondaryIndexes"] = [
                {
                    "IndexName": item["name"],
                    "KeySchema": _keys({"hashKey": inputs["hashKey"], "rangeKey": item["rangeKey"]}),
                    "Projection": _projection(item),
                }
                for item in inputs["localSecondaryIndexes"]
            ]
        if inputs.get("streamEnabled"):
            params["StreamSpecification"] = _stream(inputs)
        if (inputs.get("serverSideEncryption") or {}).get("enabled"):
            params["SSESpecification"] = _encryption(inputs)
        if inputs.get("tableClass"):
            params["TableClass"] = inputs["tableClass"]
        client.create_table(**params)
        with rollback(lambda: _drop(client, table)):
            _active(client, table)
            _settings(client, table, {}, inputs)
            _replicas(client, table, {}, inputs)
        outputs = self.read(call, table, self.outputs(call, inputs))
        return Created(table, outputs or self.outputs(call, inputs, name=table))

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        client = call.client("dynamodb")
        billing = changed(old, new, "billingMode", "readCapacity", "writeCapacity", "onDemandThroughput")
        # One kind of change a call: UpdateTable refuses several at once (API reference).
        if billing:
            params: dict[str, Any] = {"BillingMode": new.get("billingMode", "PROVISIONED")}
            if throughput := _throughput(new, new):
                params["ProvisionedThroughput"] = throughput
            if new.get("onDemandThroughput"):
                params["OnDemandThroughput"] = _on_demand(new["onDemandThroughput"])
            _change(client, id, **params)
        if changed(old, new, "streamEnabled", "streamViewType"):
            if old.get("streamEnabled"):
                _change(client, id, StreamSpecification={"StreamEnabled": False})
            if new.get("streamEnabled"):
                _change(client, id, StreamSpecification=_stream(new))
        if changed(old, new, "serverSideEncryption"):
            _change(client, id, SSESpecification=_encryption(new))
        if changed(old, new, "tableClass"):
            _change(client, id, TableClass=new.get("tableClass", "STANDARD"))
        if changed(old, new, "deletionProtectionEnabled"):
            _change(client, id, DeletionProtectionEnabled=bool(new.get("deletionProtectionEnabled")))
        _indexes(client, id, old, new)
        _settings(client, id, old, new)
        _replicas(client, id, old, new)
        arn = client.describe_table(TableName=id)["Table"]["TableArn"]
        sync_tags(
            tag_map(client.list_tags_of_resource(ResourceArn=arn).get("Tags", [])),
            merged_tags(call, new),
            lambda tags: client.tag_resource(ResourceArn=arn, Tags=tag_list(tags)),
            lambda keys: client.untag_resource(ResourceArn=arn, TagKeys=keys),
        )
        return self.read(call, id, self.outputs(call, new)) or self.outputs(call, new, name=id)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        client = call.client("dynamodb")
        for replica in state.get("replicas") or ():
            with ignoring(_MISSING, "ReplicaNotFoundException"):
                _change(client, id, ReplicaUpdates=[{"Delete": {"RegionName": replica["regionName"]}}])
        _drop(client, id)

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        answer = found(lambda: call.client("dynamodb").describe_table(TableName=id), _MISSING)
        if answer is None or answer["Table"].get("TableStatus") == "DELETING":
            return None
        table = answer["Table"]
        return {
            **state,
            "name": id,
            "arn": table["TableArn"],
            "billingMode": (table.get("BillingModeSummary") or {}).get("BillingMode", "PROVISIONED"),
            "hashKey": table["KeySchema"][0]["AttributeName"],
            "attributes": _in_order(
                [
                    {"name": a["AttributeName"], "type": a["AttributeType"]}
                    for a in table["AttributeDefinitions"]
                ],
                state.get("attributes") or (),
            ),
            "deletionProtectionEnabled": bool(table.get("DeletionProtectionEnabled")),
            "streamArn": table.get("LatestStreamArn", ""),
            "streamLabel": table.get("LatestStreamLabel", ""),
        }


def _in_order(actual: list[dict[str, str]], known: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Attributes in the state's order, others by name: the service keeps a set, a refresh must not differ."""
    places = {item["name"]: place for place, item in enumerate(known)}
    return sorted(actual, key=lambda item: (places.get(item["name"], len(places)), item["name"]))


def _keys(item: Inputs) -> list[dict[str, str]]:
    if item.get("keySchemas"):
        return [{"AttributeName": k["attributeName"], "KeyType": k["keyType"]} for k in item["keySchemas"]]
    keys = [{"AttributeName": item["hashKey"], "KeyType": "HASH"}]
    if item.get("rangeKey"):
        keys.append({"AttributeName": item["rangeKey"], "KeyType": "RANGE"})
    return keys


def _attributes(inputs: Inputs) -> list[dict[str, str]]:
    attributes = [
        {"AttributeName": a["name"], "AttributeType": a["type"]} for a in inputs.get("attributes") or ()
    ]
    return sorted(attributes, key=lambda item: item["AttributeName"])


def _projection(item: Inputs) -> dict[str, Any]:
    projection: dict[str, Any] = {"ProjectionType": item["projectionType"]}
    if item.get("nonKeyAttributes"):
        projection["NonKeyAttributes"] = list(item["nonKeyAttributes"])
    return projection


def _throughput(item: Inputs, table: Inputs) -> dict[str, int] | None:
    if table.get("billingMode", "PROVISIONED") != "PROVISIONED":
        return None
    return {
        "ReadCapacityUnits": item.get("readCapacity", 1),
        "WriteCapacityUnits": item.get("writeCapacity", 1),
    }


def _on_demand(item: Inputs) -> dict[str, int]:
    members = {"maxReadRequestUnits": "MaxReadRequestUnits", "maxWriteRequestUnits": "MaxWriteRequestUnits"}
    return {member: item[key] for key, member in members.items() if item.get(key) is not None}


def _index(item: Inputs, table: Inputs) -> dict[str, Any]:
    index: dict[str, Any] = {
        "IndexName": item["name"],
        "KeySchema": _keys(item),
        "Projection": _projection(item),
    }
    if throughput := _throughput(item, table):
        index["ProvisionedThroughput"] = throughput
    if item.get("onDemandThroughput"):
        index["OnDemandThroughput"] = _on_demand(item["onDemandThroughput"])
    return index


def _stream(inputs: Inputs) -> dict[str, Any]:
    return {"StreamEnabled": True, "StreamViewType": inputs["streamViewType"]}


def _encryption(inputs: Inputs) -> dict[str, Any]:
    wanted = inputs.get("serverSideEncryption") or {}
    if not wanted.get("enabled"):
        return {"Enabled": False}
    encryption: dict[str, Any] = {"Enabled": True, "SSEType": "KMS"}
    if wanted.get("kmsKeyArn"):
        encryption["KMSMasterKeyId"] = wanted["kmsKeyArn"]
    return encryption


def _active(client: Any, table: str) -> None:
    def ready() -> bool:
        description = client.describe_table(TableName=table)["Table"]
        indexes = description.get("GlobalSecondaryIndexes", [])
        return description["TableStatus"] == "ACTIVE" and all(
            i.get("IndexStatus") == "ACTIVE" for i in indexes
        )

    wait_until(f"ACTIVE of table {table}", ready, seconds=120)


def _change(client: Any, table: str, **params: Any) -> None:
    retrying(lambda: client.update_table(TableName=table, **params), "ResourceInUseException")
    _active(client, table)


def _indexes(client: Any, table: str, old: Inputs, new: Inputs) -> None:
    before = {item["name"]: item for item in old.get("globalSecondaryIndexes") or ()}
    after = {item["name"]: item for item in new.get("globalSecondaryIndexes") or ()}
    capacity = {"readCapacity", "writeCapacity", "onDemandThroughput"}
    for name in sorted(before):
        fixed = {k: v for k, v in before[name].items() if k not in capacity}
        if name not in after or {k: v for k, v in after[name].items() if k not in capacity} != fixed:
            _change(client, table, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": name}}])
        elif before[name] != after[name]:
            index = _index(after[name], new)
            sized = {
                k: v
                for k, v in index.items()
                if k in ("IndexName", "ProvisionedThroughput", "OnDemandThroughput")
            }
            _change(client, table, GlobalSecondaryIndexUpdates=[{"Update": sized}])
    present = {
        index["IndexName"]
        for index in client.describe_table(TableName=table)["Table"].get("GlobalSecondaryIndexes", [])
    }
    for name in sorted(set(after) - present):
        _change(
            client,
            table,
            AttributeDefinitions=_attributes(new),
            GlobalSecondaryIndexUpdates=[{"Create": _index(after[name], new)}],
        )


def _settings(client: Any, table: str, old: Inputs, new: Inputs) -> None:
    if changed(old, new, "ttl"):
        before, after = old.get("ttl") or {}, new.get("ttl") or {}
        if before.get("enabled") and before.get("attributeName") != after.get("attributeName"):
            _expiry(client, table, before["attributeName"], enabled=False)
        if after.get("enabled") or (before.get("enabled") and after.get("attributeName")):
            _expiry(client, table, after["attributeName"], enabled=bool(after.get("enabled")))
    if changed(old, new, "pointInTimeRecovery"):
        wanted = new.get("pointInTimeRecovery") or {}
        if wanted.get("enabled") or (old.get("pointInTimeRecovery") or {}).get("enabled"):
            recovery: dict[str, Any] = {"PointInTimeRecoveryEnabled": bool(wanted.get("enabled"))}
            if wanted.get("recoveryPeriodInDays"):
                recovery["RecoveryPeriodInDays"] = wanted["recoveryPeriodInDays"]
            retrying(
                lambda: client.update_continuous_backups(
                    TableName=table, PointInTimeRecoverySpecification=recovery
                ),
                "ContinuousBackupsUnavailableException",
            )


def _expiry(client: Any, table: str, attribute: str, *, enabled: bool) -> None:
    client.update_time_to_live(
        TableName=table, TimeToLiveSpecification={"AttributeName": attribute, "Enabled": enabled}
    )


def _replicas(client: Any, table: str, old: Inputs, new: Inputs) -> None:
    before = {item["regionName"]: item for item in old.get("replicas") or ()}
    after = {item["regionName"]: item for item in new.get("replicas") or ()}
    for region in sorted(set(before) - set(after)):
        _change(client, table, ReplicaUpdates=[{"Delete": {"RegionName": region}}])
    for region in sorted(set(after) - set(before)):
        replica: dict[str, Any] = {"RegionName": region}
        if after[region].get("kmsKeyArn"):
            replica["KMSMasterKeyId"] = after[region]["kmsKeyArn"]
        _change(client, table, ReplicaUpdates=[{"Create": replica}])


def _drop(client: Any, table: str) -> None:
    with ignoring(_MISSING):
        retrying(lambda: client.delete_table(TableName=table), "ResourceInUseException")
        wait_until(
            f"deletion of table {table}",
            lambda: found(lambda: client.describe_table(TableName=table), _MISSING) is None,
            seconds=120,
        )


class TableItem(Base, type="aws:dynamodb/tableItem:TableItem"):
    """One item of a table, given as DynamoDB JSON."""

    replace_on = replaces("tableName", "hashKey", "rangeKey")
    handled = frozenset({"hashKey", "item", "rangeKey", "tableName"})

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        item = _item(inputs["item"])
        call.client("dynamodb").put_item(
            TableName=inputs["tableName"],
            Item=item,
            # An item that somebody else wrote is not taken over silently.
            ConditionExpression="attribute_not_exists(#hash)",
            ExpressionAttributeNames={"#hash": inputs["hashKey"]},
        )
        return Created(_item_id(inputs), self.outputs(call, inputs))

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        client = call.client("dynamodb")
        client.put_item(TableName=new["tableName"], Item=_item(new["item"]))
        if _key(old) != _key(new):
            client.delete_item(TableName=old["tableName"], Key=_key(old))
        return self.outputs(call, new)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        with ignoring(_MISSING):
            call.client("dynamodb").delete_item(TableName=state["tableName"], Key=_key(state))

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        answer = found(
            lambda: call.client("dynamodb").get_item(
                TableName=state["tableName"], Key=_key(state), ConsistentRead=True
            ),
            _MISSING,
        )
        if answer is None or not answer.get("Item"):
            return None
        same = answer["Item"] == _item(state["item"])
        return {
            **state,
            "item": state["item"] if same else json.dumps(_printable(answer["Item"]), sort_keys=True),
        }


def _item(text: str) -> dict[str, Any]:
    def decoded(value: Any) -> Any:
        if isinstance(value, dict):
            if set(value) == {"B"}:
                return {"B": base64.b64decode(value["B"])}
            return {key: decoded(item) for key, item in value.items()}
        return [decoded(item) for item in value] if isinstance(value, list) else value

    return dict(decoded(json.loads(text)))


def _printable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _printable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_printable(item) for item in value]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _key(inputs: Inputs) -> dict[str, Any]:
    item = _item(inputs["item"])
    return {key: item[key] for key in (inputs["hashKey"], inputs.get("rangeKey")) if key}


def _item_id(inputs: Inputs) -> str:
    parts = [inputs["tableName"]]
    for name, value in _key(inputs).items():
        parts += [name, *map(str, value.values())]
    return "|".join(parts)
