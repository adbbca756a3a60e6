"""A valid stack file to break, in a folder of its own with the scripts that it names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from landfall.config import LoadResult, load_file

BASE = """\
config:
  aws:region: eu-central-1
  landfall:platform:
    name: landfall
    environment: sandbox
    owner: data-platform
    cost_center: cc-1000
    tags: {team: etl}
  landfall:accounts:
    data: {id: "111111111111", regions: [eu-central-1]}
    ops: {id: "222222222222", regions: [eu-central-1]}
  landfall:network:
    etl:
      account: data
      cidr: 10.20.0.0/20
      availability_zones: [eu-central-1a, eu-central-1b]
    lab:
      account: data
      cidr: 10.20.16.0/22
      availability_zones: [eu-central-1a, eu-central-1b]
  landfall:workflows:
    account: data
    network: etl
    operations:
      account: ops
      notify_on_success: false
      log_retention_days: 90
      archive_retention_days: 365
    warehouse: {secret: landfall/sandbox/warehouse, workgroup: etl, database: dev}
    hosts: {tag_key: "landfall:role", tag_value: etl-host}
    scripts: ../scripts
    audit: {retention_days: 400}
    definitions:
      nightly:
        schedule: {expression: "cron(0 6 * * ? *)", timezone: Europe/Berlin}
        trigger: {pattern: {source: [aws.s3]}}
        workflow_stages:
          - execution_type: sequential
            preconditions:
              - {kind: s3_object, bucket: landing, prefix: incoming/}
              - {kind: time_window, start: "06:00", end: "22:00"}
            scripts: [load.sh, "it's größer.sh"]
          - execution_type: graph
            scripts:
              - {kind: sql, name: stage, file: stage.sql}
              - {kind: sql, name: merge, sql: [select 1, select 2], depends_on: [stage]}
              - {kind: lambda, function: report, args: {day: "2027-01-31"}, retries: {count: 2}}
      weekly:
        workflow_stages:
          - execution_type: parallel
            preconditions:
              - {kind: workflow_completed, workflow_id: nightly}
            scripts: [load.sh, {script: load.sh, args: ["1"], timeout_seconds: 600, heartbeat_seconds: 30}]
  landfall:guardrails:
    waivers:
      lab-logs: {rule: log-retention, urn: "*lab*", reason: Test, owner: etl, expires: 2027-01-31}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for stack files, beside a scripts folder."""
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    for name in ("load.sh", "it's größer.sh"):
        (scripts / name).write_text("#!/bin/bash\n")
    (scripts / "stage.sql").write_text(
        "create table a (b int); -- note; with a semicolon\ninsert into a values (1);\n"
    )
    stacks = tmp_path / "stacks"
    stacks.mkdir()
    return stacks


@pytest.fixture
def check(folder: Path) -> Callable[[str | bytes], LoadResult]:
    """Load a text as the file of stack `dev`."""

    def load_text(text: str | bytes) -> LoadResult:
        path = folder / "Pulumi.dev.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return load_file(path)

    return load_text


def edited(old: str, new: str) -> str:
    """The base file with one piece replaced, which must be there."""
    assert old in BASE
    return BASE.replace(old, new, 1)


def line_of(piece: str, text: str) -> int:
    """The line, counted from 1, in which a piece of text starts."""
    return text[: text.index(piece)].count("\n") + 1
