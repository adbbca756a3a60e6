"""What a workflow must look like so that a state is reached: one scenario for each Task state. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

SECONDS: Final = 25
"""Time limit of jobs; the plane's calls have `bench.CALL_SECONDS`."""

FIRST: Final = "first.sh"
LAST: Final = "last.sh"
OFF: Final = "off.sh"

Behaviour = Literal["ok", "fail", "refuse", "close", "lost", "late"]
"""What a script does: works; fails and records it; is given up before it owned its record; somebody else
closes the workflow's record while it runs, and it fails; works and records it, and its answer is lost; works,
while the failure of a job before it is recorded late."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A workflow of a first script, what the scenario is about, and a last script."""

    job: Mapping[str, Any] | None = None
    """The job between first and last."""
    precondition: Mapping[str, Any] | None = None
    behaviour: Behaviour = "ok"
    """Of the script in between."""
    before: Literal["nothing", "failed run", "completed run"] = "nothing"
    """What has run before the faulty execution: one to resume, or one with the same id."""
    fails: bool = False
    """Whether it fails without any fault, until it is cured."""
    cure: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the job, or of the precondition, that change before the execution is resumed."""
    parallel: bool = False
    """Whether the job's stage is a parallel one."""
    resumes: bool = False
    """Whether the execution resumes a completed run, which it must refuse."""
    records: int = 0
    """Records of completed jobs that the execution to resume has besides its own."""
    lanes: tuple[Literal["inline", "large"], ...] = ("inline", "large")
    """Where a run without a fault takes place."""
    unsent: bool = False
    """Whether the failure notification cannot be sent by the machine."""
    off: bool = True
    """Whether a stage is switched off, which also keeps the workflow out of the fast lane."""

    def stages(self, names: Mapping[str, str], *, cured: bool = False) -> list[dict[str, Any]]:
        """The workflow's stages; `names` fill the texts of the job (``{workflow}``)."""
        stages = [one(script(FIRST))]
        if self.job is not None:
            cure = self.cure if cured and self.precondition is None else {}
            stages.append(one(_filled({**self.job, **cure}, names)))
            stages[-1]["execution_type"] = "parallel" if self.parallel else "sequential"
        if self.precondition is not None:
            cure = self.cure if cured else {}
            stages[-1]["preconditions"] = [_filled({**self.precondition, **cure}, names)]
        stages.append(one(script(LAST)))
        if self.off:
            stages.append({**one(script(OFF)), "execution_flag": "n"})
        return stages

    def effects(self) -> tuple[str, ...]:
        """Names of the jobs that leave a trace in the world, in order."""
        middle = () if self.job is None else (str(self.job.get("name") or self.job["script"]),)
        return (FIRST, *middle, LAST)


def one(*jobs: Any) -> dict[str, Any]:
    """A sequential stage."""
    return {"execution_flag": "y", "execution_type": "sequential", "scripts": list(jobs)}


def script(name: str) -> dict[str, Any]:
    """A job that runs a script."""
    return {"script": name, "timeout_seconds": SECONDS, "heartbeat_seconds": 20}


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace("{" + name + "}", text)
        return value
    if isinstance(value, Mapping):
        return {key: _filled(entry, names) for key, entry in value.items()}
    return [_filled(entry, names) for entry in value] if isinstance(value, list) else value


def _job(kind: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "name": kind, "timeout_seconds": SECONDS, **more}


def _waiting(kind: str, **more: Any) -> Scenario:
    return Scenario(
        job=script("waited.sh"),
        precondition={"kind": kind, "poll_seconds": 1, "timeout_seconds": 40, **more},
    )


_INSERT = "insert into {ledger} values ('{workflow}', '%s')"
_SQL = Scenario(job=_job("sql", sql=_INSERT % "sql"))
_PLAIN = Scenario(off=False)
_SCRIPT = Scenario(job=script("middle.sh"))

_FAILING = Scenario(job=script("bad.sh"), behaviour="fail", fails=True)
_REFUSED = Scenario(job=script("bad.sh"), behaviour="refuse", fails=True)
_FUNCTION = Scenario(
    job=_job("lambda", function="{function}", args={"ledger": "{file}", "line": "{workflow} lambda"})
)

SCENARIOS: Final[Mapping[str, Scenario]] = {
    "ReadConfiguration": _PLAIN,
    "StartAudit": _PLAIN,
    "Complete": _PLAIN,
    "NotifySuccess": _PLAIN,
    "ReadResumed": Scenario(job=script("bad.sh"), behaviour="fail", before="failed run"),
    "ReadCompletedJobs": Scenario(job=script("bad.sh"), behaviour="fail", before="failed run"),
    "ReadExisting": Scenario(off=False, before="completed run", fails=True),
    "CloseWorkflow": _FAILING,
    "NotifyFailure": _FAILING,
    "LeaveNotification": Scenario(job=script("bad.sh"), behaviour="fail", fails=True, unsent=True),
    "RunScript": _SCRIPT,
    "RecordFailure": _REFUSED,
    "ReadRecord": _FAILING,
    "RecordFirstError": _FAILING,
    "ReadWorkflow": _SCRIPT,
    "RecordSkipped": _SCRIPT,
    "RecordRunning": _SQL,
    "RecordCompleted": _SQL,
    "ExecuteStatement": _SQL,
    "RecordStatement": _SQL,
    "DescribeStatement": _SQL,
    "ExecuteBatch": Scenario(job=_job("sql", sql=["select 1", _INSERT % "sql"])),
    "CancelStatement": Scenario(
        job=_job("sql", sql="select pg_sleep(60)", timeout_seconds=1),
        fails=True,
        cure={"sql": _INSERT % "sql", "timeout_seconds": SECONDS},
    ),
    "InvokeFunction": _FUNCTION,
    "RunGlueJob": Scenario(job=_job("glue", job="{workflow}-works")),
    "RunSparkJob": Scenario(
        job=_job(
            "emr_serverless",
            application_id="{workflow}",
            execution_role_arn="{role}",
            entry_point="s3://code/works.py",
        )
    ),
    "RunStateMachine": Scenario(
        job=_job("state_machine", state_machine="{child}", args={"workflow": "{workflow}"})
    ),
    "ListObjects": _waiting("s3_object", bucket="{bucket}", key="ready"),
    "FindCompletedToday": _waiting("workflow_completed", workflow_id="{completed}", within="today"),
    "CountRows": _waiting("table_rows", table="{filled}"),
    "DescribeCount": _waiting("table_rows", table="{filled}"),
    "ReadCount": _waiting("table_rows", table="{filled}"),
    "RecordPreconditionError": Scenario(
        job=script("waited.sh"),
        precondition={
            "kind": "s3_object",
            "bucket": "{bucket}",
            "key": "{workflow}",
            "poll_seconds": 1,
            "timeout_seconds": 2,
        },
        fails=True,
    ),
}
"""By the state's name without its lane."""

FAST: Final = frozenset({"RunScript", "RecordFailure", "ReadRecord", "RecordFirstError"})
"""States that the fast lane has too: reached there by a workflow without a stage that is off."""

_AGAIN = Scenario(
    job={**script("bad.sh"), "retries": {"count": 1, "interval_seconds": 1}}, behaviour="fail", fails=True
)
_LOST = Scenario(job={**script("lost.sh"), "heartbeat_seconds": 5}, behaviour="lost")

BESIDES: Final[Mapping[str, Scenario]] = {
    "a function that fails": Scenario(
        job=_job("lambda", function="{function}", args={"fail": True}),
        fails=True,
        cure={"args": {"ledger": "{file}", "line": "{workflow} lambda"}},
    ),
    "a statement that fails": Scenario(
        job=_job("sql", sql="select * from {workflow}_no_such_table"),
        fails=True,
        cure={"sql": _INSERT % "sql"},
    ),
    "a record that somebody else closes": Scenario(job=script("bad.sh"), behaviour="close", fails=True),
    "a job with another attempt": _AGAIN,
    "a job with another attempt, in the fast lane": replace(_AGAIN, off=False, lanes=("inline",)),
    "a job that fails in a parallel stage": replace(_FAILING, parallel=True),
    "a job that fails in a parallel stage, in the fast lane": replace(
        _FAILING, parallel=True, off=False, lanes=("inline",)
    ),
    "a script whose answer is lost": _LOST,
    "a script whose answer is lost, in the fast lane": replace(_LOST, off=False, lanes=("inline",)),
    "a failure that is recorded when the next job begins": Scenario(
        job=script("middle.sh"), behaviour="late", fails=True, lanes=("large",)
    ),
    "a completed run that is to be resumed": Scenario(
        off=False, before="completed run", resumes=True, fails=True, lanes=("inline",)
    ),
    "a run with more than a page of completed jobs that is resumed": Scenario(
        job=script("bad.sh"), behaviour="fail", before="failed run", records=1_001, lanes=("inline",)
    ),
    "a window of time": _waiting("time_window", start="00:00", end="23:59"),
    "a table that is not there": Scenario(
        job=script("waited.sh"),
        precondition={
            "kind": "table_rows",
            "table": "{workflow}_no_such_table",
            "poll_seconds": 1,
            "timeout_seconds": 2,
        },
        fails=True,
        cure={"table": "{filled}", "timeout_seconds": 40},
    ),
    "a count that takes its time": _waiting("table_rows", table="{slow}"),
    "a statement that takes its time": Scenario(
        job=_job("sql", sql="insert into {ledger} select '{workflow}', 'sql' from pg_sleep(4)")
    ),
}
"""Runs without a fault, for the transitions that no fault of a call leads to."""


def scenario_of(state: str, base: str) -> Scenario:
    """The scenario that reaches a state. Raises KeyError for a state that nobody has thought of."""
    found = SCENARIOS[base]
    if state in FAST:
        found = replace(found, off=False)
    return found
