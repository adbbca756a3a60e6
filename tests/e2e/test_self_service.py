"""The page on self-service is true: its commands print what it says, in a copy of the tree."""

from __future__ import annotations

from pathlib import Path

import tutorial
from must_show import ROOT


def test_every_command_of_the_page_prints_what_it_says(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "self-service.md").read_text(encoding="utf-8")
    done = tutorial.follow(text, tutorial.workplace(tmp_path, "self-service"))
    found = [said for block, ended in done.items() for said in tutorial.differences(block, ended)]
    assert found == []
    verbs = {command.text.split()[1] for block in done for command in block.commands}
    assert {"catalog", "new", "explain", "validate"} <= verbs
