"""Finding one's way in the models: which model or field stands at a key path."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAliasType, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from landfall.config.errors import Path
from landfall.config.stack import StackConfig


def plain(annotation: Any) -> Any:
    """The annotation without metadata, alias and `None`."""
    while True:
        if isinstance(annotation, TypeAliasType):
            annotation = annotation.__value__
        elif get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, types.UnionType):
            members = [member for member in get_args(annotation) if member is not type(None)]
            if len(members) != 1:
                return annotation
            annotation = members[0]
        else:
            return annotation


def members(annotation: Any) -> tuple[type[BaseModel], ...]:
    """The models of a union, or the one model; none for other types."""
    bare = plain(annotation)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        return (bare,)
    if get_origin(bare) in (Union, types.UnionType):
        return tuple(model for member in get_args(bare) for model in members(member))
    return ()


def kind_of(model: type[BaseModel]) -> str | None:
    """The `kind` that a member of a discriminated union stands for."""
    field = model.model_fields.get("kind")
    return str(get_args(plain(field.annotation))[0]) if field else None


def _inner(annotation: Any, value: Any) -> Any:
    """What stands inside: the item type of a list, the value type of a mapping; else the annotation."""
    bare = plain(annotation)
    origin = get_origin(bare)
    if origin is tuple:
        return get_args(bare)[0]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return get_args(bare)[1]
    return _ANYTHING


_ANYTHING: Final = object


def _chosen(annotation: Any, value: Any) -> type[BaseModel] | None:
    """The model that `value` is meant to be."""
    models = members(annotation)
    if len(models) == 1:
        return models[0]
    kind = value.get("kind", "rsql" if "script" in value else None) if isinstance(value, Mapping) else None
    return next((model for model in models if kind_of(model) == kind), None)


def _step(value: Any, part: str | int) -> Any:
    if isinstance(value, Mapping):
        return value.get(part)
    if isinstance(value, list | tuple) and isinstance(part, int) and part < len(value):
        return value[part]
    return None


def value_at(values: Any, path: Path) -> Any:
    """The plain value at `path`, None where there is none."""
    for part in path:
        values = _step(values, part)
    return values


def _walk(path: Path, values: Any) -> tuple[Any, FieldInfo | None]:
    annotation: Any = StackConfig
    field: FieldInfo | None = None
    for part in path:
        model = _chosen(annotation, values)
        field = model.model_fields.get(str(part)) if model else None
        if field is not None:
            annotation = field.annotation
        elif model is not None:
            return _ANYTHING, None
        else:
            annotation = _inner(annotation, values)
        values = _step(values, part)
    return annotation, field


def model_at(path: Path, values: Any) -> type[BaseModel] | None:
    """The model at `path`, where there is one; `values` tell which member of a union is meant."""
    return _chosen(_walk(path, values)[0], value_at(values, path))


def field_at(path: Path, values: Any) -> FieldInfo | None:
    """The field that the last part of `path` names, where it names one."""
    return _walk(path, values)[1]


def union_at(path: Path, values: Any) -> Mapping[str, type[BaseModel]]:
    """The members of the discriminated union at `path`, by kind."""
    return {kind: model for model in members(_walk(path, values)[0]) if (kind := kind_of(model)) is not None}


def literals_at(path: Path, values: Any) -> tuple[str, ...]:
    """The allowed texts at `path`; none where they are not a closed list."""
    bare = plain(_walk(path, values)[0])
    return tuple(str(choice) for choice in get_args(bare)) if get_origin(bare) is Literal else ()
