"""Archives: the same bytes from the same content, and every input in the hash."""

from __future__ import annotations

import base64
import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from landfall.archives import ArchiveError, function_archive, host_bundle

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of what goes into archives, as a repository of its own."""
    shutil.copytree(ROOT / "handlers", tmp_path / "root" / "handlers")
    return tmp_path / "root"


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    folder = tmp_path / "scripts"
    (folder / "sub").mkdir(parents=True)
    (folder / "run.sh").write_text("#!/bin/sh\necho x\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "lost_mode.sh").write_text("#!/bin/sh\necho x\n")
    (folder / "sub" / "größe.sql").write_text("select 1;\n")
    return folder


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_a_function_archive_holds_its_handler_and_what_it_shares(root: Path) -> None:
    archive = function_archive("start_workflow", root)
    found = names(archive.path)
    assert found == sorted(found)
    assert {name.rsplit("/", 1)[0] for name in found} == {
        "handlers",
        "handlers/start_workflow",
        "handlers/shared",
    }
    assert "handlers/start_workflow/handler.py" in found
    assert not [name for name in found if name.endswith(".pyc") or "__pycache__" in name]


def test_the_name_of_the_file_holds_its_hash(root: Path) -> None:
    archive = function_archive("close_execution", root)
    assert archive.path == root / "build" / f"close-execution-{archive.sha256[:12]}.zip"
    assert base64.b64decode(archive.sha256_base64).hex() == archive.sha256


def test_time_order_and_bytecode_do_not_matter(root: Path) -> None:
    first = function_archive("start_workflow", root)
    content = first.path.read_bytes()
    first.path.unlink()
    for path in root.rglob("*"):
        os.utime(path, (1, 1))
    cache = root / "handlers" / "shared" / "__pycache__"
    cache.mkdir(exist_ok=True)
    (cache / "errors.cpython-313.pyc").write_bytes(b"x")
    (root / "handlers" / "shared" / "stray.pyc").write_bytes(b"x")
    again = function_archive("start_workflow", root)
    assert again == first
    assert again.path.read_bytes() == content


def test_another_process_makes_the_same_bytes(root: Path, scripts: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from landfall.archives import *\n"
        "r, s = Path(sys.argv[1]), Path(sys.argv[2])\n"
        "print(function_archive('close_execution', r).sha256, host_bundle(s, r).sha256)"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", program, str(root), str(scripts)],
            env={"PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Pacific/Auckland"))
    }
    expected = f"{function_archive('close_execution', root).sha256} {host_bundle(scripts, root).sha256}\n"
    assert made == {expected}


@pytest.mark.parametrize("changed", ["handlers/shared/errors.py", "handlers/start_workflow/logic.py"])
def test_every_input_changes_the_hash(root: Path, changed: str) -> None:
    before = function_archive("start_workflow", root)
    (root / changed).write_text((root / changed).read_text() + "\n# changed\n")
    assert function_archive("start_workflow", root).sha256 != before.sha256


def test_a_damaged_file_is_made_again(root: Path) -> None:
    archive = function_archive("start_workflow", root)
    content = archive.path.read_bytes()
    archive.path.write_bytes(b"torn")
    assert function_archive("start_workflow", root).path.read_bytes() == content


def test_an_unknown_function_is_an_error(root: Path) -> None:
    with pytest.raises(ArchiveError, match=r"there is no handler handlers/nothing/handler\.py"):
        function_archive("nothing", root)


def test_the_bundle_keeps_executable_bits_and_finds_lost_ones(root: Path, scripts: Path) -> None:
    with zipfile.ZipFile(host_bundle(scripts, root).path) as bundle:
        modes = {entry.filename: (entry.external_attr >> 16) & 0o777 for entry in bundle.infolist()}
        dates = {entry.date_time for entry in bundle.infolist()}
    assert modes == {
        "runner.pyz": 0o755,
        "scripts/lost_mode.sh": 0o755,
        "scripts/run.sh": 0o755,
        "scripts/sub/größe.sql": 0o644,
    }
    assert dates == {(1980, 1, 1, 0, 0, 0)}


def test_the_runner_in_the_bundle_starts_alone(root: Path, scripts: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(host_bundle(scripts, root).path) as bundle:
        runner = bundle.read("runner.pyz")
    assert all(
        name == "__main__.py" or name == "handlers/__init__.py" or name.startswith("handlers/host/")
        for name in zipfile.ZipFile(io.BytesIO(runner)).namelist()
    )
    (tmp_path / "runner.pyz").write_bytes(runner)
    ran = subprocess.run(
        [sys.executable, str(tmp_path / "runner.pyz"), "x!"],
        capture_output=True,
        text=True,
        cwd="/",
        env={},
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (2, "the job document is not base64 of JSON\n")


def test_links_that_leave_the_folder_are_refused(root: Path, scripts: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (scripts / "inside.sh").symlink_to("run.sh")
    assert "scripts/inside.sh" in names(host_bundle(scripts, root).path)
    (scripts / "outside").symlink_to(tmp_path / "secret")
    with pytest.raises(ArchiveError, match="leads out of"):
        host_bundle(scripts, root)
    (scripts / "outside").unlink()
    (scripts / "folder").symlink_to(tmp_path)
    with pytest.raises(ArchiveError, match="symbolic link to a folder"):
        host_bundle(scripts, root)


def test_a_missing_scripts_folder_is_an_error(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="does not exist"):
        host_bundle(tmp_path / "none", root)
