"""Configuration items: a workflow definition as the state machine reads it.

The source's item is written unchanged: bare script names stay bare. What the machine cannot work out for
itself is worked out here: graph stages become waves, SQL files become statements, time zones become offsets.
(source: specs/rsql-orchestration, "Contract" and "Ours" 2 and 5)"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from landfall.config.jobs import (
    EmrServerlessJob,
    GlueJob,
    Job,
    LambdaJob,
    RsqlJob,
    SqlJob,
    StateMachineJob,
)
from landfall.config.preconditions import Precondition, S3ObjectPrecondition, TimeWindowPrecondition
from landfall.config.sql import split_statements
from landfall.config.workflows import Stage, WorkflowDefinition

Item = dict[str, Any]

MAX_ITEM_BYTES = 240_000
"""Largest item, in DynamoDB's typed JSON: Step Functions passes at most 256 KiB between states.

(source: Step Functions Developer Guide, "Quotas")
"""

OFFSETS_FROM = datetime(2025, 1, 1, tzinfo=UTC)
OFFSETS_UNTIL = datetime(2046, 1, 1, tzinfo=UTC)
"""Years for which an item carries the changes of a time zone's offset."""


class ItemError(ValueError):
    """A definition that cannot be written as an item; one sentence."""


def to_item(
    workflow_id: str, definition: WorkflowDefinition, sql_files: Mapping[str, str] | None = None
) -> Item:
    """The configuration item of a workflow, as plain values.

    ``sql_files`` has the text of each SQL file that a job names. Raises `ItemError` where a file is missing
    or empty, a graph has a cycle, or the item is larger than the machine can read."""
    files = sql_files or {}
    item: Item = {
        "workflow_id": workflow_id,
        "workflow_description": definition.workflow_description,
        "timeout_seconds": definition.timeout_seconds,
        "workflow_stages": [
            written
            for number, stage in enumerate(definition.workflow_stages, 1)
            for written in _stages(f"workflow {workflow_id}, stage {number}", stage, files)
        ],
    }
    size = len(json.dumps(marshal(item), separators=(",", ":"), ensure_ascii=False).encode())
    if size > MAX_ITEM_BYTES:
        raise ItemError(
            f"workflow {workflow_id}: its item has {size} bytes, at most {MAX_ITEM_BYTES} are possible;"
            " split it"
        )
    return item


def marshal(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item in DynamoDB's typed JSON."""
    return {name: _typed(value) for name, value in item.items()}


def _typed(value: Any) -> dict[str, Any]:
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, int | float):
        return {"N": str(int(value) if value == int(value) else value)}
    if isinstance(value, Mapping):
        return {"M": {str(key): _typed(inner) for key, inner in value.items()}}
    return {"L": [_typed(inner) for inner in value]}


def waves(jobs: Sequence[Job], where: str = "graph") -> tuple[tuple[Job, ...], ...]:
    """The jobs of a graph in waves: each job in the first wave after all that it depends on, in given order.

    Raises `ItemError` for a dependency that is not there and for a cycle.
    """
    names = {job.job_name for job in jobs}
    for job in jobs:
        for needed in job.depends_on:
            if needed not in names:
                raise ItemError(
                    f'{where}: job "{job.job_name}" depends on "{needed}", which is not in the stage'
                )
    left = list(jobs)
    done: set[str] = set()
    found: list[tuple[Job, ...]] = []
    while left:
        ready = tuple(job for job in left if done.issuperset(job.depends_on))
        if not ready:
            stuck = ", ".join(sorted(job.job_name for job in left))
            raise ItemError(f"{where}: the dependencies of {stuck} go in a circle")
        found.append(ready)
        done.update(job.job_name for job in ready)
        left = [job for job in left if job not in ready]
    return tuple(found)


def _stages(where: str, stage: Stage, files: Mapping[str, str]) -> Iterator[Item]:
    if stage.execution_type != "graph":
        kind, description = stage.execution_type, stage.stage_description
        yield _stage(where, stage, stage.jobs, kind, description, files, first=True)
        return
    split = waves(stage.jobs, where)
    for number, jobs in enumerate(split, 1):
        description = f"{stage.stage_description} (wave {number} of {len(split)})".strip()
        yield _stage(where, stage, jobs, "parallel", description, files, first=number == 1)


def _stage(
    where: str,
    stage: Stage,
    jobs: Iterable[Job],
    execution_type: str,
    description: str,
    files: Mapping[str, str],
    *,
    first: bool,
) -> Item:
    written: Item = {
        "execution_flag": stage.execution_flag,
        "execution_type": execution_type,
        "stage_description": description,
        "scripts": [_job(where, job, files) for job in jobs],
    }
    if execution_type == "parallel" and "max_concurrency" in stage.model_fields_set:
        written["max_concurrency"] = stage.max_concurrency
    if first and stage.preconditions:
        written["preconditions"] = [_precondition(where, condition) for condition in stage.preconditions]
    return written


def _job(where: str, job: Job, files: Mapping[str, str]) -> str | Item:
    given = job.model_dump(mode="json", exclude_defaults=True, exclude={"depends_on", "sql", "file"})
    given.pop("kind", None)
    if isinstance(job, RsqlJob):
        if given == {"script": job.script}:
            return job.script
        return {"kind": job.kind, **given}
    if isinstance(job, SqlJob):
        statements = _statements(where, job, files)
        given["sql"] = statements[0] if len(statements) == 1 else list(statements)
    return {"kind": job.kind, **given, "name": job.job_name}


def _statements(where: str, job: SqlJob, files: Mapping[str, str]) -> tuple[str, ...]:
    if job.file is None:
        return job.statements
    if job.file not in files:
        raise ItemError(f'{where}: the SQL file "{job.file}" is not in the scripts folder')
    statements = split_statements(files[job.file])
    if not statements:
        raise ItemError(f'{where}: the SQL file "{job.file}" has no statement')
    return statements


def _precondition(where: str, condition: Precondition) -> Item:
    written = condition.model_dump(mode="json", exclude_none=True)
    if isinstance(condition, TimeWindowPrecondition) and condition.timezone != "UTC":
        try:
            written["utc_offsets"] = list(utc_offsets(condition.timezone))
        except ZoneInfoNotFoundError:
            raise ItemError(
                f"{where}: this machine has no data on the time zone {condition.timezone}"
            ) from None
    return dict(written)


def utc_offsets(timezone: str) -> tuple[str, ...]:
    """The changes of a zone's offset from 2025 to 2045, each as its instant and the offset from then on.

    For example ``2026-03-29T01:00:00.000Z+0200``; the first entry is the offset at the beginning. Raises
    `zoneinfo.ZoneInfoNotFoundError`.
    """
    zone = ZoneInfo(timezone)
    found = [_offset_entry(OFFSETS_FROM, zone)]
    day = OFFSETS_FROM
    while day < OFFSETS_UNTIL:
        following = day + timedelta(days=1)
        if day.astimezone(zone).utcoffset() != following.astimezone(zone).utcoffset():
            found.append(_offset_entry(_change(day, following, zone), zone))
        day = following
    return tuple(found)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    old = before.astimezone(zone).utcoffset()
    low, high = 0, int((after - before).total_seconds()) // 60
    while high - low > 1:
        middle = (low + high) // 2
        same = (before + timedelta(minutes=middle)).astimezone(zone).utcoffset() == old
        low, high = (middle, high) if same else (low, middle)
    return before + timedelta(minutes=high)


def _offset_entry(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%S}.000Z{instant.astimezone(zone):%z}"


def resource_sets(definitions: Mapping[str, WorkflowDefinition]) -> dict[str, tuple[str, ...]]:
    """What the jobs and preconditions of all definitions act on, by the names of
    `workflows.etl.RESOURCE_SETS`.

    Members are names or ARNs as the definitions give them, sorted, each once.
    """
    sets: dict[str, set[str]] = {
        "EmrApplications": set(),
        "EmrExecutionRoles": set(),
        "GlueJobs": set(),
        "LambdaFunctions": set(),
        "PreconditionBuckets": set(),
        "StateMachines": set(),
    }
    for definition in definitions.values():
        for stage in definition.workflow_stages:
            for condition in stage.preconditions:
                if isinstance(condition, S3ObjectPrecondition):
                    sets["PreconditionBuckets"].add(condition.bucket)
            for job in stage.jobs:
                if isinstance(job, LambdaJob):
                    sets["LambdaFunctions"].add(job.function)
                elif isinstance(job, GlueJob):
                    sets["GlueJobs"].add(job.job)
                elif isinstance(job, StateMachineJob):
                    sets["StateMachines"].add(job.state_machine)
                elif isinstance(job, EmrServerlessJob):
                    sets["EmrApplications"].add(job.application_id)
                    sets["EmrExecutionRoles"].add(job.execution_role_arn)
    return {name: tuple(sorted(members)) for name, members in sets.items()}
