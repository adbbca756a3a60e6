"""Archives that no packer makes, as bytes. Pure."""

from __future__ import annotations

import io
import stat
import struct
import warnings
import zipfile
from dataclasses import dataclass
from typing import Final

_KINDS: Final = {
    "file": stat.S_IFREG, "link": stat.S_IFLNK, "device": stat.S_IFCHR, "fifo": stat.S_IFIFO,
}  # fmt: skip
_DATE: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Entry:
    """One entry: `size` zeros where it is given, and a header that `claims` another size."""

    name: str
    content: bytes = b""
    kind: str = "file"
    size: int = 0
    claims: int | None = None


def bundle(*entries: Entry) -> bytes:
    """The archive, with the entries' names as they are."""
    target = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(target, "w") as archive:
        warnings.simplefilter("ignore")  # of names that are there twice
        for entry in entries:
            info = zipfile.ZipInfo("placeholder", _DATE)
            info.filename = entry.name
            info.external_attr = (_KINDS[entry.kind] | 0o755) << 16
            info.compress_type = zipfile.ZIP_DEFLATED if entry.size else zipfile.ZIP_STORED
            if not entry.size:
                archive.writestr(info, entry.content)
                continue
            with archive.open(info, "w") as member:
                for _ in range(entry.size >> 20):
                    member.write(bytes(1 << 20))
    content = target.getvalue()
    for entry in entries:
        if entry.claims is not None:
            content = content.replace(struct.pack("<L", entry.size), struct.pack("<L", entry.claims))
    return content
