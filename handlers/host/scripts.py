"""From the name of a script to its file, inside one folder and nowhere else."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath

from handlers.host.errors import ScriptRefused

_LONGEST_SHOWN = 200


def resolve(scripts_folder: Path, name: str) -> Path:
    """The executable file `name` in `scripts_folder`; sub-folders are allowed.

    Raises ScriptRefused for absolute names, `..`, symbolic links (the file's or a folder's on the way), and
    whatever is not a plain executable file. The name is only ever a path: it never meets a shell.
    """
    parts = PurePosixPath(name).parts
    shown = repr(name) if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]!r}..."
    if not parts or "\0" in name or name.startswith("/") or ".." in parts or "\n" in name:
        raise ScriptRefused(f"script {shown} is not a path inside the scripts folder")
    path = scripts_folder
    for part in parts:
        path = path / part
        try:
            mode = path.lstat().st_mode
        except (OSError, ValueError):
            raise ScriptRefused(f"script {shown} is not in the scripts folder") from None
        if stat.S_ISLNK(mode):
            raise ScriptRefused(f"script {shown} leads over a symbolic link, which is not followed")
    if not stat.S_ISREG(mode):
        raise ScriptRefused(f"script {shown} is not a plain file")
    if not os.access(path, os.X_OK):
        raise ScriptRefused(f"script {shown} is not executable")
    return path
