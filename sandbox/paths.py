"""Where the sandbox keeps its tools and its state."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
EMULATOR_PACKAGE = REPOSITORY / "sandbox" / "emulator"
REQUIREMENTS = REPOSITORY / "requirements-sandbox.txt"


def tools_dir() -> Path:
    """Folder of everything that is installed or made here; `LANDFALL_TOOLS_DIR` moves it."""
    return Path(os.environ.get("LANDFALL_TOOLS_DIR") or REPOSITORY / ".tools").resolve()


def emulator_venv() -> Path:
    """The emulator's own virtual environment."""
    return tools_dir() / "emulator"


def emulator_python() -> Path:
    """Interpreter of the emulator's environment."""
    return emulator_venv() / "bin" / "python"


def sandboxes_dir() -> Path:
    """Folder with one state directory per sandbox."""
    return tools_dir() / "sandbox"


def state_dir(name: str) -> Path:
    """State directory of the sandbox called `name`."""
    return sandboxes_dir() / name
