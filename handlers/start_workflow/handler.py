"""Lambda entry: an EventBridge event, or a plain request, starts a workflow."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from handlers.shared.clients import client
from handlers.shared.environment import settings
from handlers.shared.errors import refusal
from handlers.start_workflow.logic import start
from handlers.start_workflow.models import Settings, StartRequest, request_of

logger = Logger()
metrics = Metrics(namespace="Landfall")


@logger.inject_lambda_context(clear_state=True)  # type: ignore[untyped-decorator, unused-ignore]
@metrics.log_metrics  # type: ignore[untyped-decorator, unused-ignore]
def handler(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Start the workflow that `event` names. Raises InvalidRequest."""
    configured = settings(Settings, os.environ)
    try:
        request = StartRequest.model_validate(request_of(event))
    except ValidationError as error:
        raise refusal(error, "event") from None
    result = start(
        request,
        request_id=context.aws_request_id,
        state_machine_arn=configured.state_machine_arn,
        config_table=configured.config_table,
        dynamodb=client("dynamodb"),
        states=client("stepfunctions"),
    )
    logger.info(
        f"workflow execution {result.workflow_execution_id} is {result.status}",
        workflow_id=result.workflow_id,
        workflow_execution_id=result.workflow_execution_id,
    )
    metric = "WorkflowStarted" if result.status == "started" else "WorkflowStartRepeated"
    metrics.add_metric(name=metric, unit=MetricUnit.Count, value=1)
    return result.model_dump(mode="json")
