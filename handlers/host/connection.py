"""The warehouse's connection: from the secret to the environment of the script, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from handlers.host.clock import Clock
from handlers.host.errors import JobFailed
from handlers.host.job import Job
from handlers.host.retry import persistently, summary

# What a script may need of the host. A script that calls AWS acts as the host, as it would without the
# runner; on an EC2 instance that comes from the instance profile and no credential variable is set.
_PASSED_ON = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "ODBCINI",
    "ODBCINSTINI",
    "ODBCSYSINI",
    "AWS_ENDPOINT_URL",
    "AWS_CA_BUNDLE",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_METADATA_SERVICE_TIMEOUT",
    "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
)
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Keys of the secret that appear in ordinary messages of a database client and are no secrets.
_PUBLIC_KEYS = frozenset(
    {"username", "host", "port", "dbname", "engine", "dbClusterIdentifier", "namespaceName", "workgroupName"}
)
# The sandbox's credentials are four letters; masking those would hide innocent words.
_SHORTEST_CREDENTIAL = 16
_SECRET_SECONDS = 60.0


@dataclass(frozen=True)
class Connection:
    """PG* variables and the values that must never be shown; not printable on purpose."""

    variables: Mapping[str, str]
    secrets: tuple[str, ...]

    def __repr__(self) -> str:
        return "Connection(...)"


def connection(secrets_manager: Any, job: Job, clock: Clock) -> Connection:
    """The connection that the job's secret describes.

    The secret is JSON with `username`, `password`, `host` and `port`; the job's settings name the database.
    Raises JobFailed when it cannot be read or misses a key; the message never holds a value of it.
    """
    name = job.settings.secret_id
    try:
        answer = persistently(
            lambda: secrets_manager.get_secret_value(SecretId=name),
            bound_seconds=_SECRET_SECONDS,
            clock=clock,
        )
    except (BotoCoreError, ClientError, OSError) as error:
        raise JobFailed(f"secret {name} could not be read: {summary(error)}") from None
    try:
        values = json.loads(answer["SecretString"])
    except (KeyError, ValueError):
        raise JobFailed(f"secret {name} is not JSON") from None
    if not isinstance(values, dict):
        raise JobFailed(f"secret {name} is not a JSON object")
    variables = {"PGDATABASE": job.settings.database}
    for variable, key in (
        ("PGHOST", "host"),
        ("PGPORT", "port"),
        ("PGUSER", "username"),
        ("PGPASSWORD", "password"),
    ):
        value = values.get(key)
        if isinstance(value, bool) or not isinstance(value, (str, int)) or value == "" or "\0" in str(value):
            raise JobFailed(f"secret {name} has no usable {key!r}")
        variables[variable] = str(value)
    hidden = tuple(str(value) for key, value in sorted(values.items()) if key not in _PUBLIC_KEYS)
    return Connection(variables, hidden)


def script_environment(host: Mapping[str, str], job: Job, connected: Connection) -> dict[str, str]:
    """The script's whole environment: a named few of the host's variables, the job's, the connection's."""
    environment = {name: host[name] for name in _PASSED_ON if name in host}
    environment.setdefault("PATH", _DEFAULT_PATH)
    environment.setdefault("LANG", "C.UTF-8")
    environment |= {
        "AWS_REGION": job.settings.region,
        "AWS_DEFAULT_REGION": job.settings.region,
        "LANDFALL_WORKFLOW_ID": job.workflow_id,
        "LANDFALL_WORKFLOW_EXECUTION_ID": job.workflow_execution_id,
        "LANDFALL_JOB_NAME": job.job_name,
    }
    return environment | dict(connected.variables)


def credentials(host: Mapping[str, str]) -> tuple[str, ...]:
    """Credentials in the host's environment that must not be shown either."""
    values = (host.get("AWS_SECRET_ACCESS_KEY", ""), host.get("AWS_SESSION_TOKEN", ""))
    return tuple(value for value in values if len(value) >= _SHORTEST_CREDENTIAL)
