"""Which host this is, and which Systems Manager command runs here.

The agent gives every command `AWS_SSM_INSTANCE_ID` and `AWS_SSM_REGION_NAME` (amazon-ssm-agent,
`agent/executers/executers.go`) and, since 3.0.284.0, `SSM_COMMAND_ID` (its release notes). Without them the
instance id comes from the instance metadata service, version 2, and the command id from the agent's
orchestration folder (`.../document/orchestration/<command id>/...`).
"""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from handlers.host.audit import Host

_METADATA = "http://169.254.169.254/latest"
_METADATA_SECONDS = 1.0
_ORCHESTRATION = re.compile(
    r"/document/orchestration/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/|\0|$)"
)


def identify(environment: Mapping[str, str], folder: Path, parent_command: str) -> Host:
    """The host and command, from the environment, the working folder and the parent's command line."""
    instance = environment.get("AWS_SSM_INSTANCE_ID") or _from_metadata()
    command = environment.get("SSM_COMMAND_ID", "")
    for text in (str(folder), environment.get("PWD", ""), parent_command):
        found = _ORCHESTRATION.search(text)
        if not command and found:
            command = found.group(1)
    return Host(instance, command)


def _from_metadata() -> str:
    try:
        ask = urllib.request.Request(  # noqa: S310 - fixed address
            f"{_METADATA}/api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"}
        )
        with urllib.request.urlopen(ask, timeout=_METADATA_SECONDS) as answer:  # noqa: S310 - fixed address
            token = answer.read().decode("ascii")
        read = urllib.request.Request(  # noqa: S310 - fixed address
            f"{_METADATA}/meta-data/instance-id", headers={"X-aws-ec2-metadata-token": token}
        )
        with urllib.request.urlopen(read, timeout=_METADATA_SECONDS) as answer:  # noqa: S310 - fixed address
            return str(answer.read().decode("ascii"))
    except (OSError, ValueError):
        return ""
