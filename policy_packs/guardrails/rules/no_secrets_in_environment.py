"""Secrets are read from Secrets Manager, never from environment variables or job arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..frame.documents import decode
from ..frame.resource import Resource
from ..frame.rule import Report, Rule, Severity
from ..frame.values import ABSENT, SECRET, Marker, shown

FUNCTION = "aws:lambda/function:Function"
TASK_DEFINITION = "aws:ecs/taskDefinition:TaskDefinition"
JOB_DEFINITION = "aws:batch/jobDefinition:JobDefinition"
BUILD = "aws:codebuild/project:Project"
GLUE = "aws:glue/job:Job"

_NAME = re.compile(
    r"passw(or)?d|passphrase|secret|token|api[-_]?key|private[-_]?key|access[-_]?key|credential", re.I
)
# A variable that says where a secret is, not what it is.
_REFERENCE = re.compile(r"[-_](arn|id|ids|name|path|parameter|table|url|uri|version|ttl|seconds)$", re.I)
_KEY_ID_NAME = re.compile(r"access[-_]?key[-_]?id$", re.I)
_VALUES = (
    (re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b"), "an AWS access key"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"), "a private key"),
    # Not after a colon: `...:secret:name` is the ARN of a secret.
    (re.compile(r"(?<!:)(password|passwd|pwd|secret|token)[\"']?\s*[=:]\s*[^\s;&]+", re.I), "a password"),
    (re.compile(r"\b[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s@]+@", re.I), "a connection string with a password"),
    (re.compile(r"\b(ghp|gho|ghs|glpat|xox[abprs])[-_][A-Za-z0-9-]{10,}"), "an access token"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\."), "a JSON web token"),
)


def check(resource: Resource, report: Report) -> None:
    """Judge names and values; see `_judge` for what an unknown value means."""
    for place, name, value in _variables(resource, report):
        _judge(report, place, name, value)


def _judge(report: Report, place: str, name: str, value: Any) -> None:
    """Report a variable that holds a secret.

    The value of an ordinary name may be unknown: tables and queues of the same program are passed so, and the
    engine asks again with the real value before it makes the resource. Under a name that promises a secret,
    and where the engine itself holds the value as a secret, nothing is given the benefit of the doubt.
    """
    if value is SECRET:
        report.violation(f"{place} {name} holds a value that Pulumi keeps secret")
        return
    if isinstance(value, str):
        for pattern, what in _VALUES:
            if pattern.search(value):
                report.violation(f"{place} {name} holds {what}")
                return
    points = bool(_REFERENCE.search(name)) and not _KEY_ID_NAME.search(name)
    if not _NAME.search(name) or points or value in ("", ABSENT):
        return
    if not (isinstance(value, str) and value.startswith("arn:")):
        state = " and is not known before the update" if isinstance(value, Marker) else ""
        report.violation(f"{place} {name} is named like a secret{state}")


def _variables(resource: Resource, report: Report) -> Iterator[tuple[str, str, Any]]:
    if resource.type == FUNCTION:
        yield from _mapping(resource.at("environment.variables"), report, "environment variable")
    elif resource.type == GLUE:
        for path in ("defaultArguments", "nonOverridableArguments"):
            yield from _mapping(resource.at(path), report, "job argument")
    elif resource.type == BUILD:
        # SECRETS_MANAGER and PARAMETER_STORE variables hold the name of a secret.
        plain = [
            entry
            for entry in _list(resource.at("environment.environmentVariables"), report)
            if entry.get("type", "PLAINTEXT") not in ("SECRETS_MANAGER", "PARAMETER_STORE")
        ]
        yield from _entries(plain)
    else:
        path = "containerDefinitions" if resource.type == TASK_DEFINITION else "containerProperties"
        value = resource.at(path)
        document = None if value is ABSENT else decode(value, report, path)
        for container in document if isinstance(document, list) else [document]:
            if isinstance(container, Mapping):
                yield from _entries(_list(container.get("environment", ABSENT), report))


def _mapping(value: Any, report: Report, place: str) -> Iterator[tuple[str, str, Any]]:
    if isinstance(value, Mapping):
        for name in sorted(value):
            yield place, name, value[name]
    elif value is not ABSENT:
        report.violation(f"the {place}s are {shown(value)}, so nobody can tell what they hold")


def _list(value: Any, report: Report) -> list[Mapping[str, Any]]:
    if isinstance(value, list) and all(isinstance(entry, Mapping) for entry in value):
        return value
    if value is not ABSENT:
        report.violation("the environment variables cannot be read, so nobody can tell what they hold")
    return []


def _entries(entries: list[Mapping[str, Any]]) -> Iterator[tuple[str, str, Any]]:
    for entry in entries:
        yield "environment variable", str(entry.get("name")), entry.get("value", ABSENT)


NO_SECRETS_IN_ENVIRONMENT = Rule(
    name="no-secrets-in-environment",
    severity=Severity.CRITICAL,
    description=(
        "Environment variables and job arguments hold no secrets: whoever may describe the resource"
        " reads them."
    ),
    controls=("FSBP ECS.8", "FSBP CodeBuild.2"),
    remediation="Keep the value in Secrets Manager and pass the secret's name or ARN.",
    resource_types=(FUNCTION, TASK_DEFINITION, JOB_DEFINITION, BUILD, GLUE),
    check=check,
)
