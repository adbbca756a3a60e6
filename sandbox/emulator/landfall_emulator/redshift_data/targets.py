"""Who may reach which warehouse: endpoint, database and credentials of a request."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from localemu.aws.connect import connect_to

from landfall_emulator.redshift_data.exceptions import ValidationException
from landfall_emulator.redshift_data.model import Target

_ENDPOINT_MISSING = "Redshift endpoint doesn't exist in this region."
_IDENTITY_USER = "IAM:root"


@dataclass(frozen=True)
class Server:
    """The warehouse's server as its DSN file tells it."""

    host: str
    port: int
    user: str
    password: str
    admin_user: str
    endpoints: tuple[dict[str, str | None], ...]


def server() -> Server:
    """Read the DSN file anew: the server may have been started again on another port.

    Raises:
        ValidationException: the sandbox has no warehouse.
    """
    try:
        data = json.loads(Path(os.environ["LANDFALL_WAREHOUSE_DSN_FILE"]).read_text())
        return Server(
            host=data["host"],
            port=int(data["port"]),
            user=data["user"],
            password=data["password"],
            admin_user=data.get("admin_user", "awsuser"),
            endpoints=tuple(data.get("endpoints", ())),
        )
    except (OSError, KeyError, ValueError) as missing:
        raise ValidationException(_ENDPOINT_MISSING) from missing


def resolve(account: str, region: str, request: dict[str, Any], database: str | None = None) -> Target:
    """The target of a request.

    Raises:
        ValidationException: no or two endpoints named, an unknown one, no database, two kinds of
            credentials, or a secret that does not exist in the account or holds no credentials.
    """
    cluster, workgroup = request.get("ClusterIdentifier"), request.get("WorkgroupName")
    if not cluster and not workgroup:
        raise ValidationException("Either ClusterIdentifier or WorkgroupName needs to be specified.")
    if cluster and workgroup:
        raise ValidationException("ClusterIdentifier and WorkgroupName cannot both be specified.")
    warehouse = server()
    _check_endpoint(warehouse, account, region, cluster, workgroup)
    database = database or request.get("Database")
    if not database:
        raise ValidationException("Database name is required.")
    secret, user = request.get("SecretArn"), request.get("DbUser")
    if secret and user:
        raise ValidationException("SecretArn and DbUser cannot both be specified.")
    if cluster and not secret and not user:
        raise ValidationException("Either SecretArn or DbUser needs to be specified for a cluster.")
    if workgroup and user:
        raise ValidationException(
            "DbUser is not supported with WorkgroupName: the user is the caller's identity."
        )
    username, password = _secret(account, region, secret) if secret else (user or _IDENTITY_USER, None)
    return Target(
        account=account,
        region=region,
        cluster=cluster,
        workgroup=workgroup,
        database=database,
        secret_arn=secret,
        db_user=user,
        username=username,
        password=password,
    )


def _check_endpoint(
    warehouse: Server, account: str, region: str, cluster: str | None, workgroup: str | None
) -> None:
    """The name must be one of this account's in this Region."""
    if not warehouse.endpoints:
        return
    name = workgroup.rpartition("/")[2] if workgroup else None
    for endpoint in warehouse.endpoints:
        if endpoint.get("account") != account or endpoint.get("region") != region:
            continue
        if (cluster and endpoint.get("cluster") == cluster) or (name and endpoint.get("workgroup") == name):
            return
    raise ValidationException(_ENDPOINT_MISSING)


def _secret(account: str, region: str, secret: str) -> tuple[str, str]:
    """User and password of a Secrets Manager secret of the caller's account."""
    if secret.startswith("arn:") and secret.split(":")[4:5] != [account]:
        raise ValidationException("Secrets Manager can't find the specified secret.")
    client = connect_to(aws_access_key_id=account, region_name=region).secretsmanager
    try:
        value = client.get_secret_value(SecretId=secret)["SecretString"]
    except (ClientError, KeyError) as missing:
        raise ValidationException("Secrets Manager can't find the specified secret.") from missing
    try:
        data = json.loads(value)
        username, password = data.get("username"), data.get("password")
    except (ValueError, AttributeError) as broken:
        raise ValidationException(
            "The secret is not a valid JSON document with username and password."
        ) from broken
    if not username or not password:
        raise ValidationException("username and password in secret cannot be empty")
    return str(username), str(password)
