"""Operations on documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from localemu.aws.api import RequestContext
from localemu.services.moto import call_moto

from landfall_emulator.ssm import documents
from landfall_emulator.ssm.errors import ssm_error
from landfall_emulator.ssm.operations import operation, page, tag_list, tags_of
from landfall_emulator.ssm.store import AWS_DOCUMENT, Document, Scope, Stores, Version, version_of

_DOCUMENT_TAGS: Final = "Document"


class DocumentApi:
    """Documents, their versions and their tags."""

    _base: Stores

    @operation("CreateDocument")
    def create_document(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Store version 1 of a document."""
        name = request["Name"]
        documents.check_name(name)
        kind = request.get("DocumentType") or "Command"
        layout = request.get("DocumentFormat") or "JSON"
        version = Version("1", request["Content"], documents.parse(request["Content"], layout, kind))
        store = self._base.store(context)
        with self._base.lock:
            if name in store.documents:
                raise ssm_error("DocumentAlreadyExists", f"The specified document {name} already exists.")
            store.documents[name] = Document(
                name,
                kind,
                layout,
                request.get("TargetType") or "",
                [version],
                tags=tags_of(request.get("Tags")),
            )
        return {"DocumentDescription": _description(context, store.documents[name], version)}

    @operation("UpdateDocument")
    def update_document(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Add a version; the default version stays."""
        document = self._base.document(context, request["Name"])
        asked = request.get("DocumentVersion") or "$LATEST"
        latest = document.versions[-1]
        if asked not in ("$LATEST", latest.number):
            raise ssm_error("InvalidDocumentVersion", "only the latest version of a document can be updated")
        parsed = documents.parse(
            request["Content"], request.get("DocumentFormat") or document.document_format, document.kind
        )
        with self._base.lock:
            if any(version.content == request["Content"] for version in document.versions):
                raise ssm_error(
                    "DuplicateDocumentContent", "The content of the document duplicates an existing version."
                )
            version = Version(str(int(latest.number) + 1), request["Content"], parsed)
            document.versions.append(version)
        return {"DocumentDescription": _description(context, document, version)}

    @operation("UpdateDocumentDefaultVersion")
    def update_document_defaultversion_of(
        self, context: RequestContext, request: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Make a version the one that commands run by default."""
        document = self._base.document(context, request["Name"])
        version = version_of(document, request["DocumentVersion"])
        document.default = version.number
        return {"Description": {"Name": document.name, "DefaultVersion": version.number}}

    @operation("DescribeDocument")
    def describe_document(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """A document without its content."""
        document = self._base.document(context, request["Name"])
        return {
            "Document": _description(context, document, version_of(document, request.get("DocumentVersion")))
        }

    @operation("GetDocument")
    def get_document(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """A document's content."""
        document = self._base.document(context, request["Name"])
        version = version_of(document, request.get("DocumentVersion"))
        return {
            "Name": document.name,
            "DocumentVersion": version.number,
            "Status": "Active",
            "Content": version.content,
            "DocumentType": document.kind,
            "DocumentFormat": document.document_format,
            "CreatedDate": version.created,
        }

    @operation("DeleteDocument")
    def delete_document(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Remove a document that no association uses."""
        document = self._base.document(context, request["Name"])
        store = self._base.store(context)
        if document.name not in store.documents:
            raise ssm_error("InvalidDocumentOperation", "a document owned by AWS cannot be deleted")
        if any(each.name == document.name for each in store.associations.values()):
            raise ssm_error(
                "AssociatedInstances", "You must disassociate a document before you can delete it."
            )
        with self._base.lock:
            del store.documents[document.name]
        return {}

    @operation("ListDocuments")
    def list_documents(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Documents of the account, or of AWS, by owner, name prefix and type."""
        filters = {each["Key"]: each["Values"] for each in request.get("Filters") or ()}
        owners = filters.get("Owner", [])
        own = list(self._base.store(context).documents.values()) if owners != ["Amazon"] else []
        everything = own + ([AWS_DOCUMENT] if owners != ["Self"] else [])
        found = [
            _description(context, document, document.versions[-1])
            for document in sorted(everything, key=lambda each: each.name)
            if ("Name" not in filters or any(document.name.startswith(value) for value in filters["Name"]))
            and ("DocumentType" not in filters or document.kind in filters["DocumentType"])
        ]
        keys = ("Name", "Owner", "DocumentVersion", "DocumentType", "SchemaVersion", "DocumentFormat", "Tags")
        listed = [{key: each[key] for key in keys if key in each} for each in found]
        return page("DocumentIdentifiers", listed, request)

    @operation("ListDocumentVersions")
    def list_document_versions(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """All versions of a document, the latest first."""
        document = self._base.document(context, request["Name"])
        listed = [
            {
                "Name": document.name,
                "DocumentVersion": version.number,
                "CreatedDate": version.created,
                "IsDefaultVersion": version.number == document.default,
                "DocumentFormat": document.document_format,
                "Status": "Active",
            }
            for version in reversed(document.versions)
        ]
        return page("DocumentVersions", listed, request)

    @operation("DescribeDocumentPermission")
    def describe_document_permission(
        self, context: RequestContext, request: Mapping[str, Any]
    ) -> dict[str, Any]:
        """With whom a document is shared: nobody, sharing is not part of the sandbox."""
        self._base.document(context, request["Name"])
        return {"AccountIds": [], "AccountSharingInfoList": []}

    @operation("AddTagsToResource")
    def add_tags_to_resource(self, context: RequestContext, request: Mapping[str, Any]) -> Any:
        """Tag a document; other resources are moto's."""
        if request["ResourceType"] != _DOCUMENT_TAGS:
            return call_moto(context)
        self._base.document(context, request["ResourceId"]).tags.update(tags_of(request["Tags"]))
        return {}

    @operation("RemoveTagsFromResource")
    def remove_tags_from_resource(self, context: RequestContext, request: Mapping[str, Any]) -> Any:
        """Remove tags of a document; other resources are moto's."""
        if request["ResourceType"] != _DOCUMENT_TAGS:
            return call_moto(context)
        tags = self._base.document(context, request["ResourceId"]).tags
        for key in request["TagKeys"]:
            tags.pop(key, None)
        return {}

    @operation("ListTagsForResource")
    def list_tags_for_resource(self, context: RequestContext, request: Mapping[str, Any]) -> Any:
        """Tags of a document; other resources are moto's."""
        if request["ResourceType"] != _DOCUMENT_TAGS:
            return call_moto(context)
        return {"TagList": tag_list(self._base.document(context, request["ResourceId"]).tags)}


def _description(scope: Scope, document: Document, version: Version) -> dict[str, Any]:
    parsed = version.parsed
    described: dict[str, Any] = {
        "Name": document.name,
        "Owner": "Amazon" if document is AWS_DOCUMENT else scope.account_id,
        "Hash": documents.digest(version.content),
        "HashType": "Sha256",
        "CreatedDate": version.created,
        "Status": "Active",
        "DocumentVersion": version.number,
        "DefaultVersion": document.default,
        "LatestVersion": document.versions[-1].number,
        "DocumentType": document.kind,
        "DocumentFormat": document.document_format,
        "PlatformTypes": ["Linux"],
        "SchemaVersion": str(parsed.get("schemaVersion", "")),
        "Description": str(parsed.get("description", "")),
        "Tags": tag_list(document.tags),
    }
    if document.kind == "Command":
        described["Parameters"] = documents.parameters_listing(parsed)
    if document.target_type:
        described["TargetType"] = document.target_type
    return described
