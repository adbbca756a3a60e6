"""What COPY and UNLOAD need of Amazon S3."""

from __future__ import annotations

import bz2
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from landfall_emulator.dialect.errors import WarehouseError

S3Factory = Callable[[], Any]
"""Makes the S3 client; called only when a statement needs it."""


def address(url: str) -> tuple[str, str]:
    """Bucket and key of an `s3://` address."""
    parts = urlsplit(url)
    if parts.scheme.lower() != "s3" or not parts.netloc:
        raise WarehouseError(f"The S3 path '{url}' is not valid", "22023")
    return parts.netloc, url.split("/", 3)[3] if url.count("/") > 2 else ""


def source_objects(s3: Any, source: str, *, manifest: bool) -> list[tuple[str, str]]:
    """Bucket and key of every object to load: those with the prefix, or those that the manifest names."""
    if manifest:
        return _from_manifest(s3, source)
    bucket, prefix = address(source)
    keys = list_keys(s3, bucket, prefix)
    if not keys:
        raise WarehouseError(f"The specified S3 prefix '{prefix}' does not exist", "XX000")
    return [(bucket, key) for key in keys]


def list_keys(s3: Any, bucket: str, prefix: str) -> list[str]:
    """Keys with the prefix, in order; folders' markers are left out."""

    def pages() -> Iterator[str]:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            yield from (entry["Key"] for entry in page.get("Contents", ()) if not entry["Key"].endswith("/"))

    keys: list[str] = _guarded(lambda: sorted(pages()))
    return keys


def read_object(s3: Any, bucket: str, key: str, compression: str | None = None) -> bytes:
    """An object's bytes, decompressed."""
    data: bytes = _guarded(lambda: s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    try:
        if compression == "gzip":
            return gzip.decompress(data)
        if compression == "bzip2":
            return bz2.decompress(data)
    except (OSError, EOFError, zlib.error) as damaged:
        raise WarehouseError(
            f"The file s3://{bucket}/{key} is not a valid {compression} file", "XX000"
        ) from damaged
    return data


def write_object(s3: Any, bucket: str, key: str, data: bytes) -> None:
    """Write an object whole."""
    _guarded(lambda: s3.put_object(Bucket=bucket, Key=key, Body=data))


def delete_objects(s3: Any, bucket: str, keys: list[str]) -> None:
    """Delete objects one by one."""
    for key in keys:
        _guarded(partial(s3.delete_object, Bucket=bucket, Key=key))


def compress(data: bytes, compression: str | None) -> tuple[bytes, str]:
    """The bytes compressed, and the suffix that tells so."""
    if compression == "gzip":
        return gzip.compress(data, mtime=0), ".gz"
    if compression == "bzip2":
        return bz2.compress(data), ".bz2"
    return data, ""


def _from_manifest(s3: Any, source: str) -> list[tuple[str, str]]:
    """The objects of a manifest; one that is mandatory must exist."""
    try:
        entries = json.loads(read_object(s3, *address(source)))["entries"]
        wanted = [(address(entry["url"]), bool(entry.get("mandatory", False))) for entry in entries]
    except (ValueError, KeyError, TypeError) as damaged:
        raise WarehouseError(f"The manifest {source} is not valid", "XX000") from damaged
    found = []
    for (bucket, key), mandatory in wanted:
        if key in list_keys(s3, bucket, key):
            found.append((bucket, key))
        elif mandatory:
            raise WarehouseError(f"Mandatory url s3://{bucket}/{key} in the manifest does not exist", "XX000")
    return found


def _guarded(call: Callable[[], Any]) -> Any:
    """Errors of S3 in Redshift's words."""
    try:
        return call()
    except WarehouseError:
        raise
    except Exception as error:
        response = getattr(error, "response", None)
        if response is None:
            raise WarehouseError(f"S3 cannot be reached: {error}", "08006") from error
        told = response.get("Error", {})
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        message = f"S3ServiceException:{told.get('Message')},Status {status},Error {told.get('Code')}"
        raise WarehouseError(message, "XX000") from error
