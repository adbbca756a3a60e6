"""Archives of what runs in AWS, byte for byte the same on every machine.

An archive that differs from run to run redeploys a function that has not changed; one whose hash misses an
input ships old code (DESIGN section 7). So: dates of 1980, sorted names, two file modes, no bytecode, no
compression (its result depends on the zlib at hand), and the hash is that of the whole archive.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import stat
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BUILD_FOLDER: Final = "build"
LARGEST_BUNDLE: Final = 64 * 1024 * 1024
"""Bytes that the files of an archive have together at most: hosts fetch and unpack it in minutes."""
MOST_FILES: Final = 10_000
"""Files of an archive, at most."""
_TOO_LARGE: Final = f"the files of the scripts folder have more than {LARGEST_BUNDLE} bytes together"
_OLDEST: Final = (1980, 1, 1, 0, 0, 0)
_PLAIN: Final = 0o644
_EXECUTABLE: Final = 0o755
_LEFT_OUT_FOLDERS: Final = frozenset({"__pycache__", ".git", ".mypy_cache", ".ruff_cache"})
_LEFT_OUT_SUFFIXES: Final = frozenset({".pyc", ".pyo"})


class ArchiveError(ValueError):
    """An archive cannot be made; the message is one sentence."""


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A zip file, stored under a name that holds its hash."""

    name: str
    path: Path
    sha256: str
    """Of the whole file, hexadecimal."""

    @property
    def sha256_base64(self) -> str:
        """The hash as AWS Lambda writes it."""
        return base64.b64encode(bytes.fromhex(self.sha256)).decode()


@dataclass(frozen=True)
class _Entry:
    content: bytes
    executable: bool = False


def function_archive(name: str, root: Path) -> Archive:
    """The code of the Lambda function `name`: `handlers/<name>/` and what it may import.

    `root` is the repository. Raises ArchiveError when the handler does not exist.
    """
    folder = root / "handlers" / name
    if not name.isidentifier() or not (folder / "handler.py").is_file():
        raise ArchiveError(f"there is no handler handlers/{name}/handler.py")
    entries = {"handlers/__init__.py": _Entry((root / "handlers" / "__init__.py").read_bytes())}
    for part in (folder, root / "handlers" / "shared"):
        entries |= _python(part, f"handlers/{part.name}")
    return _store(name.replace("_", "-"), entries, root)


def host_bundle(scripts: Path, root: Path) -> Archive:
    """What an ETL host gets: `runner.pyz` and the folder `scripts/` with its executable bits.

    A script is executable in the bundle when it is so on disk or begins with `#!`. Raises ArchiveError when
    `scripts` is no folder, holds a symbolic link that leads out of it or to a folder, something that is no
    plain file or has a name that no archive can hold, or more than `LARGEST_BUNDLE` bytes or `MOST_FILES`
    files.
    """
    check_scripts(scripts)
    entries = {"runner.pyz": _Entry(_zip(_runner(root)), executable=True)}
    left = LARGEST_BUNDLE
    for relative, path in _files(scripts):
        content = _content(path, left)
        left -= len(content)
        if left < 0:
            raise ArchiveError(_TOO_LARGE)
        executable = content.startswith(b"#!") or bool(path.stat().st_mode & stat.S_IXUSR)
        entries[f"scripts/{relative}"] = _Entry(content, executable)
    return _store("host", entries, root)


def check_scripts(scripts: Path) -> None:
    """Raise ArchiveError where `host_bundle` would, without reading a file."""
    if not scripts.is_dir():
        raise ArchiveError(f"the scripts folder {scripts} does not exist")
    if sum(path.stat().st_size for _, path in _files(scripts)) > LARGEST_BUNDLE:
        raise ArchiveError(_TOO_LARGE)


def _runner(root: Path) -> dict[str, _Entry]:
    """The zip application of the job runner."""
    host = root / "handlers" / "host"
    entries = {
        "__main__.py": _Entry((host / "__main__.py").read_bytes()),
        "handlers/__init__.py": _Entry((root / "handlers" / "__init__.py").read_bytes()),
    }
    return entries | _python(host, "handlers/host")


def _python(folder: Path, prefix: str) -> dict[str, _Entry]:
    return {
        f"{prefix}/{relative}": _Entry(path.read_bytes())
        for relative, path in _files(folder)
        if path.suffix != ".toml"
    }


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """All files below `folder` with their names relative to it, sorted."""
    top = folder.resolve()
    found: dict[str, Path] = {}
    for place, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT_FOLDERS)
        for name in folders:
            if (Path(place) / name).is_symlink():
                found_link = (Path(place) / name).relative_to(top).as_posix()
                raise ArchiveError(f"{found_link!r} in {folder.name} is a symbolic link to a folder")
        for name in names:
            path = Path(place) / name
            if path.suffix in _LEFT_OUT_SUFFIXES:
                continue
            _check_file(path, top, folder.name)
            found[path.relative_to(top).as_posix()] = path
            if len(found) > MOST_FILES:
                raise ArchiveError(f"{folder.name} holds more than {MOST_FILES} files")
    yield from sorted(found.items())


def _check_file(path: Path, top: Path, folder: str) -> None:
    name = path.relative_to(top).as_posix()
    if "\\" in name or not name.isprintable():
        # Unzip programs take a backslash for a separator, and what is not printable for something else.
        raise ArchiveError(f"{name!r} in {folder} is a name that an archive cannot hold")
    try:
        inside = path.resolve(strict=True).is_relative_to(top)
    except (OSError, RuntimeError):  # RuntimeError: how Python 3.12 says that links go in a circle
        raise ArchiveError(f"{name!r} in {folder} is a symbolic link that leads nowhere") from None
    if not inside:
        raise ArchiveError(f"{name!r} in {folder} is a symbolic link that leads out of it")
    if not path.is_file():
        raise ArchiveError(f"{name!r} in {folder} is not a plain file")


def _content(path: Path, most: int) -> bytes:
    """The file's bytes, at most one more than `most`. Raises ArchiveError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise ArchiveError(f"{path} cannot be read: {error.strerror}") from None


def _zip(entries: Mapping[str, _Entry]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(entries):
            entry = entries[name]
            info = zipfile.ZipInfo(name, _OLDEST)
            info.create_system = 3  # Unix, whatever this machine is: the mode bits below are read as such
            info.external_attr = (stat.S_IFREG | (_EXECUTABLE if entry.executable else _PLAIN)) << 16
            archive.writestr(info, entry.content)
    return target.getvalue()


def _store(name: str, entries: Mapping[str, _Entry], root: Path) -> Archive:
    content = _zip(entries)
    sha256 = hashlib.sha256(content).hexdigest()
    path = root / BUILD_FOLDER / f"{name}-{sha256[:12]}.zip"
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        part.write_bytes(content)
        part.replace(path)
    return Archive(name=name, path=path, sha256=sha256)
