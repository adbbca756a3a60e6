"""Closes the records of a run whose execution is gone, which nothing in the plane will close any more.

The closing function is told of every end of an execution, once. Where that was not heard, the records would
say Running for ever. Each write is conditional: what has ended meanwhile stays as it is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from landfall.etl_names import EtlNames

ERROR_NAME = "ExecutionGone"


def close(
    dynamodb: Any, names: EtlNames, execution_id: str, jobs: Iterable[Mapping[str, Any]], why: str
) -> None:
    """Mark the run's open records as Aborted.

    Args:
        dynamodb: client in the plane's account.
        names: of the plane's tables.
        execution_id: the run.
        jobs: its job records.
        why: how its execution ended, for the records' error message.

    Raises:
        ClientError: the table refused.
    """
    for job in jobs:
        if job["execution_status"] == "Running":
            key = {"workflow_execution_id": {"S": execution_id}, "job_id": {"S": str(job["job_id"])}}
            _close(dynamodb, names.job_audit_table, key, why)
    _close(dynamodb, names.workflow_audit_table, {"workflow_execution_id": {"S": execution_id}}, why)


def _close(dynamodb: Any, table: str, key: Mapping[str, Any], why: str) -> None:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    # What has ended by itself in this moment stays as it is.
    with contextlib.suppress(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.update_item(
            TableName=table,
            Key=key,
            UpdateExpression=(
                "SET execution_status = :aborted, execution_end_ts = :now, "
                "error_name = if_not_exists(error_name, :error), "
                "error_message = if_not_exists(error_message, :why)"
            ),
            ConditionExpression="execution_status = :running",
            ExpressionAttributeValues={
                ":aborted": {"S": "Aborted"},
                ":running": {"S": "Running"},
                ":now": {"S": now},
                ":error": {"S": ERROR_NAME},
                ":why": {"S": why},
            },
        )
