"""AWS Glue job runs as the sandbox has them: states without work (see `standin_runs`).

Source: AWS Glue Web API Reference, StartJobRun, GetJobRun, GetJobRuns, BatchStopJobRun. A job need not be
created first, because the sandbox has no Glue scripts to run.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from localemu.aws.api import CommonServiceException, RequestContext, handler

from landfall_emulator.standin_runs import Run, Runs, moment

_STATES: Final = {
    "starting": "STARTING",
    "running": "RUNNING",
    "succeeded": "SUCCEEDED",
    "failed": "FAILED",
    "stopped": "STOPPED",
}
_COPIED: Final = (
    "Arguments", "AllocatedCapacity", "Timeout", "MaxCapacity", "NotificationProperty", "WorkerType",
    "NumberOfWorkers", "SecurityConfiguration", "ExecutionClass",
)  # fmt: skip


class GlueProvider:
    """The Glue operations of job runs; the rest is moto's."""

    service = "glue"

    def __init__(self) -> None:
        self._runs = Runs()

    @handler("StartJobRun", expand=False)
    def start_job_run(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Start a run and give its id."""
        name = request["JobName"]
        if "missing" in name:
            raise _not_found(f"Failed to start job run due to missing metadata: job {name} not found")
        run = Run(
            id=f"jr_{uuid.uuid4().hex}", account=context.account_id, region=context.region, subject=name,
            request=dict(request),
        )  # fmt: skip
        return {"JobRunId": self._runs.add(run).id}

    @handler("GetJobRun", expand=False)
    def get_job_run(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One run with its state of this moment."""
        return {"JobRun": _shown(self._run(context, request["JobName"], request["RunId"]))}

    @handler("GetJobRuns", expand=False)
    def get_job_runs(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """All runs of a job, newest first."""
        runs = self._runs.of(context.account_id, context.region)
        named = [run for run in reversed(runs) if run.request["JobName"] == request["JobName"]]
        return {"JobRuns": [_shown(run) for run in named]}

    @handler("BatchStopJobRun", expand=False)
    def batch_stop_job_run(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Stop runs; each that cannot be stopped is an entry in `Errors`."""
        name = request["JobName"]
        stopped, errors = [], []
        for run_id in request["JobRunIds"]:
            run = self._runs.get(context.account_id, context.region, run_id)
            if run is not None and run.request["JobName"] == name and run.stop():
                stopped.append({"JobName": name, "JobRunId": run_id})
                continue
            code = "EntityNotFoundException" if run is None else "InvalidInputException"
            detail = {"ErrorCode": code, "ErrorMessage": f"job run {run_id} cannot be stopped"}
            errors.append({"JobName": name, "JobRunId": run_id, "ErrorDetail": detail})
        return {"SuccessfulSubmissions": stopped, "Errors": errors}

    def _run(self, context: RequestContext, name: str, run_id: str) -> Run:
        run = self._runs.get(context.account_id, context.region, run_id)
        if run is None or run.request["JobName"] != name:
            raise _not_found("Failed to get job run due to missing metadata")
        return run


def _shown(run: Run) -> dict[str, Any]:
    """The JobRun structure."""
    ended = run.ended()
    shown: dict[str, Any] = {
        "Id": run.id,
        "Attempt": 0,
        "JobName": run.request["JobName"],
        "StartedOn": moment(run.started),
        "LastModifiedOn": moment(ended or run.started),
        "JobRunState": _STATES[run.phase()],
        "ExecutionTime": int((ended or run.started) - run.started),
        "LogGroupName": "/aws-glue/jobs",
        "GlueVersion": "5.0",
    }
    shown |= {name: run.request[name] for name in _COPIED if name in run.request}
    if ended is not None:
        shown["CompletedOn"] = moment(ended)
    if shown["JobRunState"] == "FAILED":
        shown["ErrorMessage"] = f"the stand-in failed the job {run.request['JobName']} because of its name"
    return shown


def _not_found(message: str) -> CommonServiceException:
    """Glue's error for a job or run that is not there."""
    return CommonServiceException("EntityNotFoundException", message, status_code=400, sender_fault=True)
