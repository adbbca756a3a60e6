"""A stack file with eight different mistakes prints exactly eight errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from landfall.config import ConfigError, load_all, load_file, report

EIGHT = """\
# yaml-language-server: $schema=schema.json
config:
  landfall:platform:
    name: landfall
    environment: sandbox
    owner: data-platform
    cost_center: cc-1000
    data_clasification: internal
  landfall:accounts:
    data: {id: "111111111111", regions: [eu-central-1]}
    ops: {id: "222222222222", regions: [eu-central-1]}
  landfall:network:
    etl:
      account: data
      cidr: 10.20.0.0/20
      availability_zones: [eu-central-1a, eu-central-1b, eu-central-1c]
    lab:
      account: dta
      cidr: 10.20.8.0/22
      availability_zones: [eu-central-1a, eu-central-1b]
  landfall:workflows:
    account: data
    network: etl
    operations:
      account: ops
      archive_retention_days: "365"
    warehouse: {secret: landfall/sandbox/warehouse, workgroup: etl, database: dev}
    hosts: {tag_key: "landfall:role", tag_value: etl-host}
    scripts: ../scripts
    definitions:
      nightly:
        schedule: {expression: "cron(0 6 * * * *)"}
        workflow_stages:
          - execution_type: sequental
            scripts: [load.sh, lod.sh]
          - execution_type: parallel
            scripts:
              - {kind: sql, name: load, sql: select 1}
              - {kind: sql, name: load, sql: select 2}
"""

REPORT = """\
{file}:8:5  LF0101  landfall:platform.data_clasification
  unknown key; allowed: name, environment, owner, cost_center, data_classification, tags. Did you mean "data_classification"?
  8 |     data_clasification: internal
    |     ^^^^^^^^^^^^^^^^^^

{file}:18:16  LF0104  landfall:network.lab.account
  found "dta"; no such account; allowed: data, ops. Did you mean "data"?
  18 |       account: dta
     |                ^^^

{file}:19:13  LF0105  landfall:network.lab.cidr
  found "10.20.8.0/22"; overlaps 10.20.0.0/20 of network etl. Did you mean "10.20.16.0/22"?
  19 |       cidr: 10.20.8.0/22
     |             ^^^^^^^^^^^^

{file}:26:31  LF0102  landfall:workflows.operations.archive_retention_days
  found "365"; expected a whole number. Did you mean 365?
  26 |       archive_retention_days: "365"
     |                               ^^^^^

{file}:32:32  LF0107  landfall:workflows.definitions.nightly.schedule.expression
  found "cron(0 6 * * * *)"; exactly one of day of month and day of week must be "?". Did you mean "cron(0 6 * * ? *)"?
  32 |         schedule: {{expression: "cron(0 6 * * * *)"}}
     |                                ^^^^^^^^^^^^^^^^^^^

{file}:34:29  LF0103  landfall:workflows.definitions.nightly.workflow_stages[0].execution_type
  found "sequental"; allowed: sequential, parallel, graph. Did you mean "sequential"?
  34 |           - execution_type: sequental
     |                             ^^^^^^^^^

{file}:35:32  LF0108  landfall:workflows.definitions.nightly.workflow_stages[0].scripts[1]
  found "lod.sh"; no such file in ../scripts. Did you mean "load.sh"?
  35 |             scripts: [load.sh, lod.sh]
     |                                ^^^^^^

{file}:39:35  LF0106  landfall:workflows.definitions.nightly.workflow_stages[1].scripts[1].name
  found "load"; the name of a job of stage 2 again. Did you mean "load-2"?
  39 |               - {{kind: sql, name: load, sql: select 2}}
     |                                   ^^^^

landfall explain LF0101 says more about an error.
8 errors in 1 file"""  # noqa: E501


def test_eight_mistakes_print_eight_errors(folder: Path) -> None:
    path = folder / "Pulumi.dev.yaml"
    path.write_text(EIGHT)
    result = load_file(path)
    assert report(result.issues) == REPORT.format(file=path.as_posix())
    assert len(result.issues) == 8
    assert result.config is None
    for issue in result.issues:
        data = issue.to_json()
        assert data["line"] and data["column"] and data["suggestion"] and data["code"]
    with pytest.raises(ConfigError) as caught:
        result.require()
    assert caught.value.issues == result.issues


def test_all_errors_of_all_files_are_reported(folder: Path) -> None:
    (folder / "Pulumi.dev.yaml").write_text(EIGHT)
    (folder / "Pulumi.prod.yaml").write_text("config:\n\tx: 1\n")
    (folder / "Pulumi.yaml").write_text("name: landfall\n")
    results = load_all(folder)
    assert {stack: len(result.issues) for stack, result in results.items()} == {"dev": 8, "prod": 1}
