"""AWS clients of the runner, made when first used."""

from __future__ import annotations

import threading
from typing import Any

from botocore.config import Config
from botocore.session import Session


class Clients:
    """Clients in one Region. Endpoints and credentials come from the standard places only."""

    def __init__(self, region: str) -> None:
        # Not boto3's: importing it doubles the time that a job takes to begin.
        self._session = Session()
        self._region = region
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def get(self, service: str) -> Any:
        """The client of `service`; the same one on every call, usable from several threads."""
        with self._lock:
            if service not in self._clients:
                config = Config(
                    connect_timeout=5,
                    read_timeout=20,
                    retries={"mode": "standard", "total_max_attempts": 3},
                )
                self._clients[service] = self._session.create_client(
                    service, region_name=self._region, config=config
                )
            return self._clients[service]
