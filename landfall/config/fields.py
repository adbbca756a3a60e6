"""Field types that several models share: Regions, plain file names, time zones, retention periods, dates."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from landfall.config.base import Shaped, Whole
from landfall.config.errors import (
    MALFORMED,
    NOT_ALLOWED,
    UNKNOWN_TIMEZONE,
    UNSAFE_NAME,
    Finding,
    nearest,
    refuse,
    show,
)
from landfall.config.limits import LOG_RETENTION_DAYS, REGIONS
from landfall.config.timezones import TIMEZONES

_LONGEST_FILE_NAME = 200


def _check_region(value: str) -> str:
    if value not in REGIONS.values:
        raise refuse(
            Finding(
                code=NOT_ALLOWED,
                found=show(value),
                message=f"not an AWS Region as of {REGIONS.read_on}",
                suggestion=nearest(value, REGIONS.values),
                hint="" if nearest(value, REGIONS.values) else "Write a Region such as eu-central-1.",
            )
        )
    return value


def _check_timezone(value: str) -> str:
    if value not in TIMEZONES:
        near = nearest(value, TIMEZONES)
        raise refuse(
            Finding(
                code=UNKNOWN_TIMEZONE,
                found=show(value),
                message="not a time zone of the IANA database",
                suggestion=near,
                hint="" if near else "Write a name such as Europe/Berlin or UTC.",
            )
        )
    return value


def _check_log_retention(value: int) -> int:
    if value not in LOG_RETENTION_DAYS:
        above = [days for days in LOG_RETENTION_DAYS if days >= value] or [LOG_RETENTION_DAYS[-1]]
        raise refuse(
            Finding(
                code=NOT_ALLOWED,
                found=show(value),
                message="CloudWatch Logs keeps logs for certain numbers of days only",
                allowed=tuple(str(days) for days in LOG_RETENTION_DAYS),
                suggestion=above[0],
            )
        )
    return value


def unsafe_reason(name: str) -> str | None:
    """Why `name` is no plain file name, or None. Quotes, spaces, `;` are fine: no shell sees it."""
    if not name.strip():
        return "the name is empty"
    if "/" in name or "\\" in name:
        return "a plain file name is needed, without a folder"
    if ".." in name or name == ".":
        return 'a file name must not contain ".."'
    if re.search(r"[\x00-\x1f\x7f\u2028\u2029]", name):
        return "a file name must not contain control characters"
    if len(name.encode("utf-8", "replace")) > _LONGEST_FILE_NAME:
        return f"a file name has at most {_LONGEST_FILE_NAME} bytes"
    return None


def _check_file_name(value: str) -> str:
    reason = unsafe_reason(value)
    if reason:
        last = value.replace("\\", "/").rsplit("/", 1)[-1]
        raise refuse(
            Finding(
                code=UNSAFE_NAME,
                found=show(value),
                message=reason,
                suggestion=last if last != value and unsafe_reason(last) is None else None,
                hint="Scripts are looked up in the scripts folder only.",
            )
        )
    return value


def _read_date(value: Any) -> Any:
    # Pulumi hands an unquoted YAML date over as "2027-01-31 00:00:00 +0000 UTC".
    if type(value) is date:
        return value
    text = re.sub(r"(T00:00:00Z| 00:00:00 \+0000 UTC)$", "", value) if isinstance(value, str) else ""
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        text = ""
    raise refuse(
        Finding(code=MALFORMED, found=show(value), message="expected a date that exists, as yyyy-mm-dd")
    )


Region = Annotated[
    str, AfterValidator(_check_region), Field(json_schema_extra={"enum": list(REGIONS.values)})
]
"""An AWS Region, for example `eu-central-1`."""
Timezone = Annotated[str, AfterValidator(_check_timezone)]
"""A time zone name of the IANA database, for example `Europe/Berlin`."""
LogRetentionDays = Annotated[
    Whole, AfterValidator(_check_log_retention), Field(json_schema_extra={"enum": list(LOG_RETENTION_DAYS)})
]
"""A retention period that CloudWatch Logs offers, in days."""
FileName = Annotated[str, AfterValidator(_check_file_name)]
"""The plain name of a file in the scripts folder."""
IsoDate = Annotated[date, BeforeValidator(_read_date), WithJsonSchema({"type": "string", "format": "date"})]
"""A calendar date, yyyy-mm-dd."""
OneLine = Annotated[
    str, Shaped(pattern=r"[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*", expected="one line of text", maximum=256)
]
"""A line of text that is not blank, at most 256 characters."""
