"""JSON schema of a whole stack file, and the rows of the config reference: both generated from the models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from landfall.config.shape import kind_of, members, plain
from landfall.config.source import BESIDE_CONFIG, NAMESPACE
from landfall.config.stack import StackConfig

SCHEMA_FILE: Final = Path("stacks/schema.json")
ONE_KEY: Final = "<key>"
"""Stands for a key of the user's choice."""
ONE_ENTRY: Final = "[]"
"""Stands for an entry of a list."""
EVERY_KIND: Final = "every kind"
"""Stands for the kind where a key is the same in all kinds of a union."""
TOP_LEVEL: Final = f"{NAMESPACE}:"


@dataclass(frozen=True)
class Row:
    """One key of the config reference."""

    key: str
    """Key path; `<key>` stands for a key of the user's choice, `[]` for an entry of a list."""
    type: str
    default: str
    """The default as JSON; empty where the key is required."""
    required: bool
    description: str


def stack_schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of a stack file; editors read it through the file's first line."""
    models = StackConfig.model_json_schema(mode="validation")
    definitions = models["$defs"]
    properties = {f"{NAMESPACE}:{name}": value for name, value in models["properties"].items()}
    config = {
        "type": "object",
        "description": StackConfig.__doc__,
        "properties": properties,
        "required": [f"{NAMESPACE}:{name}" for name in models["required"]],
        "patternProperties": {f"^(?!{NAMESPACE}:)[^:]+:.+$": {"description": "Config of another namespace."}},
        "additionalProperties": False,
    }
    beside = {
        key: {"description": "Kept by Pulumi."}
        for key in BESIDE_CONFIG
        if key not in ("config", "environment")
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Landfall stack file",
        "type": "object",
        "properties": {
            "config": config,
            "environment": {"description": "Pulumi ESC environments."},
            **beside,
        },
        "required": ["config"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def render() -> str:
    """The schema file's text: canonical, so that it changes only with the models."""
    return json.dumps(stack_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def write(path: Path = SCHEMA_FILE) -> None:
    """Write the schema file."""
    path.write_text(render(), encoding="utf-8")


def check(path: Path = SCHEMA_FILE) -> bool:
    """Whether the schema file is the one that the models describe."""
    return path.is_file() and path.read_text(encoding="utf-8") == render()


def reference() -> tuple[Row, ...]:
    """Every key of the config in the models' order, with type, default and description."""
    return tuple(_rows(StackConfig, NAMESPACE + ":"))


def section_title(parent: str) -> str:
    """The heading in the config reference of the keys right below `parent`, itself a key of the reference."""
    if parent == TOP_LEVEL:
        return "Top level"
    match = re.fullmatch(r"(.*)\(([\w ]+)\)(.*)", parent)
    if match is None:
        return f"`{parent}`"
    kind = EVERY_KIND if match[2] == EVERY_KIND else f"kind `{match[2]}`"
    return f"`{match[1]}{match[3]}`, {kind}"


def _rows(model: type[BaseModel], prefix: str) -> Iterator[Row]:
    for name, field in model.model_fields.items():
        key = prefix + name
        yield Row(
            key,
            type_name(field.annotation),
            default_text(field),
            field.is_required(),
            field.description or "",
        )
        yield from _below(field.annotation, key)


def _below(annotation: Any, key: str) -> Iterator[Row]:
    """Rows of the models inside a field: of a mapping's values, of a list's entries, of a union's members."""
    bare = plain(annotation)
    arguments = get_args(bare)
    origin = get_origin(bare)
    if origin is tuple:
        yield from _below(arguments[0], key + ONE_ENTRY)
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        yield from _below(arguments[1], f"{key}.{ONE_KEY}")
    else:
        inner = members(annotation)
        for model in inner:
            kind = kind_of(model) if len(inner) > 1 else None
            yield from _rows(model, f"{key}({kind})." if kind else key + ".")


def type_name(annotation: Any) -> str:
    """The type of a key in words: `whole number`, `list of text`, `mapping by kind`."""
    bare = plain(annotation)
    origin = get_origin(bare)
    arguments = get_args(bare)
    if origin is tuple:
        return f"list of {type_name(arguments[0])}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"mapping of {type_name(arguments[1])}"
    names = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    if isinstance(bare, type):
        return names.get(bare, "mapping" if issubclass(bare, BaseModel) else bare.__name__)
    if members(bare):
        return (
            "text or mapping by kind"
            if any(plain(member) is str for member in arguments)
            else "mapping by kind"
        )
    if arguments and all(isinstance(choice, str) for choice in arguments):
        return " | ".join(arguments)
    return "any value"


def default_text(field: FieldInfo) -> str:
    """The default of a key as JSON; empty where the key is required."""
    if field.is_required():
        return ""
    value = field.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", exclude_none=True)
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
