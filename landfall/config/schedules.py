"""EventBridge Scheduler expressions, really parsed: `cron(...)`, `rate(...)`, `at(...)`.

Source: EventBridge Scheduler user guide, "Schedule types" (fields, wildcards, `?` in exactly one day field).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from landfall.config.errors import nearest

EXAMPLES: Final = "cron(0 6 * * ? *), rate(1 day), at(2027-01-31T06:00:00)"

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_UNITS = ("minute", "minutes", "hour", "hours", "day", "days")


class BadSchedule(ValueError):
    """An expression is wrong; `suggestion` is one that would be right, where one is near."""

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        self.suggestion = suggestion
        super().__init__(message)


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    special: str = ""
    names: tuple[str, ...] = ()
    first: int = 1

    def number(self, text: str) -> int:
        """The value of a number or a name. Raises BadSchedule when it is out of range."""
        if text.upper() in self.names:
            return self.names.index(text.upper()) + self.first
        if not re.fullmatch(r"[0-9]{1,4}", text) or not self.low <= int(text) <= self.high:
            names = f" or {self.names[0]}-{self.names[-1]}" if self.names else ""
            raise BadSchedule(f'{self.name} must be {self.low}-{self.high}{names}, not "{text}"')
        return int(text)

    def check(self, text: str) -> None:
        """Raises BadSchedule when the field's text is not one that EventBridge Scheduler takes."""
        for part in text.split(","):
            self._check_part(part)

    def _check_part(self, part: str) -> None:
        base, slash, step = part.partition("/")
        if slash and (
            not re.fullmatch(r"[0-9]{1,4}", step) or int(step) == 0 or "/" not in "/" + self.special
        ):
            raise BadSchedule(f'{self.name} has a bad step "/{step}"')
        if slash and self.name == "day of week":
            raise BadSchedule(f'{self.name} takes no step "/{step}"')
        if base == "*" or (base == "?" and "?" in self.special and not slash):
            return
        if (
            "L" in self.special
            and not slash
            and re.fullmatch(r"L|L-[0-9]{1,2}|LW|[0-9A-Z]{1,3}L", base.upper())
        ):
            return self._check_last(base.upper())
        if "W" in self.special and not slash and re.fullmatch(r"[0-9]{1,2}W", base.upper()):
            self.number(base[:-1])
            return
        if "#" in self.special and "#" in base:
            day, _, nth = base.partition("#")
            self.number(day)
            if nth not in {"1", "2", "3", "4", "5"}:
                raise BadSchedule(f'{self.name} "{base}" must name the first to fifth week, 1-5 after "#"')
            return
        low, dash, high = base.partition("-")
        first = self.number(low)
        if dash and self.number(high) < first and not self.names:
            raise BadSchedule(f'{self.name} has a range "{base}" that runs backwards')

    def _check_last(self, base: str) -> None:
        day_of_month = self.name == "day of month"
        if base == "L" or (day_of_month and (base == "LW" or base.startswith("L-"))):
            return
        if day_of_month:
            raise BadSchedule(f'{self.name} takes L, LW or L-3, not "{base}"')
        self.number(base[:-1])


_FIELDS: Final = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("day of month", 1, 31, special="?LW"),
    _Field("month", 1, 12, names=_MONTHS),
    _Field("day of week", 1, 7, special="?L#", names=_DAYS),
    _Field("year", 1970, 2199),
)


def parse(expression: str) -> str:
    """The expression itself. Raises BadSchedule when EventBridge Scheduler would refuse it."""
    match = re.fullmatch(r"([A-Za-z]+)\((.*)\)", expression)
    if not match:
        suggestion = f"cron({expression} *)" if _is_plain_cron(expression) else None
        raise BadSchedule(f"expected cron(...), rate(...) or at(...), for example {EXAMPLES}", suggestion)
    kind, body = match.groups()
    if kind == "cron":
        _check_cron(body)
    elif kind == "rate":
        _check_rate(body)
    elif kind == "at":
        _check_at(body)
    else:
        near = nearest(kind, ("cron", "rate", "at"))
        raise BadSchedule(
            f'"{kind}" is no kind of schedule; expected cron(...), rate(...) or at(...)',
            f"{near}({body})" if near else None,
        )
    return expression


def _is_plain_cron(text: str) -> bool:
    return len(text.split()) == 5 and "?" in text


def _check_cron(body: str) -> None:
    fields = body.split()
    if len(fields) != len(_FIELDS):
        raise BadSchedule(
            f"cron needs six fields (minutes hours day-of-month month day-of-week year), found {len(fields)}",
            _repaired(fields),
        )
    for field, text in zip(_FIELDS, fields, strict=True):
        field.check(text)
    if (fields[2] == "?") == (fields[4] == "?"):
        raise BadSchedule(
            'exactly one of day of month and day of week must be "?"',
            _repaired([*fields[:4], fields[4], fields[5]]),
        )


def _repaired(fields: list[str]) -> str | None:
    """The nearest expression that is right: a year for a Unix line, "?" for one of the two day fields."""
    if len(fields) == 5:
        fields = [*fields, "*"]
    if len(fields) != len(_FIELDS):
        return None
    days = (2, 4)
    if fields[2] != "?" and fields[4] != "?":
        loose = [index for index in days if fields[index] == "*"]
        if not loose:
            return None
        fields = ["?" if index == loose[-1] else text for index, text in enumerate(fields)]
    elif fields[2] == fields[4] == "?":
        fields = ["*" if index == 2 else text for index, text in enumerate(fields)]
    candidate = f"cron({' '.join(fields)})"
    try:
        return parse(candidate)
    except BadSchedule:
        return None


def _check_rate(body: str) -> None:
    match = re.fullmatch(r"([0-9]+) ([A-Za-z]+)", body.strip())
    if not match or not 0 < len(match[1]) < 10 or int(match[1]) == 0:
        raise BadSchedule("rate needs a positive whole number and a unit, for example rate(15 minutes)")
    if match[2] not in _UNITS:
        near = nearest(match[2], _UNITS)
        raise BadSchedule(
            f'"{match[2]}" is no unit of a rate; expected {", ".join(_UNITS)}',
            f"rate({match[1]} {near})" if near else None,
        )


def _check_at(body: str) -> None:
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}", body):
            raise ValueError
        datetime.fromisoformat(body)
    except ValueError:
        raise BadSchedule("at needs a date and time that exist, as yyyy-mm-ddThh:mm:ss") from None
