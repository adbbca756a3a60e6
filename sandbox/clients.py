"""boto3 clients of sandboxes, each made once in a process.

Making one reads megabytes of service models, and a session of its own reads them anew: a command that asks
for a client at every call spends more time on that than on its calls.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.config import Config

SECRET_KEY: Final = "sandbox"  # noqa: S105 - the emulator knows an account by its access key, checks no signature

_lock = threading.Lock()
_sessions: list[Session] = []


class Clients:
    """Clients by service, account, Region and endpoint; usable from several threads."""

    def __init__(
        self, config: Callable[[], Config], prepare: Callable[[Any], Any] = lambda made: made
    ) -> None:
        self._config = config
        self._prepare = prepare
        self._made: dict[tuple[str, str, str, str], Any] = {}

    def get(self, service: str, *, account: str, region: str, endpoint: str) -> Any:
        """The client; `account` is the 12-digit id, which is also the access key."""
        key = (service, account, region, endpoint)
        # Clients may be shared between threads, their making may not (boto3's guide, "Multithreading").
        with _lock:
            if key not in self._made:
                client = _session().client(
                    service,
                    region_name=region,
                    endpoint_url=endpoint,
                    aws_access_key_id=account,
                    aws_secret_access_key=SECRET_KEY,
                    config=self._config(),
                )
                self._made[key] = self._prepare(client)
            return self._made[key]


def _session() -> Session:
    """The one session: it keeps the service models that it has read."""
    import boto3

    if not _sessions:
        _sessions.append(boto3.session.Session())
    return _sessions[0]
