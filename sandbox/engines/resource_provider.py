"""`pulumi-resource-aws` of the sandbox: the provider protocol over the table of provisioners.

The engine starts one process per provider, tells it the account and Region (`Configure`) and then calls it
from many threads. Values that are secret stay secret: they go back marked as they came.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from sandbox.engines.errors import EngineError
from sandbox.engines.lifecycle import Lifecycle
from sandbox.engines.plugin_process import serve
from sandbox.engines.provider_config import provider_place, provider_problems
from sandbox.engines.recorded import Ledger
from sandbox.engines.schema import type_schema
from sandbox.engines.values import from_struct, to_struct
from sandbox.provisioners import Provisioner, explain


class ResourceProvider(provider_pb2_grpc.ResourceProviderServicer):
    """One provider of the sandbox: one account, one home Region."""

    def __init__(self, provisioners: Mapping[str, Provisioner], ledger: Ledger) -> None:
        self._provisioners = provisioners
        self._ledger = ledger
        self._lifecycle = Lifecycle(None, provisioners, ledger)

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Secrets and resources are understood, outputs are not needed."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=False)

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The version of the provider SDK that the program uses."""
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi-aws"))

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Refuse a provider that does not stand for exactly one account."""
        return _checked(request.news, provider_problems(from_struct(request.news)))

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Another account is another place: everything in it is replaced.

        Other changes are taken as they come.
        """
        old, new = from_struct(request.old_inputs or request.olds), from_struct(request.news)
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        replaces = [key for key in changed if key == "allowedAccountIds"]
        return _difference(changed, replaces, delete_first=False)

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Learn account, Region and default tags."""
        with _explained(context):
            inputs = from_struct(request.args)
            self._lifecycle = Lifecycle(provider_place(inputs), self._provisioners, self._ledger)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=False)

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Refuse inputs that the type does not have or lacks.

        The inputs stay exactly as the program sent them.
        """
        return _checked(request.news, self._lifecycle.check(_token(request.urn), from_struct(request.news)))

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Nothing, an update, or a replacement."""
        olds = from_struct(request.olds)
        with _explained(context):
            found = self._lifecycle.diff(
                _token(request.urn), from_struct(request.old_inputs), olds, from_struct(request.news)
            )
        return _difference(list(found.changed), list(found.replaces), delete_first=found.delete_first)

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Make the resource, or say what would be known of it in a preview."""
        with _explained(context):
            identifier, outputs = self._lifecycle.create(
                _token(request.urn),
                request.urn,
                request.urn.rpartition("::")[2],
                from_struct(request.properties),
                preview=request.preview,
            )
        return provider_pb2.CreateResponse(id=identifier, properties=to_struct(outputs))

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The resource as it is now; an empty answer says that it is gone."""
        token, state, inputs = (
            _token(request.urn),
            from_struct(request.properties),
            from_struct(request.inputs),
        )
        with _explained(context):
            outputs = self._lifecycle.read(token, request.urn, request.id, state, inputs)
        if outputs is None:
            return provider_pb2.ReadResponse()
        if not inputs:
            known = type_schema(token)
            inputs = {key: value for key, value in outputs.items() if known and key in known.inputs}
        else:
            inputs = {key: outputs.get(key, value) for key, value in inputs.items()}
        return provider_pb2.ReadResponse(
            id=request.id, properties=to_struct(outputs), inputs=to_struct(inputs)
        )

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Change the resource in place."""
        with _explained(context):
            outputs = self._lifecycle.update(
                _token(request.urn),
                request.urn,
                request.id,
                from_struct(request.old_inputs),
                from_struct(request.olds),
                from_struct(request.news),
                preview=request.preview,
            )
        return provider_pb2.UpdateResponse(properties=to_struct(outputs))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Take the resource away."""
        with _explained(context):
            self._lifecycle.delete(
                _token(request.urn),
                request.urn,
                request.id,
                from_struct(request.old_inputs),
                from_struct(request.properties),
            )
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Data sources are not served."""
        context.abort(
            grpc.StatusCode.UNIMPLEMENTED, f"the sandbox does not answer the data source {request.tok}"
        )

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Calls are short; those that run are allowed to end."""
        return empty_pb2.Empty()


def _refusing(name: str) -> Any:
    """A method that this provider does not have, refused with the protocol's own code."""

    def refuse(self: ResourceProvider, request: Any, context: grpc.ServicerContext) -> Any:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the sandbox's AWS provider does not do {name}")

    return refuse


for _name in (
    "Parameterize",
    "GetSchema",
    "Call",
    "Construct",
    "Attach",
    "GetMapping",
    "GetMappings",
    "List",
):
    setattr(ResourceProvider, _name, _refusing(_name))


def _token(urn: str) -> str:
    """The resource's own type: the last part of the URN's qualified type."""
    return urn.split("::")[2].rpartition("$")[2]


def _checked(news: Any, problems: list[tuple[str, str]]) -> Any:
    failures = [provider_pb2.CheckFailure(property=key, reason=sentence) for key, sentence in problems]
    return provider_pb2.CheckResponse(inputs=news, failures=failures)


def _difference(changed: list[str], replaces: list[str], *, delete_first: bool) -> Any:
    kinds = provider_pb2.PropertyDiff
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE,
        diffs=changed,
        replaces=replaces,
        deleteBeforeReplace=delete_first,
        hasDetailedDiff=bool(changed),
        detailedDiff={
            key: kinds(
                kind=kinds.UPDATE_REPLACE if key in replaces else kinds.UPDATE, inputDiff=key != "tagsAll"
            )
            for key in changed
        },
    )


@contextmanager
def _explained(context: grpc.ServicerContext) -> Iterator[None]:
    """Hand a failure to the engine as one line: operation, code and the service's own words."""
    try:
        yield
    except EngineError as wrong:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(wrong))
    except Exception as wrong:
        context.abort(grpc.StatusCode.UNKNOWN, explain(wrong))


def main() -> int:
    """Entry point of `pulumi-resource-aws`."""
    from sandbox.provisioners import PROVISIONERS

    provider = ResourceProvider(PROVISIONERS, Ledger.from_environment())
    return serve(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server))
