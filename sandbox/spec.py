"""What a sandbox consists of, and what is said about it while it starts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from sandbox.errors import SandboxError

DEFAULT_NAME: Final = "default"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, kw_only=True)
class HostSpec:
    """One host that Systems Manager commands reach: an agent process with a state folder of its own."""

    instance_id: str
    account: str
    """Account alias."""
    tags: Mapping[str, str] = field(default_factory=dict)
    instance_profile: str | None = None
    """Instance profile whose role the host has; without one the host acts as its account's root user."""


@dataclass(frozen=True, kw_only=True)
class SandboxSpec:
    """Accounts, warehouse and hosts of a sandbox; plain values, stored in the state file as they are."""

    accounts: Mapping[str, str] = field(
        default_factory=lambda: {"data": "111111111111", "ops": "222222222222"}
    )
    """Account alias to twelve-digit id."""
    region: str = "eu-central-1"
    warehouse_account: str = "data"
    warehouse_secret: str = "landfall/sandbox/warehouse"  # noqa: S105 - a name
    database: str = "dev"
    workgroup: str = "etl"
    hosts: tuple[HostSpec, ...] = (
        HostSpec(instance_id="i-0a1b2c3d4e5f60001", account="data", tags={"landfall:role": "etl-host"}),
    )
    iam_enforcement: bool = False
    """Whether the emulator refuses calls that no IAM policy allows."""

    def __post_init__(self) -> None:
        for alias, account in self.accounts.items():
            if not re.fullmatch(r"\d{12}", account):
                raise SandboxError(f"account {alias}: {account!r} is not a twelve-digit account id")
        for alias in (self.warehouse_account, *(host.account for host in self.hosts)):
            if alias not in self.accounts:
                raise SandboxError(f"the sandbox has no account {alias!r}; it has {', '.join(self.accounts)}")

    def to_json(self) -> dict[str, Any]:
        """The spec as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SandboxSpec:
        """The spec that `to_json` wrote."""
        hosts = tuple(HostSpec(**host) for host in data.get("hosts", ()))
        return cls(**{**data, "hosts": hosts})


def check_name(name: str) -> str:
    """Return `name` if it can name a sandbox.

    Raises:
        SandboxError: it is not 1 to 63 lower-case letters, digits, dots, dashes and underscores.
    """
    if not _NAME.fullmatch(name):
        raise SandboxError(
            f"{name!r} cannot name a sandbox: use lower-case letters, digits, '.', '-' and '_'"
        )
    return name
