"""Schemas of resource types between processes: reading them off `pulumi_aws` costs a provider a second.

One file a type, in a folder that is named by what the schemas are made from: the versions of `pulumi-aws` and
`pulumi`, and the code that reads them. A file that cannot be read or written is as good as none.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from sandbox.paths import tools_dir
from sandbox.state import write_text

_MAKER: Final = Path(__file__).with_name("schema.py")
_WRITING = threading.Lock()


def kept(token: str) -> Mapping[str, list[str]] | None:
    """What is kept of a type token; None where nothing is."""
    try:
        found = json.loads(_file(token).read_text(encoding="utf-8"))
        if found.pop("token") == token:
            return {part: list(names) for part, names in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return None


def keep(token: str, parts: Mapping[str, frozenset[str]]) -> None:
    """Keep the names of each part for the next process."""
    file = _file(token)
    text = json.dumps({"token": token, **{part: sorted(names) for part, names in parts.items()}})
    with suppress(OSError), _WRITING:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, text)


def _file(token: str) -> Path:
    """Named by a digest: a token comes from a program and may be any text."""
    return _folder() / f"{hashlib.sha256(token.encode()).hexdigest()[:32]}.json"


@functools.cache
def _folder() -> Path:
    made_from = hashlib.sha256(_MAKER.read_bytes())
    for package in ("pulumi", "pulumi-aws"):
        made_from.update(f"\0{importlib.metadata.version(package)}".encode())
    return tools_dir() / "provider-schemas" / made_from.hexdigest()[:16]
