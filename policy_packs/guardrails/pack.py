"""The policy pack's side of Pulumi's analyzer protocol.

`pulumi_policy.PolicyPack` deserialises a resource once for every rule, and turns an unknown value into a
remark that lets a mandatory rule pass. This server speaks the same protocol (`pulumi/analyzer.proto`) over
the dispatcher: each resource is read once, all rules judge it, and each violation goes out under its own
rule's name and level. It keeps the inputs that `Analyze` has shown, so stack rules see inputs too, as they do
in `evaluate`; the engine itself offers them outputs only.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent import futures
from datetime import date
from typing import Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, plugin_pb2

from .frame.dispatch import Dispatcher
from .frame.registry import all_rules
from .frame.resource import Provider, Resource, Stack
from .frame.rule import AnyRule, Rule
from .frame.settings import Settings, settings_from_config
from .frame.values import neutral
from .frame.verdict import Verdict

NAME = "landfall-guardrails"
# The engine takes the version from PulumiPolicy.yaml; this one only fills the protocol's field.
VERSION = "0.1.0"
# As in Pulumi's own servers: a stack with large inline archives outgrows the default of 4 MB.
_MESSAGE_LIMIT = 400 * 1024 * 1024

_LEVELS = {
    "advisory": analyzer_pb2.ADVISORY,
    "mandatory": analyzer_pb2.MANDATORY,
    "disabled": analyzer_pb2.DISABLED,
}
_SEVERITIES = {
    "low": analyzer_pb2.POLICY_SEVERITY_LOW,
    "medium": analyzer_pb2.POLICY_SEVERITY_MEDIUM,
    "high": analyzer_pb2.POLICY_SEVERITY_HIGH,
    "critical": analyzer_pb2.POLICY_SEVERITY_CRITICAL,
}


class GuardrailServicer(analyzer_pb2_grpc.AnalyzerServicer):
    """Answers the engine's questions about one plan.

    `read` turns a message's properties into neutral inputs; tests count its calls.
    """

    def __init__(
        self,
        settings: Settings,
        rules: tuple[AnyRule, ...] | None = None,
        read: Callable[[struct_pb2.Struct], dict[str, Any]] | None = None,
    ) -> None:
        self._rules = all_rules() if rules is None else rules
        self._read = read or properties
        self._today = settings.today
        self._lock = threading.Lock()
        self._start(settings)

    def _start(self, settings: Settings) -> None:
        self._dispatcher = Dispatcher(self._rules, settings)
        self._seen: dict[str, Resource] = {}
        self._providers: dict[str, Provider] = {}

    def ConfigureStack(self, request: Any, context: Any) -> Any:
        """Take environment and waivers from the stack's config; sent once, before any resource."""
        self._start(settings_from_config(dict(request.config), os.environ, self._today))
        return analyzer_pb2.AnalyzerStackConfigureResponse()

    def Analyze(self, request: Any, context: Any) -> Any:
        """Judge one resource before it is made or changed."""
        resource = self._resource(request, parent=request.options.parent)
        with self._lock:
            self._seen[resource.urn] = resource
        return _response(self._dispatcher.resource(resource))

    def AnalyzeStack(self, request: Any, context: Any) -> Any:
        """Judge the resources in relation to each other, and report unused waivers."""
        return _response(self._dispatcher.stack(Stack(self._linked(item) for item in request.resources)))

    def Remediate(self, request: Any, context: Any) -> Any:
        """Change nothing: guardrails judge, people repair."""
        return analyzer_pb2.RemediateResponse()

    def GetAnalyzerInfo(self, request: Any, context: Any) -> Any:
        """List the rules with their levels in this environment.

        Levels come from the environment alone, so the pack takes no policy configuration: a waiver, which
        expires and has an owner, is the only way round a rule.
        """
        return analyzer_pb2.AnalyzerInfo(
            name=NAME,
            displayName="Landfall guardrails",
            version=VERSION,
            supportsConfig=False,
            policies=[self._info(rule) for rule in self._rules],
        )

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Return the pack's version."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def Configure(self, request: Any, context: Any) -> Any:
        """Accept and ignore policy configuration; see `GetAnalyzerInfo`."""
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        """Nothing runs long enough to be cancelled."""
        return empty_pb2.Empty()

    def _info(self, rule: AnyRule) -> Any:
        kind = analyzer_pb2.POLICY_TYPE_RESOURCE if isinstance(rule, Rule) else analyzer_pb2.POLICY_TYPE_STACK
        return analyzer_pb2.PolicyInfo(
            name=rule.name,
            displayName=rule.name,
            description=rule.description,
            enforcementLevel=_LEVELS[self._dispatcher.level(rule).value],
            severity=_SEVERITIES[rule.severity.value],
            policy_type=kind,
            remediation_steps=rule.remediation,
            tags=list(rule.controls),
        )

    def _resource(self, message: Any, parent: str) -> Resource:
        return Resource(
            urn=message.urn,
            type=message.type,
            name=message.name,
            inputs=self._read(message.properties),
            parent=parent or None,
            provider=self._provider(message.provider) if message.HasField("provider") else None,
            protect=message.options.protect,
        )

    def _provider(self, message: Any) -> Provider:
        provider = self._providers.get(message.urn)
        if provider is None:
            # Registered, hence analysed, before its resources; a provider of another stack arrives only here.
            seen = self._seen.get(message.urn)
            inputs = seen.inputs if seen else self._read(message.properties)
            provider = Provider(urn=message.urn, type=message.type, name=message.name, inputs=inputs)
            self._providers[message.urn] = provider
        return provider

    def _linked(self, message: Any) -> Resource:
        resource = self._seen.get(message.urn) or self._resource(message, message.parent)
        links = {key: frozenset(value.urns) for key, value in message.propertyDependencies.items()}
        return resource.linked(message.dependencies, links, message.parent)


def properties(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Return the neutral form of a message's properties."""
    value = neutral(_plain_struct(struct))
    return value if isinstance(value, dict) else {}


def _plain_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    return {key: _plain(value) for key, value in struct.fields.items()}


def _plain(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _plain_struct(value.struct_value)
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    return None if kind in (None, "null_value") else getattr(value, kind)


def _response(verdicts: list[Verdict]) -> Any:
    return analyzer_pb2.AnalyzeResponse(
        diagnostics=[
            analyzer_pb2.AnalyzeDiagnostic(
                policyName=verdict.policy,
                policyPackName=NAME,
                policyPackVersion=VERSION,
                description=verdict.description,
                message=verdict.message,
                enforcementLevel=_LEVELS[verdict.level],
                severity=_SEVERITIES[verdict.severity],
                urn=verdict.urn,
            )
            for verdict in verdicts
        ]
    )


def environment_config(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the stack's config from `PULUMI_CONFIG`, which engines without `ConfigureStack` set."""
    try:
        config = json.loads(environ.get("PULUMI_CONFIG", "{}"))
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in config.items()} if isinstance(config, dict) else {}


def serve(*, today: date) -> None:
    """Serve the pack until the engine ends it; prints the port, as Pulumi's plugin convention asks.

    `today` decides which waivers hold. Returns on SIGINT or SIGTERM.
    """
    # Before gRPC has threads: what one of them caught would not wake this one, and the process would stay.
    ends = (signal.SIGINT, signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=4),
        options=[
            ("grpc.max_receive_message_length", _MESSAGE_LIMIT),
            ("grpc.max_send_message_length", _MESSAGE_LIMIT),
        ],
    )
    settings = settings_from_config(environment_config(os.environ), os.environ, today)
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(GuardrailServicer(settings), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    signal.sigwait(ends)
    server.stop(grace=None)
