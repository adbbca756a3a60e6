"""Leave nothing Running: neither a record nor a process of an execution that has ended.

The state machine closes its own records on every failure that it can catch. It catches nothing when it is
aborted or runs into its own time limit, and a failure of its failure path leaves records open as well. This
function is told of each such end and may be told twice: every write is conditional, so a second delivery
finds nothing to do. (source: specs/rsql-orchestration, "Ours" 3 and 8)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from handlers.close_execution.models import CloseResult, EndedExecution, Settings
from handlers.shared.clock import Clock, timestamp

CLOSER: Final = "close_execution"
"""Mark of records that this function closed (`closed_by`) and notified of (`notified`)."""

# Unknown or expired commands and statements, and statements that have ended (ValidationException).
_NOTHING_TO_STOP: Final = frozenset({"InvalidCommandId", "ResourceNotFoundException", "ValidationException"})
_LONGEST_MESSAGE: Final = 1_000
_LONGEST_SUBJECT: Final = 100
_SECONDS_A_DAY: Final = 86_400

Record = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Ending:
    """What the records say about an execution that ended this way."""

    status: str
    error_name: str
    job_message: str
    workflow_message: str
    word: str
    """For the notification's subject."""


@dataclass(frozen=True)
class Services:
    """Clients that the closing needs."""

    dynamodb: Any
    ssm: Any
    redshift_data: Any
    sns: Any


def ending(execution: EndedExecution) -> Ending:
    """How an ended execution is recorded: aborted as Aborted, timed out and failed as Failed."""
    if execution.status == "ABORTED":
        reason = f": {execution.cause}" if execution.cause else ""
        return Ending(
            "Aborted",
            "Aborted",
            "the workflow was aborted",
            f"the execution was aborted{reason}",
            "aborted",
        )
    if execution.status == "TIMED_OUT":
        return Ending(
            "Failed",
            "States.Timeout",
            "the workflow ran into its time limit",
            "the execution ran into its time limit",
            "timed out",
        )
    return Ending(
        "Failed",
        execution.error or "ExecutionFailed",
        "the workflow failed while this job ran",
        execution.cause or "the execution failed",
        "failed",
    )


def close(execution: EndedExecution, settings: Settings, services: Services, clock: Clock) -> CloseResult:
    """Close what the execution left open, stop what it left running, notify once.

    An execution that never owned its workflow record, because another one had the id, changes nothing. A
    cancellation that fails is reported and does not keep the records open.
    """
    how = ending(execution)
    record = _workflow_record(execution, settings, services)
    owner = record.get("execution_arn", {}).get("S")
    if owner not in (None, execution.execution_arn):
        return CloseResult(
            workflow_execution_id=execution.workflow_execution_id,
            workflow_closed=False,
            jobs_closed=0,
            commands_cancelled=0,
            notified=False,
        )
    closed, cancelled = 0, 0
    failures: list[str] = []
    first_job = ""
    for job in _open_jobs(execution, settings, services):
        if job["execution_status"]["S"] == "Running":
            if not _close_job(job, how, settings, services, clock):
                continue  # it ended by itself in this moment
            closed += 1
        first_job = first_job or job.get("job_name", {}).get("S", "")
        problem = _cancel(job, services)
        cancelled += problem == ""
        if problem:
            failures.append(problem)
    workflow_closed = _close_workflow(execution, how, settings, services, clock)
    notified = _notify(execution, how, first_job, settings, services, clock)
    return CloseResult(
        workflow_execution_id=execution.workflow_execution_id,
        workflow_closed=workflow_closed,
        jobs_closed=closed,
        commands_cancelled=cancelled,
        notified=notified,
        failures=tuple(failures),
    )


def _workflow_record(execution: EndedExecution, settings: Settings, services: Services) -> Record:
    answer = services.dynamodb.get_item(
        TableName=settings.workflow_audit_table,
        Key={"workflow_execution_id": {"S": execution.workflow_execution_id}},
        ConsistentRead=True,
    )
    record: Record = answer.get("Item", {})
    return record


def _open_jobs(execution: EndedExecution, settings: Settings, services: Services) -> Iterator[Record]:
    """Jobs that run, and those that an interrupted delivery closed and perhaps did not stop."""
    pages = services.dynamodb.get_paginator("query").paginate(
        TableName=settings.job_audit_table,
        KeyConditionExpression="workflow_execution_id = :id",
        FilterExpression="execution_status = :running OR closed_by = :closer",
        ExpressionAttributeValues={
            ":id": {"S": execution.workflow_execution_id},
            ":running": {"S": "Running"},
            ":closer": {"S": CLOSER},
        },
        ConsistentRead=True,
    )
    for page in pages:
        yield from page["Items"]


def _close_job(job: Record, how: Ending, settings: Settings, services: Services, clock: Clock) -> bool:
    try:
        services.dynamodb.update_item(
            TableName=settings.job_audit_table,
            Key={key: job[key] for key in ("workflow_execution_id", "job_id")},
            UpdateExpression=(
                "SET execution_status = :status, execution_end_ts = :now, error_name = :error, "
                "error_message = :message, closed_by = :closer"
            ),
            ConditionExpression="execution_status = :running",
            ExpressionAttributeValues={
                ":status": {"S": how.status},
                ":now": {"S": timestamp(clock())},
                ":error": {"S": how.error_name},
                ":message": {"S": how.job_message},
                ":closer": {"S": CLOSER},
                ":running": {"S": "Running"},
            },
        )
    except services.dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True


def _cancel(job: Record, services: Services) -> str | None:
    """Stop what the job runs: empty text when it was asked to stop, None when there is nothing to stop.

    Anything else is a sentence about why it could not be asked.
    """
    command = job.get("ssm_command_id", {}).get("S")
    statement = job.get("statement_id", {}).get("S")
    name = job.get("job_name", {}).get("S", "")
    try:
        if command:
            services.ssm.cancel_command(CommandId=command)
        elif statement:
            services.redshift_data.cancel_statement(Id=statement)
        else:
            return None
    except (services.ssm.exceptions.ClientError, services.redshift_data.exceptions.ClientError) as error:
        code = error.response["Error"]["Code"]
        return None if code in _NOTHING_TO_STOP else f"job {name} could not be stopped: {code}"
    return ""


def _close_workflow(
    execution: EndedExecution, how: Ending, settings: Settings, services: Services, clock: Clock
) -> bool:
    """Close the workflow record, or make it where the execution could not; False when it is closed already.

    The first error of a job, which the state machine keeps in the record, is not overwritten.
    """
    now = clock()
    started = datetime.fromtimestamp(execution.start_date / 1000, UTC)
    stopped = now if execution.stop_date is None else datetime.fromtimestamp(execution.stop_date / 1000, UTC)
    values: dict[str, dict[str, str]] = {
        ":status": {"S": how.status},
        ":arn": {"S": execution.execution_arn},
        ":started": {"S": timestamp(started)},
        ":stopped": {"S": timestamp(stopped)},
        ":error": {"S": how.error_name},
        ":message": {"S": how.workflow_message[:_LONGEST_MESSAGE]},
        ":closer": {"S": CLOSER},
        ":running": {"S": "Running"},
        ":expires": {"N": str(int(now.timestamp()) + settings.retention_days * _SECONDS_A_DAY)},
    }
    update = (
        "SET execution_status = :status, execution_end_ts = :stopped, "
        "closed_by = :closer, notified = :closer, "
        "execution_arn = if_not_exists(execution_arn, :arn), "
        "execution_start_ts = if_not_exists(execution_start_ts, :started), "
        "error_name = if_not_exists(error_name, :error), "
        "error_message = if_not_exists(error_message, :message), "
        "expires_at = if_not_exists(expires_at, :expires)"
    )
    workflow_id = execution.asked("workflow_id")
    if workflow_id:
        values[":workflow"] = {"S": workflow_id}
        update += ", workflow_id = if_not_exists(workflow_id, :workflow)"
    try:
        services.dynamodb.update_item(
            TableName=settings.workflow_audit_table,
            Key={"workflow_execution_id": {"S": execution.workflow_execution_id}},
            UpdateExpression=update,
            ConditionExpression=(
                "attribute_not_exists(workflow_execution_id) OR (execution_status = :running AND "
                "(attribute_not_exists(execution_arn) OR execution_arn = :arn))"
            ),
            ExpressionAttributeValues=values,
        )
    except services.dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True


def _notify(
    execution: EndedExecution,
    how: Ending,
    first_job: str,
    settings: Settings,
    services: Services,
    clock: Clock,
) -> bool:
    """Send the one notification of an execution that this function closed, and note that it is sent."""
    record = _workflow_record(execution, settings, services)
    mine = record.get("notified", {}).get("S") == CLOSER
    if not mine or "notification_sent_ts" in record:
        return False
    workflow_id = record.get("workflow_id", {}).get("S", "unknown")
    subject = f"{how.word.capitalize()}: {workflow_id} {execution.workflow_execution_id}"
    services.sns.publish(
        TopicArn=settings.topic_arn,
        Subject="".join(sign if " " <= sign <= "~" else "?" for sign in subject)[:_LONGEST_SUBJECT],
        Message=message(execution, record, first_job, settings),
        MessageAttributes={
            "event": {"DataType": "String", "StringValue": "WorkflowFailed"},
            "workflow_id": {"DataType": "String", "StringValue": workflow_id},
            "workflow_execution_id": {"DataType": "String", "StringValue": execution.workflow_execution_id},
        },
    )
    services.dynamodb.update_item(
        TableName=settings.workflow_audit_table,
        Key={"workflow_execution_id": {"S": execution.workflow_execution_id}},
        UpdateExpression="SET notification_sent_ts = :now",
        ExpressionAttributeValues={":now": {"S": timestamp(clock())}},
    )
    return True


def message(execution: EndedExecution, record: Record, first_job: str, settings: Settings) -> str:
    """The notification's text: as the state machine writes it."""

    def text(key: str) -> str:
        return str(record.get(key, {}).get("S", ""))

    job = text("failed_job") or first_job
    lines = [f"Workflow: {text('workflow_id')}", f"Execution: {execution.workflow_execution_id}"]
    if job:
        lines.append(f"{'Failed job' if text('failed_job') else 'Stopped job'}: {job}")
    lines += [f"Error: {text('error_name')}", text("error_message"), ""]
    if text("failed_log_stream"):
        lines.append(f"Log: {log_link(settings, text('failed_log_stream'))}")
    lines.append(
        f"Resume: landfall workflow resume {execution.workflow_execution_id} --stack {settings.stack_name}"
    )
    return "\n".join(lines) + "\n"


def log_link(settings: Settings, stream: str) -> str:
    """The console's page of a log stream; the console escapes twice and writes `$` for `%`."""

    def part(name: str) -> str:
        return quote(quote(name, safe="!'()*~"), safe="!'()*~").replace("%", "$")

    region = settings.aws_region
    return (
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
        f"#logsV2:log-groups/log-group/{part(settings.log_group)}/log-events/{part(stream)}"
    )
