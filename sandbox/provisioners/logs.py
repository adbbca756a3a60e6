"""CloudWatch Logs groups (pulumi-aws `aws:cloudwatch/logGroup:LogGroup`)."""

from __future__ import annotations

from typing import Any

from sandbox.provisioners.base import (
    Base,
    Call,
    Created,
    Inputs,
    Outputs,
    changed,
    ignoring,
    merged_tags,
    pick,
    replaces,
    rollback,
    sync_tags,
)


class LogGroup(Base, type="aws:cloudwatch/logGroup:LogGroup"):
    """A log group: retention in days (0 = for ever) and key."""

    name_key = "name"
    taggable = True
    name_limit = 512
    replace_on = replaces("name", "namePrefix", "logGroupClass")
    handled = frozenset(
        {"kmsKeyId", "logGroupClass", "name", "namePrefix", "retentionInDays", "skipDestroy", "tags"}
    )

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        client = call.client("logs")
        group = self.physical_name(call, inputs, name)
        params = pick(inputs, {"kmsKeyId": "kmsKeyId", "logGroupClass": "logGroupClass"})
        if tags := merged_tags(call, inputs):
            params["tags"] = tags
        client.create_log_group(logGroupName=group, **params)
        with rollback(lambda: client.delete_log_group(logGroupName=group)):
            if inputs.get("retentionInDays"):
                client.put_retention_policy(logGroupName=group, retentionInDays=inputs["retentionInDays"])
        return Created(group, self._outputs(call, group, inputs))

    def _outputs(self, call: Call, group: str, inputs: Inputs) -> Outputs:
        return self.outputs(
            call,
            inputs,
            name=group,
            arn=call.arn("logs", f"log-group:{group}"),
            logGroupClass=inputs.get("logGroupClass", "STANDARD"),
            retentionInDays=inputs.get("retentionInDays", 0),
        )

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        client = call.client("logs")
        if changed(old, new, "retentionInDays"):
            if new.get("retentionInDays"):
                client.put_retention_policy(logGroupName=id, retentionInDays=new["retentionInDays"])
            else:
                client.delete_retention_policy(logGroupName=id)
        if changed(old, new, "kmsKeyId"):
            if new.get("kmsKeyId"):
                client.associate_kms_key(logGroupName=id, kmsKeyId=new["kmsKeyId"])
            else:
                client.disassociate_kms_key(logGroupName=id)
        arn = call.arn("logs", f"log-group:{id}")
        sync_tags(
            client.list_tags_for_resource(resourceArn=arn).get("tags", {}),
            merged_tags(call, new),
            lambda tags: client.tag_resource(resourceArn=arn, tags=tags),
            lambda keys: client.untag_resource(resourceArn=arn, tagKeys=keys),
        )
        return self._outputs(call, id, new)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        if state.get("skipDestroy"):
            return
        with ignoring("ResourceNotFoundException"):
            call.client("logs").delete_log_group(logGroupName=id)

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        groups: list[dict[str, Any]] = call.client("logs").describe_log_groups(logGroupNamePrefix=id)[
            "logGroups"
        ]
        for group in groups:
            if group["logGroupName"] == id:
                result = {**state, "name": id, "retentionInDays": group.get("retentionInDays", 0)}
                result["arn"] = group["arn"].removesuffix(":*")
                if group.get("kmsKeyId"):
                    result["kmsKeyId"] = group["kmsKeyId"]
                return result
        return None
