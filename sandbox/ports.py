"""Ports on loopback that several sandboxes share without a meeting point."""

from __future__ import annotations

import random
import socket
from typing import Final

LOOPBACK: Final = "127.0.0.1"
# Below the kernel's ephemeral ports (32768 and up on Linux): no outgoing connection takes a chosen port.
_LOWEST: Final = 20_000
_HIGHEST: Final = 32_000
_ATTEMPTS: Final = 200


def is_free(port: int) -> bool:
    """Whether nobody listens on the loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def is_open(port: int, timeout: float = 0.5) -> bool:
    """Whether somebody accepts connections on the loopback port."""
    with socket.socket() as probe:
        probe.settimeout(timeout)
        return probe.connect_ex((LOOPBACK, port)) == 0


def free_block(size: int) -> int:
    """First port of `size` consecutive free ones, at a random place so that parallel starts rarely meet.

    Raises:
        OSError: no such block was found.
    """
    choose = random.SystemRandom()
    for _ in range(_ATTEMPTS):
        first = choose.randrange(_LOWEST, _HIGHEST - size)
        if all(is_free(port) for port in range(first, first + size)):
            return first
    raise OSError(f"no {size} consecutive free ports between {_LOWEST} and {_HIGHEST}")
