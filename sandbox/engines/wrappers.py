"""The executables that a shell and the engine find on PATH.

Two lines of shell that start our Python with the right one.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Final

from sandbox.paths import REPOSITORY, tools_dir

_PLUGINS: Final = {
    "pulumi-resource-aws": "sandbox.engines.resource_provider",
    "pulumi-language-python": "sandbox.engines.language_host",
    "pulumi": "sandbox.engines.by_hand",
}


def plugins_dir() -> Path:
    """Folder of the plugin executables; it goes first on PATH."""
    return tools_dir() / "plugins"


def project_python() -> Path:
    """The interpreter of the project's environment, else the running one."""
    environment = REPOSITORY / ".venv" / "bin" / "python"
    return environment if environment.exists() else Path(sys.executable)


def write_plugins(*, language_host: bool) -> Path:
    """Write the plugin executables and return their folder.

    Args:
        language_host: whether the CLI lacks `pulumi-language-python`; an official CLI's own must come
        first, so
            ours is taken away then.
    """
    folder = plugins_dir()
    folder.mkdir(parents=True, exist_ok=True)
    for name, module in _PLUGINS.items():
        path = folder / name
        if name == "pulumi-language-python" and not language_host:
            path.unlink(missing_ok=True)
            continue
        text = _wrapper(module)
        if path.exists() and path.read_text() == text:
            continue
        partial = folder / f".{name}.{os.getpid()}"
        partial.write_text(text)
        partial.chmod(0o755)
        partial.replace(path)
    return folder


def _wrapper(module: str) -> str:
    """The tree goes on the import path of this process only.

    An environment variable would reach the programs.
    """
    start = (
        f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); from {module} import main; sys.exit(main())"
    )
    return f'#!/bin/sh\nexec {shlex.quote(str(project_python()))} -P -c {shlex.quote(start)} "$@"\n'
