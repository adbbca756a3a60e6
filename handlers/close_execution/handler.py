"""Lambda entry: Step Functions Execution Status Change events of the ETL machine."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from handlers.close_execution.logic import Services, close
from handlers.close_execution.models import EndedExecution, Settings, detail_of
from handlers.shared.clients import client
from handlers.shared.clock import utc_now
from handlers.shared.environment import settings
from handlers.shared.errors import refusal

logger = Logger()
metrics = Metrics(namespace="Landfall")


@logger.inject_lambda_context(clear_state=True)  # type: ignore[untyped-decorator, unused-ignore]
@metrics.log_metrics  # type: ignore[untyped-decorator, unused-ignore]
def handler(event: Any, _context: LambdaContext) -> dict[str, Any]:
    """Close what the execution of `event` left open. Raises InvalidRequest for any other event."""
    configured = settings(Settings, os.environ)
    try:
        execution = EndedExecution.model_validate(detail_of(event))
    except ValidationError as error:
        raise refusal(error, "detail") from None
    # A topic is called in its own Region, which is part of its ARN.
    services = Services(
        dynamodb=client("dynamodb"),
        ssm=client("ssm"),
        redshift_data=client("redshift-data"),
        sns=client("sns", configured.topic_arn.split(":")[3]),
    )
    result = close(execution, configured, services, utc_now)
    for failure in result.failures:
        logger.warning(failure, workflow_execution_id=result.workflow_execution_id)
    logger.info(
        f"execution {result.workflow_execution_id} is closed",
        status=execution.status,
        jobs_closed=result.jobs_closed,
        workflow_closed=result.workflow_closed,
        notified=result.notified,
    )
    metrics.add_metric(name="JobsClosed", unit=MetricUnit.Count, value=result.jobs_closed)
    return result.model_dump(mode="json")
