"""The settings of a function, from its environment variables."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel


def settings[Settings: BaseModel](model: type[Settings], environment: Mapping[str, str]) -> Settings:
    """`model` filled from the variables that carry its fields' names in capitals."""
    names = {field: field.upper() for field in model.model_fields}
    return model.model_validate(
        {field: environment[variable] for field, variable in names.items() if variable in environment}
    )
