"""Where the CLI comes from: PATH, download, build, or a sentence about what is missing."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import threading
from pathlib import Path

import pytest

from sandbox.engines import cli
from sandbox.engines.errors import CliMissing

GO = """#!/bin/sh
echo "$@" >> "$GO_CALLS"
case "$1" in
  env) echo "${GO_VERSION:-go1.26.8}" ;;
  mod) [ -z "$GO_FAILS" ] || { echo "first"; echo "go: $GO_FAILS" >&2; exit 1; } ;;
  build)
    while [ "$1" != -o ]; do shift; done
    sleep "${GO_SECONDS:-0}"
    echo built > "$2" ;;
esac
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a shell, no Pulumi, no Go and no network; returns the folder on its PATH."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("LANDFALL_TOOLS_DIR", str(tmp_path / "tools"))
    monkeypatch.setenv("GO_CALLS", str(tmp_path / "calls"))
    monkeypatch.delenv(cli.OFFLINE_VARIABLE, raising=False)
    monkeypatch.setattr(cli, "_unreachable", [])

    def nothing(address: str) -> bytes:
        raise cli._Unreachable(f"{address.split('/')[2]} cannot be reached: no network")

    monkeypatch.setattr(cli, "_fetch", nothing)
    return programs


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


def go_calls(tmp_path: Path) -> list[str]:
    """What the stand-in for Go was asked to do, without questions about its version."""
    calls = (tmp_path / "calls").read_text().splitlines() if (tmp_path / "calls").exists() else []
    return [call.split()[0] for call in calls if not call.startswith("env")]


def released(monkeypatch: pytest.MonkeyPatch, *, spoilt: bool = False) -> list[str]:
    """Publish an official archive; returns the addresses that are asked for."""
    name = f"pulumi-v{cli.PINNED}-{cli._platform()}.tar.gz"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo("pulumi/pulumi")
        member.size, member.mode = 5, 0o755
        archive.addfile(member, io.BytesIO(b"hello"))
    content = buffer.getvalue()
    digest = hashlib.sha256(content + (b"x" if spoilt else b"")).hexdigest()
    asked: list[str] = []

    def fetch(address: str) -> bytes:
        asked.append(address)
        return f"{digest}  {name}\n".encode() if address.endswith("checksums.txt") else content

    monkeypatch.setattr(cli, "_fetch", fetch)
    return asked


@pytest.mark.parametrize(
    ("said", "suits"),
    [("v3.250.0", True), ("v3.200.1", True), ("v3.199.9", False), ("v4.0.0", False), ("what?", False)],
)
def test_a_cli_on_path_is_taken_where_its_version_suits(machine: Path, said: str, suits: bool) -> None:
    program(machine, "pulumi", f"#!/bin/sh\necho {said}\n")
    if suits:
        found = cli.ensure_cli(lambda line: None)
        assert (found.path, found.origin) == (machine / "pulumi", "path")
        assert found.version == said.removeprefix("v")
        assert not found.needs_language_host
    else:
        with pytest.raises(CliMissing):
            cli.ensure_cli(lambda line: None)


def test_what_is_missing_is_said(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        CliMissing, match=r"github\.com cannot be reached.*Go is not installed.*embedded engine"
    ):
        cli.ensure_cli(lambda line: None)
    program(machine, "go", GO)
    monkeypatch.setenv("GO_VERSION", "go1.20.1")
    with pytest.raises(CliMissing, match=r"Go 1\.20 is too old \(1\.25 or newer builds it\)"):
        cli.ensure_cli(lambda line: None)


def test_it_is_built_once(machine: Path, tmp_path: Path) -> None:
    program(machine, "go", GO)
    said: list[str] = []
    built = cli.ensure_cli(said.append)
    assert built.path == tmp_path / "tools" / "bin" / "pulumi"
    assert built.path.read_text() == "built\n"
    assert (built.origin, built.version, built.needs_language_host) == ("built", cli.PINNED, True)
    assert go_calls(tmp_path) == ["mod", "build"]
    assert any("done in" in line for line in said)
    said.clear()
    assert cli.ensure_cli(said.append) == built
    assert (go_calls(tmp_path), said) == (["mod", "build"], [])


def test_it_is_built_again_when_binary_or_pin_changed(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(machine, "go", GO)
    built = cli.ensure_cli(lambda line: None)
    built.path.write_text("cut")
    assert cli.ensure_cli(lambda line: None).path.read_text() == "built\n"
    monkeypatch.setattr(cli, "_BUILD_FLAGS", ("-trimpath",))
    cli.ensure_cli(lambda line: None)
    assert go_calls(tmp_path) == ["mod", "build"] * 3


def test_a_failing_build_says_gos_last_line_and_leaves_nothing(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(machine, "go", GO)
    monkeypatch.setenv("GO_FAILS", "module not found")
    with pytest.raises(CliMissing, match=r"downloading the Go modules .* failed: go: module not found$"):
        cli.ensure_cli(lambda line: None)
    assert [path.name for path in (tmp_path / "tools" / "bin").iterdir()] == [".pulumi.lock"]


def test_two_runs_build_once(machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(machine, "go", GO)
    monkeypatch.setenv("GO_SECONDS", "1")
    said: list[str] = []
    runs = [threading.Thread(target=cli.ensure_cli, args=(said.append,)) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert go_calls(tmp_path) == ["mod", "build"]
    assert sum("another run is installing" in line for line in said) == 2


def test_progress_is_shown_while_it_builds(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(machine, "go", GO)
    monkeypatch.setenv("GO_SECONDS", "1")
    monkeypatch.setattr(cli, "_REPORT_SECONDS", 0.2)
    said: list[str] = []
    cli.ensure_cli(said.append)
    assert sum(line.startswith("building the Pulumi CLI") for line in said) >= 4


def test_the_official_download_is_checked_and_unpacked(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = released(monkeypatch)
    found = cli.ensure_cli(lambda line: None)
    assert found.path == tmp_path / "tools" / f"pulumi-{cli.PINNED}" / "pulumi"
    assert found.path.read_text() == "hello"
    assert (found.origin, found.needs_language_host) == ("download", False)
    assert len(asked) == 2
    assert cli.ensure_cli(lambda line: None) == found
    assert len(asked) == 2


def test_a_download_with_another_digest_is_refused(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released(monkeypatch, spoilt=True)
    with pytest.raises(CliMissing, match=r"does not have the published SHA-256"):
        cli.ensure_cli(lambda line: None)
    assert not (tmp_path / "tools" / f"pulumi-{cli.PINNED}").exists()


def test_offline_nothing_is_asked(machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = released(monkeypatch)
    monkeypatch.setenv(cli.OFFLINE_VARIABLE, "1")
    program(machine, "go", GO)
    assert cli.ensure_cli(lambda line: None).origin == "built"
    assert asked == []


def test_an_unreachable_download_is_tried_once_a_run(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def fetch(address: str) -> bytes:
        asked.append(address)
        raise cli._Unreachable("no network")

    monkeypatch.setattr(cli, "_fetch", fetch)
    for _ in range(3):
        with pytest.raises(CliMissing, match="no network"):
            cli.ensure_cli(lambda line: None)
    assert len(asked) == 1
