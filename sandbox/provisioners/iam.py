"""IAM roles and their inline policies (pulumi-aws `aws:iam/*`)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from sandbox.provisioners.base import (
    Base,
    Call,
    Created,
    Inputs,
    Outputs,
    ProvisionError,
    changed,
    document,
    found,
    ignoring,
    kept_document,
    merged_tags,
    rollback,
    same_document,
    sync_tags,
    tag_list,
    tag_map,
)

_MISSING = "NoSuchEntity"


class Role(Base, type="aws:iam/role:Role"):
    """A role: trust policy, boundary, and what the resource itself attaches."""

    name_key = "name"
    taggable = True
    replace_on = frozenset({"name", "namePrefix", "path"})
    handled = frozenset(
        {
            "assumeRolePolicy", "description", "forceDetachPolicies", "inlinePolicies",
            "managedPolicyArns", "maxSessionDuration", "name", "namePrefix", "path",
            "permissionsBoundary", "tags",
        }
    )  # fmt: skip

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        client = call.client("iam")
        role = self.physical_name(call, inputs, name)
        params: dict[str, Any] = {
            "RoleName": role,
            "AssumeRolePolicyDocument": document(inputs["assumeRolePolicy"]),
            "Path": inputs.get("path", "/"),
            "MaxSessionDuration": inputs.get("maxSessionDuration", 3600),
            "Tags": tag_list(merged_tags(call, inputs)),
        }
        if inputs.get("description"):
            params["Description"] = inputs["description"]
        if inputs.get("permissionsBoundary"):
            params["PermissionsBoundary"] = inputs["permissionsBoundary"]
        client.create_role(**params)
        with rollback(lambda: self.delete(call, role, {"forceDetachPolicies": True})):
            _attachments(client, role, {}, inputs)
        outputs = self.outputs(call, inputs)
        return Created(role, self.read(call, role, outputs) or outputs)

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        client = call.client("iam")
        if not same_document(old.get("assumeRolePolicy"), new["assumeRolePolicy"]):
            client.update_assume_role_policy(RoleName=id, PolicyDocument=document(new["assumeRolePolicy"]))
        if changed(old, new, "description", "maxSessionDuration"):
            client.update_role(
                RoleName=id,
                Description=new.get("description", ""),
                MaxSessionDuration=new.get("maxSessionDuration", 3600),
            )
        if changed(old, new, "permissionsBoundary"):
            if new.get("permissionsBoundary"):
                client.put_role_permissions_boundary(
                    RoleName=id, PermissionsBoundary=new["permissionsBoundary"]
                )
            else:
                client.delete_role_permissions_boundary(RoleName=id)
        _attachments(client, id, old, new)
        sync_tags(
            tag_map(client.list_role_tags(RoleName=id).get("Tags", [])),
            merged_tags(call, new),
            lambda tags: client.tag_role(RoleName=id, Tags=tag_list(tags)),
            lambda keys: client.untag_role(RoleName=id, TagKeys=keys),
        )
        outputs = self.outputs(call, new)
        return self.read(call, id, outputs) or outputs

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        client = call.client("iam")
        with ignoring(_MISSING):
            forced = bool(state.get("forceDetachPolicies"))
            own = {item["name"] for item in state.get("inlinePolicies") or () if item.get("name")}
            for policy in client.list_role_policies(RoleName=id).get("PolicyNames", []):
                if forced or policy in own:
                    client.delete_role_policy(RoleName=id, PolicyName=policy)
            attached = set(state.get("managedPolicyArns") or ())
            for policy in client.list_attached_role_policies(RoleName=id).get("AttachedPolicies", []):
                if forced or policy["PolicyArn"] in attached:
                    client.detach_role_policy(RoleName=id, PolicyArn=policy["PolicyArn"])
            client.delete_role(RoleName=id)

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        answer = found(lambda: call.client("iam").get_role(RoleName=id), _MISSING)
        if answer is None:
            return None
        role = answer["Role"]
        trust = _text(role["AssumeRolePolicyDocument"])
        result = {
            **state,
            "name": id,
            "arn": role["Arn"],
            "path": role["Path"],
            "uniqueId": role["RoleId"],
            "createDate": role["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "maxSessionDuration": role.get("MaxSessionDuration", 3600),
            "description": role.get("Description", ""),
            "assumeRolePolicy": kept_document(state, "assumeRolePolicy", trust),
        }
        # IAM is global: the provider gives its resources no Region.
        result.pop("region", None)
        return result


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict) else unquote(value)


def _attachments(client: Any, role: str, old: Inputs, new: Inputs) -> None:
    before, after = set(old.get("managedPolicyArns") or ()), set(new.get("managedPolicyArns") or ())
    for arn in sorted(before - after):
        with ignoring(_MISSING):
            client.detach_role_policy(RoleName=role, PolicyArn=arn)
    for arn in sorted(after - before):
        client.attach_role_policy(RoleName=role, PolicyArn=arn)
    inline_before = {
        item["name"]: item["policy"] for item in old.get("inlinePolicies") or () if item.get("name")
    }
    inline_after = {
        item["name"]: item["policy"] for item in new.get("inlinePolicies") or () if item.get("name")
    }
    for name in sorted(set(inline_before) - set(inline_after)):
        with ignoring(_MISSING):
            client.delete_role_policy(RoleName=role, PolicyName=name)
    for name in sorted(inline_after):
        if inline_before.get(name) != inline_after[name]:
            client.put_role_policy(
                RoleName=role, PolicyName=name, PolicyDocument=document(inline_after[name])
            )


class RolePolicy(Base, type="aws:iam/rolePolicy:RolePolicy"):
    """One inline policy of a role."""

    name_key = "name"
    name_limit = 128
    replace_on = frozenset({"name", "namePrefix", "role"})
    handled = frozenset({"name", "namePrefix", "policy", "role"})

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        policy = self.physical_name(call, inputs, name)
        self._put(call, inputs["role"], policy, inputs)
        return Created(f"{inputs['role']}:{policy}", self._outputs(inputs, policy))

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        role, policy = id.rsplit(":", 1)
        self._put(call, role, policy, new)
        return self._outputs(new, policy)

    def _put(self, call: Call, role: str, policy: str, inputs: Inputs) -> None:
        call.client("iam").put_role_policy(
            RoleName=role, PolicyName=policy, PolicyDocument=document(inputs["policy"])
        )

    def _outputs(self, inputs: Inputs, policy: str) -> Outputs:
        return {**inputs, "name": policy}

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        role, policy = id.rsplit(":", 1)
        with ignoring(_MISSING):
            call.client("iam").delete_role_policy(RoleName=role, PolicyName=policy)

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        role, policy = id.rsplit(":", 1)
        answer = found(lambda: call.client("iam").get_role_policy(RoleName=role, PolicyName=policy), _MISSING)
        if answer is None:
            return None
        text = _text(answer["PolicyDocument"])
        return {**state, "role": role, "name": policy, "policy": kept_document(state, "policy", text)}


class RolePolicyAttachment(Base, type="aws:iam/rolePolicyAttachment:RolePolicyAttachment"):
    """One managed policy of a role."""

    replace_on = frozenset({"policyArn", "role"})
    handled = frozenset({"policyArn", "role"})

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        role, policy = inputs["role"], inputs["policyArn"]
        call.client("iam").attach_role_policy(RoleName=role, PolicyArn=policy)
        return Created(f"{role}/{policy}", dict(inputs))

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        raise ProvisionError("the attachment of a policy cannot be changed in place")

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        role, policy = id.split("/", 1)
        with ignoring(_MISSING):
            call.client("iam").detach_role_policy(RoleName=role, PolicyArn=policy)

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        role, policy = id.split("/", 1)
        answer = found(lambda: call.client("iam").list_attached_role_policies(RoleName=role), _MISSING)
        attached = {item["PolicyArn"] for item in (answer or {}).get("AttachedPolicies", [])}
        return {**state, "role": role, "policyArn": policy} if policy in attached else None


class InstanceProfile(Base, type="aws:iam/instanceProfile:InstanceProfile"):
    """What lets an EC2 instance act as a role."""

    name_key = "name"
    name_limit = 128
    taggable = True
    replace_on = frozenset({"name", "namePrefix", "path"})
    handled = frozenset({"name", "namePrefix", "path", "role", "tags"})

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        client = call.client("iam")
        profile = self.physical_name(call, inputs, name)
        client.create_instance_profile(
            InstanceProfileName=profile,
            Path=inputs.get("path", "/"),
            Tags=tag_list(merged_tags(call, inputs)),
        )
        with rollback(lambda: self.delete(call, profile, {})):
            if inputs.get("role"):
                client.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=inputs["role"])
        outputs = self.outputs(call, inputs)
        return Created(profile, self.read(call, profile, outputs) or outputs)

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        client = call.client("iam")
        if changed(old, new, "role"):
            # A profile holds one role at a time (IAM quotas).
            if old.get("role"):
                with ignoring(_MISSING):
                    client.remove_role_from_instance_profile(InstanceProfileName=id, RoleName=old["role"])
            if new.get("role"):
                client.add_role_to_instance_profile(InstanceProfileName=id, RoleName=new["role"])
        sync_tags(
            tag_map(client.list_instance_profile_tags(InstanceProfileName=id).get("Tags", [])),
            merged_tags(call, new),
            lambda tags: client.tag_instance_profile(InstanceProfileName=id, Tags=tag_list(tags)),
            lambda keys: client.untag_instance_profile(InstanceProfileName=id, TagKeys=keys),
        )
        outputs = self.outputs(call, new)
        return self.read(call, id, outputs) or outputs

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        client = call.client("iam")
        with ignoring(_MISSING):
            held = client.get_instance_profile(InstanceProfileName=id)["InstanceProfile"]
            for role in held.get("Roles", []):
                client.remove_role_from_instance_profile(InstanceProfileName=id, RoleName=role["RoleName"])
            client.delete_instance_profile(InstanceProfileName=id)

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        answer = found(lambda: call.client("iam").get_instance_profile(InstanceProfileName=id), _MISSING)
        if answer is None:
            return None
        held = answer["InstanceProfile"]
        result = {
            **state,
            "name": id,
            "arn": held["Arn"],
            "path": held["Path"],
            "uniqueId": held["InstanceProfileId"],
            "createDate": held["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        if held.get("Roles"):
            result["role"] = held["Roles"][0]["RoleName"]
        result.pop("region", None)
        return result
