"""What the handlers of operations share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localemu.aws.api import handler

from landfall_emulator.ssm.errors import ssm_error


def operation[Method: Callable[..., Any]](name: str) -> Callable[[Method], Method]:
    """Mark a method as the handler of an operation: it gets the context and the request as a whole."""
    marked: Callable[[Method], Method] = handler(name, expand=False)
    return marked


def page(key: str, listed: list[dict[str, Any]], request: Mapping[str, Any]) -> dict[str, Any]:
    """One page of a list, by the request's MaxResults and NextToken; raises InvalidNextToken."""
    try:
        start = int(request.get("NextToken") or 0)
    except ValueError:
        raise ssm_error("InvalidNextToken", "The specified token is not valid.") from None
    size = int(request.get("MaxResults") or 50)
    answer: dict[str, Any] = {key: listed[start : start + size]}
    if start + size < len(listed):
        answer["NextToken"] = str(start + size)
    return answer


def tags_of(given: list[Mapping[str, str]] | None) -> dict[str, str]:
    """Tags of a request as a mapping."""
    return {each["Key"]: each["Value"] for each in given or ()}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as an answer lists them."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
