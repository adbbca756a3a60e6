"""`tools/chromium.sh`: silent where there is a browser, else it installs one or says how."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "tools" / "chromium.sh"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A PATH with the shell's tools and nothing else."""
    for tool in ("bash", "env", "mktemp", "rm", "cat", "tail"):
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / tool).symlink_to(found)
    program(tmp_path / "id", "echo 1000")
    return tmp_path


def program(path: Path, body: str) -> None:
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def run(machine: Path, **environment: str) -> tuple[int, str, str]:
    bash = shutil.which("bash")
    assert bash is not None
    done = subprocess.run(
        [bash, str(SCRIPT)],
        env={"PATH": str(machine), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome"])
def test_nothing_is_said_where_a_browser_is_on_the_path(machine: Path, name: str) -> None:
    program(machine / name, "exit 9")
    assert run(machine) == (0, "", "")


def test_the_named_browser_counts(machine: Path) -> None:
    program(machine / "my-browser", "exit 9")
    assert run(machine, LANDFALL_CHROMIUM=str(machine / "my-browser")) == (0, "", "")
    code, _, error = run(machine, LANDFALL_CHROMIUM="/no/such")
    assert code == 3 and "/no/such" in error


def test_without_rights_it_says_how_to_install_one(machine: Path) -> None:
    program(machine / "apt-get", "exit 0")
    code, said, error = run(machine)
    assert (code, said) == (3, "")
    assert "apt-get install chromium" in error and "LANDFALL_CHROMIUM=" in error


def test_root_with_apt_gets_one_and_is_told(machine: Path) -> None:
    program(machine / "id", "echo 0")
    program(machine / "apt-get", f'echo "$@" >> {machine}/called')
    code, said, error = run(machine)
    assert (code, error) == (0, "") and said.startswith("landfall: installing chromium")
    assert "chromium" in (machine / "called").read_text(encoding="utf-8")


def test_an_installation_that_fails_says_why_and_how_else(machine: Path) -> None:
    program(machine / "id", "echo 0")
    program(machine / "apt-get", "echo 'E: Unable to locate package' >&2; exit 100")
    code, _, error = run(machine)
    assert code == 3 and "E: Unable to locate package" in error and "LANDFALL_CHROMIUM=" in error
