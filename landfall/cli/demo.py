"""``landfall demo``: AWS on this machine, the sandbox stack, the sample workflow and what it left."""

from __future__ import annotations

import os
import time
from typing import Annotated, Any

import typer

from landfall.cli import report_command
from landfall.cli.deploy import ensure_deployed
from landfall.cli.exits import CommandError, Exit
from landfall.cli.run_view import print_run, watch
from landfall.cli.runs import Run, new_execution_id
from landfall.cli.sandbox_spec import sandbox_spec
from landfall.cli.session import Session
from landfall.cli.stacks import counted, load_stack
from landfall.cli.terminal import out, print_json, say, step, table
from landfall.report.model import SOURCE_DESIGN
from sandbox import launcher

EXAMPLE = "Examples: landfall demo · landfall demo --keep"
STACK = "sandbox"
WORKFLOW = "blog_test_workflow"
TABLE = "rsql_blog.blog_table"
QUERY = f"select * from {TABLE} order by 1"  # noqa: S608 - both are constants
QUERY_SECONDS = 30.0
LOG_LINES = 3
"""Lines at the end of each job's log that the demo shows; `landfall workflow logs` shows all."""


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the sandbox running.")] = False,
    engine: Annotated[
        str | None,
        typer.Option("--engine", help="pulumi (the real CLI) or embedded; whichever can be had by default."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Deploy the sandbox stack on this machine, run the sample workflow, show records, logs and rows."""
    began = time.monotonic()
    config = load_stack(STACK)
    already = launcher.attach() is not None
    owner = None if keep or already else os.getpid()
    try:
        sandbox = ensure_deployed(STACK, sandbox_spec(config), owner_pid=owner, engine=engine)
        session = Session(STACK, config)
        session.require_workflow(WORKFLOW)
        execution_id = new_execution_id(WORKFLOW)
        session.start(WORKFLOW, execution_id)
        say(f"started {execution_id}")
        run = watch(session.runs.follow(execution_id))
        if run.status != "Completed":
            session.say_what_is_gone(execution_id)
        rows = table_rows(sandbox, session, QUERY) if run.status == "Completed" else []
        _show(session, run, rows, as_json)
        page = report_command.after_run(session, run, rows=report_command.rows_of(TABLE, QUERY, rows))
    finally:
        if owner is not None:
            with step("sandbox stopped"):
                launcher.down()
    report_command.say_where(page)
    if run.status != "Completed":
        raise typer.Exit(Exit.FAILED)
    if not as_json:
        say(f"done in {time.monotonic() - began:.1f} s")


def _show(session: Session, run: Run, rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json({**run.to_json(), "rows": rows})
        return
    print_run(run)
    for job in run.jobs:
        lines = (
            [text.rstrip() for _, text in session.runs.log(str(job["log_stream"]))]
            if job.get("log_stream")
            else []
        )
        out.print(f"── log of {job['job_name']}", style="bold", markup=False)
        for line in lines[-LOG_LINES:]:
            out.print(f"   {line}", markup=False)
    if rows:
        table(
            f"rows of {TABLE}",
            list(rows[0]),
            [[str(value) for value in row.values()] for row in rows],
        )
    completed = sum(job["execution_status"] == "Completed" for job in run.jobs)
    out.print(
        f"{completed} Completed jobs, {int(run.status == 'Completed')} Completed workflow, "
        f"{counted(len(rows), 'row')}",
        style="bold",
        markup=False,
    )
    design = SOURCE_DESIGN[WORKFLOW]
    out.print(
        f"{run.state_transitions} state transitions and {run.lambda_invocations} Lambda invocations; "
        f"the source's design takes {design.state_transitions} and {design.lambda_invocations}",
        markup=False,
    )


def table_rows(sandbox: launcher.Sandbox, session: Session, sql: str) -> list[dict[str, Any]]:
    """Rows of a query on the warehouse, through the Redshift Data API as any client would."""
    workflows = session.workflows
    client = sandbox.client("redshift-data", workflows.account)
    warehouse = workflows.warehouse
    place = (
        {"ClusterIdentifier": warehouse.cluster}
        if warehouse.cluster
        else {"WorkgroupName": warehouse.workgroup}
    )
    statement = client.execute_statement(
        Database=warehouse.database, SecretArn=warehouse.secret, Sql=sql, **place
    )["Id"]
    deadline = time.monotonic() + QUERY_SECONDS
    while (state := client.describe_statement(Id=statement))["Status"] not in (
        "FINISHED",
        "FAILED",
        "ABORTED",
    ):
        if time.monotonic() > deadline:
            raise CommandError(
                f"the warehouse did not answer within {QUERY_SECONDS:.0f} s: {sql}", Exit.ENVIRONMENT
            )
        time.sleep(0.05)
    if state["Status"] != "FINISHED":
        raise CommandError(f"{sql}: {state.get('Error', state['Status'])}")
    result = client.get_statement_result(Id=statement)
    names = [column["name"] for column in result["ColumnMetadata"]]
    return [
        {
            name: None if "isNull" in field else next(iter(field.values()))
            for name, field in zip(names, record, strict=True)
        }
        for record in result["Records"]
    ]
