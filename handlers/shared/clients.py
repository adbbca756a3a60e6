"""boto3 clients, made once per worker and not at import."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.config import Config


@cache
def client(service: str, region: str | None = None) -> Any:
    """The client of `service` in `region`, else in the function's own Region."""
    config = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 5})
    return boto3.client(service, region_name=region, config=config)
