"""The emulator's own environment: made once, from the pinned lock, and told about our plugin package."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.paths import EMULATOR_PACKAGE, REQUIREMENTS, emulator_python, emulator_venv

Progress = Callable[[str], None]

_DISTRIBUTION = "landfall_emulator-0.1.0"
_INSTALL_SECONDS = 900
_ON_PYTHON_312 = "import sys; sys.version_info < (3, 13) and __import__('landfall_python312')"


def ensure_emulator(progress: Progress) -> Path:
    """Make sure that the emulator's environment is complete and return its interpreter.

    The stamp inside the environment is the digest of the lock, so an unchanged environment costs two file
    reads. Without a lock file an existing environment is taken as it is.

    Raises:
        SandboxError: the lock file is missing, or the installation failed.
    """
    if not is_complete():
        wanted = _wanted()
        if not wanted:
            raise SandboxError(
                f"the emulator is not installed and {REQUIREMENTS.name} is missing, so it cannot be"
            )
        _install(wanted, _stamp(), progress)
    install_plugin()
    return emulator_python()


def is_complete() -> bool:
    """Whether the emulator's environment holds what the lock says; two file reads."""
    wanted, stamp = _wanted(), _stamp()
    return emulator_python().exists() and (not wanted or (stamp.exists() and stamp.read_text() == wanted))


def _wanted() -> str:
    """Digest of the lock; empty where there is none."""
    return hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest() if REQUIREMENTS.exists() else ""


def _stamp() -> Path:
    return emulator_venv() / ".landfall-lock"


def install_plugin(venv: Path | None = None) -> bool:
    """Link the plugin package into the environment, as an editable install does; True when something changed.

    Two small files do what `pip install --no-deps -e` would, in a millisecond and without build artefacts in
    the source tree: a `.pth` file with the package's folder, and a `.dist-info` with its entry points, which
    LocalEmu finds through `importlib.metadata`. Both are derived from the package's `pyproject.toml`.
    """
    site_packages = _site_packages(venv or emulator_venv())
    project = tomllib.loads((EMULATOR_PACKAGE / "pyproject.toml").read_text())["project"]
    info = site_packages / f"{_DISTRIBUTION}.dist-info"
    files = {
        site_packages / "landfall_emulator.pth": f"{EMULATOR_PACKAGE}\n{_ON_PYTHON_312}\n",
        info / "METADATA": f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n",
        info / "INSTALLER": "landfall\n",
        info / "entry_points.txt": _entry_points(project["entry-points"]),
    }
    changed = False
    for path, text in files.items():
        if path.exists() and path.read_text() == text:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + f".{time.monotonic_ns()}")
        partial.write_text(text)
        partial.replace(path)
        changed = True
    return changed


def plugin_digest() -> str:
    """Digest of everything that decides which entry points exist; names the emulator's entry-point cache."""
    digest = hashlib.sha256((EMULATOR_PACKAGE / "pyproject.toml").read_bytes())
    if REQUIREMENTS.exists():
        digest.update(REQUIREMENTS.read_bytes())
    return digest.hexdigest()[:16]


def _entry_points(groups: dict[str, dict[str, str]]) -> str:
    """The groups in the `entry_points.txt` format."""
    return "\n".join(
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in sorted(entries.items()))
        for group, entries in sorted(groups.items())
    )


def _site_packages(venv: Path) -> Path:
    """The environment's package folder."""
    found = sorted(venv.glob("lib/python3.*/site-packages"))
    if not found:
        raise SandboxError(
            f"{venv} is not a Python environment; run `landfall sandbox reset` to make it anew"
        )
    return found[-1]


def _install(wanted: str, stamp: Path, progress: Progress) -> None:
    """Make the environment and install the lock into it; the stamp is written last."""
    venv = emulator_venv()
    began = time.monotonic()
    if not emulator_python().exists():
        progress("making the emulator's environment")
        shutil.rmtree(venv, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(venv)], "the emulator's environment could not be made")
    progress("installing the emulator (a minute or two, the first time only)")
    command = [str(emulator_python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--require-hashes", "--no-deps", "-r", str(REQUIREMENTS)]
    _run(command, "the emulator could not be installed")
    stamp.write_text(wanted)
    progress(f"emulator installed in {time.monotonic() - began:.0f} s")


def _run(command: list[str], failure: str) -> None:
    """Run an installation step; its last error line becomes the message."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired as late:
        raise SandboxError(f"{failure}: no end after {_INSTALL_SECONDS} s") from late
    if done.returncode:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise SandboxError(f"{failure}: {lines[-1].strip() if lines else f'exit code {done.returncode}'}")
