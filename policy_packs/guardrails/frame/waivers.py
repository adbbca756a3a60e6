"""Waivers: dated permissions to break one rule on some resources, with a reason and an owner."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]00:00:00(?:Z|\+00:00| \+0000 UTC)?)?")
_FIELDS = ("rule", "urn", "reason", "owner", "expires")


class WaiverError(ValueError):
    """A waiver that cannot be read; the message names it and what is wrong."""


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """One waiver. `urn` is a glob (`*` any text, `?` one character); it holds up to and including
    `expires`.
    """

    name: str
    rule: str
    urn: str
    reason: str
    owner: str
    expires: date

    def covers(self, rule: str, urn: str) -> bool:
        """Tell whether the waiver is about this rule and this resource, expired or not."""
        return rule == self.rule and matches(self.urn, urn)

    def expired(self, today: date) -> bool:
        """Tell whether the waiver no longer holds on `today`."""
        return today > self.expires


def matches(pattern: str, urn: str) -> bool:
    """Tell whether a URN matches a glob; only `*` and `?` are special, and case counts.

    Goes back to the last star only, so a pattern of many stars stays quick (a regular expression would not).
    """
    at = p = 0
    star, resume = -1, 0
    while at < len(urn):
        if p < len(pattern) and pattern[p] == "*":
            star, resume = p, at
            p += 1
        elif p < len(pattern) and pattern[p] in ("?", urn[at]):
            p, at = p + 1, at + 1
        elif star >= 0:
            resume += 1
            p, at = star + 1, resume
        else:
            return False
    return set(pattern[p:]) <= {"*"}


def read_waivers(data: Mapping[str, Any] | Iterable[Waiver]) -> list[Waiver]:
    """Return waivers from config data (name to fields, or objects with these attributes), in order of names.

    Raises WaiverError for a missing field or a date that is none.
    """
    if not isinstance(data, Mapping):
        return sorted(data, key=lambda waiver: waiver.name)
    return [_read(name, data[name]) for name in sorted(data)]


def _read(name: str, value: Any) -> Waiver:
    if isinstance(value, Waiver):
        return value
    fields: dict[str, Any] = {}
    for key in _FIELDS:
        found = value.get(key) if isinstance(value, Mapping) else getattr(value, key, None)
        if found is None or found == "":
            raise WaiverError(f"waiver {name} has no {key}")
        fields[key] = found
    expires = _date(name, fields.pop("expires"))
    return Waiver(name=name, expires=expires, **{key: str(text) for key, text in fields.items()})


def _date(name: str, value: Any) -> date:
    """Return a date from a date or its text.

    An unquoted date in a stack file is a YAML timestamp to the engine, which hands it on as the text
    `2027-01-31 00:00:00 +0000 UTC` (or in the RFC 3339 form): midnight is the date alone.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    found = _DATE.fullmatch(str(value))
    try:
        return date.fromisoformat(found[1] if found else "")
    except ValueError:
        raise WaiverError(f"waiver {name} expires on {value}, which is no date (YYYY-MM-DD)") from None
