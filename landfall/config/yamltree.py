"""YAML text into plain values that remember line and column of every key and value.

Built on an event stream instead of a constructor, so hostile text is met with limits: no tags, no merge keys,
no recursion, bounded depth and bounded alias expansion. A plain scalar that Pulumi's engine (YAML 1.1 numbers
and times) would read otherwise than YAML 1.2 (`010`, `0x1F`, `1_000`, `1e3`) must be quoted.

The events come from libyaml, which the engine's own reader is a translation of. It is many times as fast as
ruamel.yaml, which is asked where libyaml refuses the text: it says better what is wrong.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from landfall.config.errors import DUPLICATE, WRONG_TYPE, YAML_SYNTAX, Path, printable, show
from landfall.config.limits import FILE_BYTES

DEEPEST: Final = 40
LARGEST: Final = 100_000
_LONGEST_SHOWN: Final = 80

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\Z")
_FLOAT = re.compile(r"[-+]?([0-9]{1,18}\.[0-9]{0,18}|\.[0-9]{1,18})([eE][-+]?[0-9]{1,3})?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_TIME = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?\Z")
_NUMERAL = re.compile(r"[-+]?(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z")
_WORDS: Final = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_TRUTH: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Mark:
    """A place in a file; line and column count from 1."""

    line: int
    column: int


@dataclass
class Node:
    """A value with its place, and the keys and items inside it with theirs."""

    mark: Mark
    value: Any = None
    keys: dict[str, Mark] = field(default_factory=dict)
    children: dict[str | int, Node] = field(default_factory=dict)
    size: int = 1


@dataclass(frozen=True)
class Problem:
    """Something wrong with the text itself."""

    code: str
    mark: Mark
    message: str
    hint: str
    path: Path = ()


class _Fatal(Exception):
    def __init__(self, mark: Mark, message: str, hint: str) -> None:
        self.problem = Problem(YAML_SYNTAX, mark, message, hint)
        super().__init__(message)


@dataclass
class _Frame:
    node: Node
    path: Path
    anchor: str | None
    mapping: bool
    key: str | None = None
    keep: bool = True


def read(data: bytes, size: int | None = None) -> tuple[Node | None, list[Problem]]:
    """The root node, or None where the text cannot be read at all, and what is wrong with the text.

    `size` is that of the whole file, in bytes, where `data` is only its beginning.
    """
    try:
        text = _decode(data, max(len(data), size or 0))
        builder = _built(text)
        if builder.root is None:
            raise _Fatal(
                Mark(1, 1), "the file is empty", "Write config: with the keys of the stack below it."
            )
        return builder.root, builder.problems
    except _Fatal as fatal:
        return None, [fatal.problem]


def _built(text: str) -> _Builder:
    """The tree of a text; raises `_Fatal`."""
    if yaml.__with_libyaml__:
        with suppress(yaml.YAMLError):
            return _fed(yaml.parse(text, Loader=yaml.CSafeLoader))
    return _fed(_explained(text))


def _fed(events: Iterable[Any]) -> _Builder:
    builder = _Builder()
    for event in events:
        builder.take(event)
    return builder


def _decode(data: bytes, size: int) -> str:
    if size > FILE_BYTES.value:
        raise _Fatal(
            Mark(1, 1),
            f"the file has {size} bytes, at most {FILE_BYTES.value} are read",
            "Split the stack, or move statements into files.",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Fatal(
            _mark_at(data[: error.start].decode("utf-8", "replace")),
            "the file is not UTF-8",
            "Save it as UTF-8.",
        ) from None
    control = _CONTROL.search(text)
    if control:
        raise _Fatal(
            _mark_at(text[: control.start()]),
            f"the file has a control character (U+{ord(control[0]):04X})",
            "Remove the character.",
        )
    return text


def _mark_at(before: str) -> Mark:
    return Mark(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def _explained(text: str) -> Iterator[Any]:
    """ruamel.yaml's events, whose errors say what is wrong with the text."""
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Mark(mark.line + 1, mark.column + 1) if mark else Mark(1, 1)
        problem = str(error.problem or error.context or "not YAML")
        if r"'\t'" in problem:
            raise _Fatal(where, "a tab is used for indentation", "Indent with spaces.") from None
        context = f" {error.context}" if error.context else ""
        raise _Fatal(
            where, f"not valid YAML: {problem}{context}", "Check quotes, brackets and indentation."
        ) from None
    except (YAMLError, ValueError, RecursionError, IndexError, TypeError, AttributeError) as error:
        # ruamel.yaml's scanner answers some broken directives and escapes with plain Python errors.
        position = getattr(error, "position", 0)
        where = _mark_at(text[:position]) if isinstance(position, int) else Mark(1, 1)
        raise _Fatal(where, "not valid YAML", "Check quotes, brackets, escapes and indentation.") from None


class _Builder:
    """Events in, one tree out; an explicit stack instead of recursion."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._frames: list[_Frame] = []
        self._anchors: dict[str, Node] = {}
        self._documents = 0

    def take(self, event: Any) -> None:
        mark = Mark(event.start_mark.line + 1, event.start_mark.column + 1)
        match type(event).__name__:  # both libraries have the names of the YAML specification
            case "DocumentStartEvent":
                self._documents += 1
                if self._documents > 1:
                    raise _Fatal(
                        mark, "the file has several documents", "Keep one document, without --- inside."
                    )
            case "MappingStartEvent" | "SequenceStartEvent":
                self._refuse_tag(event, mark)
                self._open(event, mark)
            case "MappingEndEvent" | "SequenceEndEvent":
                self._close()
            case "ScalarEvent":
                self._refuse_tag(event, mark)
                self._scalar(event, mark)
            case "AliasEvent":
                self._alias(event.anchor, mark)
            case _:
                return

    def _refuse_tag(self, event: Any, mark: Mark) -> None:
        if event.tag is not None:
            raise _Fatal(mark, f"the tag {_cut(str(event.tag))} is not supported", "Write a plain value.")

    def _open(self, event: Any, mark: Mark) -> None:
        mapping = type(event).__name__ == "MappingStartEvent"
        if len(self._frames) >= DEEPEST:
            raise _Fatal(mark, f"nested deeper than {DEEPEST} levels", "Flatten the structure.")
        if self._expects_key():
            raise _Fatal(mark, "a key must be plain text", "Write the key as text.")
        node = Node(mark, value={} if mapping else [])
        self._frames.append(_Frame(node, self._next_path(), event.anchor, mapping))

    def _close(self) -> None:
        frame = self._frames.pop()
        if frame.anchor:
            self._anchors[frame.anchor] = frame.node
        self._place(frame.node)

    def _scalar(self, event: Any, mark: Mark) -> None:
        plain = event.style is None or event.style == ""
        if self._expects_key():
            self._key(event.value, mark, plain)
            return
        try:
            # JSON writes a character beyond U+FFFF as two escapes, which belong together.
            text = event.value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeError:
            raise _Fatal(
                mark, "the text has half a character (a lone surrogate)", "Remove the escape."
            ) from None
        if _CONTROL.search(text):
            raise _Fatal(mark, "the text has a control character", "Remove the escape.")
        if plain and not text and self._frames and self._frames[-1].key is not None:
            # A value that is left out has no place of its own; the parser would name the next line.
            mark = self._frames[-1].node.keys.get(self._frames[-1].key, mark)
        node = Node(mark, value=_resolve(text) if plain else text)
        if plain and isinstance(node.value, str) and _is_ambiguous(node.value):
            shown = show(node.value)[1:-1]
            message = f"found {shown} without quotes, which YAML readers understand differently"
            hint = f'Did you mean "{shown}" in quotes, or a plain decimal number?'
            self.problems.append(Problem(WRONG_TYPE, mark, message, hint, self._next_path()))
        if event.anchor:
            self._anchors[event.anchor] = node
        self._place(node)

    def _key(self, key: str, mark: Mark, plain: bool) -> None:
        frame = self._frames[-1]
        frame.key, frame.keep = key, True
        if plain and key == "<<":
            self._note(YAML_SYNTAX, mark, "merge keys (<<) are not supported", "Write the keys out.", key)
            frame.keep = False
        elif key in frame.node.keys:
            first = frame.node.keys[key].line
            self._note(
                DUPLICATE,
                mark,
                f"the key is already in line {first}",
                "Rename or remove one of the two.",
                key,
            )
            frame.keep = False
        else:
            frame.node.keys[key] = mark

    def _note(self, code: str, mark: Mark, message: str, hint: str, key: str) -> None:
        self.problems.append(Problem(code, mark, message, hint, (*self._frames[-1].path, key)))

    def _alias(self, anchor: str, mark: Mark) -> None:
        if any(frame.anchor == anchor for frame in self._frames):
            raise _Fatal(mark, f"the alias *{_cut(anchor)} is inside its own anchor", "Write the value out.")
        node = self._anchors.get(anchor)
        if node is None:
            shown = _cut(anchor)
            raise _Fatal(mark, f"the alias *{shown} has no anchor", f"Define &{shown} before it.")
        if self._expects_key():
            raise _Fatal(mark, "a key must be plain text", "Write the key as text.")
        self._place(node, mark)

    def _expects_key(self) -> bool:
        return bool(self._frames) and self._frames[-1].mapping and self._frames[-1].key is None

    def _next_path(self) -> Path:
        if not self._frames:
            return ()
        frame = self._frames[-1]
        return (*frame.path, frame.key if frame.key is not None else len(frame.node.value))

    def _place(self, node: Node, mark: Mark | None = None) -> None:
        """Put a finished value into what surrounds it."""
        if not self._frames:
            self.root = node
            return
        frame = self._frames[-1]
        parent = frame.node
        parent.size += node.size
        if parent.size > LARGEST:
            raise _Fatal(
                mark or node.mark, f"more than {LARGEST} values, aliases expanded", "Use fewer aliases."
            )
        if not frame.mapping:
            parent.children[len(parent.value)] = node
            parent.value.append(node.value)
            return
        if frame.key is not None and frame.keep:
            parent.children[frame.key] = node
            parent.value[frame.key] = node.value
        frame.key = None


def _cut(name: str) -> str:
    """A tag's or anchor's name as an error shows it."""
    return printable(name[:_LONGEST_SHOWN])


def _is_ambiguous(text: str) -> bool:
    """Whether Pulumi's engine reads a plain scalar as a number or a time where this reader sees text."""
    if _TIME.match(text) or _NUMERAL.match(text):
        return True
    if not re.match(r"[-+]?\.?[0-9]", text):
        return False
    try:
        float(text.replace("_", ""))
    except ValueError:
        return False
    return True


def _resolve(text: str) -> Any:
    """A plain scalar as null, true, false, a number, a date or text."""
    if text in _WORDS:
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if _INTEGER.match(text):
        return int(text)
    if _FLOAT.match(text) and math.isfinite(float(text)):
        return float(text)
    if _DATE.match(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return text
    return text
