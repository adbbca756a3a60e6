"""Refuses names of services and operations that AWS does not have, with the nearest spelling."""

from __future__ import annotations

import functools
from typing import Any

from landfall.config.errors import nearest


@functools.cache
def _session() -> Any:
    import botocore.session

    return botocore.session.get_session()


@functools.cache
def _operations(service: str) -> tuple[str, ...]:
    return tuple(_session().get_service_model(service).operation_names)


def name_problem(service: str, operation: str) -> tuple[str, str] | None:
    """Field and sentence for a name that does not exist; patterns are taken as they are."""
    if "*" in service or "?" in service:
        return None
    known = _session().get_available_services()
    if service not in known:
        return "service", f'boto3 has no service "{service}".{_hint(service, known)}'
    if "*" in operation or "?" in operation:
        return None
    operations = _operations(service)
    if operation.lower() not in {name.lower() for name in operations}:
        return "operation", f'{service} has no operation "{operation}".{_hint(operation, operations)}'
    return None


def _hint(word: str, known: Any) -> str:
    near = nearest(word, known)
    return f' Did you mean "{near}"?' if near else ""
