"""The job's record in the audit table, written with conditions so that nothing finished is overwritten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from handlers.host.clock import Clock, timestamp
from handlers.host.job import Job
from handlers.host.retry import error_code, persistently

RUNNING = "Running"
COMPLETED = "Completed"
FAILED = "Failed"
ABORTED = "Aborted"

_SECONDS_A_DAY = 86_400
_LONGEST_MESSAGE = 1_000

# A record may be taken over where there is none, where it belongs to an earlier attempt that did not
# complete, or where the workflow announced this attempt but no runner has taken it.
_MAY_CLAIM = (
    "attribute_not_exists(job_id) OR (attempt < :attempt AND execution_status <> :completed) OR "
    "(attempt = :attempt AND execution_status = :running AND attribute_not_exists(runner_id))"
)


@dataclass(frozen=True)
class Host:
    """Who runs the job: instance and Systems Manager command; an unknown one is the empty text."""

    instance_id: str
    ssm_command_id: str


class JobAudit:
    """The record of one job, as one runner writes it."""

    def __init__(self, dynamodb: Any, job: Job, runner_id: str, clock: Clock) -> None:
        self._dynamodb = dynamodb
        self._job = job
        self._runner_id = runner_id
        self._clock = clock

    def claim(self, host: Host, *, bound_seconds: float) -> bool:
        """Write Running; False when another runner has this job and attempt, or it is finished already.

        Raises BotoCoreError, ClientError or OSError when the table cannot be written.
        """
        job = self._job
        now = self._clock.now()
        values: dict[str, Any] = {
            ":job_name": {"S": job.job_name},
            ":workflow_id": {"S": job.workflow_id},
            ":kind": {"S": "rsql"},
            ":stage": {"N": str(job.stage)},
            ":started": {"S": timestamp(now)},
            ":running": {"S": RUNNING},
            ":completed": {"S": COMPLETED},
            ":instance": {"S": host.instance_id},
            ":command": {"S": host.ssm_command_id},
            ":stream": {"S": job.log_stream},
            ":attempt": {"N": str(job.attempt)},
            ":runner": {"S": self._runner_id},
            ":expires": {"N": str(int(now) + job.settings.retention_days * _SECONDS_A_DAY)},
        }
        update = (
            "SET job_name = :job_name, workflow_id = :workflow_id, kind = :kind, stage = :stage, "
            "execution_start_ts = :started, execution_status = :running, instance_id = :instance, "
            "ssm_command_id = :command, log_stream = :stream, attempt = :attempt, runner_id = :runner, "
            "expires_at = :expires REMOVE execution_end_ts, error_name, error_message"
        )
        return self._write(update, _MAY_CLAIM, values, bound_seconds)

    def finish(self, status: str, error_name: str, error_message: str, *, bound_seconds: float) -> bool:
        """Write the terminal `status`; False when the record is not this runner's or is terminal already.

        Empty error texts are left out; a message is cut at 1,000 characters. Raises as `claim` does.
        """
        update = "SET execution_status = :status, execution_end_ts = :ended"
        values: dict[str, Any] = {
            ":status": {"S": status},
            ":ended": {"S": timestamp(self._clock.now())},
            ":running": {"S": RUNNING},
            ":attempt": {"N": str(self._job.attempt)},
            ":runner": {"S": self._runner_id},
        }
        if error_name:
            update += ", error_name = :error_name, error_message = :error_message"
            values[":error_name"] = {"S": error_name}
            values[":error_message"] = {"S": error_message[:_LONGEST_MESSAGE] or error_name}
        condition = "execution_status = :running AND attempt = :attempt AND runner_id = :runner"
        return self._write(update, condition, values, bound_seconds, done=status)

    def _write(
        self, update: str, condition: str, values: dict[str, Any], bound_seconds: float, done: str = RUNNING
    ) -> bool:
        key = {
            "workflow_execution_id": {"S": self._job.workflow_execution_id},
            "job_id": {"S": self._job.job_id},
        }
        try:
            persistently(
                lambda: self._dynamodb.update_item(
                    TableName=self._job.settings.job_audit_table,
                    Key=key,
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    ExpressionAttributeValues=values,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                ),
                bound_seconds=bound_seconds,
                clock=self._clock,
            )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
            # A write whose answer was lost is repeated and then meets its own record.
            item = error.response.get("Item", {})
            return bool(
                item.get("runner_id") == {"S": self._runner_id}
                and item.get("execution_status") == {"S": done}
            )
        return True
