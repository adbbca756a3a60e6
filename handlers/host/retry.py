"""Try again for a bounded time: the network of a host may be away for a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from handlers.host.clock import Clock

Result = TypeVar("Result")

# Answers that no repetition changes.
_FINAL = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ConditionalCheckFailedException",
        "InvalidArn",
        "InvalidOutput",
        "InvalidToken",
        "NoSuchBucket",
        "ResourceAlreadyExistsException",
        "ResourceNotFoundException",
        "TaskDoesNotExist",
        "TaskTimedOut",
        "UnrecognizedClientException",
        "ValidationException",
    }
)


def error_code(error: Exception) -> str:
    """The service's error code, or the exception's class name."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


def summary(error: Exception) -> str:
    """One line about a failed call, without the request."""
    if isinstance(error, ClientError):
        return f"{error_code(error)}: {error.response.get('Error', {}).get('Message', '')}".strip(": ")
    return " ".join(str(error).split()) or type(error).__name__


def persistently(
    call: Callable[[], Result], *, bound_seconds: float, clock: Clock, longest_pause: float = 15.0
) -> Result:
    """The result of `call`, repeated with doubling pauses (0.5 s up to `longest_pause`) until it succeeds.

    Raises the last error when `bound_seconds` are over, and at once an error that repetition cannot change.
    """
    deadline = clock.monotonic() + bound_seconds
    pause = 0.5
    while True:
        try:
            return call()
        except (BotoCoreError, ClientError, OSError) as error:
            if error_code(error) in _FINAL or clock.monotonic() + pause >= deadline:
                raise
        clock.sleep(pause)
        pause = min(pause * 2, longest_pause)
