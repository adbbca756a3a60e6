"""The instance metadata service of the sandbox's hosts, version 2: credentials of the profile's role.

A host reaches it under `/_landfall/hosts/<instance id>/`, which the AWS SDKs take from
`AWS_EC2_METADATA_SERVICE_ENDPOINT`. Until the profile exists it has no credentials to give, as an instance
without a profile.
(source: EC2 User Guide, "Use the Instance Metadata Service", "Retrieve security credentials")
"""

from __future__ import annotations

import json
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError
from localemu.aws.connect import connect_to
from localemu.http import Response, route
from localemu.services.edge import ROUTER
from moto.iam.models import iam_backends

_BASE: Final = "/_landfall/hosts/<instance>/latest"
_TOKEN_HEADER: Final = "X-aws-ec2-metadata-token"  # noqa: S105 - a header's name
_TOKENS: Final[set[str]] = set()


class InstanceMetadata:
    """The paths that SDKs ask for."""

    @route(f"{_BASE}/api/token", methods=["PUT"])
    def token(self, request: Any, instance: str) -> Any:
        """A session token, without which nothing else is answered."""
        token = secrets.token_urlsafe(24)
        _TOKENS.add(token)
        return Response(token, mimetype="text/plain")

    @route(f"{_BASE}/meta-data/instance-id", methods=["GET"])
    def instance_id(self, request: Any, instance: str) -> Any:
        """The host's id."""
        return Response(instance, mimetype="text/plain") if _known(request) else _answer(401)

    @route(f"{_BASE}/meta-data/iam/security-credentials/", methods=["GET"])
    def roles(self, request: Any, instance: str) -> Any:
        """Name of the role."""
        if not _known(request):
            return _answer(401)
        arn = role_arn(instance, _host(instance))
        return Response(arn.rpartition("/")[2], mimetype="text/plain") if arn else _answer(404)

    @route(f"{_BASE}/meta-data/iam/security-credentials/<role>", methods=["GET"])
    def credentials(self, request: Any, instance: str, role: str) -> Any:
        """Credentials of the role, assumed by EC2."""
        if not _known(request):
            return _answer(401)
        host = _host(instance)
        arn = role_arn(instance, host)
        if arn is None or arn.rpartition("/")[2] != role:
            return _answer(404)
        sts = connect_to(region_name=host["region"]).sts.request_metadata(service_principal="ec2")
        try:
            found = sts.assume_role(RoleArn=arn, RoleSessionName=instance)["Credentials"]
        except ClientError:
            failed = {"Code": "AssumeRoleUnauthorizedAccess", "Message": "EC2 cannot assume the role"}
            return Response(json.dumps(failed), mimetype="application/json")
        body = {
            "Code": "Success",
            "Type": "AWS-HMAC",
            "LastUpdated": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "AccessKeyId": found["AccessKeyId"],
            "SecretAccessKey": found["SecretAccessKey"],
            "Token": found["SessionToken"],
            "Expiration": found["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return Response(json.dumps(body), mimetype="application/json")


def install() -> None:
    """Serve the paths."""
    ROUTER.add(InstanceMetadata())


def role_arn(instance: str, host: Any) -> str | None:
    """ARN of the role in a host's instance profile; None while there is none."""
    name, account = host.get("instance_profile"), str(host.get("account", ""))
    if not name or not account:
        return None
    profiles = list(iam_backends[account]["global"].instance_profiles.values())
    profile = next((profile for profile in profiles if profile.name == name), None)
    return str(profile.roles[0].arn) if profile is not None and profile.roles else None


def _host(instance: str) -> Any:
    """What the host's agent declared; empty for an unknown host."""
    path = Path(os.environ.get("LANDFALL_STATE_DIR", ".")) / "hosts" / instance / "host.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _known(request: Any) -> bool:
    return request.headers.get(_TOKEN_HEADER, "") in _TOKENS


def _answer(status: int) -> Any:
    return Response("", status=status)
