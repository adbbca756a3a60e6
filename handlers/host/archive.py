"""The redacted log as an object in the archive bucket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from handlers.host.clock import Clock
from handlers.host.retry import persistently, summary

_CONTENT_TYPE = "text/plain; charset=utf-8"
# Above this size a log goes in parts; one PutObject is refused above 5 GiB.
_ONE_PUT_BYTES = 64 * 1024 * 1024


def archive(s3: Any, bucket: str, log_stream: str, log: Path, clock: Clock, *, bound_seconds: float) -> str:
    """Store `log` as `s3://<bucket>/<log_stream>.log`; returns what went wrong, or the empty text."""
    key = f"{log_stream}.log"

    def put() -> None:
        if log.stat().st_size > _ONE_PUT_BYTES:
            _put_in_parts(s3, bucket, key, log)
            return
        with log.open("rb") as body:
            s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=_CONTENT_TYPE)

    try:
        persistently(put, bound_seconds=bound_seconds, clock=clock)
    except (BotoCoreError, ClientError, OSError) as error:
        return f"the log could not be archived: {summary(error)}"
    return ""


def _put_in_parts(s3: Any, bucket: str, key: str, log: Path) -> None:
    # Few logs are that large, and loading this takes longer than all else that a job waits for.
    from boto3.s3.transfer import TransferConfig, create_transfer_manager

    with create_transfer_manager(s3, TransferConfig()) as transfers:
        transfers.upload(str(log), bucket, key, extra_args={"ContentType": _CONTENT_TYPE}).result()
