"""The base of every model: strict, frozen, no unknown keys, inputs hidden in errors, documented attributes.

Scalars are strict one by one (`Whole`, `Number`, `Flag`): "12" is not a number and 1 is not true. Text shapes
are checked by `Shaped`, whose error says what is expected instead of showing a regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator
from pydantic import Strict as StrictScalar
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from landfall.config.errors import MALFORMED, Finding, refuse, show

Whole = Annotated[int, StrictScalar()]
"""A whole number, never text."""
Number = Annotated[float, StrictScalar()]
"""A number, never text."""
Flag = Annotated[bool, StrictScalar()]
"""true or false, never text."""


class Strict(BaseModel):
    """Base of all models of the stack config (DESIGN section 4)."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )

    def rules(self) -> Iterator[Finding]:
        """Mistakes that only several fields together show; each with a path relative to this model."""
        return iter(())

    @model_validator(mode="after")
    def _obey_rules(self) -> Self:
        findings = tuple(self.rules())
        if findings:
            raise refuse(*findings)
        return self


@dataclass(frozen=True, kw_only=True)
class Shaped:
    """Metadata for `Annotated[str, Shaped(...)]`: text that matches a pattern from end to end."""

    pattern: str
    expected: str
    """Completes "expected ..."."""
    maximum: int | None = None
    """Longest text, in characters."""
    hidden: bool = False
    """Never show the value: it may be a secret in the wrong place."""

    def check(self, value: str) -> str:
        """The value itself. Raises the config error `MALFORMED` when it has another shape."""
        if self.maximum is not None and len(value) > self.maximum:
            problem = f"{len(value)} characters are too many, at most {self.maximum} are allowed"
        elif not re.fullmatch(self.pattern, value):
            problem = f"expected {self.expected}"
        else:
            return value
        raise refuse(Finding(code=MALFORMED, found=None if self.hidden else show(value), message=problem))

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], CoreSchema]) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: Callable[[CoreSchema], JsonSchemaValue]
    ) -> JsonSchemaValue:
        result = {**handler(schema), "pattern": f"^(?:{self.pattern})$"}
        if self.maximum is not None:
            result["maxLength"] = self.maximum
        return result


def ordered[V](mapping: Mapping[str, V]) -> Mapping[str, V]:
    """The mapping sorted by key, so that nothing depends on the order in which a file lists its keys."""
    return dict(sorted(mapping.items()))


def ordered_deep(value: Any) -> Any:
    """A JSON value with the keys of every mapping sorted, and 2.0 as 2: so the engine gives it."""
    if isinstance(value, Mapping):
        return {key: ordered_deep(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [ordered_deep(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


Ordered = AfterValidator(ordered)
"""Metadata for a mapping field: sorted by key."""
OrderedDeep = AfterValidator(ordered_deep)
"""Metadata for a free-form JSON field: sorted by key at every depth."""

Key = Annotated[
    str,
    Shaped(
        pattern=r"[a-z][a-z0-9-]*",
        expected="a key of lower-case letters, digits and hyphens that starts with a letter",
        maximum=30,
    ),
]
"""A key that becomes part of logical and physical names."""
