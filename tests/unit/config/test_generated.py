"""What is generated from the models is up to date: schema, error pages; and the shipped stacks are valid."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from landfall.config import load_all, report, split_statements
from landfall.config.code_pages import stale_pages, write_pages
from landfall.config.codes import CODES
from landfall.config.schema import check, reference, stack_schema, write

ROOT = Path(__file__).parents[3]
SAMPLE_ITEM = {
    "workflow_id": "blog_test_workflow",
    "workflow_description": "Test Workflow for Blog",
    "workflow_stages": [
        {
            "execution_flag": "y",
            "execution_type": "sequential",
            "scripts": ["rsql_blog_script_1.sh", "rsql_blog_script_2.sh"],
            "stage_description": "Schema & Table Creation Stage",
        },
        {
            "execution_flag": "y",
            "execution_type": "parallel",
            "scripts": ["rsql_blog_script_3.sh", "rsql_blog_script_4.sh"],
            "stage_description": "Data Insertion Stage 1",
        },
        {
            "execution_flag": "y",
            "execution_type": "parallel",
            "scripts": ["rsql_blog_script_5.sh", "rsql_blog_script_6.sh"],
            "stage_description": "Data Insertion Stage 2",
        },
    ],
}


def test_the_schema_file_is_up_to_date() -> None:
    assert check(ROOT / "stacks" / "schema.json"), "run: landfall schema --write"


def test_staleness_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    assert not check(path)
    write(path)
    assert check(path)
    path.write_text(path.read_text().replace("Twelve-digit", "Some"))
    assert not check(path)


def test_the_schema_knows_every_key_and_describes_it() -> None:
    schema = stack_schema()
    config = schema["properties"]["config"]
    assert set(config["properties"]) == {
        f"landfall:{name}" for name in ("platform", "accounts", "network", "workflows", "guardrails")
    }
    others = next(iter(config["patternProperties"]))
    assert re.match(others, "aws:region")
    assert not re.match(others, "landfall:netwrok")
    for name, model in schema["$defs"].items():
        for key, value in model.get("properties", {}).items():
            # pydantic leaves a description out where it is that of the model it refers to
            target = schema["$defs"].get(value.get("$ref", "").removeprefix("#/$defs/"), {})
            assert "description" in value or "description" in target, f"{name}.{key} has no docstring"


def references(value: Any) -> set[str]:
    """Every `$ref` in a schema."""
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(references(inner) for inner in value.values()))
    return set().union(*(references(inner) for inner in value)) if isinstance(value, list) else set()


def test_every_reference_of_the_schema_resolves() -> None:
    schema = json.loads((ROOT / "stacks" / "schema.json").read_text())
    names = {reference.removeprefix("#/$defs/") for reference in references(schema)}
    assert names == set(schema["$defs"])


def test_the_reference_has_a_description_for_every_key() -> None:
    rows = reference()
    assert all(row.description for row in rows)
    by_key = {row.key: row for row in rows}
    assert by_key["landfall:platform.name"].required
    assert by_key["landfall:network.<key>.flow_log_retention_days"].default == "90"
    sql = "landfall:workflows.definitions.<key>.workflow_stages[].scripts[](sql).sql"
    assert by_key[sql].default == "null"


def test_the_error_pages_are_up_to_date(tmp_path: Path) -> None:
    assert stale_pages(ROOT / "docs" / "errors") == ()
    write_pages(tmp_path)
    (tmp_path / "LF0101.md").write_text("old")
    (tmp_path / "LF0001.md").write_text("of no code")
    assert stale_pages(tmp_path) == ("LF0001.md", "LF0101.md")


def test_codes_are_unique_and_without_gaps() -> None:
    assert [code.code for code in CODES] == [f"LF{101 + number:04}" for number in range(len(CODES))]


@pytest.mark.parametrize("stack", ["sandbox", "dev", "prod"])
def test_shipped_stacks_are_valid(stack: str) -> None:
    results = load_all(ROOT / "stacks")
    assert report(results[stack].issues) == ""
    assert (
        (ROOT / "stacks" / f"Pulumi.{stack}.yaml")
        .read_text()
        .startswith("# yaml-language-server: $schema=schema.json\n")
    )


def test_the_sample_item_stands_in_the_sandbox_stack_unchanged() -> None:
    workflows = load_all(ROOT / "stacks")["sandbox"].source.values["workflows"]
    assert workflows["definitions"]["blog_test_workflow"] == SAMPLE_ITEM


def test_production_has_two_accounts_with_two_regions_each() -> None:
    prod = load_all(ROOT / "stacks")["prod"].require()
    assert {alias: account.regions for alias, account in prod.accounts.items()} == {
        "data": ("eu-central-1", "eu-west-1"),
        "ops": ("eu-central-1", "eu-west-1"),
    }
    assert {key: prod.region_of(key) for key in prod.network} == {
        "etl": "eu-central-1",
        "recovery": "eu-west-1",
    }
    assert prod.workflows is not None
    assert prod.workflows.audit.replica_regions == ("eu-west-1",)
    assert prod.workflows.definitions["blog_test_workflow"].schedule is not None


def test_sample_scripts_are_executable_and_sound() -> None:
    scripts = sorted((ROOT / "examples" / "rsql-blog" / "scripts").glob("*.sh"))
    assert [script.name for script in scripts] == [f"rsql_blog_script_{number}.sh" for number in range(1, 7)]
    for script in scripts:
        text = script.read_text()
        assert script.stat().st_mode & 0o111
        assert "set -euo pipefail" in text
        assert "<<'RSQL'" in text, "the heredoc is quoted: the shell expands nothing in SQL"
        subprocess.run(["bash", "-n", str(script)], check=True)


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("select 1", ("select 1",)),
        ("select ';' ; select 2;", ("select ';'", "select 2")),
        ("-- a;b\nselect 1; /* c;d */ ;", ("-- a;b\nselect 1",)),
        ('select ";" from "a;""b"; select 2', ('select ";" from "a;""b"', "select 2")),
        (
            "create function f() as $$ begin; end; $$ ; select $1;",
            ("create function f() as $$ begin; end; $$", "select $1"),
        ),
        ("select $tag$ ; $$ ; $tag$; ", ("select $tag$ ; $$ ; $tag$",)),
        (r"select 'it\'s;' ; select 'a''b;'", (r"select 'it\'s;'", "select 'a''b;'")),
        (" ;; -- nothing\n ", ()),
    ],
)
def test_statements_are_split_outside_of_text_and_comments(text: str, statements: tuple[str, ...]) -> None:
    assert split_statements(text) == statements
