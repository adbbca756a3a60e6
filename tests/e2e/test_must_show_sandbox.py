"""A workflow of twelve lines runs; the demo ends well beside another sandbox and leaves nothing running."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from must_show import Tree, clean_environment, copy_of_tree, left_running

from sandbox import launcher
from sandbox.launcher import Sandbox

pytestmark = [pytest.mark.engine, pytest.mark.emulator]

WORKED, SHOWN = f"ms-{os.getpid()}-run", f"ms-{os.getpid()}-demo"
ORDERS = """\
      orders:
        workflow_description: Two statements of a data developer
        workflow_stages:
          - execution_type: sequential
            scripts:
              - {kind: sql, name: create, sql: "create table if not exists orders (id int, item varchar(20))"}
              - kind: sql
                name: fill
                sql: ["insert into orders values (1, 'chair')", "insert into orders values (2, 'desk')"]
"""
BROKEN = """\
      broken:
        workflow_stages:
          - {execution_type: sequential, scripts: [{kind: sql, name: first, sql: select 1}]}
          - {execution_type: sequential, scripts: [{kind: sql, name: second, sql: select 1 from deliveries}]}
"""
SLOW = """\
      slow:
        workflow_stages:
          - {execution_type: sequential, scripts: [slow.sh]}
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """A copy of the tree with a sandbox of its own, which ends with the tests."""
    yield copy_of_tree(tmp_path_factory.mktemp("tree"), LANDFALL_SANDBOX_NAME=WORKED)
    launcher.down(WORKED, discard=True)
    assert left_running(WORKED) == []


@pytest.fixture(scope="module")
def worked(tree: Tree) -> Sandbox:
    """The sandbox in which a data developer's workflow has run, by the command alone."""
    assert tree.append("stacks/Pulumi.sandbox.yaml", ORDERS) <= 12
    ended = tree.landfall("workflow", "run", "orders", "--execution-id", "orders_1", "--json")
    assert ended.code == 0, ended.err
    run = ended.json
    assert (run["workflow_id"], run["workflow_execution_id"]) == ("orders", "orders_1")
    assert run["status"] == "Completed"
    assert [(job["job_name"], job["execution_status"]) for job in run["jobs"]] == [
        ("create", "Completed"),
        ("fill", "Completed"),
    ]
    assert run["state_transitions"] > 0 and run["lambda_invocations"] == 0
    found = launcher.attach(WORKED)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def richer(worked: Sandbox, tree: Tree) -> Sandbox:
    """The same sandbox with a workflow that fails and one that takes its time, both not deployed yet."""
    script = tree.root / "examples/rsql-blog/scripts/slow.sh"
    script.write_text("#!/usr/bin/env bash\necho begun\nsleep 300\n", encoding="utf-8")
    tree.append("stacks/Pulumi.sandbox.yaml", BROKEN + SLOW)
    return worked


def rows(sandbox: Sandbox, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query through the Redshift Data API, as any client would read them."""
    client = sandbox.client("redshift-data", "data")
    place = {"WorkgroupName": "etl", "Database": "dev", "SecretArn": "landfall/sandbox/warehouse"}
    statement = client.execute_statement(Sql=sql, **place)["Id"]
    deadline = time.monotonic() + 60
    while client.describe_statement(Id=statement)["Status"] not in ("FINISHED", "FAILED", "ABORTED"):
        assert time.monotonic() < deadline, "the warehouse did not answer"
        time.sleep(0.05)
    records = client.get_statement_result(Id=statement)["Records"]
    return [tuple(next(iter(field.values())) for field in record) for record in records]


def test_a_workflow_of_twelve_lines_leaves_its_rows(worked: Sandbox) -> None:
    assert rows(worked, "select id, item from orders order by id") == [(1, "chair"), (2, "desk")]


def test_a_second_start_of_the_same_execution_is_refused(worked: Sandbox, tree: Tree) -> None:
    ended = tree.landfall("workflow", "run", "orders", "--execution-id", "orders_1")
    assert ended.code == 1
    assert ended.err.splitlines()[-1] == (
        "workflow execution orders_1 has already ended (Completed); choose another id, "
        "or: landfall workflow resume orders_1"
    )
    assert rows(worked, "select count(*) from orders") == [(2,)]


def test_status_and_list_show_what_ran(worked: Sandbox, tree: Tree) -> None:
    status = tree.landfall("workflow", "status", "orders_1", "--json")
    assert status.code == 0
    assert status.json["status"] == "Completed"
    assert status.json["state_transitions"] > 0
    recent = tree.landfall("workflow", "status", "orders", "--json").json
    assert [record["workflow_execution_id"] for record in recent] == ["orders_1"]
    listed = {row["workflow_id"]: row for row in tree.landfall("workflow", "list", "--json").json}
    assert listed["orders"]["deployed"] is True
    assert listed["orders"]["last_status"] == "Completed"
    assert listed["blog_test_workflow"]["last_status"] is None
    unknown = tree.landfall("workflow", "status", "orders_9")
    assert (unknown.code, unknown.err.strip()) == (2, 'no workflow execution "orders_9" is recorded')


def test_a_failed_run_is_exit_code_1_and_resumes_where_it_failed(richer: Sandbox, tree: Tree) -> None:
    failed = tree.landfall("workflow", "run", "broken", "--execution-id", "broken_1", "--json")
    assert failed.code == 1
    assert failed.json["status"] == "Failed"
    assert "deliveries" in failed.json["workflow"]["error_message"]
    assert {job["job_name"]: job["execution_status"] for job in failed.json["jobs"]} == {
        "first": "Completed",
        "second": "Failed",
    }
    tree.edit("stacks/Pulumi.sandbox.yaml", "select 1 from deliveries", "select count(*) from orders")
    resumed = tree.landfall("workflow", "resume", "broken_1", "--json")
    assert resumed.code == 0, resumed.err
    assert resumed.json["workflow_execution_id"] == "broken_1-resume-1"
    assert resumed.json["workflow"]["resumed_from"] == "broken_1"
    statuses = {job["job_name"]: job["execution_status"] for job in resumed.json["jobs"]}
    assert statuses["second"] == "Completed"
    assert statuses.get("first", "Skipped") == "Skipped"


def test_a_run_that_is_aborted_ends_its_process_and_keeps_its_log(richer: Sandbox, tree: Tree) -> None:
    begun = tree.landfall("workflow", "run", "slow", "--execution-id", "slow_1", "--no-wait", "--json")
    assert begun.code == 0, begun.err
    assert begun.json == {"workflow_execution_id": "slow_1", "status": "Running"}
    deadline = time.monotonic() + 60
    while "begun" not in (log := tree.landfall("workflow", "logs", "slow_1")).out:
        assert time.monotonic() < deadline, log.err
        time.sleep(0.5)
    again = tree.landfall("workflow", "run", "slow", "--execution-id", "slow_1")
    assert again.code == 1
    assert again.err.splitlines()[-1] == "workflow execution slow_1 is already running"
    assert [command for command in left_running(WORKED) if "slow.sh" in command]

    aborted = tree.landfall("workflow", "abort", "slow_1", "--json")
    assert aborted.code == 0, aborted.err
    assert aborted.json["status"] == "Aborted"
    assert [job["execution_status"] for job in aborted.json["jobs"]] == ["Aborted"]
    deadline = time.monotonic() + 60
    while [command for command in left_running(WORKED) if "slow.sh" in command]:
        assert time.monotonic() < deadline, "the script of an aborted run goes on"
        time.sleep(0.2)
    assert tree.landfall("workflow", "status", "slow_1").code == 1


def test_the_environment_of_the_sandbox_serves_any_client(worked: Sandbox, tree: Tree) -> None:
    variables = tree.landfall("sandbox", "env", "--account", "ops", "--json").json
    assert variables["AWS_ENDPOINT_URL"] == worked.endpoint
    assert variables["AWS_ACCESS_KEY_ID"] == "222222222222"
    exported = tree.landfall("sandbox", "env").out
    assert all(line.startswith("export ") for line in exported.splitlines())
    status = tree.landfall("sandbox", "status", "--json").json
    assert status["endpoint"] == worked.endpoint
    assert {process["alive"] for process in status["processes"]} == {True}


def demo(name: str) -> Any:
    """The demo as a user starts it, in a sandbox of that name."""
    return Tree(environment=clean_environment(LANDFALL_SANDBOX_NAME=name)).landfall("demo")


@pytest.mark.parametrize("turns", [1, pytest.param(2, marks=pytest.mark.large)])
def test_the_demo_works_beside_another_sandbox_and_leaves_nothing(worked: Sandbox, turns: int) -> None:
    try:
        for turn in ("first", "second")[:turns]:
            ended = demo(SHOWN)
            assert ended.code == 0, f"the {turn} demo: {ended.err}"
            assert "6 Completed jobs, 1 Completed workflow, 4 rows" in ended.out
            assert "13 state transitions and 0 Lambda invocations" in ended.out
            for number in (1, 2, 3, 4, 5, 6):
                assert f"log of rsql_blog_script_{number}.sh" in ended.out
            assert launcher.attach(SHOWN) is None
            assert left_running(SHOWN) == []
            assert ("making the warehouse's database" in ended.err) == (turn == "first")
    finally:
        launcher.down(SHOWN, discard=True)
    # The other sandbox has not noticed.
    assert {process["alive"] for process in worked.status()["processes"]} == {True}
    assert rows(worked, "select count(*) from orders") == [(2,)]
    assert left_running(WORKED) != []


def test_going_down_ends_a_script_that_runs(richer: Sandbox, tree: Tree) -> None:
    """The last test in this sandbox."""
    tree.landfall("workflow", "run", "slow", "--execution-id", "slow_2", "--no-wait")
    deadline = time.monotonic() + 60
    while not [command for command in left_running(WORKED) if "slow.sh" in command]:
        assert time.monotonic() < deadline, "the script does not begin"
        time.sleep(0.2)
    down = tree.landfall("sandbox", "down")
    assert down.code == 0
    assert down.err.strip() == f"sandbox {WORKED}: stopped"
    assert left_running(WORKED) == []
    status = tree.landfall("sandbox", "status")
    assert status.code == 3
    assert "landfall sandbox up" in status.out
    refused = tree.landfall("workflow", "status", "orders_1")
    assert refused.code == 3
    assert refused.err.strip() == "the sandbox is not running; start it with: landfall sandbox up"
