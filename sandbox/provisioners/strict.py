"""Checks every call against the service's own model, more strictly than botocore does.

botocore checks names, types and minima before it sends. AWS also refuses values outside an enum,
strings that do not match a pattern, and sizes beyond a maximum; an emulator often accepts them.
Here all of them are refused before the call, with every problem named, so that a stack that deploys
in the sandbox does not fail on its first day in an account.
"""

from __future__ import annotations

import datetime
import decimal
import functools
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import regex
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from sandbox.provisioners.rules import RULES, Problem, reserved_tags, shown

_SURROGATES = (r"\uD800\uDC00-\uDBFF\uDFFF", "\U00010000-\U0010ffff")
# In Java `[\w-_]` is a hyphen after a class; Python reads the start of a range.
_HYPHEN_AFTER_CLASS = re.compile(r"(\\[wdsWDS])-(?=[^\]])")


class RefusedCallError(Exception):
    """A call that AWS would refuse: service, operation, and every problem found."""

    def __init__(self, service: str, operation: str, problems: list[Problem]) -> None:
        self.service = service
        self.operation = operation
        self.problems = tuple(problems)
        listed = "; ".join(str(problem) for problem in problems)
        super().__init__(f"aws would refuse this call: {service} {operation}: {listed}")


def install(client: Any) -> Any:
    """Makes a boto3 client check each call's parameters first; returns the same client.

    The check runs after botocore's own rewriting of parameters (generated idempotency tokens,
    aliases), so it sees what would be sent.
    """
    service = client.meta.service_model.service_name

    def check(params: Mapping[str, Any], model: OperationModel, **_: Any) -> None:
        problems = violations(service, model, params)
        if problems:
            raise RefusedCallError(service, model.name, problems)

    client.meta.events.register_last("before-parameter-build.*.*", check, unique_id="landfall-strict")
    return client


def violations(service: str, model: OperationModel, params: Mapping[str, Any]) -> list[Problem]:
    """Everything that AWS would refuse about a call, in the order of the parameters.

    `service` is botocore's name of the service; the service's additional rules are judged only when
    the model finds nothing, because they rely on its types.
    """
    if model.input_shape is None:
        return [Problem(key, shown(value), "no parameters") for key, value in params.items()]
    problems = list(shape_problems(model.input_shape, params, ""))
    if not problems:
        for check in (*RULES.get((service, model.name), ()), reserved_tags):
            problems.extend(check(params))
    return problems


def shape_problems(shape: Shape, value: Any, path: str) -> Iterator[Problem]:
    """What is wrong with a value, given the model's shape of it; `path` is where it stands."""
    if getattr(shape, "is_document_type", False):
        return
    kind = shape.type_name
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        yield Problem(path or "parameters", f"{type(value).__name__} {_seen(shape, value)}", f"type {kind}")
        return
    if isinstance(shape, StructureShape):
        yield from _structure(shape, value, path)
    elif isinstance(shape, ListShape):
        yield from _size(shape, len(value), "items", path)
        for index, item in enumerate(value):
            yield from shape_problems(shape.member, item, f"{path}[{index}]")
    elif isinstance(shape, MapShape):
        yield from _size(shape, len(value), "entries", path)
        for key, item in value.items():
            yield from shape_problems(shape.key, key, f"{path}.{key} (key)")
            yield from shape_problems(shape.value, item, f"{path}.{key}")
    elif kind in ("string", "character"):
        yield from _string(shape, value, path)
    elif kind in ("integer", "long", "float", "double"):
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        if (low is not None and value < low) or (high is not None and value > high):
            yield Problem(path, _seen(shape, value), _range(low, high))


_NUMBER = (int, float, decimal.Decimal)
_TYPES: Mapping[str, Any] = {
    "structure": Mapping,
    "map": Mapping,
    "list": (list, tuple),
    "string": str,
    "character": str,
    "integer": int,
    "long": int,
    "float": _NUMBER,
    "double": _NUMBER,
    "boolean": bool,
    "timestamp": (datetime.datetime, str, int, float),
    # A blob may be a stream; botocore looks at it itself.
    "blob": object,
}


def _structure(shape: StructureShape, value: Mapping[str, Any], path: str) -> Iterator[Problem]:
    members = shape.members
    for name in shape.required_members:
        if name not in value and not members[name].metadata.get("idempotencyToken"):
            yield Problem(_join(path, name), "nothing", "a value (required)")
    if getattr(shape, "is_tagged_union", False) and len(value) != 1:
        yield Problem(path, ", ".join(sorted(value)) or "nothing", f"exactly one of {', '.join(members)}")
    for name, item in value.items():
        if name not in members:
            yield Problem(_join(path, name), "this parameter", ", ".join(members))
        else:
            yield from shape_problems(members[name], item, _join(path, name))


def _string(shape: Shape, value: str, path: str) -> Iterator[Problem]:
    values = shape.enum
    if values:
        if value not in values:
            yield Problem(path, _seen(shape, value), ", ".join(values))
        return
    yield from _size(shape, len(value), "characters", path)
    pattern = shape.metadata.get("pattern")
    compiled = compile_pattern(pattern) if pattern else None
    if compiled is not None and not compiled.fullmatch(value):
        yield Problem(path, _seen(shape, value), f"pattern {pattern}")


def _size(shape: Shape, size: int, unit: str, path: str) -> Iterator[Problem]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if (low is not None and size < low) or (high is not None and size > high):
        yield Problem(path, f"{size} {unit}", f"{_range(low, high)} {unit}")


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"{low} to {high}"


def _seen(shape: Shape, value: Any) -> str:
    return "<sensitive>" if shape.metadata.get("sensitive") else shown(value)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


@functools.cache
def compile_pattern(pattern: str) -> Any:
    """A model's pattern, which is Java syntax and matches whole values; None if it cannot be compiled.

    Java's `\\w`, `\\d` and `\\s` are ASCII, its `\\p{..}` classes are not; Python's `regex` has both.
    """
    translated = _HYPHEN_AFTER_CLASS.sub(r"\1\\-", pattern.replace(*_SURROGATES))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return regex.compile(_ascii_classes(translated))
        except regex.error:
            return None


def _ascii_classes(pattern: str) -> str:
    """Makes `\\w`, `\\d`, `\\s` ASCII where `\\p{..}` stay Unicode; one flag would change both."""
    result: list[str] = []
    inside = escaped = False
    for character in pattern:
        if escaped:
            escaped = False
            members = {"w": "a-zA-Z0-9_", "d": "0-9", "s": r" \t\n\x0b\f\r"}.get(character)
            if members is None:
                result.append("\\" + character)
            else:
                result.append(members if inside else f"[{members}]")
            continue
        if character == "\\":
            escaped = True
            continue
        if character == "[" and not inside:
            inside = True
        elif character == "]":
            inside = False
        result.append(character)
    return "".join(result)
