"""Putting a block into a stack file's text at its place: nothing else of the file changes.

The text is spliced, not written anew: comments, order, quotes, line ends and blank lines stay as they are.
Every change is checked by reading the result: it has the new entry, and all else as before.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from landfall.catalog.text import flow, key_name, mapping
from landfall.config.errors import Path
from landfall.config.source import NAMESPACE
from landfall.config.yamltree import read

_STEP: Final = 2
_NULL: Final = "tag:yaml.org,2002:null"
_BOM: Final = "\ufeff"


class CannotInsert(Exception):
    """The file is written in a way that this module does not change; the text is one sentence."""


@dataclass(frozen=True)
class Splice:
    """One change of a text."""

    start: int
    removed: str
    added: str

    def apply(self, text: str) -> str:
        """The text with the change."""
        return text[: self.start] + self.added + text[self.start + len(self.removed) :]

    def undo(self, text: str) -> str:
        """The text as it was before the change."""
        return text[: self.start] + self.removed + text[self.start + len(self.added) :]


@dataclass(frozen=True)
class Block:
    """A new entry: its lines as a block, and the same as plain data for places in flow style."""

    lines: tuple[str, ...]
    value: Any


def insert_key(text: str, path: Path, block: Block) -> Splice:
    """The change that adds the key `path` (below `landfall:`) as the last of its mapping.

    Mappings above it that are missing or empty are made too. The block's first line is the key itself.

    Raises:
        CannotInsert: the place cannot be told, or something else would change with it.
    """
    return _checked(text, path, block, _place_key)


def insert_item(text: str, path: Path, block: Block) -> Splice:
    """The change that adds an entry at the end of the list at `path`; raises `CannotInsert`."""
    return _checked(text, path, block, _place_item)


def _checked(text: str, path: Path, block: Block, place: Any) -> Splice:
    shift = len(_BOM) if text.startswith(_BOM) else 0
    body = text[shift:]
    newline = "\r\n" if "\r\n" in body else "\n"
    try:
        root = YAML(typ="rt", pure=True).compose(body.replace("\r\n", "\n"))
    except YAMLError as error:
        raise CannotInsert("the file is not readable YAML") from error
    splice: Splice = place(_Text(body.replace("\r\n", "\n"), root), path, block)
    if newline != "\n":
        before = body.replace("\r\n", "\n")[: splice.start]
        splice = Splice(
            splice.start + before.count("\n"),
            splice.removed.replace("\n", newline),
            splice.added.replace("\n", newline),
        )
    splice = Splice(splice.start + shift, splice.removed, splice.added)
    _verify(text, splice, path, block)
    return splice


def _verify(text: str, splice: Splice, path: Path, block: Block) -> None:
    old, _ = read(text.encode("utf-8"))
    new, problems = read(splice.apply(text).encode("utf-8"))
    if old is None or new is None or problems:
        raise CannotInsert("the place for the new entry cannot be told from the file's layout")
    expected = copy.deepcopy(old.value)
    at: Any = expected["config"]
    names = [_raw_key(at, str(path[0])), *path[1:]]
    for part in names[:-1]:
        if isinstance(at, dict) and at.get(part) is None:
            at[part] = {}
        at = at[part]
    if isinstance(at, dict) and not isinstance(at.get(names[-1]), list):
        at[names[-1]] = _plain(block.value)
    else:
        at[names[-1]].append(_plain(block.value))
    if expected != new.value:
        ended, _ = read(f"{text}\n".encode())
        if ended is not None and ended.value != old.value:
            raise CannotInsert("the file ends inside a text block; end its last line with a line break first")
        raise CannotInsert("the new entry would change something else of the file")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _raw_key(config: Mapping[str, Any], name: str) -> str:
    """A top-level key as the file has it; with the namespace where it is new."""
    spellings = (f"{NAMESPACE}:{name}", f"{NAMESPACE}:config:{name}", name)
    return next((key for key in spellings if key in config), spellings[0])


class _Text:
    """A file's text and its nodes."""

    def __init__(self, text: str, root: Node) -> None:
        self.text = text
        self.root = root

    def child(self, node: Node, part: str | int) -> tuple[Node | None, Node] | None:
        """Key node and value node of a part of a collection."""
        if isinstance(node, MappingNode):
            return next(((key, value) for key, value in node.value if key.value == part), None)
        if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
            return None, node.value[part]
        return None

    def end(self, node: Node, key: Node | None) -> int:
        """Where the last character of a value is, comments and blank lines after it left aside."""
        if key is not None and node.start_mark.index < key.end_mark.index:
            return int(key.end_mark.index)  # an alias: the node is where its anchor is
        if isinstance(node, ScalarNode):
            if node.start_mark.index == node.end_mark.index and key is not None:
                return self.after_colon(key)
            return int(node.end_mark.index)
        if _in_flow(node) or not node.value:
            return int(node.end_mark.index)
        last = node.value[-1]
        return self.end(last[1], last[0]) if isinstance(node, MappingNode) else self.end(last, None)

    def after_colon(self, key: Node) -> int:
        """The place right behind a key's colon."""
        return self.text.index(":", key.end_mark.index) + 1

    def line_after(self, index: int) -> int:
        """The start of the line after the one that `index` is in."""
        if index and self.text[index - 1] == "\n":
            return index  # behind a block scalar
        at = self.text.find("\n", index)
        return len(self.text) if at < 0 else at + 1

    def after_comments(self, index: int, least: int) -> int:
        """The start of the first line after `index` that is no comment in column `least` or deeper.

        Comments that are indented as a collection's entries belong to it, as the optional keys do that
        `landfall.catalog.text` writes; so the next entry goes behind them.
        """
        found = at = self.line_after(index)
        while at < len(self.text):
            end = self.line_after(at + 1)
            line = self.text[at:end]
            comment = line.lstrip(" ")
            if comment.startswith("#") and len(line) - len(comment) >= least:
                found = end
            elif comment.strip():
                break
            at = end
        return found

    def as_lines(self, at: int, lines: Sequence[str], indent: int) -> Splice:
        """The lines, indented, as lines of their own at `at`."""
        added = "".join(f"{' ' * indent}{line}\n" if line else "\n" for line in lines)
        if at and self.text[at - 1] != "\n":
            added = "\n" + added.removesuffix("\n")
        return Splice(at, "", added)


def _place_key(file: _Text, path: Path, block: Block) -> Splice:
    node, key, rest, outer = _descend(file, path)
    lines = list(block.lines)
    value = block.value
    for part in reversed(rest[1:]):
        value = {part: value}
    for part in reversed(rest[:-1]):
        lines = mapping(str(part), lines)
    if isinstance(node, MappingNode) and node.value:
        if _in_flow(node):
            last_key, last = node.value[-1]
            return Splice(file.end(last, last_key), "", f", {key_name(str(rest[0]))}: {flow(value)}")
        indent = int(node.value[0][0].start_mark.column)
        return file.as_lines(file.after_comments(file.end(node, key), indent), lines, indent)
    return _into_nothing(file, node, key, outer, lines, {rest[0]: value})


def _into_nothing(
    file: _Text, node: Node, key: Node | None, outer: Node | None, lines: list[str], value: Any
) -> Splice:
    """A key without value, with `{}` or with `null` gets the block as its value."""
    if key is None or outer is None:
        raise CannotInsert("the file has no config: yet")
    if _in_flow(outer):
        start, end = int(node.start_mark.index), int(node.end_mark.index)
        gap = " " if start == end else ""
        return Splice(start, file.text[start:end], gap + flow(value))
    start = file.after_colon(key)
    end = file.line_after(max(start, int(node.end_mark.index) if _written(node, key) else start))
    removed = file.text[start:end]
    body = removed.rstrip("\n")
    if _written(node, key):
        at, to = int(node.start_mark.index) - start, int(node.end_mark.index) - start
        body = body[:at].rstrip(" ") + body[to:]
    indent = int(outer.value[0][0].start_mark.column) + _STEP
    added = body + "\n" + "".join(f"{' ' * indent}{line}\n" for line in lines)
    return Splice(start, removed, added if removed.endswith("\n") else added.removesuffix("\n"))


def _in_flow(node: Node) -> bool:
    return isinstance(node, CollectionNode) and bool(node.flow_style)


def _written(node: Node, key: Node) -> bool:
    """Whether an empty value is written, as `{}` or `null`."""
    return bool(node.end_mark.index > node.start_mark.index and node.start_mark.index >= key.end_mark.index)


def _place_item(file: _Text, path: Path, block: Block) -> Splice:
    node, key, rest, _ = _descend(file, path)
    if rest or not isinstance(node, SequenceNode) or not node.value:
        raise CannotInsert("the list is not there")
    if _in_flow(node):
        return Splice(file.end(node.value[-1], None), "", f", {flow(block.value)}")
    indent = int(node.start_mark.column)  # where a comment may belong to the key after the list
    return file.as_lines(file.after_comments(file.end(node, key), indent + 1), block.lines, indent)


def _descend(file: _Text, path: Path) -> tuple[Node, Node | None, list[str | int], Node | None]:
    """The deepest node on the path that is there, its key, what is missing below it, and what it is in."""
    found = file.child(file.root, "config")
    if found is None:
        raise CannotInsert("the file has no config: yet")
    key, node = found
    outer: Node | None = file.root
    config = {k.value: v for k, v in node.value} if isinstance(node, MappingNode) else {}
    rest: list[str | int] = [_raw_key(config, str(path[0])), *path[1:]]
    while rest:
        inner = file.child(node, rest[0])
        if inner is None:
            break
        outer, (key, node) = node, inner
        rest.pop(0)
    empty = isinstance(node, ScalarNode) and node.tag == _NULL
    if rest and not isinstance(node, MappingNode) and not empty:
        raise CannotInsert(f"{rest[0]} cannot be added: what is above it is no mapping")
    return node, key, rest, outer
