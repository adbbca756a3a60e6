"""Start the execution that an event asks for, once, however often the event is delivered."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from handlers.shared.errors import InvalidRequest
from handlers.start_workflow.models import StartRequest, StartResult

_LONGEST_NAME = 80
_DIGEST = 16


def execution_name(request: StartRequest) -> str:
    """The name of the execution: the one that the event gives, else made of workflow and event.

    The same event always gives the same name, so Step Functions itself refuses its second delivery. Raises
    InvalidRequest when the event has neither a name nor an identity.
    """
    if request.workflow_execution_id:
        return request.workflow_execution_id
    if not request.event_id:
        raise InvalidRequest("the event has neither workflow_execution_id nor an id to derive it from")
    digest = hashlib.sha256(f"{request.workflow_id}\n{request.event_id}".encode()).hexdigest()[:_DIGEST]
    readable = re.sub(r"[^A-Za-z0-9_.-]+", "-", request.workflow_id)
    return f"{readable[: _LONGEST_NAME - _DIGEST - 1]}-{digest}"


def start(
    request: StartRequest,
    *,
    request_id: str,
    state_machine_arn: str,
    config_table: str,
    dynamodb: Any,
    states: Any,
) -> StartResult:
    """Start the workflow; a running or earlier execution of the same name is left alone.

    `request_id` is unique to this call: with it, two starts of one name never have the same input, and Step
    Functions refuses the second instead of taking it for a repetition of the first. Raises InvalidRequest for
    a workflow that is not configured.
    """
    name = execution_name(request)
    key = {"workflow_id": {"S": request.workflow_id}}
    found = dynamodb.get_item(
        TableName=config_table, Key=key, ConsistentRead=True, ProjectionExpression="workflow_id"
    )
    if "Item" not in found:
        raise InvalidRequest(f"workflow {request.workflow_id!r} is not configured")
    document = {
        "workflow_id": request.workflow_id,
        "workflow_execution_id": name,
        "request_id": request_id,
    }
    try:
        answer = states.start_execution(
            stateMachineArn=state_machine_arn, name=name, input=json.dumps(document, sort_keys=True)
        )
    except states.exceptions.ExecutionAlreadyExists:
        return StartResult(
            status="already running",
            workflow_id=request.workflow_id,
            workflow_execution_id=name,
            execution_arn=None,
        )
    return StartResult(
        status="started",
        workflow_id=request.workflow_id,
        workflow_execution_id=name,
        execution_arn=answer["executionArn"],
    )
