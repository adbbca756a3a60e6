"""A Python module that is not installed: told in one sentence, by code that needs none itself."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def sentence(error: BaseException) -> str | None:
    """What to do about a missing module of somebody else's; None for every other error."""
    name = getattr(error, "name", None)
    if not isinstance(error, ImportError) or not name or (ROOT / name.partition(".")[0]).is_dir():
        return None
    return f"the Python module {name} is missing; install what is missing with: make setup"
