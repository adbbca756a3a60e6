"""What `pulumi_aws` says about a resource type: its inputs, its required inputs, whether it takes tags.

The typed classes of the pinned provider SDK are the schema; no schema file is shipped or fetched.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import keyword
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pulumi import _types

from sandbox.engines import schema_cache
from sandbox.engines.plan import PROVIDER_PREFIX
from sandbox.engines.values import plain


@dataclass(frozen=True)
class TypeSchema:
    """The properties of one resource type, by their names on the wire."""

    inputs: frozenset[str]
    required: frozenset[str]
    outputs: frozenset[str]

    @property
    def taggable(self) -> bool:
        """Whether the provider keeps `tagsAll` for it, the tags merged with the provider's defaults."""
        return "tagsAll" in self.outputs


@functools.cache
def type_schema(token: str) -> TypeSchema | None:
    """The schema of a type token such as `aws:dynamodb/table:Table`.

    None when `pulumi_aws` has no such type.
    """
    kept = schema_cache.kept(token)
    if kept and kept.keys() == TypeSchema.__dataclass_fields__.keys():
        return TypeSchema(**{part: frozenset(names) for part, names in kept.items()})
    found = _declared(token)
    if found is not None:
        schema_cache.keep(token, vars(found))
    return found


def _declared(token: str) -> TypeSchema | None:
    """The schema as the classes of the provider SDK declare it."""
    package, _, rest = token.partition(":")
    module, _, name = rest.partition(":")
    service = module.split("/")[0]
    if package != "aws" or not name or not service.isidentifier():
        return None
    try:
        found = importlib.import_module(
            f"pulumi_aws.{service}_" if keyword.iskeyword(service) else f"pulumi_aws.{service}"
        )
    except ModuleNotFoundError:
        return None
    resource = getattr(found, name, None)
    # Where another type owns `<Name>Args`, the resource's own arguments are called `<Name>InitArgs`.
    arguments = getattr(found, f"{name}InitArgs", None) or getattr(found, f"{name}Args", None)
    if resource is None or arguments is None:
        return None
    names = _types.input_type_py_to_pulumi_names(arguments)
    parameters = inspect.signature(arguments.__init__).parameters
    required = [key for key, item in parameters.items() if key in names and item.default is item.empty]
    return TypeSchema(
        inputs=frozenset(names.values()),
        required=frozenset(names[key] for key in required),
        outputs=frozenset(_types.resource_types(resource)),
    )


def failures(token: str, inputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with a resource's inputs: (property, sentence) pairs; empty when nothing is.

    The typed classes refuse all of this when the program uses them; a program that bypasses them is caught
    here.
    """
    if token.startswith(PROVIDER_PREFIX):
        return []
    schema = type_schema(token)
    if schema is None:
        return [("", f"pulumi_aws has no resource type {token}")]
    wrong = [(key, f'{token} has no input "{key}"') for key in sorted(set(inputs) - schema.inputs)]
    wrong += [(key, f'{token} needs the input "{key}"') for key in sorted(schema.required - set(inputs))]
    return wrong


def tags_all(token: str, inputs: Mapping[str, Any], default_tags: Mapping[str, Any]) -> dict[str, Any] | None:
    """The `tagsAll` output: the provider's default tags under the resource's own.

    None for types without tags.
    """
    schema = type_schema(token)
    if schema is None or not schema.taggable:
        return None
    own = plain(inputs.get("tags")) or {}
    if not isinstance(own, dict):
        return None
    return {**default_tags, **own}
