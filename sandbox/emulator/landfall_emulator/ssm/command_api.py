"""Operations of Run Command, and on the hosts that it reaches."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from localemu.aws.api import RequestContext

from landfall_emulator.ssm import documents
from landfall_emulator.ssm.commands import STDERR_LIMIT, STDOUT_LIMIT, Command, Invocation
from landfall_emulator.ssm.errors import ssm_error
from landfall_emulator.ssm.operations import operation, page
from landfall_emulator.ssm.store import Stores

_LISTED_OUTPUT: Final = 2_500
_SHARE: Final = re.compile(r"[1-9][0-9]*|0|[1-9][0-9]%|[0-9]%|100%")


class CommandApi:
    """Commands, invocations and hosts."""

    _base: Stores

    @operation("SendCommand")
    def send_command(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Check everything that AWS checks at once, then start."""
        document, version, parameters, steps = self._base.prepared(context, request, request["DocumentName"])
        if request.get("DocumentHash") not in (None, documents.digest(version.content)):
            raise ssm_error("InvalidDocument", "The document hash does not match.")
        hosts = self._base.addressed(context, request)
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
        with self._base.lock:
            self._base.store(context).commands[command.command_id] = command
        self._base.dispatcher.start(command)
        return {"Command": _command(command)}

    @operation("CancelCommand")
    def cancel_command(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Stop a command; on hosts where it has ended nothing happens."""
        command = self._base.command(context, request["CommandId"])
        self._base.dispatcher.cancel(command, list(request.get("InstanceIds") or ()))
        return {}

    @operation("ListCommands")
    def list_commands(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Commands, the latest first."""
        if request.get("CommandId"):
            found = [self._base.command(context, request["CommandId"])]
        else:
            found = sorted(
                self._base.store(context).commands.values(), key=lambda each: each.requested, reverse=True
            )
        instance = request.get("InstanceId")
        listed = [
            _command(command)
            for command in found
            if (not instance or instance in command.invocations) and _matches(command, request.get("Filters"))
        ]
        return page("Commands", listed, request)

    @operation("ListCommandInvocations")
    def list_command_invocations(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """Commands host by host."""
        if request.get("CommandId"):
            found = [self._base.command(context, request["CommandId"])]
        else:
            found = list(self._base.store(context).commands.values())
        instance = request.get("InstanceId")
        listed = [
            _listed_invocation(command, invocation, bool(request.get("Details")))
            for command in found
            for invocation in command.invocations.values()
            if not instance or instance == invocation.instance_id
        ]
        return page("CommandInvocations", listed, request)

    @operation("GetCommandInvocation")
    def get_command_invocation(self, context: RequestContext, request: Mapping[str, Any]) -> dict[str, Any]:
        """One command on one host, with its output."""
        command = self._base.command(context, request["CommandId"])
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

    @operation("DescribeInstanceInformation")
    def describe_instance_information(
        self, context: RequestContext, request: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The sandbox's hosts, and whether their agents live."""
        wanted = {each["Key"]: each["Values"] for each in request.get("Filters") or ()}
        wanted |= {
            each["key"]: each["valueSet"] for each in request.get("InstanceInformationFilterList") or ()
        }
        listed = []
        for host in self._base.spool.hosts(context.account_id, context.region):
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
        return page("InstanceInformationList", listed, request)


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
