"""What looks like a secret in a config, by key and by shape. Such values are never shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_SECRET_KEY = re.compile(
    r"(^|[_.-])(password|passwd|pwd|passphrase|token|api_?key|private_?key|access_?key(_?id)?|secret_?key"
    r"|client_?secret|credentials?|secret_?(string|value))$",
    re.IGNORECASE,
)
_HIDDEN_KEY = re.compile(
    r"passw|pwd|passphrase|token|api_?key|private_?key|access_?key|secret|credential", re.IGNORECASE
)
# Every repetition has a bound, or begins at one place only: the time is linear in the text, whatever it is.
_SECRET_VALUE = re.compile(
    r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----|[a-z][a-z0-9+.-]{0,30}://[^/\s:@]+:[^/\s@]+@"
    r"|\bpassword\s*=\s*\S|\bgh[pousr]_[A-Za-z0-9]{30,}|\beyJ[\w-]{10,512}\.eyJ[\w-]{10,4096}\.",
    re.IGNORECASE,
)


def names_a_secret(key: str) -> bool:
    """Whether a value under `key` would be a secret itself, not the name of one."""
    return bool(_SECRET_KEY.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key.strip("-"))))


def must_hide(path: tuple[str | int, ...], value: object) -> bool:
    """Whether the value at `path` is kept out of messages."""
    return any(isinstance(part, str) and _HIDDEN_KEY.search(part) for part in path[-1:]) or (
        isinstance(value, str) and looks_secret(value)
    )


def hides_its_value(key: str) -> bool:
    """Whether the text of a stack file is not shown behind `key`: a secret, its name, an encrypted value."""
    return key == "secure" or bool(_HIDDEN_KEY.search(key))


def secret_start(text: str) -> int | None:
    """Where in a line of text something starts that has the shape of a credential."""
    found = _SECRET_VALUE.search(text)
    return found.start() if found else None


def looks_secret(value: str) -> bool:
    """Whether a text has the shape of a credential: an access key, a private key, a URL with a password."""
    return bool(_SECRET_VALUE.search(value))


def secret_in(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Paths inside a JSON value that hold secrets. ARNs and references are no secrets."""
    if isinstance(value, Mapping):
        for key in sorted(value, key=str):
            inner = value[key]
            here = (*path, key)
            if (
                isinstance(inner, str)
                and inner
                and names_a_secret(str(key))
                and not inner.startswith(("arn:", "{%", "$"))
            ):
                yield here
            else:
                yield from secret_in(inner, here)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from secret_in(inner, (*path, index))
    elif isinstance(value, str) and looks_secret(value):
        yield path
