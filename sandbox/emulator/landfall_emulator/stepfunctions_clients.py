"""Keeps the clients with which the Step Functions interpreter calls services.

LocalEmu assumes the role and builds a client for every single task, 50 ms and more of computing each; the
service keeps a role's credentials for a while, and so does this. Permissions are still judged at every call,
and whether the role may be taken at every task.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from localemu.services.stepfunctions.asl.utils import boto_client

from landfall_emulator.faults.callers import name_calls

_KEPT_SECONDS: Final = 300.0
TAKE_ROLE: Callable[[str, str], None] = lambda role_arn, region: None  # noqa: E731
"""Raises where a task may not take a role in a Region; asked for each task, though its client may be kept."""
_PACKAGES: Final = ("localemu.services.stepfunctions.", "landfall_emulator.")


class Clients:
    """Clients by service, Region and role, each made once in five minutes."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str, str], tuple[float, Any]] = {}
        self._making: dict[tuple[str, str, str], threading.Lock] = {}

    def get(self, service: str, region: str, state_credentials: Any) -> Any:
        """A client as `boto_client_for` makes it; a failure is not kept."""
        key = (service, region, str(state_credentials.role_arn))
        TAKE_ROLE(key[2], region)
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            made, client = self._kept.get(key, (0.0, None))
            if client is None or time.monotonic() - made > _KEPT_SECONDS:
                client = name_calls(
                    self._make(service=service, region=region, state_credentials=state_credentials)
                )
                self._kept[key] = (time.monotonic(), client)
            return client


def install() -> None:
    """Use kept clients wherever the interpreter makes one."""
    original = boto_client.boto_client_for
    clients = Clients(original)
    for name, module in list(sys.modules.items()):
        if name.startswith(_PACKAGES) and getattr(module, "boto_client_for", None) is original:
            module.boto_client_for = clients.get  # type: ignore[attr-defined]
