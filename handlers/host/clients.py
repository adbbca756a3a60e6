"""AWS clients of the runner, made when first used."""

from __future__ import annotations

import threading
from typing import Any

import boto3
from botocore.config import Config


class Clients:
    """Clients in one Region. Endpoints and credentials come from the standard places only."""

    def __init__(self, region: str) -> None:
        self._session = boto3.session.Session(region_name=region)
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
                self._clients[service] = self._session.client(service, config=config)
            return self._clients[service]
