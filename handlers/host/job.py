"""The job document: what the workflow asks of the host, parsed strictly.

The document is base64 of JSON, so that no value of it can be read as shell by the Systems Manager command
line that carries it; or base64 of percent-encoded JSON, because JSONata's `$base64encode`, with which the
workflow writes it, knows one-byte characters only. Version 1 is the only one; unknown keys are refused,
because a runner that ignored a key it does not know would run a job differently from what was asked.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from handlers.host.errors import InvalidJob

VERSION = 1
_LONGEST_SHOWN = 120
_SHA256 = re.compile(r"[0-9a-f]{64}")
_JOB_ID = re.compile(r"\d{3,}\.\d{4,}\..+", re.DOTALL)


@dataclass(frozen=True)
class Settings:
    """Where the runner reads and writes; the same for all jobs of a stack."""

    region: str
    job_audit_table: str
    log_group: str
    secret_id: str
    database: str
    archive_bucket: str
    """Empty: no archive."""
    retention_days: int
    """Time to live of the audit record, days."""
    bundle: str = ""
    """SHA-256 of the bundle whose scripts are meant, hexadecimal; empty: whichever is installed."""


@dataclass(frozen=True)
class Job:
    """One run of one script."""

    task_token: str
    workflow_id: str
    workflow_execution_id: str
    job_id: str
    job_name: str
    stage: int
    attempt: int
    script: str
    args: tuple[str, ...]
    timeout_seconds: float
    heartbeat_seconds: float
    settings: Settings

    @property
    def log_stream(self) -> str:
        """`<workflow_id>/<workflow_execution_id>/<job_id>/<attempt>`, without the characters that CloudWatch
        Logs refuses in the name of a stream (`:` and `*`)."""
        path = f"{self.workflow_id}/{self.workflow_execution_id}/{self.job_id}/{self.attempt}"
        return re.sub(r"[:*]", "_", path)[:512]


_TEXTS = ("task_token", "workflow_id", "workflow_execution_id", "job_id", "job_name", "script")
_KEYS = {*_TEXTS, "version", "stage", "attempt", "args", "timeout_seconds", "heartbeat_seconds", "settings"}
_SETTING_TEXTS = ("region", "job_audit_table", "log_group", "secret_id", "database")
_SETTING_KEYS = {*_SETTING_TEXTS, "archive_bucket", "retention_days", "bundle"}


def parse(argument: str) -> Job:
    """The job in `argument` (base64 of JSON).

    Raises InvalidJob with one sentence that names the first mistake; it carries the task token where that
    could be read, so that the workflow can be told.
    """
    try:
        text = base64.b64decode(argument, validate=True).decode("utf-8")
        document = json.loads(unquote(text, errors="strict") if text.startswith("%7B") else text)
    except (binascii.Error, ValueError, RecursionError):
        raise InvalidJob("the job document is not base64 of JSON") from None
    if not isinstance(document, dict):
        raise InvalidJob("the job document is not a JSON object")
    settings = document.get("settings")
    token = document.get("task_token")
    region = settings.get("region") if isinstance(settings, dict) else None
    try:
        return _job(document)
    except InvalidJob as error:
        raise InvalidJob(
            str(error),
            token if isinstance(token, str) and token else None,
            region if isinstance(region, str) and region else None,
        ) from None


def _job(document: dict[str, Any]) -> Job:
    if document.get("version") != VERSION or isinstance(document.get("version"), bool):
        raise InvalidJob(
            f"the job document has version {_shown(document.get('version'))};"
            f" this runner knows version {VERSION}"
        )
    _only(document, _KEYS, "the job document")
    texts = {key: _text(document, key) for key in _TEXTS}
    if not _JOB_ID.fullmatch(texts["job_id"]):
        raise InvalidJob(f"job_id {_shown(texts['job_id'])} is not of the form 001.0001.name")
    args = document.get("args", [])
    if not isinstance(args, list) or not all(_is_text(arg) for arg in args):
        raise InvalidJob("args is not a list of strings")
    timeout = _seconds(document, "timeout_seconds")
    heartbeat = _seconds(document, "heartbeat_seconds")
    return Job(
        **texts,
        stage=_count(document, "stage"),
        attempt=_count(document, "attempt"),
        args=tuple(args),
        timeout_seconds=timeout,
        heartbeat_seconds=heartbeat,
        settings=_settings(document.get("settings")),
    )


def _settings(values: Any) -> Settings:
    if not isinstance(values, dict):
        raise InvalidJob("settings is not an object")
    _only(values, _SETTING_KEYS, "settings")
    bucket = values.get("archive_bucket") or ""
    if not isinstance(bucket, str):
        raise InvalidJob("archive_bucket is not a string")
    bundle = values.get("bundle") or ""
    if bundle and not (isinstance(bundle, str) and _SHA256.fullmatch(bundle)):
        raise InvalidJob(f"bundle {_shown(bundle)} is not a SHA-256 in hexadecimal")
    texts = {key: _text(values, key) for key in _SETTING_TEXTS}
    return Settings(
        **texts, archive_bucket=bucket, retention_days=_count(values, "retention_days"), bundle=bundle
    )


def _only(values: dict[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(values) - known)
    if unknown:
        names = ", ".join(key if key.isprintable() else repr(key) for key in unknown)
        raise InvalidJob(f"{where} has keys that this runner does not know: {_cut(names)}")


def _text(values: dict[str, Any], key: str) -> str:
    value = values.get(key)
    if not value or not _is_text(value):
        raise InvalidJob(f"{key} is not a text")
    return str(value)


def _is_text(value: Any) -> bool:
    """Whether a value is text that a program can be given: without NUL and without half characters."""
    return isinstance(value, str) and not re.search("[\0\ud800-\udfff]", value)


def _shown(value: Any) -> str:
    """A value of the document as one short line."""
    return _cut(repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "..."


def _count(values: dict[str, Any], key: str) -> int:
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidJob(f"{key} is not a whole number of 1 or more")
    return value


def _seconds(values: dict[str, Any], key: str) -> float:
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 31_536_000:
        raise InvalidJob(f"{key} is not a number of seconds")
    return float(value)
