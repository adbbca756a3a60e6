"""Every error code through the commands: ``validate`` raises it, ``explain`` prints its page."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from landfall.cli import stacks as stack_files
from landfall.config import code_pages
from landfall.config.codes import CODES, Code

ROOT = Path(__file__).resolve().parents[3]
Landfall = Callable[..., Any]


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stack file of the error pages, alone in a tree with the scripts that it names."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    folder = tmp_path / "stacks"
    folder.mkdir()
    monkeypatch.setattr(stack_files, "STACKS", folder)
    monkeypatch.chdir(tmp_path)
    return folder / code_pages.FILE


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.code)
def test_the_command_raises_the_code_and_explains_it(landfall: Landfall, example: Path, code: Code) -> None:
    example.write_text(code_pages.changed(code), encoding="utf-8")
    ended = landfall("validate", "--json")
    assert ended.code == 2
    (issue,) = json.loads(ended.out)["issues"]
    assert issue["code"] == code.code
    page = (ROOT / issue["page"]).read_text(encoding="utf-8")
    assert landfall("explain", issue["code"]).out == page
    report = landfall("validate").out
    assert report.splitlines()[0].startswith(f"stacks/{code_pages.FILE}")
    assert report.splitlines()[-1] == "1 error in 1 file"


def test_without_the_mistake_the_file_is_valid(landfall: Landfall, example: Path) -> None:
    example.write_text(code_pages.STACK, encoding="utf-8")
    assert landfall("validate").code == 0
