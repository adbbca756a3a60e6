"""Errors of the functions; a workflow matches them by their class names."""

from __future__ import annotations

from pydantic import ValidationError

_LONGEST_PLACE = 200


class InvalidRequest(Exception):
    """The event asks for something that cannot be done; repeating it changes nothing."""


def refusal(error: ValidationError, whole: str) -> InvalidRequest:
    """The first mistake of a request in one sentence, without its values; `whole` names the request itself.

    A key that the sender chose is part of the place, and is cut.
    """
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or whole
    return InvalidRequest(f"{where[:_LONGEST_PLACE]}: {first['msg']}")
