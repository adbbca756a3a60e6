"""The file that tells the emulator how to reach the warehouse (`LANDFALL_WAREHOUSE_DSN_FILE`)."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox.errors import SandboxError

DSN_FILE = "warehouse.json"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One cluster or workgroup name under which an account reaches the warehouse in a Region."""

    account: str
    region: str
    workgroup: str | None = None
    cluster: str | None = None


@dataclass(frozen=True, kw_only=True)
class WarehouseDsn:
    """Everything the emulator needs; holds two passwords, so its file is readable by the owner only.

    `user` is the server's own superuser (Redshift's `rdsdb`), never handed to scripts; `admin_user` is the
    warehouse's administrator (Redshift's `awsuser`), whose credentials belong in the Secrets Manager secret.
    Without `endpoints` every cluster and workgroup name is accepted in every account.
    """

    host: str
    port: int
    user: str
    password: str
    database: str
    admin_user: str
    admin_password: str
    endpoints: tuple[Endpoint, ...] = ()

    def secret(self) -> dict[str, str | int]:
        """The administrator's secret in the shape that Redshift stores in Secrets Manager."""
        return {
            "engine": "redshift",
            "host": self.host,
            "port": self.port,
            "dbname": self.database,
            "username": self.admin_user,
            "password": self.admin_password,
        }


def write_dsn(path: Path, dsn: WarehouseDsn) -> None:
    """Write the file whole or not at all, mode 0600 from the first byte."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(dsn), file, indent=1)
    partial.replace(path)


def read_dsn(path: Path) -> WarehouseDsn:
    """Read the file back.

    Raises:
        SandboxError: the file is missing or damaged.
    """
    try:
        data = json.loads(path.read_text())
        endpoints = tuple(Endpoint(**endpoint) for endpoint in data.pop("endpoints", ()))
        return WarehouseDsn(**data, endpoints=endpoints)
    except FileNotFoundError as missing:
        raise SandboxError(f"the warehouse has not been started: {path} does not exist") from missing
    except (ValueError, TypeError) as damaged:
        raise SandboxError(f"{path} is not a warehouse file; run `landfall sandbox reset`") from damaged
