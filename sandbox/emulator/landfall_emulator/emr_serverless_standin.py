"""EMR Serverless job runs as the sandbox has them: states without work (see `standin_runs`).

Source: Amazon EMR Serverless API Reference, StartJobRun, GetJobRun, ListJobRuns,
CancelJobRun. An application need not be
created first; an application id that holds `missing` is not found.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from localemu.aws.api import CommonServiceException, RequestContext, handler

from landfall_emulator.standin_runs import Run, Runs, moment

_STATES: Final = {
    "starting": "SCHEDULED",
    "running": "RUNNING",
    "succeeded": "SUCCESS",
    "failed": "FAILED",
    "stopped": "CANCELLED",
}


class EmrServerlessProvider:
    """The EMR Serverless operations of job runs; the rest is moto's."""

    service = "emr-serverless"

    def __init__(self) -> None:
        self._runs = Runs()

    @handler("StartJobRun", expand=False)
    def start_job_run(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Start a run; the same client token gives the same run."""
        application = request["applicationId"]
        if "missing" in application:
            raise _not_found(f"Application {application} does not exist")
        for known in self._runs.of(context.account_id, context.region):
            if known.request["clientToken"] == request.get("clientToken"):
                return _started(known)
        entry_point = request.get("jobDriver", {}).get("sparkSubmit", {}).get("entryPoint", "")
        run = Run(
            id=uuid.uuid4().hex[:16], account=context.account_id, region=context.region,
            subject=f"{request.get('name', '')} {entry_point}",
            request={"clientToken": uuid.uuid4().hex, **request},
        )  # fmt: skip
        return _started(self._runs.add(run))

    @handler("GetJobRun", expand=False)
    def get_job_run(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One run with its state of this moment."""
        return {"jobRun": _shown(self._run(context, request))}

    @handler("ListJobRuns", expand=False)
    def list_job_runs(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """All runs of an application, newest first, on one page."""
        runs = self._runs.of(context.account_id, context.region)
        mine = [run for run in reversed(runs) if run.request["applicationId"] == request["applicationId"]]
        return {"jobRuns": [_summary(run) for run in mine]}

    @handler("CancelJobRun", expand=False)
    def cancel_job_run(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Cancel a run."""
        run = self._run(context, request)
        if not run.stop():
            raise CommonServiceException(
                "ValidationException", f"Job run {run.id} has ended", status_code=400, sender_fault=True
            )
        return {"applicationId": run.request["applicationId"], "jobRunId": run.id}

    def _run(self, context: RequestContext, request: dict[str, Any]) -> Run:
        run = self._runs.get(context.account_id, context.region, request["jobRunId"])
        if run is None or run.request["applicationId"] != request["applicationId"]:
            raise _not_found(f"Job run {request['jobRunId']} does not exist")
        return run


def _started(run: Run) -> dict[str, Any]:
    """Answer of StartJobRun."""
    return {"applicationId": run.request["applicationId"], "jobRunId": run.id, "arn": _arn(run)}


def _arn(run: Run) -> str:
    path = f"applications/{run.request['applicationId']}/jobruns/{run.id}"
    return f"arn:aws:emr-serverless:{run.region}:{run.account}:/{path}"


def _summary(run: Run) -> dict[str, Any]:
    """The JobRunSummary structure."""
    shown = _shown(run)
    kept = ("applicationId", "name", "arn", "createdBy", "createdAt", "updatedAt", "executionRole", "state",
            "stateDetails", "releaseLabel", "attempt")  # fmt: skip
    return {"id": run.id, "type": "SPARK"} | {name: shown[name] for name in kept if name in shown}


def _shown(run: Run) -> dict[str, Any]:
    """The JobRun structure."""
    state = _STATES[run.phase()]
    ended = run.ended()
    shown: dict[str, Any] = {
        "applicationId": run.request["applicationId"],
        "jobRunId": run.id,
        "arn": _arn(run),
        "createdBy": f"arn:aws:iam::{run.account}:root",
        "createdAt": moment(run.started),
        "updatedAt": moment(ended or run.started),
        "executionRole": run.request["executionRoleArn"],
        "state": state,
        "stateDetails": f"the stand-in failed {run.subject.strip()} because of its name"
        if state == "FAILED"
        else "",
        "releaseLabel": "emr-7.10.0",
        "jobDriver": run.request.get("jobDriver", {}),
        "attempt": 1,
    }
    if "name" in run.request:
        shown["name"] = run.request["name"]
    if ended is not None:
        shown["totalExecutionDurationSeconds"] = int(ended - run.started)
        shown["endedAt"] = moment(ended)
    return shown


def _not_found(message: str) -> CommonServiceException:
    """The service's error for what is not there."""
    return CommonServiceException("ResourceNotFoundException", message, status_code=404, sender_fault=True)
