"""How a job ended, and the one way in which that is reported: audit record first, then the workflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from handlers.host.audit import COMPLETED, JobAudit
from handlers.host.callback import TaskToken
from handlers.host.job import Job
from handlers.host.retry import summary


@dataclass(frozen=True)
class Outcome:
    """The end of a job. `error_name` is empty exactly when `status` is Completed."""

    status: str
    exit_code: int | None = None
    error_name: str = ""
    error_message: str = ""

    def output(self, job: Job) -> dict[str, Any]:
        """What the workflow gets for a completed job."""
        return {
            "job_id": job.job_id,
            "job_name": job.job_name,
            "status": self.status,
            "exit_code": self.exit_code,
            "log_stream": job.log_stream,
        }


def answer_bound(job: Job) -> float:
    """Seconds for which an answer is tried: past the heartbeat's limit nobody waits for it any more."""
    return max(300.0, 2 * job.heartbeat_seconds)


def report(job: Job, outcome: Outcome, audit: JobAudit, token: TaskToken) -> list[str]:
    """Write the audit record and answer the token; returns what went wrong, as sentences.

    May be repeated: both services refuse a second, different ending.
    """
    problems = []
    bound = answer_bound(job)
    try:
        if not audit.finish(
            outcome.status, outcome.error_name, outcome.error_message, bound_seconds=min(bound, 60.0)
        ):
            problems.append("the audit record was closed by somebody else before this runner could close it")
    except (BotoCoreError, ClientError, OSError) as error:
        problems.append(f"the audit record could not be written: {summary(error)}")
    try:
        if outcome.status == COMPLETED:
            waiting = token.succeed(outcome.output(job), bound_seconds=bound)
        else:
            waiting = token.fail(outcome.error_name, outcome.error_message, bound_seconds=bound)
        if not waiting:
            problems.append("the workflow no longer waited for this job")
    except (BotoCoreError, ClientError, OSError) as error:
        problems.append(f"the workflow could not be told: {summary(error)}")
    return problems
