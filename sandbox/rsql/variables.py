"""Variables and their substitution."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping

from landfall_emulator.dialect import tokenize

_NAME = re.compile(r"\w+\Z")
_RESULT = {
    "ERROR": "false",
    "ERRORCODE": "00000",
    "SQLSTATE": "00000",
    "ACTIVITYCOUNT": "0",
    "ROW_COUNT": "0",
    "LAST_ERROR_MESSAGE": "",
    "LAST_ERROR_SQLSTATE": "00000",
    "LASTERRORCODE": "00000",
}
_TRUE = ("true", "on", "yes", "1", "t", "y")
_FALSE = ("false", "off", "no", "0", "f", "n")


class Variables(MutableMapping[str, str]):
    """Names are case sensitive; those that RSQL itself sets are found in either case, as scripts write
    them."""

    def __init__(self) -> None:
        self._values: dict[str, str] = dict(_RESULT)

    def __getitem__(self, name: str) -> str:
        if name not in self._values and name.upper() in _RESULT:
            name = name.upper()
        return self._values[name]

    def __setitem__(self, name: str, value: str) -> None:
        self._values[name] = value

    def __delitem__(self, name: str) -> None:
        del self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._values))

    def __len__(self) -> int:
        return len(self._values)

    def switch(self, name: str) -> bool:
        """Whether a variable is set to something that means on."""
        return self._values.get(name, "off").lower() not in ("off", "false", "0", "no", "")

    def succeeded(self, count: int) -> None:
        """The last statement worked and touched `count` rows."""
        self._values.update(
            ERROR="false", ERRORCODE="00000", SQLSTATE="00000", ACTIVITYCOUNT=str(count), ROW_COUNT=str(count)
        )

    def failed(self, sqlstate: str, message: str) -> None:
        """The last statement failed."""
        self._values.update(
            ERROR="true",
            ERRORCODE=sqlstate,
            SQLSTATE=sqlstate,
            LASTERRORCODE=sqlstate,
            LAST_ERROR_SQLSTATE=sqlstate,
            LAST_ERROR_MESSAGE=message,
            ACTIVITYCOUNT="0",
            ROW_COUNT="0",
        )

    def substitute(self, sql: str) -> str:
        """`:name`, `:'name'` and `:"name"` outside literals replaced; an unknown name stays as it is."""
        tokens = tokenize(sql)
        parts: list[str] = []
        at = 0
        while at < len(tokens):
            token = tokens[at]
            value = (
                self._reference(tokens[at + 1].text) if token.is_punct(":") and at + 1 < len(tokens) else None
            )
            if value is not None:
                parts.append(value)
                at += 2
                continue
            parts.append(token.text)
            at += 1
        return "".join(parts)

    def _reference(self, text: str) -> str | None:
        """The replacement for what follows a colon."""
        quote = text[0]
        if quote in "'\"":
            name = text[1:-1]
            if not _NAME.match(name) or name not in self:
                return None
            return f"{quote}{self[name].replace(quote, quote * 2)}{quote}"
        return self[text] if _NAME.match(text) and text in self else None


def boolean(text: str) -> bool | None:
    """A boolean as RSQL reads one; `None` where it is none."""
    lowered = text.strip().lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    return None
