"""Archives of functions, unpacked into their own folder and nowhere else.

LocalEmu unpacks with `unzip`, and where that fails with Python over what it left: a link in an archive then
leads the next entry out of the folder. AWS Lambda refuses such archives too. (source: AWS Lambda Developer
Guide, "Deploying Lambda functions as .zip file archives"; "Lambda quotas", 250 MB unzipped)
"""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

LARGEST: Final = 262_144_000
"""Bytes that the files of an archive have together at most."""


class BadArchive(ValueError):
    """An archive that is not unpacked; one sentence."""


def check(path: str | Path) -> None:
    """Look at every entry. Raises BadArchive for one that is no plain file or folder of the archive's own."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise BadArchive(f"the function's archive is no zip file: {error}") from None
    if sum(entry.file_size for entry in entries) > LARGEST:
        raise BadArchive(f"the files of the function's archive have more than {LARGEST} bytes together")
    for entry in entries:
        name, kind = entry.filename, stat.S_IFMT(entry.external_attr >> 16)
        if {"", ".."} & set(name.rstrip("/").split("/")) or "\\" in name:
            raise BadArchive(f"the function's archive holds the path {name[:200]!a}")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise BadArchive(f"the function's archive holds something that is no plain file: {name[:200]!a}")


def install() -> None:
    """Let LocalEmu check the archive of a function before it unpacks it."""
    from localemu.services.lambda_.invocation import lambda_models

    unzip: Callable[..., Any] = lambda_models.unzip

    def checked(path: str, target_dir: str, overwrite: bool = True) -> Any:
        check(path)
        return unzip(path, target_dir, overwrite)

    lambda_models.unzip = checked
