"""The redacted log as an object in the archive bucket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from handlers.host.clock import Clock
from handlers.host.retry import persistently, summary

_CONTENT_TYPE = "text/plain; charset=utf-8"
# Above this size one PutObject is refused (5 GiB); upload_file switches to parts long before.
_ONE_PUT_BYTES = 64 * 1024 * 1024


def archive(s3: Any, bucket: str, log_stream: str, log: Path, clock: Clock, *, bound_seconds: float) -> str:
    """Store `log` as `s3://<bucket>/<log_stream>.log`; returns what went wrong, or the empty text."""
    key = f"{log_stream}.log"

    def put() -> None:
        if log.stat().st_size > _ONE_PUT_BYTES:
            s3.upload_file(str(log), bucket, key, ExtraArgs={"ContentType": _CONTENT_TYPE})
            return
        with log.open("rb") as body:
            s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=_CONTENT_TYPE)

    try:
        persistently(put, bound_seconds=bound_seconds, clock=clock)
    except (BotoCoreError, ClientError, Boto3Error, OSError) as error:
        return f"the log could not be archived: {summary(error)}"
    return ""
