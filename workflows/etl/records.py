"""The audit records that the machine itself writes, as DynamoDB calls.

Updates are conditional, so that a record tells the truth whoever writes it first: the host runner, the
machine or the closing function. (source: specs/rsql-orchestration, "Ours" 3 and 7)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workflows.asl.states import State, expr, task

UPDATE = "arn:aws:states:::dynamodb:updateItem"
PUT = "arn:aws:states:::dynamodb:putItem"
GET = "arn:aws:states:::dynamodb:getItem"

CONDITION_FAILED: tuple[str, ...] = (
    "DynamoDB.ConditionalCheckFailedException",
    "DynamoDb.ConditionalCheckFailedException",
)
"""A condition that did not hold, as the DynamoDB and as the SDK integration name it."""
CALL_SECONDS = 60
"""Timeout of one call of a service's control plane."""

NOW = "$now()"
JOB_TABLE = "${JobAuditTable}"
WORKFLOW_TABLE = "${WorkflowAuditTable}"

JOB_KEY: Mapping[str, Any] = {
    "workflow_execution_id": {"S": "{% $states.input.run.id %}"},
    "job_id": {"S": "{% $states.input.job.id %}"},
}
WORKFLOW_KEY: Mapping[str, Any] = {"workflow_execution_id": {"S": "{% $run.id %}"}}
WORKFLOW_KEY_OF_JOB: Mapping[str, Any] = {"workflow_execution_id": {"S": "{% $states.input.run.id %}"}}


def text(source: str) -> dict[str, str]:
    """A DynamoDB string from JSONata."""
    return {"S": expr(source)}


def number(source: str) -> dict[str, str]:
    """A DynamoDB number from JSONata."""
    return {"N": expr(f"$string({source})")}


def update(
    table: str,
    key: Mapping[str, Any],
    values: Mapping[str, Mapping[str, str]],
    *,
    once: Sequence[str] = (),
    remove: Sequence[str] = (),
    condition: str,
    condition_values: Mapping[str, Mapping[str, str]],
    catches: Sequence[Mapping[str, Any]],
    then: str | None,
    output: Any = "{% $states.input %}",
    assign: Mapping[str, Any] | None = None,
    returning: str | None = None,
    comment: str | None = None,
) -> State:
    """An updateItem that sets attributes; those in ``once`` only where the record has none.

    Attribute names go through ``#name`` placeholders, so that none can collide with a reserved word.
    """
    sets = ", ".join(
        f"#{name} = if_not_exists(#{name}, :{name})" if name in once else f"#{name} = :{name}"
        for name in values
    )
    removes = f" REMOVE {', '.join(f'#{name}' for name in remove)}" if remove else ""
    used = [*values, *remove]
    arguments: dict[str, Any] = {
        "TableName": table,
        "Key": dict(key),
        "UpdateExpression": f"SET {sets}{removes}",
        "ConditionExpression": condition,
        "ExpressionAttributeNames": {f"#{name}": name for name in used},
        "ExpressionAttributeValues": {f":{name}": dict(value) for name, value in values.items()}
        | {name: dict(value) for name, value in condition_values.items()},
    }
    if returning is not None:
        arguments["ReturnValues"] = returning
    return task(
        UPDATE,
        arguments,
        timeout=CALL_SECONDS,
        catches=catches,
        then=then,
        output=output,
        assign=assign,
        comment=comment,
    )


def job_attributes(status: str) -> dict[str, dict[str, str]]:
    """What every write of a job record says."""
    return {
        "job_name": text("$states.input.job.name"),
        "workflow_id": text("$states.input.run.workflow_id"),
        "kind": text("$states.input.job.kind"),
        "stage": number("$states.input.job.stage"),
        "attempt": number("$states.input.job.attempt"),
        "expires_at": number("$states.input.run.expires_at"),
        "execution_start_ts": text(NOW),
        "execution_status": {"S": status},
    }
