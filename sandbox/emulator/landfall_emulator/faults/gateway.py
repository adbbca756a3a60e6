"""Applies the rules where every call of a service passes: in front of the emulator's request router.

Step Functions, Scheduler, EventBridge, Lambda workers, hosts and clients outside all come this way, and so do
the services that Landfall answers itself.
"""

from __future__ import annotations

import functools
import io
import time
from collections.abc import Callable, Iterator, Mapping
from copy import copy, deepcopy
from typing import Any, Final

from localemu.aws.api import CommonServiceException
from localemu.aws.handlers.service import ServiceRequestRouter
from localemu.http import Response
from rolo.serving import twisted as twisted_server
from twisted.internet import reactor

from landfall_emulator.faults import callers, names, trace
from landfall_emulator.faults.rules import Call, Fault, Faults

FAULTS: Final = Faults()
"""The rules of this emulator. They live in its memory, as its accounts do."""

LONGEST_HANG_SECONDS: Final = 900.0
"""A hanging call without a time of its own; hangs end with their rule at the latest."""

_CONNECTION: Final = "landfall.connection"
_SERVICES: Final = {"sqs-query": "sqs"}

Route = Callable[[], None]


def install() -> None:
    """Look at every call before the router does."""
    _connections_are_known()
    original = ServiceRequestRouter.__call__

    @functools.wraps(original)
    def routed(self: Any, chain: Any, context: Any, response: Any) -> None:
        if context.service is None or context.operation is None:
            original(self, chain, context, response)
            return
        call = _call_of(context)

        def route() -> None:
            trace.executed(call)
            original(self, chain, context, response)

        fault = FAULTS.decide(call)
        if fault is None:
            route()
        else:
            _apply(fault, call, context, chain, response, route)

    ServiceRequestRouter.__call__ = routed


def _call_of(context: Any) -> Call:
    state, execution = callers.of_request(context.request)
    service = str(context.service.service_name)
    parameters = context.service_request
    return Call(
        service=_SERVICES.get(service, service),
        operation=str(context.operation.name),
        account=str(context.account_id or ""),
        region=str(context.region or ""),
        parameters=parameters if isinstance(parameters, Mapping) else {},
        state=state,
        execution=execution,
    )


def _apply(fault: Fault, call: Call, context: Any, chain: Any, response: Any, route: Route) -> None:
    rule = fault.rule
    effect = rule["effect"]
    seconds = rule.get("seconds")
    trace.faulted(call, effect)
    if effect == "fail":
        raise _error(rule, names.internal(call.service))
    if effect == "throttle":
        raise _error(rule, names.throttling(call.service))
    if effect == "hang":
        fault.released.wait(LONGEST_HANG_SECONDS if seconds is None else float(seconds))
        _cut(context, chain, response)
    elif effect == "delay":
        fault.released.wait(float(seconds or 0.0))
        route()
    elif effect == "twice":
        _twice(context, response, route, float(seconds or 0.0))
    elif effect == "lose":
        route()
        if rule.get("error"):
            raise _error(rule, names.internal(call.service))
        _cut(context, chain, response)
    else:
        raise CommonServiceException("InternalFailure", f"unknown fault {effect!r}", status_code=500)


def _error(rule: Mapping[str, Any], own: names.ServiceError) -> CommonServiceException:
    """The error that the rule names; what it leaves open is the service's own."""
    status = int(rule.get("status") or (400 if rule.get("error") else own.status))
    message = str(rule.get("message") or (own.message if not rule.get("error") else "injected fault"))
    code = str(rule.get("error") or own.code)
    return CommonServiceException(code, message, status_code=status, sender_fault=status < 500)


def _twice(context: Any, response: Any, route: Route, pause: float) -> None:
    """Execute the call two times; the second answer is returned. Each gets a request of its own."""
    request = context.service_request
    bodies = {name: value.read() for name, value in _streams(request)}
    again = _copy_of(request, bodies)
    context.service_request = _copy_of(request, bodies)
    route()
    time.sleep(pause)
    fresh = Response()
    response.status_code, response.headers, response.response = (
        fresh.status_code,
        fresh.headers,
        fresh.response,
    )
    context.service_request, context.service_response, context.service_exception = again, None, None
    route()


def _streams(request: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(request, Mapping):
        yield from ((name, value) for name, value in request.items() if hasattr(value, "read"))


def _copy_of(request: Any, bodies: Mapping[str, bytes]) -> Any:
    if not isinstance(request, Mapping):
        return request
    shallow: Any = copy(request)
    for name in shallow:
        shallow[name] = io.BytesIO(bodies[name]) if name in bodies else deepcopy(shallow[name])
    return shallow


def _cut(context: Any, chain: Any, response: Any) -> None:
    """Break the connection without a byte of an answer."""
    connection = context.request.environ.get(_CONNECTION)
    if connection is not None:
        reactor.callFromThread(connection.transport.abortConnection)
    # Nobody reads it; a caller without a connection of its own gets an error that says as much.
    response.status_code = 503
    response.headers.clear()
    response.response = []
    context.service_response, context.service_exception = {}, None
    chain.terminate()


def _connections_are_known() -> None:
    """Keep the server's own request beside the one that the emulator makes of it."""
    original = twisted_server.update_wsgi_environment

    @functools.wraps(original)
    def update(environ: dict[str, Any], request: Any) -> None:
        original(environ, request)
        environ[_CONNECTION] = request

    twisted_server.update_wsgi_environment = update
