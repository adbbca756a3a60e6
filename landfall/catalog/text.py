"""Plain values as YAML text with the models' documentation as comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel

from landfall.config.shape import kind_of, members, plain

_PLAIN: Final = re.compile(
    r"[A-Za-z_][\w./@*=-]*(?:[ ]+[\w./@()*=-]+)*|(?:\.\.?/)+[\w./-]+|[0-9]+(?:\.[0-9]+){3}/[0-9]+"
)
_KEY: Final = re.compile(r"[A-Za-z_][\w-]*(?::[\w-]+)*")
_WORDS: Final = frozenset(
    ("y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf", "~")
)
_STEP: Final = 2
_WIDEST: Final = 110


def scalar(value: Any) -> str:
    """One value on one line, in quotes wherever a YAML reader might take it for something else than text."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


def key_name(key: str) -> str:
    """A key, in quotes where it needs them; `landfall:network` needs none."""
    return key if _KEY.fullmatch(key) and key.lower() not in _WORDS else json.dumps(key, ensure_ascii=False)


def flow(value: Any) -> str:
    """Any value on one line: `{kind: sql, sql: select 1}`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key_name(str(key))}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(inner) for inner in value) + "]"
    return scalar(value)


def entry(
    key: str, value: Mapping[str, Any], model: type[BaseModel], optional: Mapping[str, Any] | None = None
) -> list[str]:
    """The lines of `key: {...}` as a commented block, without indentation.

    `optional` are further keys of the model: they come last, commented out, ready to be used.
    """
    head = [f"{key_name(key)}:", f"{' ' * _STEP}# {sentence(model)}"]
    return [*head, *_indented(fields(value, model, optional))]


def item(value: Mapping[str, Any], model: type[BaseModel]) -> list[str]:
    """The lines of a list's entry, `- ...`, as a commented block."""
    lines = fields(value, model)
    if lines[0].startswith("#"):
        lines = [line for line in lines if not line.startswith("#")]
    return [f"- {lines[0]}", *_indented(lines[1:])]


def sentence(model: type[BaseModel]) -> str:
    """What a model is: its docstring on one line."""
    return " ".join((model.__doc__ or "").split())


def mapping(key: str, lines: Sequence[str]) -> list[str]:
    """The lines of a block below a key."""
    return [f"{key_name(key)}:", *_indented(lines)]


def _indented(lines: Sequence[str] | Iterator[str]) -> list[str]:
    return [" " * _STEP + line if line else line for line in lines]


def fields(
    value: Mapping[str, Any], model: type[BaseModel], optional: Mapping[str, Any] | None = None
) -> list[str]:
    """The lines of a model's keys, each with its documentation."""
    lines: list[str] = []
    for name, inner in value.items():
        info = model.model_fields[name]
        lines += _commented(_field(name, inner, info.annotation), info.description)
    for name, inner in (optional or {}).items():
        if name not in value:
            lines += _commented([f"# {name}: {flow(inner)}"], model.model_fields[name].description)
    return lines


def _field(name: str, value: Any, annotation: Any) -> list[str]:
    bare = plain(annotation)
    origin = get_origin(bare)
    if isinstance(value, Mapping) and isinstance(origin, type) and issubclass(origin, Mapping):
        below = members(get_args(bare)[1])
        if len(below) == 1 and value:
            return mapping(name, [line for key, one in value.items() for line in entry(key, one, below[0])])
    inner = _model_of(annotation, value)
    if inner is not None and isinstance(value, Mapping):
        return mapping(name, fields(value, inner))
    if isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
        item_type = get_args(bare)[0]
        lines: list[str] = []
        for one in value:
            model = _model_of(item_type, one)
            lines += item(one, model) if model is not None else [f"- {flow(one)}"]
        return [f"{name}:", *_indented(lines)]
    return [f"{name}: {flow(value)}"]


def _model_of(annotation: Any, value: Any) -> type[BaseModel] | None:
    if get_origin(plain(annotation)) is tuple:
        return None
    models = members(annotation)
    if len(models) == 1:
        return models[0]
    kind = value.get("kind") if isinstance(value, Mapping) else None
    return next((model for model in models if kind_of(model) == kind), None)


def _commented(lines: list[str], description: str | None) -> list[str]:
    """The lines with the description behind the first one, or above it where it would be too long."""
    said = " ".join((description or "").split())
    if not said:
        return lines
    beside = f"{lines[0]}  # {said}"
    if len(beside) <= _WIDEST - 4 * _STEP:
        return [beside, *lines[1:]]
    return [f"# {said}", *lines]
