"""What Systems Manager keeps, by account and Region, and how requests find it.

In memory, as the emulator's other services keep theirs.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

from landfall_emulator.ssm import documents
from landfall_emulator.ssm.associations import Association
from landfall_emulator.ssm.commands import Command, Dispatcher
from landfall_emulator.ssm.errors import ssm_error
from landfall_emulator.ssm.spool import Spool, SpoolHost


class Scope(Protocol):
    """An account in a Region; LocalEmu's request context is one."""

    @property
    def account_id(self) -> str: ...
    @property
    def region(self) -> str: ...


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


@dataclass
class Store:
    """What one account has in one Region."""

    documents: dict[str, Document] = field(default_factory=dict)
    commands: dict[str, Command] = field(default_factory=dict)
    associations: dict[str, Association] = field(default_factory=dict)


class Stores:
    """All accounts and Regions, with the hosts that they reach."""

    def __init__(self, state_dir: Path) -> None:
        self.spool = Spool(state_dir)
        self.dispatcher = Dispatcher(self.spool)
        self.lock = threading.RLock()
        self._stores: dict[tuple[str, str], Store] = defaultdict(Store)

    def store(self, scope: Scope) -> Store:
        """What an account has in a Region."""
        return self._stores[scope.account_id, scope.region]

    def document(self, scope: Scope, name: str) -> Document:
        """A document by name or ARN; raises InvalidDocument."""
        name = name.rpartition("/")[2] if name.startswith("arn:") else name
        document = self.store(scope).documents.get(name)
        if document is None and name == AWS_DOCUMENT.name:
            return AWS_DOCUMENT
        if document is None:
            raise ssm_error("InvalidDocument", f"Document with name {name} does not exist.")
        return document

    def command(self, scope: Scope, command_id: str) -> Command:
        """A command; raises InvalidCommandId."""
        command = self.store(scope).commands.get(command_id)
        if command is None:
            raise ssm_error("InvalidCommandId", f"Command {command_id} does not exist.")
        return command

    def association(self, scope: Scope, request: Mapping[str, Any]) -> Association:
        """The association that a request names; raises AssociationDoesNotExist."""
        for association in self.store(scope).associations.values():
            by_id = association.association_id == request.get("AssociationId")
            by_name = "AssociationId" not in request and association.name == request.get("Name")
            if by_id or by_name:
                return association
        raise ssm_error("AssociationDoesNotExist", "The specified association does not exist.")

    def prepared(
        self, scope: Scope, request: Mapping[str, Any], name: str
    ) -> tuple[Document, Version, dict[str, list[str]], list[dict[str, Any]]]:
        """The document to run, its version, the given parameters and the steps; raises what AWS raises."""
        document = self.document(scope, name)
        version = version_of(document, request.get("DocumentVersion"))
        if document.kind != "Command":
            raise ssm_error("InvalidDocument", f"document {name} is not of type Command")
        parameters = {key: list(values) for key, values in (request.get("Parameters") or {}).items()}
        values = documents.bind(version.parsed, parameters)
        return document, version, parameters, documents.steps(version.parsed, values)

    def addressed(self, scope: Scope, request: Mapping[str, Any]) -> list[SpoolHost]:
        """The hosts that a request means; raises InvalidInstanceId, InvalidTarget or ValidationException."""
        instance_ids = list(request.get("InstanceIds") or ())
        targets = list(request.get("Targets") or ())
        if bool(instance_ids) == bool(targets):
            raise ssm_error("ValidationException", "exactly one of InstanceIds and Targets is needed")
        known = {host.instance_id: host for host in self.spool.hosts(scope.account_id, scope.region)}
        for target in targets:
            if target["Key"].lower() == "instanceids":
                instance_ids += target["Values"]
        missing = [each for each in instance_ids if each not in known]
        if missing:
            raise ssm_error(
                "InvalidInstanceId",
                f"Instances [[{', '.join(missing)}]] not in a valid state for account {scope.account_id}",
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


_AWS_CONTENT: Final = json.dumps(documents.RUN_SHELL_SCRIPT, sort_keys=True)
AWS_DOCUMENT: Final = Document(
    "AWS-RunShellScript", "Command", "JSON", "", [Version("1", _AWS_CONTENT, documents.RUN_SHELL_SCRIPT)]
)


def version_of(document: Document, asked: str | None) -> Version:
    """A version by number, `$DEFAULT` or `$LATEST`; raises InvalidDocumentVersion."""
    number = {None: document.default, "": document.default, "$DEFAULT": document.default}.get(asked, asked)
    if number == "$LATEST":
        return document.versions[-1]
    for version in document.versions:
        if version.number == number:
            return version
    raise ssm_error("InvalidDocumentVersion", "The document version is not valid or does not exist.")
