"""KMS keys and aliases (pulumi-aws `aws:kms/*`)."""

from __future__ import annotations

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
    kept_document,
    merged_tags,
    pick,
    replaces,
    rollback,
    same_document,
    sync_tags,
    tag_list,
    tag_map,
)

_MISSING = "NotFoundException"


class Key(Base, type="aws:kms/key:Key"):
    """A key with its policy and rotation; deletion is scheduled, as KMS allows no other."""

    taggable = True
    replace_on = replaces("customerMasterKeySpec", "keyUsage", "multiRegion")
    handled = frozenset(
        {
            "bypassPolicyLockoutSafetyCheck", "customerMasterKeySpec", "deletionWindowInDays",
            "description", "enableKeyRotation", "isEnabled", "keyUsage", "multiRegion", "policy",
            "rotationPeriodInDays", "tags",
        }
    )  # fmt: skip

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        client = call.client("kms")
        params = pick(
            inputs,
            {
                "policy": "Policy",
                "description": "Description",
                "customerMasterKeySpec": "KeySpec",
                "keyUsage": "KeyUsage",
                "multiRegion": "MultiRegion",
                "bypassPolicyLockoutSafetyCheck": "BypassPolicyLockoutSafetyCheck",
            },
        )
        tags = tag_list(merged_tags(call, inputs), "TagKey", "TagValue")
        key = client.create_key(**params, Tags=tags)["KeyMetadata"]["KeyId"]
        with rollback(lambda: self.delete(call, key, {"deletionWindowInDays": 7})):
            _settings(client, key, {}, inputs)
        outputs = self.outputs(call, inputs)
        return Created(key, self.read(call, key, outputs) or outputs)

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        client = call.client("kms")
        if new.get("policy") and not same_document(old.get("policy"), new["policy"]):
            bypass = pick(new, {"bypassPolicyLockoutSafetyCheck": "BypassPolicyLockoutSafetyCheck"})
            client.put_key_policy(KeyId=id, PolicyName="default", Policy=new["policy"], **bypass)
        if changed(old, new, "description"):
            client.update_key_description(KeyId=id, Description=new.get("description", ""))
        _settings(client, id, old, new)
        sync_tags(
            tag_map(client.list_resource_tags(KeyId=id).get("Tags", []), "TagKey", "TagValue"),
            merged_tags(call, new),
            lambda tags: client.tag_resource(KeyId=id, Tags=tag_list(tags, "TagKey", "TagValue")),
            lambda keys: client.untag_resource(KeyId=id, TagKeys=keys),
        )
        outputs = self.outputs(call, new)
        return self.read(call, id, outputs) or outputs

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        # KMSInvalidStateException: the deletion is scheduled already.
        with ignoring(_MISSING, "KMSInvalidStateException"):
            call.client("kms").schedule_key_deletion(
                KeyId=id, PendingWindowInDays=state.get("deletionWindowInDays") or 30
            )

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        answer = found(lambda: call.client("kms").describe_key(KeyId=id), _MISSING)
        if answer is None or answer["KeyMetadata"].get("KeyState") == "PendingDeletion":
            return None
        key = answer["KeyMetadata"]
        policy = call.client("kms").get_key_policy(KeyId=id, PolicyName="default")["Policy"]
        return {
            **state,
            "arn": key["Arn"],
            "keyId": key["KeyId"],
            "keyUsage": key.get("KeyUsage", "ENCRYPT_DECRYPT"),
            "customerMasterKeySpec": key.get("KeySpec", "SYMMETRIC_DEFAULT"),
            "description": key.get("Description", ""),
            "isEnabled": bool(key.get("Enabled", True)),
            "multiRegion": bool(key.get("MultiRegion", False)),
            "policy": kept_document(state, "policy", policy),
        }


def _settings(client: Any, key: str, old: Inputs, new: Inputs) -> None:
    if changed(old, new, "enableKeyRotation", "rotationPeriodInDays"):
        if new.get("enableKeyRotation"):
            client.enable_key_rotation(
                KeyId=key, **pick(new, {"rotationPeriodInDays": "RotationPeriodInDays"})
            )
        elif old.get("enableKeyRotation"):
            client.disable_key_rotation(KeyId=key)
    if old.get("isEnabled", True) != new.get("isEnabled", True):
        if new.get("isEnabled", True):
            client.enable_key(KeyId=key)
        else:
            client.disable_key(KeyId=key)


class Alias(Base, type="aws:kms/alias:Alias"):
    """A name of a key."""

    name_key = "name"
    name_limit = 250
    replace_on = replaces("name", "namePrefix")
    handled = frozenset({"name", "namePrefix", "targetKeyId"})

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        alias = self.physical_name(call, inputs, f"alias/{name}")
        call.client("kms").create_alias(AliasName=alias, TargetKeyId=inputs["targetKeyId"])
        return Created(alias, self._outputs(call, alias, inputs))

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        if changed(old, new, "targetKeyId"):
            call.client("kms").update_alias(AliasName=id, TargetKeyId=new["targetKeyId"])
        return self._outputs(call, id, new)

    def _outputs(self, call: Call, alias: str, inputs: Inputs) -> Outputs:
        key = call.client("kms").describe_key(KeyId=inputs["targetKeyId"])["KeyMetadata"]["Arn"]
        return self.outputs(call, inputs, name=alias, arn=call.arn("kms", alias), targetKeyArn=key)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        with ignoring(_MISSING):
            call.client("kms").delete_alias(AliasName=id)

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        for page in call.client("kms").get_paginator("list_aliases").paginate():
            for alias in page["Aliases"]:
                if alias["AliasName"] == id:
                    return {**state, "name": id, "arn": alias["AliasArn"]}
        return None
