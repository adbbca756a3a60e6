"""Secret values never leave the host, neither as they are nor in their common encodings."""

from __future__ import annotations

import base64
import json
import re
import shlex
import urllib.parse
from collections.abc import Iterable
from html import escape

MASK = "***"
# Below this length an encoded form is so short that it hits innocent text.
_SHORTEST_ENCODED = 4


class Redactor:
    """Replaces secret values in text by `***`.

    Each value is also recognised as base64 (standard and URL alphabet, at any of the three alignments, so
    also inside a longer encoded text such as `user:password`), hexadecimal, URL-, JSON-, HTML-, SQL- and
    shell-quoted, and line by line where it has several lines.
    """

    def __init__(self, values: Iterable[str]) -> None:
        forms: set[str] = set()
        for value in values:
            if value:
                forms |= _forms(value)
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(re.escape(form) for form in ordered)) if ordered else None
        self.overlap = max((len(form) for form in forms), default=1) - 1
        """Characters that must be held back when a text is cut, so that no secret is cut in two."""

    def redact(self, text: str) -> str:
        """`text` without secrets."""
        return self._pattern.sub(MASK, text) if self._pattern else text


def _forms(value: str) -> set[str]:
    forms = {value}
    forms |= {line for line in value.splitlines() if len(line) >= _SHORTEST_ENCODED}
    if len(value) < _SHORTEST_ENCODED:
        return forms
    raw = value.encode()
    forms |= {raw.hex(), raw.hex().upper()}
    forms |= {urllib.parse.quote(value), urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value)}
    forms |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    forms |= {escape(value), escape(value, quote=False), shlex.quote(value), value.replace("'", "''")}
    for shift in range(3):
        # Only the characters that depend on the secret alone are the same wherever it stands.
        encoded = base64.b64encode(b"\0" * shift + raw)
        first = (0, 2, 3)[shift]
        rest = (shift + len(raw)) % 3
        last = len(encoded) - (0, 3, 2)[rest]
        inner = encoded[first:last].decode()
        if len(inner) >= _SHORTEST_ENCODED:
            forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    full = base64.b64encode(raw).decode()
    forms |= {full, full.replace("+", "-").replace("/", "_")}
    return {form for form in forms if form}
