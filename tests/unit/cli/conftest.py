"""The command line as a function: what it prints and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from landfall.cli.main import main


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str


Landfall = Callable[..., Ended]


@pytest.fixture
def crashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where reports of unexpected errors go in a test."""
    folder = tmp_path / "crashes"
    monkeypatch.setattr("landfall.crash.folder", lambda *_: folder)
    return folder


@pytest.fixture
def landfall(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, crashes: Path) -> Landfall:
    """``landfall("preview", "prod")``; a traceback or a stray exception fails the test."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> Ended:
        capsys.readouterr()
        code = main(arguments)
        written = capsys.readouterr()
        assert "Traceback" not in written.out + written.err
        assert "\x1b[" not in written.out + written.err
        return Ended(code, written.out, written.err)

    return run
