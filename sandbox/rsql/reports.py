r"""Settings of `\rset`: error levels, the greatest tolerated one, and the report's heading.

Source: "Amazon Redshift RSQL variables". RFORMAT decides whether the settings of `\pset` apply; WIDTH is
accepted and told, but lines are not wrapped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

DEFAULT_SEVERITY = 8
_LEVEL = re.compile(r"([0-9A-Za-z]{5}(?:\s*,\s*[0-9A-Za-z]{5})*|\*)\s+severity\s+(\d+)\s*$", re.IGNORECASE)


class ReportError(ValueError):
    """A setting is unknown or has a bad value."""


@dataclass
class Report:
    """The state of `\\rset`."""

    levels: dict[str, int] = field(default_factory=dict)
    levels_on: bool = True
    maximum: int | None = None
    heading: str = ""
    with_date: bool = False
    formatted: bool = False
    dashes: bool = True
    width: int = 75

    def severity(self, sqlstate: str) -> int:
        """Severity of an error."""
        if not self.levels_on:
            return 0
        return self.levels.get(sqlstate, self.levels.get("*", DEFAULT_SEVERITY))

    def head(self) -> str:
        """The line above a result."""
        if not self.heading or not self.formatted:
            return ""
        date = datetime.now(UTC).strftime("%y/%m/%d") if self.with_date else ""
        lines = self.heading.replace("||", "    ").split("//")
        return "\n".join([f"{date}    {lines[0]}".strip(), *lines[1:]]) + "\n"

    def set(self, text: str) -> str:
        """Change a setting; returns what RSQL tells.

        Raises:
            ReportError: no such setting or value.
        """
        name, _, value = text.strip().rstrip(";").partition(" ")
        value = value.strip()
        match name.lower():
            case "errorlevel":
                return self._set_level(value)
            case "maxerror":
                return self._set_maximum(value)
            case "heading" | "rtitle":
                self.heading = value.strip("\"'")
                self.with_date = name.lower() == "rtitle"
                shown = f"&DATE||{self.heading}" if self.with_date else self.heading
                later = "" if self.formatted else " (Changes will take effect after RFORMAT is switched ON)"
                return f"{name.capitalize()} is set to: {shown}{later}"
            case "rformat":
                self.formatted = _switch(value, self.formatted)
                return f"Rformat is {'on' if self.formatted else 'off'}."
            case "titledashes":
                self.dashes = _switch(value, self.dashes)
                return f"Titledashes is {'on' if self.dashes else 'off'}."
            case "width":
                if value and not value.isdigit():
                    raise ReportError(f'\\rset: invalid width "{value}"')
                self.width = int(value) if value else self.width
                return f"Target width is {self.width}."
        raise ReportError(f'\\rset: unknown option "{name}"')

    def _set_level(self, value: str) -> str:
        """`errorlevel 42P01 severity 0`, `errorlevel on|off`."""
        if value.lower() in ("", "on", "off"):
            self.levels_on = value.lower() != "off"
        elif match := _LEVEL.match(value):
            for sqlstate in match.group(1).upper().replace(" ", "").split(","):
                self.levels[sqlstate] = int(match.group(2))
            self.levels_on = True
        else:
            raise ReportError(f'\\rset: invalid errorlevel "{value}"')
        return f"Errorlevel is {'on' if self.levels_on else 'off'}."

    def _set_maximum(self, value: str) -> str:
        """`maxerror n`; 0, off or nothing is the default: never leave because of an error."""
        if value.lower() in ("", "0", "off", "default"):
            self.maximum = None
            return "Maxerror is default."
        if not value.isdigit():
            raise ReportError(f'\\rset: invalid maxerror "{value}"')
        self.maximum = int(value)
        return f"Maxerror is {self.maximum}."


def _switch(value: str, now: bool) -> bool:
    """`on`, `off`, or the other of the two."""
    if not value:
        return not now
    if value.lower() not in ("on", "off"):
        raise ReportError(f'\\rset: expected on or off, found "{value}"')
    return value.lower() == "on"
