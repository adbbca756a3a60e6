"""How services say that they throttle and that they failed themselves.

(source: each service's API reference, "Common errors" and the errors of its operations, as of 2026-11; AWS
SDKs and Tools Reference Guide, "Retry behavior", which lists the codes that SDKs take for throttling)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class ServiceError(NamedTuple):
    """An error as it stands in a response."""

    code: str
    message: str
    status: int


_RATE: Final = "Rate exceeded"

THROTTLING: Final[Mapping[str, ServiceError]] = {
    "cloudformation": ServiceError("Throttling", _RATE, 400),
    "cloudwatch": ServiceError("Throttling", _RATE, 400),
    "dynamodb": ServiceError(
        "ProvisionedThroughputExceededException",
        "The level of configured provisioned throughput for the table was exceeded. Consider increasing your "
        "provisioning level with the UpdateTable API.",
        400,
    ),
    "ec2": ServiceError("RequestLimitExceeded", "Request limit exceeded.", 503),
    "iam": ServiceError("Throttling", _RATE, 400),
    "kinesis": ServiceError("ProvisionedThroughputExceededException", "Rate exceeded for shard.", 400),
    "lambda": ServiceError("TooManyRequestsException", "Rate Exceeded.", 429),
    "s3": ServiceError("SlowDown", "Please reduce your request rate.", 503),
    "scheduler": ServiceError("ThrottlingException", _RATE, 429),
    "sns": ServiceError("Throttled", _RATE, 429),
    "sqs": ServiceError("RequestThrottled", "Request is throttled.", 403),
    "sts": ServiceError("Throttling", _RATE, 400),
}
DEFAULT_THROTTLING: Final = ServiceError("ThrottlingException", _RATE, 400)

_OURS: Final = "The service failed. Try again."

INTERNAL: Final[Mapping[str, ServiceError]] = {
    "cloudwatch": ServiceError("InternalServiceError", _OURS, 500),
    "dynamodb": ServiceError("InternalServerError", _OURS, 500),
    "events": ServiceError("InternalException", _OURS, 500),
    "glue": ServiceError("InternalServiceException", _OURS, 500),
    "kms": ServiceError("KMSInternalException", _OURS, 500),
    "lambda": ServiceError("ServiceException", _OURS, 500),
    "s3": ServiceError("InternalError", _OURS, 500),
    "secretsmanager": ServiceError("InternalServiceError", _OURS, 500),
    "sns": ServiceError("InternalError", _OURS, 500),
    "ssm": ServiceError("InternalServerError", _OURS, 500),
}
DEFAULT_INTERNAL: Final = ServiceError("InternalServerException", _OURS, 500)


def throttling(service: str) -> ServiceError:
    """The service's own answer to too many requests."""
    return THROTTLING.get(service, DEFAULT_THROTTLING)


def internal(service: str) -> ServiceError:
    """The service's own answer when it fails."""
    return INTERNAL.get(service, DEFAULT_INTERNAL)
