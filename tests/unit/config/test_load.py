"""Loading values as the engine delivers them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from landfall.config import (
    ConfigError,
    LoadResult,
    StackConfig,
    StackSource,
    load,
    scripts_folder,
    source_for,
)
from tests.unit.config.conftest import BASE

type Check = Callable[[str | bytes], LoadResult]


def as_engine(result: LoadResult) -> dict[str, object]:
    """The values of a file as Pulumi hands them over: JSON, and a date as Go prints a time."""
    values = json.loads(
        json.dumps(dict(result.source.values), default=lambda day: f"{day} 00:00:00 +0000 UTC")
    )
    assert isinstance(values, dict)
    return values


def test_the_engines_values_give_the_same_config_as_the_file(check: Check) -> None:
    result = check(BASE)
    assert load(as_engine(result), result.source) == result.config
    assert result.require().guardrails.waivers["lab-logs"].expires == date(2027, 1, 31)


def test_raw_engine_config_with_namespaces_and_json_text_is_accepted(check: Check) -> None:
    result = check(BASE)
    raw = {f"landfall:{key}": json.dumps(value) for key, value in as_engine(result).items()}
    assert load({**raw, "aws:region": "eu-central-1"}, result.source) == result.config


def test_errors_of_engine_values_carry_the_files_positions(check: Check) -> None:
    result = check(BASE)
    values = as_engine(result)
    platform = values["platform"]
    assert isinstance(platform, dict)
    platform["environment"] = "prd"
    with pytest.raises(ConfigError) as caught:
        load(values, result.source)
    (issue,) = caught.value.issues
    assert (issue.line, issue.column, issue.code) == (5, 18, "LF0103")
    assert str(caught.value).startswith(str(issue))
    assert str(caught.value).endswith("1 error in 1 file")


def test_without_a_source_there_is_no_position_and_no_look_at_files(check: Check) -> None:
    values = as_engine(check(BASE.replace('load.sh, "it', 'gone.sh, "it')))
    assert load(values).workflows is not None
    with pytest.raises(ConfigError) as caught:
        load({**values, "guardrails": 1})
    assert str(caught.value).startswith("stack config  LF0102  landfall:guardrails\n")


def test_keys_that_the_engine_holds_as_secrets_are_refused(check: Check) -> None:
    result = check(BASE)
    values = {**as_engine(result), "platform": "hunter2"}
    with pytest.raises(ConfigError) as caught:
        load(values, result.source, secret_keys=["landfall:platform", "aws:secretKey"])
    assert [issue.code for issue in caught.value.issues] == ["LF0110"]
    assert "hunter2" not in str(caught.value)


def test_a_stack_without_workflows_is_valid(check: Check) -> None:
    result = check(BASE)
    values = {key: value for key, value in as_engine(result).items() if key in ("platform", "accounts")}
    config = load({**values, "workflows": {}, "network": {}, "guardrails": {}}, result.source)
    assert config.workflows is None
    assert scripts_folder(config, result.source) is None


def test_nothing_at_all_reports_what_is_required() -> None:
    with pytest.raises(ConfigError) as caught:
        load({})
    assert [(issue.code, issue.key_path) for issue in caught.value.issues] == [
        ("LF0111", "landfall:accounts"),
        ("LF0111", "landfall:platform"),
    ]


def test_models_built_directly_obey_the_cross_checks_too(check: Check) -> None:
    config = check(BASE).require()
    values = config.model_dump(mode="json", exclude_none=True)
    values["network"]["lab"]["cidr"] = values["network"]["etl"]["cidr"]
    with pytest.raises(ValueError, match="overlaps"):
        StackConfig.model_validate(values)


def test_jobs_of_a_stage(check: Check) -> None:
    workflows = check(BASE).require().workflows
    assert workflows is not None
    stages = workflows.definitions["nightly"].workflow_stages
    assert [job.job_name for job in stages[0].jobs] == ["load.sh", "it's größer.sh"]
    assert [job.kind for job in stages[0].jobs] == ["rsql", "rsql"]
    assert [job.job_name for job in stages[1].jobs] == ["stage", "merge", "report"]
    assert stages[0].scripts[0] == "load.sh", "a bare name stays a bare name"


def test_source_for_finds_a_stack_by_name(folder: Path) -> None:
    assert source_for("dev", folder) is None
    (folder / "Pulumi.dev.yaml").write_text(BASE)
    source = source_for("dev", folder)
    assert isinstance(source, StackSource)
    assert source.stack == "dev"


def test_a_thousand_scripts_in_a_stage_are_fine(check: Check, folder: Path) -> None:
    names = [f"script {number}; touch x $(id).sh" for number in range(1000)]
    for name in names:
        (folder.parent / "scripts" / name).touch()
    result = check(BASE.replace('scripts: [load.sh, "it\'s größer.sh"]', f"scripts: {json.dumps(names)}"))
    workflows = result.require().workflows
    assert workflows is not None
    assert len(workflows.definitions["nightly"].workflow_stages[0].jobs) == 1000


def test_a_definition_over_256_kib_is_refused(check: Check) -> None:
    big = json.dumps(["select '" + "x" * 30_000 + "'"] * 10)
    result = check(BASE.replace("sql: [select 1, select 2]", f"sql: {big}"))
    assert [issue.code for issue in result.issues] == ["LF0119"]


def test_a_sql_file_with_too_many_statements_is_refused(check: Check, folder: Path) -> None:
    (folder.parent / "scripts" / "stage.sql").write_text("select ';' ; -- ;\n" * 41)
    issues = check(BASE).issues
    assert [issue.code for issue in issues] == ["LF0119"]
    assert "41 statements" in issues[0].message


def test_a_sql_file_that_is_no_text_is_refused(check: Check, folder: Path) -> None:
    (folder.parent / "scripts" / "stage.sql").write_bytes(b"select '\xff'")
    assert [issue.code for issue in check(BASE).issues] == ["LF0112"]


def test_workflow_with_two_sql_jobs_takes_at_most_twelve_lines(check: Check) -> None:
    added = """\
      totals:
        workflow_description: Daily totals
        workflow_stages:
          - execution_type: sequential
            stage_description: Count and keep
            scripts:
              - {kind: sql, name: prepare, sql: create table if not exists totals (n bigint)}
              - {kind: sql, name: count, sql: insert into totals select count(*) from events}
"""
    assert added.count("\n") <= 12
    result = check(BASE.replace("      weekly:\n", added + "      weekly:\n"))
    workflows = result.require().workflows
    assert workflows is not None
    assert [job.job_name for job in workflows.definitions["totals"].workflow_stages[0].jobs] == [
        "prepare",
        "count",
    ]
