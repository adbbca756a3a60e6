"""The Region that the plane's functions run in must have a recorded Powertools layer."""

from __future__ import annotations

import shutil
from pathlib import Path

from landfall.config import load_file

STACK = Path(__file__).resolve().parents[3] / "stacks" / "Pulumi.dev.yaml"


def test_a_home_region_without_a_recorded_layer_is_one_error_before_any_resource(tmp_path: Path) -> None:
    shutil.copytree(STACK.parent.parent / "examples", tmp_path / "examples")
    (tmp_path / "stacks").mkdir()
    changed = tmp_path / "stacks" / "Pulumi.dev.yaml"
    changed.write_text(STACK.read_text().replace("eu-central-1", "eu-central-2"))
    issues = load_file(changed).issues
    assert [issue.code for issue in issues] == ["LF0103"]
    assert issues[0].line > 0
    assert "no Powertools layer is recorded" in issues[0].message and "eu-central-1" in issues[0].message


def test_the_shipped_stack_has_one() -> None:
    assert load_file(STACK).issues == ()
