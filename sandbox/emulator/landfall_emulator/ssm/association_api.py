"""Operations of State Manager: associations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from localemu.aws.api import CommonServiceException, RequestContext

from landfall_emulator.ssm.associations import Association, Keeper
from landfall_emulator.ssm.commands import Command, Invocation
from landfall_emulator.ssm.operations import operation, page
from landfall_emulator.ssm.store import Stores


@dataclass(frozen=True)
class _Place:
    """Account and Region of an association, where no request is at hand."""

    account_id: str
    region: str


class AssociationApi:
    """Associations; `_keeper` applies them through `_apply`."""

    _base: Stores
    _keeper: Keeper

    @operation("CreateAssociation")
    def create_association(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a document applied to its targets."""
        arguments = _association_arguments(request)
        association = Association(context.account_id, context.region, request["Name"], arguments)
        self._base.prepared(context, arguments, association.name)
        with self._base.lock:
            self._base.store(context).associations[association.association_id] = association
        self._keeper.keep(association)
        return {"AssociationDescription": _association(association)}

    @operation("UpdateAssociation")
    def update_association(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Change an association; the new version is applied at once."""
        association = self._base.association(context, request)
        arguments = _association_arguments(request)
        name = request.get("Name") or association.name
        self._base.prepared(context, association.arguments | arguments, name)
        with self._base.lock:
            association.name = name
            association.change(arguments)
        self._keeper.keep(association)
        return {"AssociationDescription": _association(association)}

    @operation("DescribeAssociation")
    def describe_association(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """An association and how its application went."""
        return {"AssociationDescription": _association(self._base.association(context, request))}

    @operation("DeleteAssociation")
    def delete_association(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Apply the document no more; what it did on the hosts stays."""
        association = self._base.association(context, request)
        with self._base.lock:
            del self._base.store(context).associations[association.association_id]
        self._keeper.drop(association)
        return {}

    @operation("ListAssociations")
    def list_associations(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Associations by name of document, of association, or id."""
        filters = {each["key"]: each["value"] for each in request.get("AssociationFilterList") or ()}
        listed = []
        for association in self._base.store(context).associations.values():
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
        return page("Associations", listed, request)

    @operation("StartAssociationsOnce")
    def start_associations_once(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Apply associations again now."""
        for association_id in request["AssociationIds"]:
            association = self._base.association(context, {"AssociationId": association_id})
            association.again()
            self._keeper.keep(association)
        return {}

    def _apply(self, association: Association) -> None:
        """Send the association's document to the online hosts that have not had the current version."""
        scope = _Place(association.account, association.region)
        arguments = association.arguments
        try:
            document, version, parameters, steps = self._base.prepared(scope, arguments, association.name)
            hosts = self._base.addressed(scope, arguments)
        except CommonServiceException as error:
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
            self._base.dispatcher.start(command)


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
