"""Checks of the files that a stack config names: scripts and SQL files in the scripts folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath

from landfall.archives import ArchiveError, check_scripts
from landfall.config.checks import DEFINITIONS
from landfall.config.errors import MALFORMED, MISSING_FILE, UNSAFE_NAME, Finding, Path, nearest, show
from landfall.config.jobs import statement_limits
from landfall.config.limits import FILE_BYTES
from landfall.config.sql import split_statements
from landfall.config.tree import Tree


def check_files(tree: Tree, base: FilePath) -> Iterator[Finding]:
    """Findings on scripts and SQL files that are missing or that the Data API would refuse.

    `base` is the folder of the stack file. Only names of files are read, and the text of SQL files.
    """
    text = tree.text("workflows", "scripts")
    if text is None:
        return
    folder = base / text
    outside = _outside(text, base)
    if outside is not None:
        yield outside
        return
    try:
        names = tuple(sorted(entry.name for entry in folder.iterdir() if entry.is_file()))
    except OSError:
        near = _near_folder(folder)
        yield Finding(
            code=MISSING_FILE,
            path=("workflows", "scripts"),
            found=show(text),
            message="no such folder",
            suggestion=text[: -len(folder.name)] + near if near and text.endswith(folder.name) else None,
            hint="" if near else "The folder is looked up relative to the stack file.",
        )
        return
    try:
        check_scripts(folder)
    except ArchiveError as error:
        yield Finding(
            code=MALFORMED,
            path=("workflows", "scripts"),
            found=show(text),
            message=f"hosts cannot be given the folder: {error}",
            hint="Keep plain files in it, as many and as large as hosts need.",
        )
        return
    for path, name, is_sql in _named_files(tree):
        if name not in names:
            near = nearest(name, names)
            yield Finding(
                code=MISSING_FILE,
                path=path,
                found=show(name),
                message=f"no such file in {text}",
                suggestion=near,
                hint="" if near else "Add the file, or name one that is there.",
            )
        elif is_sql:
            yield from _sql_file(folder / name, path)


def _outside(text: str, base: FilePath) -> Finding | None:
    """The finding on a folder that is not the project's own: its files would be sent to every host."""
    project = base.resolve().parent
    try:
        if not FilePath(text).is_absolute() and (base / text).resolve().is_relative_to(project):
            return None
    except (OSError, RuntimeError, ValueError):
        pass  # links in a circle, a name that no file can have
    return Finding(
        code=UNSAFE_NAME,
        path=("workflows", "scripts"),
        found=show(text),
        message="the folder must be inside the project, named relative to the stack file",
        hint="Everything in the folder is sent to the hosts: keep the scripts with the stack files.",
    )


def _near_folder(folder: FilePath) -> str | None:
    try:
        return nearest(folder.name, [entry.name for entry in folder.parent.iterdir() if entry.is_dir()])
    except OSError:
        return None


def _named_files(tree: Tree) -> Iterator[tuple[Path, str, bool]]:
    for workflow_id in tree.keys(*DEFINITIONS):
        for stage, _ in tree.items(*DEFINITIONS, workflow_id, "workflow_stages"):
            scripts = (*DEFINITIONS, workflow_id, "workflow_stages", stage, "scripts")
            for index, entry in tree.items(*scripts):
                path: Path = (*scripts, index)
                if isinstance(entry, str):
                    yield path, entry, False
                    continue
                for key in ("script", "file"):
                    name = tree.text(*path, key)
                    if name is not None:
                        yield (*path, key), name, key == "file"


def _sql_file(file: FilePath, path: Path) -> Iterator[Finding]:
    try:
        if file.stat().st_size > FILE_BYTES.value:
            raise OSError
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        yield Finding(
            code=MALFORMED,
            path=path,
            found=show(file.name),
            message=f"not a readable UTF-8 file of at most {FILE_BYTES.value} bytes",
            hint="Check the file's rights, size and encoding.",
        )
        return
    yield from statement_limits(split_statements(text), path)
