"""Rules from a YAML file: all of them, or every mistake with file, line and key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from landfall.config.errors import nearest, show
from landfall.config.source import beginning
from landfall.config.yamltree import Mark, Node, read
from sandbox.faults.model import EFFECTS, Rule
from sandbox.faults.services import name_problem

KEY: Final = "faults"
_FIELDS: Final = tuple(field.alias or name for name, field in Rule.model_fields.items())
_TYPES: Final = {"int": "a whole number", "float": "a number", "string": "text"}


class FaultFileError(Exception):
    """A fault file is invalid; the text has every mistake, one a line."""

    def __init__(self, mistakes: list[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(mistakes))


def read_rules(path: Path) -> list[Rule]:
    """The rules of a file ``faults: [{...}, ...]``.

    Raises:
        FaultFileError: the file cannot be read, or something in it is wrong.
    """
    try:
        root, problems = read(*beginning(path))
    except OSError as error:
        raise FaultFileError([f"{path}: cannot be read: {error.strerror}"]) from error
    mistakes: list[tuple[int, int, str]] = [
        (p.mark.line, p.mark.column, f"{p.message}. {p.hint}".replace(" Write config: with the keys of"
         " the stack below it.", f" Write {KEY}: with a list of rules below it."))
        for p in problems
    ]  # fmt: skip
    rules: list[Rule] = []
    if root is not None:
        for node, position in _entries(root, mistakes):
            rule = _rule(node, f"{KEY}[{position}]", mistakes)
            if rule is not None:
                _check_id(rule, rules, node, f"{KEY}[{position}]", mistakes)
                rules.append(rule)
    if mistakes:
        raise FaultFileError(
            [f"{path}:{line}:{column}  {text}" for line, column, text in sorted(set(mistakes))]
        )
    return rules


def _entries(root: Node, mistakes: list[tuple[int, int, str]]) -> Iterator[tuple[Node, int]]:
    if not isinstance(root.value, dict):
        mistakes.append((root.mark.line, root.mark.column, f"found {show(root.value)}; write {KEY}: [...]"))
        return
    for key, mark in root.keys.items():
        if key != KEY:
            mistakes.append((mark.line, mark.column, f"{key}: unknown key; allowed: {KEY}"))
    listed = root.children.get(KEY)
    if listed is None:
        if not root.keys:
            mistakes.append((root.mark.line, root.mark.column, f"the key {KEY} is missing"))
    elif not isinstance(listed.value, list):
        mark = listed.mark
        mistakes.append((mark.line, mark.column, f"{KEY}: found {show(listed.value)}; expected a list"))
    else:
        for index in range(len(listed.value)):
            yield listed.children[index], index


def _rule(node: Node, where: str, mistakes: list[tuple[int, int, str]]) -> Rule | None:
    value: Any = node.value
    if not isinstance(value, dict):
        found = f"{where}: found {show(value)}; expected a mapping"
        mistakes.append((node.mark.line, node.mark.column, found))
        return None
    try:
        rule = Rule.model_validate(value)
    except ValidationError as error:
        for key, text in sentences(error, value):
            mark = _mark(node, key, on_key=key not in _FIELDS)
            mistakes.append((mark.line, mark.column, f"{where}{'.' + key if key else ''}: {text}"))
        return None
    problem = name_problem(rule.service, rule.operation)
    if problem is not None:
        mark = _mark(node, problem[0], on_key=False)
        mistakes.append((mark.line, mark.column, f"{where}.{problem[0]}: {problem[1]}"))
    return rule


def _check_id(
    rule: Rule, before: list[Rule], node: Node, where: str, mistakes: list[tuple[int, int, str]]
) -> None:
    if rule.id is not None and rule.id in {other.id for other in before}:
        mark = _mark(node, "id", on_key=False)
        mistakes.append((mark.line, mark.column, f'{where}.id: "{rule.id}" is there twice'))


def _mark(node: Node, key: str, *, on_key: bool) -> Mark:
    if on_key and key in node.keys:
        return node.keys[key]
    child = node.children.get(key)
    return child.mark if child is not None else node.mark


def sentences(error: ValidationError, value: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Key (empty for the rule as a whole) and sentence for each mistake."""
    found = []
    for detail in error.errors(include_url=False):
        key = str(detail["loc"][0]) if detail["loc"] else ""
        found.append((key, _sentence(detail, key, value)))
    return list(dict.fromkeys(found))


def _sentence(detail: ErrorDetails, key: str, value: Mapping[str, Any]) -> str:
    kind = detail["type"]
    if kind == "extra_forbidden":
        near = nearest(key, _FIELDS)
        hint = f'. Did you mean "{near}"?' if near else ""
        return f"unknown key; allowed: {', '.join(_FIELDS)}{hint}"
    if kind == "missing":
        return f"the key is missing; allowed: {', '.join(EFFECTS)}"
    if kind == "literal_error":
        near = nearest(str(value.get(key)), EFFECTS)
        hint = f'. Did you mean "{near}"?' if near else ""
        return f"found {show(value.get(key))}; allowed: {', '.join(EFFECTS)}{hint}"
    expected = _TYPES.get(kind.removesuffix("_type"))
    if expected is not None:
        return f"found {show(value.get(key))}; expected {expected}"
    text = detail["msg"][:1].lower() + detail["msg"][1:]
    return text if not key else f"found {show(value.get(key))}; {text}"
