"""Systems Manager documents and associations (pulumi-aws `aws:ssm/*`)."""

from __future__ import annotations

from typing import Any

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
    kept_document,
    merged_tags,
    pick,
    replaces,
    rollback,
    sync_tags,
    tag_list,
    tag_map,
    to_boto,
    wait_until,
)

_NO_DOCUMENT = ("InvalidDocument", "InvalidDocumentException")
_NO_ASSOCIATION = ("AssociationDoesNotExist",)


class Document(Base, type="aws:ssm/document:Document"):
    """A document; a change of content makes a new version and makes it the default one."""

    name_key = "name"
    taggable = True
    name_limit = 128
    replace_on = replaces("name", "documentType")
    handled = frozenset(
        {
            "content",
            "documentFormat",
            "documentType",
            "name",
            "permissions",
            "tags",
            "targetType",
            "versionName",
        }
    )

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        client = call.client("ssm")
        document = self.physical_name(call, inputs, name)
        client.create_document(
            Name=document,
            Tags=tag_list(merged_tags(call, inputs)),
            **pick(inputs, ("content", "documentFormat", "documentType", "targetType", "versionName")),
        )
        with rollback(lambda: self.delete(call, document, {})):
            _active(client, document)
            _share(client, document, {}, inputs)
        outputs = self.outputs(call, inputs, name=document)
        return Created(document, self.read(call, document, outputs) or outputs)

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        client = call.client("ssm")
        if changed(old, new, "content", "documentFormat", "targetType", "versionName"):
            with ignoring("DuplicateDocumentContent"):
                answer = client.update_document(
                    Name=id,
                    DocumentVersion="$LATEST",
                    **pick(new, ("content", "documentFormat", "targetType", "versionName")),
                )
                version = answer["DocumentDescription"]["DocumentVersion"]
                client.update_document_default_version(Name=id, DocumentVersion=version)
            _active(client, id)
        _share(client, id, old, new)
        sync_tags(
            tag_map(client.list_tags_for_resource(ResourceType="Document", ResourceId=id).get("TagList", [])),
            merged_tags(call, new),
            lambda tags: client.add_tags_to_resource(
                ResourceType="Document", ResourceId=id, Tags=tag_list(tags)
            ),
            lambda keys: client.remove_tags_from_resource(
                ResourceType="Document", ResourceId=id, TagKeys=keys
            ),
        )
        outputs = self.outputs(call, new, name=id)
        return self.read(call, id, outputs) or outputs

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        client = call.client("ssm")
        with ignoring(*_NO_DOCUMENT):
            if state.get("permissions"):
                _share(client, id, state, {})
            client.delete_document(Name=id)

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        answer = found(lambda: call.client("ssm").describe_document(Name=id), *_NO_DOCUMENT)
        if answer is None:
            return None
        held = answer["Document"]
        members = {
            "DefaultVersion": "defaultVersion",
            "Description": "description",
            "DocumentFormat": "documentFormat",
            "DocumentType": "documentType",
            "DocumentVersion": "documentVersion",
            "Hash": "hash",
            "HashType": "hashType",
            "LatestVersion": "latestVersion",
            "Owner": "owner",
            "PlatformTypes": "platformTypes",
            "SchemaVersion": "schemaVersion",
            "Status": "status",
        }
        result = {**state, "name": id, "arn": call.arn("ssm", f"document/{id}")}
        result.update({key: held[member] for member, key in members.items() if held.get(member) is not None})
        if held.get("CreatedDate"):
            result["createdDate"] = held["CreatedDate"].strftime("%Y-%m-%dT%H:%M:%SZ")
        result["parameters"] = [
            {
                "name": p["Name"],
                "type": p.get("Type", "String"),
                "description": p.get("Description", ""),
                "defaultValue": p.get("DefaultValue", ""),
            }
            for p in held.get("Parameters", [])
        ]
        content = call.client("ssm").get_document(Name=id)["Content"]
        result["content"] = kept_document(state, "content", content)
        return result


def _active(client: Any, document: str) -> None:
    def ready() -> bool:
        held = client.describe_document(Name=document)["Document"]
        if held.get("Status") == "Failed":
            raise ProvisionError(
                f"document {document} failed: {held.get('StatusInformation', 'no reason given')}"
            )
        return bool(held.get("Status", "Active") == "Active")

    wait_until(f"Active of document {document}", ready)


def _share(client: Any, document: str, old: Inputs, new: Inputs) -> None:
    def accounts(inputs: Inputs) -> set[str]:
        listed = (inputs.get("permissions") or {}).get("accountIds") or ""
        return {item.strip() for item in str(listed).split(",") if item.strip()}

    added, removed = sorted(accounts(new) - accounts(old)), sorted(accounts(old) - accounts(new))
    if added or removed:
        client.modify_document_permission(
            Name=document, PermissionType="Share", AccountIdsToAdd=added, AccountIdsToRemove=removed
        )


class Association(Base, type="aws:ssm/association:Association"):
    """A standing order: this document, with these parameters, on these targets."""

    taggable = True
    replace_on = replaces("name")
    handled = frozenset(
        {
            "applyOnlyAtCronInterval", "associationName", "automationTargetParameterName",
            "complianceSeverity", "documentVersion", "maxConcurrency", "maxErrors", "name",
            "outputLocation", "parameters", "scheduleExpression", "syncCompliance", "tags", "targets",
            "waitForSuccessTimeoutSeconds",
        }
    )  # fmt: skip

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        client = call.client("ssm")
        answer = client.create_association(
            Name=inputs["name"], Tags=tag_list(merged_tags(call, inputs)), **_association(inputs)
        )
        association = answer["AssociationDescription"]["AssociationId"]
        with rollback(lambda: self.delete(call, association, {})):
            _succeeded(client, association, inputs)
        outputs = self.outputs(call, inputs)
        return Created(association, self.read(call, association, outputs) or outputs)

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        client = call.client("ssm")
        # UpdateAssociation drops what it is not told again (API reference).
        before, after = _association(old), _association(new)
        if before != after:
            client.update_association(AssociationId=id, Name=new["name"], **after)
            _succeeded(client, id, new)
        # The emulator may know no tags of associations (gaps.py); AWS does.
        with ignoring("InvalidResourceType"):
            sync_tags(
                tag_map(
                    client.list_tags_for_resource(ResourceType="Association", ResourceId=id).get(
                        "TagList", []
                    )
                ),
                merged_tags(call, new),
                lambda tags: client.add_tags_to_resource(
                    ResourceType="Association", ResourceId=id, Tags=tag_list(tags)
                ),
                lambda keys: client.remove_tags_from_resource(
                    ResourceType="Association", ResourceId=id, TagKeys=keys
                ),
            )
        outputs = self.outputs(call, new)
        return self.read(call, id, outputs) or outputs

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        with ignoring(*_NO_ASSOCIATION):
            call.client("ssm").delete_association(AssociationId=id)

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        answer = found(lambda: call.client("ssm").describe_association(AssociationId=id), *_NO_ASSOCIATION)
        if answer is None:
            return None
        held = answer["AssociationDescription"]
        return {
            **state,
            "name": held["Name"],
            "associationId": id,
            "arn": call.arn("ssm", f"association/{id}"),
            "documentVersion": held.get("DocumentVersion") or state.get("documentVersion") or "$DEFAULT",
        }


def _association(inputs: Inputs) -> dict[str, Any]:
    plain = (
        "applyOnlyAtCronInterval", "associationName", "automationTargetParameterName", "complianceSeverity",
        "documentVersion", "maxConcurrency", "maxErrors", "scheduleExpression", "syncCompliance",
    )  # fmt: skip
    params = pick(inputs, plain)
    if inputs.get("parameters"):
        params["Parameters"] = {key: [str(value)] for key, value in sorted(inputs["parameters"].items())}
    if inputs.get("targets"):
        params["Targets"] = to_boto(inputs["targets"])
    if location := inputs.get("outputLocation"):
        names = {
            "s3BucketName": "OutputS3BucketName",
            "s3KeyPrefix": "OutputS3KeyPrefix",
            "s3Region": "OutputS3Region",
        }
        params["OutputLocation"] = {"S3Location": pick(location, names)}
    return params


def _succeeded(client: Any, association: str, inputs: Inputs) -> None:
    seconds = inputs.get("waitForSuccessTimeoutSeconds")
    if not seconds:
        return

    def ready() -> bool:
        held = client.describe_association(AssociationId=association)["AssociationDescription"]
        overview = held.get("Overview") or {}
        if overview.get("Status") == "Failed":
            raise ProvisionError(
                f"association {association} failed: {overview.get('DetailedStatus', 'Failed')}"
            )
        return bool(overview.get("Status") == "Success")

    wait_until(f"Success of association {association}", ready, seconds=float(seconds))
