"""Systems Manager's API in the emulator: documents, Run Command and State Manager on the sandbox's hosts.

Parameter Store and everything else that is not named here stays with LocalEmu and moto. State is kept in
memory by account and Region, as in the emulator's other services.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from localemu.aws.api import RequestContext, handler
from localemu.services.moto import call_moto
from localemu.services.ssm.provider import SsmProvider as LocalEmuSsmProvider

from landfall_emulator.ssm import documents
from landfall_emulator.ssm.associations import Association, Keeper
from landfall_emulator.ssm.commands import STDERR_LIMIT, STDOUT_LIMIT, Command, Dispatcher, Invocation
from landfall_emulator.ssm.errors import ssm_error
from landfall_emulator.ssm.spool import Spool, SpoolHost

_LISTED_OUTPUT: Final = 2_500
_SHARE: Final = re.compile(r"[1-9][0-9]*|0|[1-9][0-9]%|[0-9]%|100%")
_DOCUMENT_TAGS: Final = "Document"


@dataclass
class Version:
    """One version of a document."""

    number: str
    content: str
    parsed: dict[str, Any]
    created: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Document:
    """A document and its versions, the latest last."""

    name: str
    kind: str
    document_format: str
    target_type: str
    versions: list[Version]
    default: str = "1"
    tags: dict[str, str] = field(default_factory=dict)


class Scope(NamedTuple):
    """An account in a Region, where no request is at hand."""

    account_id: str
    region: str


Scoped = RequestContext | Scope


@dataclass
class Store:
    """What one account has in one Region."""

    documents: dict[str, Document] = field(default_factory=dict)
    commands: dict[str, Command] = field(default_factory=dict)
    associations: dict[str, Association] = field(default_factory=dict)


class SsmProvider(LocalEmuSsmProvider):
    """Handlers of the operations that the sandbox answers itself."""

    def __init__(self, state_dir: Path | None = None) -> None:
        super().__init__()
        folder = state_dir or Path(os.environ.get("LANDFALL_STATE_DIR") or Path.cwd())
        self._spool = Spool(folder)
        self._dispatcher = Dispatcher(self._spool)
        self._keeper = Keeper(self._apply)
        self._stores: dict[tuple[str, str], Store] = defaultdict(Store)
        self._lock = threading.RLock()

    # --- documents ------------------------------------------------------------------------------------------

    @handler("CreateDocument", expand=False)
    def create_document(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Store version 1 of a document."""
        name = request["Name"]
        documents.check_name(name)
        kind = request.get("DocumentType") or "Command"
        layout = request.get("DocumentFormat") or "JSON"
        version = Version("1", request["Content"], documents.parse(request["Content"], layout, kind))
        store = self._store(context)
        with self._lock:
            if name in store.documents:
                raise ssm_error("DocumentAlreadyExists", f"The specified document {name} already exists.")
            store.documents[name] = Document(
                name,
                kind,
                layout,
                request.get("TargetType") or "",
                [version],
                tags=_tags(request.get("Tags")),
            )
        return {"DocumentDescription": self._description(context, store.documents[name], version)}

    @handler("UpdateDocument", expand=False)
    def update_document(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Add a version; the default version stays."""
        document = self._document(context, request["Name"])
        asked = request.get("DocumentVersion") or "$LATEST"
        latest = document.versions[-1]
        if asked not in ("$LATEST", latest.number):
            raise ssm_error("InvalidDocumentVersion", "only the latest version of a document can be updated")
        parsed = documents.parse(
            request["Content"], request.get("DocumentFormat") or document.document_format, document.kind
        )
        with self._lock:
            if any(version.content == request["Content"] for version in document.versions):
                raise ssm_error(
                    "DuplicateDocumentContent", "The content of the document duplicates an existing version."
                )
            version = Version(str(int(latest.number) + 1), request["Content"], parsed)
            document.versions.append(version)
        return {"DocumentDescription": self._description(context, document, version)}

    @handler("UpdateDocumentDefaultVersion", expand=False)
    def update_document_default_version(
        self, context: RequestContext, request: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Make a version the one that commands run by default."""
        document = self._document(context, request["Name"])
        version = _version(document, request["DocumentVersion"])
        document.default = version.number
        return {"Description": {"Name": document.name, "DefaultVersion": version.number}}

    @handler("DescribeDocument", expand=False)
    def describe_document(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """A document without its content."""
        document = self._document(context, request["Name"])
        return {
            "Document": self._description(
                context, document, _version(document, request.get("DocumentVersion"))
            )
        }

    @handler("GetDocument", expand=False)
    def get_document(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """A document's content."""
        document = self._document(context, request["Name"])
        version = _version(document, request.get("DocumentVersion"))
        return {
            "Name": document.name,
            "DocumentVersion": version.number,
            "Status": "Active",
            "Content": version.content,
            "DocumentType": document.kind,
            "DocumentFormat": document.document_format,
            "CreatedDate": version.created,
        }

    @handler("DeleteDocument", expand=False)
    def delete_document(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Remove a document that no association uses."""
        document = self._document(context, request["Name"])
        store = self._store(context)
        if document.name not in store.documents:
            raise ssm_error("InvalidDocumentOperation", "a document owned by AWS cannot be deleted")
        if any(each.name == document.name for each in store.associations.values()):
            raise ssm_error(
                "AssociatedInstances", "You must disassociate a document before you can delete it."
            )
        with self._lock:
            del store.documents[document.name]
        return {}

    @handler("ListDocuments", expand=False)
    def list_documents(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Documents of the account, or of AWS, by owner, name prefix and type."""
        filters = {each["Key"]: each["Values"] for each in request.get("Filters") or ()}
        owners = filters.get("Owner", [])
        own = list(self._store(context).documents.values()) if owners != ["Amazon"] else []
        everything = own + ([_AWS_DOCUMENT] if owners != ["Self"] else [])
        found = [
            self._description(context, document, document.versions[-1])
            for document in sorted(everything, key=lambda each: each.name)
            if ("Name" not in filters or any(document.name.startswith(value) for value in filters["Name"]))
            and ("DocumentType" not in filters or document.kind in filters["DocumentType"])
        ]
        keys = ("Name", "Owner", "DocumentVersion", "DocumentType", "SchemaVersion", "DocumentFormat", "Tags")
        listed = [{key: each[key] for key in keys if key in each} for each in found]
        return _page("DocumentIdentifiers", listed, request)

    @handler("ListDocumentVersions", expand=False)
    def list_document_versions(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """All versions of a document, the latest first."""
        document = self._document(context, request["Name"])
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
        return _page("DocumentVersions", listed, request)

    @handler("DescribeDocumentPermission", expand=False)
    def describe_document_permission(
        self, context: RequestContext, request: Mapping[str, Any]
    ) -> dict[str, Any]:
        """With whom a document is shared: nobody, sharing is not part of the sandbox."""
        self._document(context, request["Name"])
        return {"AccountIds": [], "AccountSharingInfoList": []}

    @handler("AddTagsToResource", expand=False)
    def add_tags_to_resource(self, context: RequestContext, request: Mapping[str, Any]) -> Any:
        """Tag a document; other resources are moto's."""
        if request["ResourceType"] != _DOCUMENT_TAGS:
            return call_moto(context)
        self._document(context, request["ResourceId"]).tags.update(_tags(request["Tags"]))
        return {}

    @handler("RemoveTagsFromResource", expand=False)
    def remove_tags_from_resource(self, context: RequestContext, request: Mapping[str, Any]) -> Any:
        """Remove tags of a document; other resources are moto's."""
        if request["ResourceType"] != _DOCUMENT_TAGS:
            return call_moto(context)
        tags = self._document(context, request["ResourceId"]).tags
        for key in request["TagKeys"]:
            tags.pop(key, None)
        return {}

    @handler("ListTagsForResource", expand=False)
    def list_tags_for_resource(self, context: RequestContext, request: Mapping[str, Any]) -> Any:
        """Tags of a document; other resources are moto's."""
        if request["ResourceType"] != _DOCUMENT_TAGS:
            return call_moto(context)
        return {"TagList": _tag_list(self._document(context, request["ResourceId"]).tags)}

    # --- Run Command ----------------------------------------------------------------------------------------

    @handler("SendCommand", expand=False)
    def send_command(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Check everything that AWS checks at once, then start."""
        document, version, parameters, steps = self._prepared(context, request, request["DocumentName"])
        if request.get("DocumentHash") not in (None, documents.digest(version.content)):
            raise ssm_error("InvalidDocument", "The document hash does not match.")
        hosts = self._addressed(context, request)
        for key, text in (
            ("MaxConcurrency", request.get("MaxConcurrency", "50")),
            ("MaxErrors", request.get("MaxErrors", "0")),
        ):
            if not _SHARE.fullmatch(text):
                raise ssm_error("ValidationException", f"{key} {text!r} is not a number or a percentage")
        command = Command(
            document_name=document.name,
            document_version=version.number,
            parameters=parameters,
            steps=steps,
            account=context.account_id,
            region=context.region,
            invocations={host.instance_id: Invocation(host.instance_id) for host in hosts},
            max_concurrency=request.get("MaxConcurrency") or "50",
            max_errors=request.get("MaxErrors") or "0",
            timeout_seconds=int(request.get("TimeoutSeconds") or 3600),
            comment=request.get("Comment") or "",
            instance_ids=list(request.get("InstanceIds") or ()),
            targets=list(request.get("Targets") or ()),
            service_role=request.get("ServiceRoleArn") or "",
        )
        with self._lock:
            self._store(context).commands[command.command_id] = command
        self._dispatcher.start(command)
        return {"Command": _command(command)}

    @handler("CancelCommand", expand=False)
    def cancel_command(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Stop a command; on hosts where it has ended nothing happens."""
        command = self._command(context, request["CommandId"])
        self._dispatcher.cancel(command, list(request.get("InstanceIds") or ()))
        return {}

    @handler("ListCommands", expand=False)
    def list_commands(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Commands, the latest first."""
        if request.get("CommandId"):
            found = [self._command(context, request["CommandId"])]
        else:
            found = sorted(
                self._store(context).commands.values(), key=lambda each: each.requested, reverse=True
            )
        instance = request.get("InstanceId")
        listed = [
            _command(command)
            for command in found
            if (not instance or instance in command.invocations) and _matches(command, request.get("Filters"))
        ]
        return _page("Commands", listed, request)

    @handler("ListCommandInvocations", expand=False)
    def list_command_invocations(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Commands host by host."""
        if request.get("CommandId"):
            found = [self._command(context, request["CommandId"])]
        else:
            found = list(self._store(context).commands.values())
        instance = request.get("InstanceId")
        listed = [
            _listed_invocation(command, invocation, bool(request.get("Details")))
            for command in found
            for invocation in command.invocations.values()
            if not instance or instance == invocation.instance_id
        ]
        return _page("CommandInvocations", listed, request)

    @handler("GetCommandInvocation", expand=False)
    def get_command_invocation(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """One command on one host, with its output."""
        command = self._command(context, request["CommandId"])
        invocation = command.invocations.get(request["InstanceId"])
        if invocation is None:
            raise ssm_error("InvocationDoesNotExist", "The command does not exist on this instance.")
        step = command.steps[0]["name"] if command.steps else ""
        if request.get("PluginName") not in (None, "", step):
            raise ssm_error("InvalidPluginName", "The plugin name is not valid.")
        answer = {
            "CommandId": command.command_id,
            "InstanceId": invocation.instance_id,
            "Comment": command.comment,
            "DocumentName": command.document_name,
            "DocumentVersion": command.document_version,
            "PluginName": step,
            "ResponseCode": invocation.code,
            "Status": invocation.status,
            "StatusDetails": invocation.details,
            "StandardOutputContent": invocation.stdout[:STDOUT_LIMIT],
            "StandardErrorContent": invocation.stderr[:STDERR_LIMIT],
            "StandardOutputUrl": "",
            "StandardErrorUrl": "",
        }
        if invocation.started:
            answer["ExecutionStartDateTime"] = invocation.started.isoformat()
        if invocation.started and invocation.ended:
            answer["ExecutionEndDateTime"] = invocation.ended.isoformat()
            seconds = (invocation.ended - invocation.started).total_seconds()
            answer["ExecutionElapsedTime"] = f"PT{seconds:.3f}S"
        return answer

    @handler("DescribeInstanceInformation", expand=False)
    def describe_instance_information(
        self, context: RequestContext, request: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The sandbox's hosts, and whether their agents live."""
        wanted = {each["Key"]: each["Values"] for each in request.get("Filters") or ()}
        wanted |= {
            each["key"]: each["valueSet"] for each in request.get("InstanceInformationFilterList") or ()
        }
        listed = []
        for host in self._spool.hosts(context.account_id, context.region):
            status = "Online" if host.online else "ConnectionLost"
            facts = {"InstanceIds": host.instance_id, "PingStatus": status, "PlatformTypes": "Linux"}
            facts |= {f"tag:{key}": value for key, value in host.tags.items()}
            if all(facts.get(key) in values for key, values in wanted.items()):
                listed.append(
                    {
                        "InstanceId": host.instance_id,
                        "PingStatus": status,
                        "LastPingDateTime": datetime.fromtimestamp(host.heartbeat, UTC),
                        "AgentVersion": "3.3.0.0",
                        "IsLatestVersion": True,
                        "PlatformType": "Linux",
                        "PlatformName": "Landfall sandbox",
                        "ResourceType": "EC2Instance",
                        "ComputerName": host.instance_id,
                    }
                )
        return _page("InstanceInformationList", listed, request)

    # --- State Manager --------------------------------------------------------------------------------------

    @handler("CreateAssociation", expand=False)
    def create_association(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a document applied to its targets."""
        arguments = _association_arguments(request)
        association = Association(context.account_id, context.region, request["Name"], arguments)
        self._prepared(context, arguments, association.name)
        with self._lock:
            self._store(context).associations[association.association_id] = association
        self._keeper.keep(association)
        return {"AssociationDescription": _association(association)}

    @handler("UpdateAssociation", expand=False)
    def update_association(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Change an association; the new version is applied at once."""
        association = self._association(context, request)
        arguments = _association_arguments(request)
        name = request.get("Name") or association.name
        self._prepared(context, association.arguments | arguments, name)
        with self._lock:
            association.name = name
            association.change(arguments)
        self._keeper.keep(association)
        return {"AssociationDescription": _association(association)}

    @handler("DescribeAssociation", expand=False)
    def describe_association(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """An association and how its application went."""
        return {"AssociationDescription": _association(self._association(context, request))}

    @handler("DeleteAssociation", expand=False)
    def delete_association(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Apply the document no more; what it did on the hosts stays."""
        association = self._association(context, request)
        with self._lock:
            del self._store(context).associations[association.association_id]
        self._keeper.drop(association)
        return {}

    @handler("ListAssociations", expand=False)
    def list_associations(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Associations by name of document, of association, or id."""
        filters = {each["key"]: each["value"] for each in request.get("AssociationFilterList") or ()}
        listed = []
        for association in self._store(context).associations.values():
            described = _association(association)
            facts = {
                "Name": association.name,
                "AssociationId": association.association_id,
                "AssociationName": described.get("AssociationName"),
                "AssociationStatusName": described["Overview"]["Status"],
            }
            if all(facts.get(key) == value for key, value in filters.items()):
                keys = (
                    "Name", "AssociationId", "AssociationVersion", "DocumentVersion", "Targets",
                    "LastExecutionDate", "Overview", "ScheduleExpression", "AssociationName",
                )  # fmt: skip
                listed.append({key: described[key] for key in keys if key in described})
        return _page("Associations", listed, request)

    @handler("StartAssociationsOnce", expand=False)
    def start_associations_once(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Apply associations again now."""
        for association_id in request["AssociationIds"]:
            association = self._association(context, {"AssociationId": association_id})
            association.again()
            self._keeper.keep(association)
        return {}

    # --- inside ---------------------------------------------------------------------------------------------

    def _store(self, context: Scoped) -> Store:
        return self._stores[context.account_id, context.region]

    def _document(self, context: Scoped, name: str) -> Document:
        name = name.rpartition("/")[2] if name.startswith("arn:") else name
        document = self._store(context).documents.get(name)
        if document is None and name == _AWS_DOCUMENT.name:
            return _AWS_DOCUMENT
        if document is None:
            raise ssm_error("InvalidDocument", f"Document with name {name} does not exist.")
        return document

    def _command(self, context: RequestContext, command_id: str) -> Command:
        command = self._store(context).commands.get(command_id)
        if command is None:
            raise ssm_error("InvalidCommandId", f"Command {command_id} does not exist.")
        return command

    def _association(self, context: RequestContext, request: Mapping[str, Any]) -> Association:
        for association in self._store(context).associations.values():
            by_id = association.association_id == request.get("AssociationId")
            by_name = "AssociationId" not in request and association.name == request.get("Name")
            if by_id or by_name:
                return association
        raise ssm_error("AssociationDoesNotExist", "The specified association does not exist.")

    def _prepared(
        self, context: Scoped, request: Mapping[str, Any], name: str
    ) -> tuple[Document, Version, dict[str, list[str]], list[dict[str, Any]]]:
        """The document to run, its version, the given parameters and the steps; raises what AWS raises."""
        document = self._document(context, name)
        version = _version(document, request.get("DocumentVersion"))
        if document.kind != "Command":
            raise ssm_error("InvalidDocument", f"document {name} is not of type Command")
        parameters = {key: list(values) for key, values in (request.get("Parameters") or {}).items()}
        values = documents.bind(version.parsed, parameters)
        return document, version, parameters, documents.steps(version.parsed, values)

    def _addressed(self, context: Scoped, request: Mapping[str, Any]) -> list[SpoolHost]:
        """The hosts that a request means; raises InvalidInstanceId, InvalidTarget or ValidationException."""
        instance_ids = list(request.get("InstanceIds") or ())
        targets = list(request.get("Targets") or ())
        if bool(instance_ids) == bool(targets):
            raise ssm_error("ValidationException", "exactly one of InstanceIds and Targets is needed")
        known = {host.instance_id: host for host in self._spool.hosts(context.account_id, context.region)}
        for target in targets:
            if target["Key"].lower() == "instanceids":
                instance_ids += target["Values"]
        missing = [each for each in instance_ids if each not in known]
        if missing:
            raise ssm_error(
                "InvalidInstanceId",
                f"Instances [[{', '.join(missing)}]] not in a valid state for account {context.account_id}",
            )
        if instance_ids:
            return [known[each] for each in dict.fromkeys(instance_ids)]
        matching = list(known.values())
        for target in targets:
            key, values = target["Key"], target["Values"]
            if key.startswith("tag:"):
                matching = [host for host in matching if host.tags.get(key[4:]) in values]
            elif key == "tag-key":
                matching = [host for host in matching if set(values) & set(host.tags)]
            else:
                raise ssm_error("InvalidTarget", f"target key {key!r} is not known to the sandbox")
        return matching

    def _apply(self, association: Association) -> None:
        """Send the association's document to the online hosts that have not had the current version."""
        scope = Scope(association.account, association.region)
        arguments = association.arguments
        try:
            document, version, parameters, steps = self._prepared(scope, arguments, association.name)
            hosts = self._addressed(scope, arguments)
        except Exception as error:
            association.refused = str(error)
            return
        association.refused = ""
        for host in hosts:
            if host.instance_id in association.runs or not host.online:
                continue
            command = Command(
                document_name=document.name,
                document_version=version.number,
                parameters=parameters,
                steps=steps,
                account=association.account,
                region=association.region,
                invocations={host.instance_id: Invocation(host.instance_id)},
                association=True,
            )
            association.runs[host.instance_id] = command
            association.last_run = datetime.now(UTC)
            self._dispatcher.start(command)

    def _description(self, context: RequestContext, document: Document, version: Version) -> dict[str, Any]:
        parsed = version.parsed
        described: dict[str, Any] = {
            "Name": document.name,
            "Owner": "Amazon" if document is _AWS_DOCUMENT else context.account_id,
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
            "Tags": _tag_list(document.tags),
        }
        if document.kind == "Command":
            described["Parameters"] = documents.parameters_listing(parsed)
        if document.target_type:
            described["TargetType"] = document.target_type
        return described


_AWS_CONTENT: Final = json.dumps(documents.RUN_SHELL_SCRIPT, sort_keys=True)
_AWS_DOCUMENT: Final = Document(
    "AWS-RunShellScript", "Command", "JSON", "", [Version("1", _AWS_CONTENT, documents.RUN_SHELL_SCRIPT)]
)


def _version(document: Document, asked: str | None) -> Version:
    number = {None: document.default, "": document.default, "$DEFAULT": document.default}.get(asked, asked)
    if number == "$LATEST":
        return document.versions[-1]
    for version in document.versions:
        if version.number == number:
            return version
    raise ssm_error("InvalidDocumentVersion", "The document version is not valid or does not exist.")


def _tags(given: list[Mapping[str, str]] | None) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in given or ()}


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def _page(key: str, listed: list[dict[str, Any]], request: Mapping[str, Any]) -> dict[str, Any]:
    try:
        start = int(request.get("NextToken") or 0)
    except ValueError:
        raise ssm_error("InvalidNextToken", "The specified token is not valid.") from None
    size = int(request.get("MaxResults") or 50)
    page: dict[str, Any] = {key: listed[start : start + size]}
    if start + size < len(listed):
        page["NextToken"] = str(start + size)
    return page


def _matches(command: Command, filters: list[Mapping[str, str]] | None) -> bool:
    facts = {"Status": command.status()[0], "DocumentName": command.document_name}
    return all(facts.get(each["key"]) == each["value"] for each in filters or () if each["key"] in facts)


def _command(command: Command) -> dict[str, Any]:
    status, details = command.status()
    invocations = command.invocations.values()
    return {
        "CommandId": command.command_id,
        "DocumentName": command.document_name,
        "DocumentVersion": command.document_version,
        "Comment": command.comment,
        "ExpiresAfter": command.expires,
        "Parameters": command.parameters,
        "InstanceIds": command.instance_ids,
        "Targets": command.targets,
        "RequestedDateTime": command.requested,
        "Status": status,
        "StatusDetails": details,
        "MaxConcurrency": command.max_concurrency,
        "MaxErrors": command.max_errors,
        "TargetCount": len(command.invocations),
        "CompletedCount": sum(each.over for each in invocations),
        "ErrorCount": command.errors,
        "DeliveryTimedOutCount": sum(each.details == "DeliveryTimedOut" for each in invocations),
        "ServiceRole": command.service_role,
        "TimeoutSeconds": command.timeout_seconds,
    }


def _listed_invocation(command: Command, invocation: Invocation, with_plugins: bool) -> dict[str, Any]:
    listed: dict[str, Any] = {
        "CommandId": command.command_id,
        "InstanceId": invocation.instance_id,
        "Comment": command.comment,
        "DocumentName": command.document_name,
        "DocumentVersion": command.document_version,
        "RequestedDateTime": command.requested,
        "Status": invocation.status,
        "StatusDetails": invocation.details,
        "CommandPlugins": [],
    }
    if with_plugins and command.steps:
        plugin: dict[str, Any] = {
            "Name": command.steps[0]["name"],
            "Status": "TimedOut" if invocation.status == "TimedOut" else invocation.status,
            "StatusDetails": invocation.details,
            "ResponseCode": invocation.code,
            "Output": invocation.stdout[:_LISTED_OUTPUT],
        }
        if invocation.started:
            plugin["ResponseStartDateTime"] = invocation.started
        if invocation.ended:
            plugin["ResponseFinishDateTime"] = invocation.ended
        listed["CommandPlugins"] = [plugin]
    return listed


_ASSOCIATION_KEYS: Final = (
    "Parameters", "DocumentVersion", "ScheduleExpression", "AssociationName", "OutputLocation", "MaxErrors",
    "MaxConcurrency", "ComplianceSeverity", "SyncCompliance", "ApplyOnlyAtCronInterval", "ScheduleOffset",
)  # fmt: skip


def _association_arguments(request: Mapping[str, Any]) -> dict[str, Any]:
    arguments = {key: request[key] for key in _ASSOCIATION_KEYS if key in request}
    if request.get("Targets"):
        arguments["Targets"] = request["Targets"]
    elif request.get("InstanceId"):
        arguments["Targets"] = [{"Key": "InstanceIds", "Values": [request["InstanceId"]]}]
    return arguments


def _association(association: Association) -> dict[str, Any]:
    status, counts = association.status()
    described: dict[str, Any] = {
        "Name": association.name,
        "AssociationId": association.association_id,
        "AssociationVersion": str(association.version),
        "Date": association.created,
        "LastUpdateAssociationDate": association.updated,
        "Overview": {"Status": status, "DetailedStatus": status, "AssociationStatusAggregatedCount": counts},
        "Status": {
            "Date": association.last_run or association.updated,
            "Name": status if status in ("Success", "Failed") else "Pending",
            "Message": association.refused or status,
        },
        "DocumentVersion": "$DEFAULT",
        **association.arguments,
    }
    if association.last_run:
        described["LastExecutionDate"] = association.last_run
        if status == "Success":
            described["LastSuccessfulExecutionDate"] = association.last_run
    return described
