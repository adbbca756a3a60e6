"""Keeps the emulator on the loopback interface.

LocalEmu's Twisted server takes the port of `GATEWAY_LISTEN` but not its address, and so listens on every
interface.
"""

from __future__ import annotations

from typing import Any

from localemu import config
from localemu.runtime.server import twisted as server
from twisted.internet import endpoints


class _Endpoints:
    """Twisted's endpoints, with the configured address on IPv4 ones."""

    def __getattr__(self, name: str) -> Any:
        return getattr(endpoints, name)

    @staticmethod
    def TCP4ServerEndpoint(reactor: Any, port: int) -> Any:
        return endpoints.TCP4ServerEndpoint(reactor, port, interface=config.GATEWAY_LISTEN[0].host)


def install() -> None:
    """Make the server listen on the address that it was given."""
    server.endpoints = _Endpoints()
