"""Where the Pulumi CLI comes from: PATH, the official download, or a build of the pinned Go modules (DESIGN
11).

Whatever is obtained lands in `.tools/`; nothing is written to the system. `python -m sandbox.engines.cli`
does it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from sandbox.engines.errors import CliMissing
from sandbox.paths import tools_dir

type Progress = Callable[[str], None]
type Origin = Literal["path", "download", "built"]

PINNED: Final = "3.250.0"
"""The version that is downloaded or built.

Newer Go modules are only partly published (see cli_build/go.mod).
"""
OLDEST: Final = (3, 200)
"""The oldest CLI on PATH that suits; a newer major version does not."""
OFFLINE_VARIABLE: Final = "LANDFALL_OFFLINE"

_MODULE: Final = Path(__file__).with_name("cli_build")
_PACKAGE: Final = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_LINKER_FLAGS: Final = f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{PINNED}"
_BUILD_FLAGS: Final = ("-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags", _LINKER_FLAGS)
OLDEST_GO: Final = (1, 25)
"""The oldest Go that builds the pinned modules."""
_DOWNLOADS: Final = "https://get.pulumi.com/releases/sdk"
_CHECKSUMS: Final = f"https://github.com/pulumi/pulumi/releases/download/v{PINNED}"
_CONNECT_SECONDS: Final = 5.0
_BUILD_SECONDS: Final = 3600.0
_REPORT_SECONDS: Final = 15.0

_unreachable: list[str] = []  # why the download failed, for the rest of this run


@dataclass(frozen=True)
class PulumiCli:
    """A CLI that is ready to run."""

    path: Path
    version: str
    origin: Origin

    @property
    def needs_language_host(self) -> bool:
        """Whether it comes without `pulumi-language-python`.

        The Go modules lack it, an installation has it.
        """
        return self.origin == "built"


def ensure_cli(progress: Progress) -> PulumiCli:
    """Find a Pulumi CLI, or get one; the second time this costs two file reads.

    Args:
        progress: takes one line at a time about what is being done and for how long.

    Raises:
        CliMissing: there is none and none can be had; the text says what is missing.
    """
    if (found := find_cli()) is not None:
        return found
    with _alone(progress):
        if (found := _installed()) is not None:
            return found
        refused = _download_refused()
        if refused is None:
            try:
                return _download(progress)
            except _Unreachable as wrong:
                refused = str(wrong)
                _unreachable.append(refused)
        progress(f"Pulumi CLI: not downloaded ({refused}); building it from its Go modules")
        return _build(progress, refused)


def find_cli() -> PulumiCli | None:
    """The Pulumi CLI that is there, on PATH or in `.tools/`; nothing is downloaded or built."""
    return _on_path() or _installed()


class _Unreachable(Exception):
    """The official download cannot be had from here."""


def _bin() -> Path:
    return tools_dir() / "bin"


def _on_path() -> PulumiCli | None:
    """A CLI that the machine already has, at a version that suits."""
    places = [
        place
        for place in os.environ.get("PATH", "").split(os.pathsep)
        if place and not Path(place).resolve().is_relative_to(tools_dir())
    ]
    found = shutil.which("pulumi", path=os.pathsep.join(places))
    version = _version_of(Path(found)) if found else None
    if found is None or version is None:
        return None
    number = _numbers(version)
    if number[0] != OLDEST[0] or number[:2] < OLDEST:
        return None
    return PulumiCli(Path(found), version, "path")


def _installed() -> PulumiCli | None:
    """What an earlier run left, if nothing that it was made from has changed."""
    stamp = _bin() / "pulumi.stamp.json"
    try:
        said = json.loads(stamp.read_text())
        path = Path(said["path"])
        whole = said["digest"] == _digest() and path.stat().st_size == said["size"]
    except (OSError, ValueError, KeyError):
        return None
    origin: Origin = "download" if said.get("origin") == "download" else "built"
    return PulumiCli(path, PINNED, origin) if whole else None


def _stamp(path: Path, origin: Origin) -> PulumiCli:
    text = json.dumps(
        {"path": str(path), "origin": origin, "size": path.stat().st_size, "digest": _digest()}, indent=1
    )
    partial = _bin() / f".pulumi.stamp.{os.getpid()}"
    partial.write_text(text)
    partial.replace(_bin() / "pulumi.stamp.json")
    return PulumiCli(path, PINNED, origin)


def _digest() -> str:
    """Everything that decides what the CLI is."""
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum", "tools.go"):
        digest.update((_MODULE / name).read_bytes())
    digest.update(json.dumps([PINNED, _PACKAGE, *_BUILD_FLAGS]).encode())
    return digest.hexdigest()


@contextmanager
def _alone(progress: Progress) -> Iterator[None]:
    """One installation at a time; a second run waits and then finds the first one's result."""
    _bin().mkdir(parents=True, exist_ok=True)
    with (_bin() / ".pulumi.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("Pulumi CLI: another run is installing it; waiting")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download_refused() -> str | None:
    """Why no download is tried; None when one is."""
    if os.environ.get(OFFLINE_VARIABLE, "") not in ("", "0"):
        return f"{OFFLINE_VARIABLE} is set"
    return _unreachable[0] if _unreachable else None


def _download(progress: Progress) -> PulumiCli:
    """The official archive, checked against the published SHA-256, unpacked into `.tools/`.

    Raises:
        _Unreachable: no network, no such release for this platform, or a checksum that does not agree.
    """
    name = f"pulumi-v{PINNED}-{_platform()}.tar.gz"
    began = time.monotonic()
    progress(f"Pulumi CLI: looking for the official download of {PINNED}")
    published = _fetch(f"{_CHECKSUMS}/pulumi-{PINNED}-checksums.txt").decode()
    expected = next((line.split()[0] for line in published.splitlines() if line.endswith(name)), None)
    if expected is None:
        raise _Unreachable(f"no checksum is published for {name}")
    archive = _fetch(f"{_DOWNLOADS}/{name}")
    if hashlib.sha256(archive).hexdigest() != expected:
        raise _Unreachable(f"{name} does not have the published SHA-256")
    folder = tools_dir() / f"pulumi-{PINNED}"
    with tempfile.TemporaryDirectory(dir=tools_dir()) as scratch:
        packed = Path(scratch) / name
        packed.write_bytes(archive)
        with tarfile.open(packed) as members:
            members.extractall(scratch, filter="data")
        shutil.rmtree(folder, ignore_errors=True)
        (Path(scratch) / "pulumi").replace(folder)
    progress(f"Pulumi CLI: downloaded in {time.monotonic() - began:.0f} s")
    return _stamp(folder / "pulumi", "download")


def _fetch(address: str) -> bytes:
    """The bytes at an HTTPS address; the connection must stand within seconds."""
    try:
        with urllib.request.urlopen(address, timeout=_CONNECT_SECONDS) as answer:
            content: bytes = answer.read()
            return content
    except (urllib.error.URLError, OSError, ValueError) as wrong:
        reason = getattr(wrong, "reason", None) or wrong
        host = address.split("/")[2]
        raise _Unreachable(f"{host} cannot be reached: {reason}") from wrong


def _platform() -> str:
    """The platform part of the archive's name."""
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(
        platform.machine().lower()
    )
    system = platform.system().lower()
    if machine is None or system not in ("linux", "darwin"):
        raise _Unreachable(f"there is no download for {platform.system()} on {platform.machine()}")
    return f"{system}-{machine}"


def _build(progress: Progress, refused: str) -> PulumiCli:
    """`go build` of the pinned module into `.tools/bin`; the caches are Go's own, outside the tree.

    Raises:
        CliMissing: Go is missing or too old, a module cannot be had, or the build fails.
    """
    go = shutil.which("go")
    version = _go_version(go) if go else None
    if go is None or version is None or version < OLDEST_GO:
        have = "Go is not installed" if version is None else f"Go {version[0]}.{version[1]} is too old"
        raise CliMissing(
            f"the Pulumi CLI is missing: none on PATH (3.200 or newer), no download ({refused}), and {have} "
            "(1.25 or newer builds it); install one of the two, or use the embedded engine"
        )
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off"}
    if os.environ.get(OFFLINE_VARIABLE, "") not in ("", "0"):
        environment |= {"GOPROXY": "off", "GOTOOLCHAIN": "local"}
    _watched([go, "mod", "download"], environment, progress, "downloading the Go modules of the Pulumi CLI")
    partial = _bin() / f".pulumi.{os.getpid()}"
    try:
        command = [go, "build", *_BUILD_FLAGS, "-o", str(partial), _PACKAGE]
        _watched(command, environment, progress, "building the Pulumi CLI (minutes the first time)")
        partial.replace(_bin() / "pulumi")
    finally:
        partial.unlink(missing_ok=True)
    return _stamp(_bin() / "pulumi", "built")


def _watched(command: list[str], environment: Mapping[str, str], progress: Progress, doing: str) -> None:
    """Run a step of the build and say every few seconds that it goes on; its last line explains a failure."""
    began = time.monotonic()
    progress(f"{doing} ...")
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen(
            command, cwd=_MODULE, env=dict(environment), stdout=said, stderr=subprocess.STDOUT, text=True
        )
        try:
            while True:
                try:
                    code = child.wait(_REPORT_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    elapsed = time.monotonic() - began
                    progress(f"{doing} ... {elapsed:.0f} s")
                    if elapsed > _BUILD_SECONDS:
                        raise CliMissing(f"{doing}: no end after {elapsed:.0f} s") from None
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        said.seek(0)
        lines = [line.strip() for line in said.read().splitlines() if line.strip()]
    if code:
        raise CliMissing(f"{doing} failed: {lines[-1] if lines else f'exit code {code}'}")
    progress(f"{doing}: done in {time.monotonic() - began:.0f} s")


def _go_version(go: str) -> tuple[int, ...] | None:
    """Major and minor of the installed Go."""
    try:
        said = subprocess.run(
            [go, "env", "GOVERSION"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.match(r"go(\d+)\.(\d+)", said.stdout.strip())
    return (int(found[1]), int(found[2])) if found else None


def _version_of(path: Path) -> str | None:
    """What `pulumi version` says, without the v; None when it says nothing of use."""
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        said = subprocess.run(
            [str(path), "version"], capture_output=True, text=True, timeout=30, check=True, env=environment
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.match(r"v?(\d+\.\d+\.\d+\S*)", said.stdout.strip())
    return found[1] if found else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def main() -> int:
    """Make sure of the CLI and print where it is; 3 when there is none."""
    began = time.monotonic()
    try:
        cli = ensure_cli(_say)
    except CliMissing as missing:
        sys.stderr.write(f"error: {missing}\n")
        return 3
    sys.stdout.write(f"{cli.path} {cli.version} ({cli.origin}, {time.monotonic() - began:.1f} s)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
