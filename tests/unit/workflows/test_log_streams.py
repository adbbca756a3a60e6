"""The machine names a failed script's log stream exactly as the runner does."""

from __future__ import annotations

import jsonata
import pytest

from handlers.host.job import Job, Settings
from workflows.etl import EtlSpec, definition


def expression() -> str:
    states = dict(definition(EtlSpec(stack="dev")).walk())
    arguments = states["RecordFirstError"].fields["Arguments"]
    (value,) = [v for k, v in arguments["ExpressionAttributeValues"].items() if "log_stream" in k]
    return str(value["S"]).removeprefix("{%").removesuffix("%}")


@pytest.mark.parametrize(
    "script",
    ["load.sh", "a:b*c.sh", "größer :: kleiner.sh", "x" * 700],
    ids=["plain", "refused", "both", "long"],
)
def test_log_stream_of_a_failed_script(script: str) -> None:
    settings = Settings(
        region="eu-central-1",
        job_audit_table="audit",
        log_group="/ops/logs",
        secret_id="warehouse",
        database="dev",
        archive_bucket="archive",
        retention_days=1,
    )
    job = Job(
        task_token="token",
        workflow_id="nightly",
        workflow_execution_id="nightly-1",
        job_id=f"001.0001.{script}",
        job_name=script,
        stage=1,
        attempt=2,
        script=script,
        args=(),
        timeout_seconds=1,
        heartbeat_seconds=1,
        settings=settings,
    )
    evaluated = jsonata.Jsonata(f"($states := $; {expression()})").evaluate(
        {
            "input": {
                "run": {"workflow_id": "nightly", "id": "nightly-1"},
                "job": {"kind": "rsql", "id": job.job_id, "attempt": 2},
            }
        }
    )
    assert evaluated == job.log_stream
