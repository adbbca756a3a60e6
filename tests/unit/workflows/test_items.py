"""Workflow definitions as configuration items."""

from __future__ import annotations

from typing import Any

import pytest

from landfall.config.workflows import WorkflowDefinition
from workflows.items import ItemError, marshal, resource_sets, to_item, utc_offsets, waves


def workflow(*stages: dict[str, Any]) -> WorkflowDefinition:
    return WorkflowDefinition.model_validate({"workflow_stages": list(stages)})


def stages(definition: WorkflowDefinition, **files: str) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = to_item("w", definition, files)["workflow_stages"]
    return written


def test_the_sources_item_is_written_unchanged() -> None:
    source = {
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
        ],
    }
    item = to_item("blog_test_workflow", WorkflowDefinition.model_validate(source))
    assert {name: item[name] for name in source} == source


def test_only_what_differs_from_the_defaults_is_written() -> None:
    [stage] = stages(
        workflow(
            {
                "execution_type": "parallel",
                "max_concurrency": 7,
                "scripts": [
                    {"script": "a.sh"},
                    {"script": "b.sh", "args": ["x y"], "timeout_seconds": 120, "retries": {"count": 2}},
                    {"kind": "lambda", "function": "f", "args": {"n": [1, [2.5, None]]}},
                ],
            }
        )
    )
    assert stage["max_concurrency"] == 7
    assert stage["scripts"] == [
        "a.sh",
        {"kind": "rsql", "script": "b.sh", "args": ["x y"], "timeout_seconds": 120, "retries": {"count": 2}},
        {"kind": "lambda", "function": "f", "name": "f", "args": {"n": [1, [2.5, None]]}},
    ]


def test_sql_is_split_into_statements() -> None:
    [stage] = stages(
        workflow(
            {
                "execution_type": "sequential",
                "scripts": [
                    {"kind": "sql", "sql": "select ';'"},
                    {"kind": "sql", "file": "load.sql", "parameters": {"day": "today"}},
                ],
            }
        ),
        **{"load.sql": "-- load;\ninsert into t values (';');\ndelete from u;\n"},
    )
    assert stage["scripts"] == [
        {"kind": "sql", "name": "sql", "sql": "select ';'"},
        {
            "kind": "sql",
            "name": "load",
            "parameters": {"day": "today"},
            "sql": ["-- load;\ninsert into t values (';')", "delete from u"],
        },
    ]


@pytest.mark.parametrize(
    ("files", "message"), [({}, "is not in the scripts folder"), ({"x.sql": "-- no"}, "has no statement")]
)
def test_a_file_without_statements_is_refused(files: dict[str, str], message: str) -> None:
    definition = workflow({"execution_type": "sequential", "scripts": [{"kind": "sql", "file": "x.sql"}]})
    with pytest.raises(ItemError, match=f'workflow w, stage 1: the SQL file "x.sql" {message}'):
        stages(definition, **files)


def graph(**needs: list[str]) -> dict[str, Any]:
    scripts = [{"script": f"{name}.sh", "name": name, "depends_on": after} for name, after in needs.items()]
    return {"execution_type": "graph", "stage_description": "Load", "scripts": scripts}


def test_a_graph_becomes_waves_and_only_the_first_waits() -> None:
    stage = graph(a=[], b=["a"], c=["a"], d=["b", "c"], e=[]) | {
        "preconditions": [{"kind": "workflow_completed", "workflow_id": "other"}]
    }
    written = stages(workflow(stage))
    names = [[job["name"] for job in wave["scripts"]] for wave in written]
    assert names == [["a", "e"], ["b", "c"], ["d"]]
    assert [wave["execution_type"] for wave in written] == ["parallel"] * 3
    assert [wave["stage_description"] for wave in written] == [f"Load (wave {n} of 3)" for n in (1, 2, 3)]
    assert ["preconditions" in wave for wave in written] == [True, False, False]
    assert not any("depends_on" in job for wave in written for job in wave["scripts"])


def test_waves_refuse_circles_and_strangers() -> None:
    jobs = (
        WorkflowDefinition.model_construct(workflow_stages=workflow(graph(a=[], b=["a"])).workflow_stages)
        .workflow_stages[0]
        .jobs
    )
    circle = [jobs[0].model_copy(update={"depends_on": ("b",)}), jobs[1]]
    with pytest.raises(ItemError, match="the dependencies of a, b go in a circle"):
        waves(circle)
    with pytest.raises(ItemError, match='job "b" depends on "x", which is not in the stage'):
        waves([jobs[1].model_copy(update={"depends_on": ("x",)})])


def test_a_time_zone_is_written_as_its_offsets() -> None:
    window = {"kind": "time_window", "start": "06:00", "end": "22:00"}
    [stage] = stages(
        workflow(
            {
                "execution_type": "parallel",
                "scripts": ["a"],
                "preconditions": [window | {"timezone": "Europe/Berlin"}, window],
            }
        )
    )
    berlin, utc = stage["preconditions"]
    assert berlin["utc_offsets"][:3] == [
        "2025-01-01T00:00:00.000Z+0100",
        "2025-03-30T01:00:00.000Z+0200",
        "2025-10-26T01:00:00.000Z+0100",
    ]
    assert "utc_offsets" not in utc
    assert utc_offsets("Asia/Kolkata") == ("2025-01-01T00:00:00.000Z+0530",)
    assert utc_offsets("Australia/Lord_Howe")[1] == "2025-04-05T15:00:00.000Z+1030"


def test_an_item_too_large_for_the_machine_is_refused() -> None:
    definition = workflow({"execution_type": "parallel", "scripts": [f"{n:05}.sh" for n in range(20_000)]})
    with pytest.raises(ItemError, match=r"its item has .* bytes, at most 240000 are possible; split it"):
        to_item("w", definition)


def test_marshalling_gives_dynamodb_types() -> None:
    assert marshal({"a": "x", "b": 1, "c": 2.5, "d": True, "e": None, "f": ["y", {"g": 3.0}], "h": ()}) == {
        "a": {"S": "x"},
        "b": {"N": "1"},
        "c": {"N": "2.5"},
        "d": {"BOOL": True},
        "e": {"NULL": True},
        "f": {"L": [{"S": "y"}, {"M": {"g": {"N": "3"}}}]},
        "h": {"L": []},
    }


def test_resource_sets_name_what_jobs_act_on_once() -> None:
    definition = workflow(
        {
            "execution_type": "parallel",
            "scripts": [
                {"kind": "lambda", "function": "f", "name": "one"},
                {"kind": "lambda", "function": "f", "name": "two"},
                {"kind": "glue", "job": "g"},
                {"kind": "state_machine", "state_machine": "m"},
                {
                    "kind": "emr_serverless",
                    "application_id": "00a",
                    "execution_role_arn": "arn:aws:iam::111111111111:role/r",
                    "entry_point": "s3://bucket/main.py",
                },
            ],
            "preconditions": [{"kind": "s3_object", "bucket": "incoming", "prefix": "x/"}],
        }
    )
    assert resource_sets({"w": definition}) == {
        "EmrApplications": ("00a",),
        "EmrExecutionRoles": ("arn:aws:iam::111111111111:role/r",),
        "GlueJobs": ("g",),
        "LambdaFunctions": ("f",),
        "PreconditionBuckets": ("incoming",),
        "StateMachines": ("m",),
    }
