"""A stack file: its values, where each of them is, and the files next to it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final

from landfall.config.errors import DUPLICATE, UNKNOWN_KEY, YAML_SYNTAX, Path, nearest
from landfall.config.limits import FILE_BYTES
from landfall.config.yamltree import Mark, Node, Problem, read

NAMESPACE: Final = "landfall"
FILE_PREFIX: Final = "Pulumi."
FILE_SUFFIX: Final = ".yaml"
BESIDE_CONFIG: Final = (
    "config",
    "encryptionsalt",
    "encryptedkey",
    "environment",
    "secretsprovider",
    "backend",
)
"""Keys that Pulumi itself knows in a stack file."""


@dataclass(frozen=True)
class StackSource:
    """One stack file as it was read. `values` are those of the `landfall:` keys, without the namespace."""

    path: FilePath
    values: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    """What is wrong with the text itself."""
    readable: bool = False
    """Whether `values` mean anything."""
    nodes: Mapping[str, Node] = field(default_factory=dict, repr=False)
    config_mark: Mark | None = None
    """Place of the key `config`: where a key that is missing altogether would be."""
    key_marks: Mapping[str, Mark] = field(default_factory=dict, repr=False)

    @property
    def stack(self) -> str:
        """Name of the stack: `dev` for `Pulumi.dev.yaml`."""
        return self.path.name.removeprefix(FILE_PREFIX).removesuffix(FILE_SUFFIX)

    @property
    def folder(self) -> FilePath:
        """The folder of the stack file; paths in the config are relative to it."""
        return self.path.parent

    @staticmethod
    def open(path: FilePath | str) -> StackSource:
        """The stack file at `path`. Never raises: a file that cannot be read is a source with a problem."""
        path = FilePath(path)
        try:
            return StackSource.of(path, *beginning(path))
        except OSError as error:
            reason = error.strerror or "it cannot be read"
        except ValueError:
            reason = "its name cannot be that of a file"
        problem = _problem(f"cannot read the file: {reason}", "Check name and rights.")
        return StackSource(path, problems=(problem,))

    @staticmethod
    def of(path: FilePath, data: bytes, size: int | None = None) -> StackSource:
        """The source for a file's content; `size` is that of the whole file where `data` is its beginning."""
        root, problems = read(data, size)
        if root is None:
            return StackSource(path, problems=tuple(problems))
        if not isinstance(root.value, dict):
            shape = _problem(
                "the file must be a mapping with the key config:", "Write config: in the first line."
            )
            return StackSource(path, problems=(*problems, shape))
        problems.extend(_beside(root))
        config = root.children.get("config")
        if config is None or not isinstance(config.value, dict):
            mark = config.mark if config else root.mark
            message = "config: must be a mapping of keys such as landfall:platform"
            shape = Problem(YAML_SYNTAX, mark, message, "Write landfall:platform: below config:.")
            # A misspelt `config` is the cause; that it is missing then is no second one.
            if config is not None or not any(problem.path for problem in problems):
                problems.append(shape)
            return StackSource(path, problems=tuple(problems))
        nodes: dict[str, Node] = {}
        marks: dict[str, Mark] = {}
        for key, node in config.children.items():
            name = _own_key(str(key))
            if name in nodes:
                message = f"the key is already in line {marks[name].line}"
                mark = config.keys[str(key)]
                hint = "Rename or remove one of the two."
                problems.append(Problem(DUPLICATE, mark, message, hint, ("config", str(key))))
            elif name is not None:
                nodes[name], marks[name] = node, config.keys[str(key)]
        values = {name: node.value for name, node in nodes.items()}
        return StackSource(path, values, tuple(_relative(problems)), True, nodes, root.keys["config"], marks)

    def mark(self, path: Path, *, on_key: bool = False) -> Mark | None:
        """Place of the value (or key) at `path`, or of what surrounds it."""
        if not path or str(path[0]) not in self.nodes:
            return self.config_mark
        key_mark: Mark = self.key_marks[str(path[0])]
        node = self.nodes[str(path[0])]
        for part in path[1:]:
            child = node.children.get(part)
            if child is None:
                # Missing here: point at the key that should have it.
                return node.keys.get(str(part), key_mark)
            key_mark = node.keys.get(str(part), child.mark)
            node = child
        return key_mark if on_key or isinstance(node.value, dict | list) else node.mark


def beginning(path: FilePath) -> tuple[bytes, int]:
    """The first bytes of a plain file, at most one more than `yamltree.read` takes, and the size of all.

    Raises OSError, also for what is no plain file, and ValueError for a name that no file can have.
    """
    # Looked at before it is opened: to open a pipe waits for whoever writes into it.
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is not a plain file")
    with path.open("rb") as file:
        return file.read(FILE_BYTES.value + 1), os.fstat(file.fileno()).st_size


def source_for(stack: str, folder: FilePath | str = "stacks") -> StackSource | None:
    """The source of a stack by name; None where the stack has no file."""
    path = FilePath(folder) / f"{FILE_PREFIX}{stack}{FILE_SUFFIX}"
    return StackSource.open(path) if path.is_file() else None


def _own_key(key: str) -> str | None:
    """The name of a `landfall:` key without namespace (and `config:`, as Pulumi allows), or None."""
    namespace, colon, name = key.partition(":")
    if not colon:
        return key
    if namespace == NAMESPACE:
        return name.removeprefix("config:")
    near = nearest(namespace, (NAMESPACE,)) if namespace not in ("aws", "pulumi") else None
    return key if near else None


def _relative(problems: list[Problem]) -> list[Problem]:
    """Problems with paths as the models see them: below `config`, without the namespace."""
    result = []
    for problem in problems:
        path = problem.path
        if len(path) > 1 and path[0] == "config":
            name = _own_key(str(path[1]))
            path = (name if name is not None else path[1], *path[2:])
        result.append(Problem(problem.code, problem.mark, problem.message, problem.hint, path))
    return result


def _beside(root: Node) -> list[Problem]:
    problems = []
    for key, mark in root.keys.items():
        if key in BESIDE_CONFIG:
            continue
        near = nearest(key, BESIDE_CONFIG)
        hint = f'Did you mean "{near}"?' if near else "Keys of the stack go below config:."
        problems.append(
            Problem(UNKNOWN_KEY, mark, f"unknown key; allowed: {', '.join(BESIDE_CONFIG)}", hint, (key,))
        )
    return problems


def _problem(message: str, hint: str) -> Problem:
    return Problem(YAML_SYNTAX, Mark(1, 1), message, hint)
