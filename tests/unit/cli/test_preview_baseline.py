"""``--against REVISION``: the stack as it was in git, planned in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from landfall.cli import preview_baseline
from landfall.cli.exits import CommandError, Exit
from landfall.cli.preview_baseline import Baseline, baseline

PLANNER = """
import json, sys
if sys.argv[1] == "bad":
    sys.exit("Traceback\\nerror: the program failed")
row = {"urn": "u::a::b::t", "type": "aws:sqs/queue:Queue", "name": open("name").read()}
print(json.dumps({"stack": sys.argv[1], "resources": [row]}))
"""


def git(folder: Path, *arguments: str) -> None:
    identity = {
        "GIT_AUTHOR_NAME": "t",
        "GIT_AUTHOR_EMAIL": "t",
        "GIT_COMMITTER_NAME": "t",
        "GIT_COMMITTER_EMAIL": "t",
    }
    subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *arguments],
        cwd=folder, check=True, capture_output=True, env={**os.environ, **identity},
    )  # fmt: skip


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two commits, whose planner prints what lies in a file."""
    root = tmp_path / "tree"
    engines = root / "sandbox" / "engines"
    engines.mkdir(parents=True)
    for package in (root / "sandbox", engines):
        (package / "__init__.py").touch()
    (engines / "embedded.py").write_text(PLANNER)
    (root / "stacks").mkdir()
    for stack in ("dev", "bad"):
        (root / "stacks" / f"Pulumi.{stack}.yaml").write_text("config: {}\n")
    git(root, "init")
    for name in ("first", "second"):
        (root / "name").write_text(name)
        git(root, "add", ".")
        git(root, "commit", "-m", name)
    (root / "name").write_text("uncommitted")
    monkeypatch.setattr(preview_baseline, "ROOT", root)
    monkeypatch.chdir(tmp_path)
    return root


def found(against: str, stack: str = "dev") -> Baseline:
    with baseline(against, stack) as pending:
        return pending.result()


@pytest.mark.parametrize(("revision", "name"), [("main", "second"), ("HEAD", "second"), ("main~1", "first")])
def test_the_stack_of_a_revision_is_planned_with_the_code_of_that_revision(
    repository: Path, revision: str, name: str
) -> None:
    made = found(revision)
    assert made.name == revision
    assert [item.name for item in made.snapshot.items.values()] == [name]
    assert (repository / "name").read_text() == "uncommitted"


def test_a_stack_that_did_not_exist_is_all_new(repository: Path) -> None:
    made = found("main", "fresh")
    assert made.snapshot.items == {}
    assert made.note == "stack fresh does not exist at main: all of it is new"


def test_a_program_that_fails_there_is_one_sentence(repository: Path) -> None:
    with pytest.raises(CommandError) as failed:
        found("main", "bad")
    assert failed.value.message == "the program of main cannot be planned: the program failed"
    assert failed.value.code is Exit.FAILED


@pytest.mark.parametrize("name", ["nowhere", "-x", "--output=/tmp/x", "", "main:name", "main^{tree}"])
def test_what_is_no_commit_is_refused(repository: Path, name: str) -> None:
    with pytest.raises(CommandError) as failed:
        found(name)
    assert failed.value.code is Exit.INVALID


def test_a_link_out_of_the_tree_is_not_followed(repository: Path) -> None:
    (repository / "out").symlink_to("/etc")
    git(repository, "add", "out")
    git(repository, "commit", "-m", "link")
    with pytest.raises(CommandError, match="cannot be laid out"):
        found("main")


def test_a_file_counts_before_a_revision_of_the_same_name(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "main").write_text(json.dumps({"stack": "dev", "resources": []}))
    assert found("main").snapshot.items == {}


def test_without_git_only_files_can_be_compared_with(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(CommandError, match="neither a file nor a revision of git"):
        found("main")


def test_a_caller_that_gives_up_leaves_no_process(repository: Path) -> None:
    with pytest.raises(KeyboardInterrupt), baseline("main", "dev") as pending:
        assert pending.running is not None
        child = pending.running[0]
        raise KeyboardInterrupt
    assert child.poll() is not None


def test_a_file_that_is_too_large_is_refused(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview_baseline, "_LARGEST", 10)
    (tmp_path / "big.json").write_text("[" + "1," * 20 + "1]")
    with pytest.raises(CommandError, match="is larger than"):
        found(str(tmp_path / "big.json"))
