"""``landfall workflow``: list, run, resume, status, logs, draw."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from landfall.cli import draw_command, report_command
from landfall.cli.exits import CommandError, Exit
from landfall.cli.run_view import duration, print_run, watch
from landfall.cli.runs import Run, check_execution_id, new_execution_id
from landfall.cli.session import Session, open_session
from landfall.cli.terminal import out, print_json, say, table

app = typer.Typer(no_args_is_help=True, help="ETL workflows of a stack, in the sandbox or in an account.")

Stack = Annotated[str, typer.Option("--stack", "-s", help="Stack whose ETL plane is meant.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the end and show progress.")]

app.command("report", epilog=report_command.EXAMPLE)(report_command.report)


def _ended(run: Run, as_json: bool) -> None:
    if as_json:
        print_json(run.to_json())
    else:
        print_run(run)
    if run.status in ("Failed", "Aborted"):
        raise typer.Exit(Exit.FAILED)


@app.command("list", epilog="Example: landfall workflow list --stack sandbox")
def list_(stack: Stack = "sandbox", as_json: Json = False) -> None:
    """Workflows of the stack config, and whether each is deployed, with its last run."""
    session = open_session(stack)
    deployed = (
        {str(item["workflow_id"]) for item in session.runs.definitions()} if session.reachable else set()
    )
    rows = []
    for workflow_id, definition in sorted(session.workflows.definitions.items()):
        last = session.runs.recent(workflow_id, limit=1) if workflow_id in deployed else []
        rows.append(
            {
                "workflow_id": workflow_id,
                "description": definition.workflow_description,
                "stages": len(definition.workflow_stages),
                "jobs": sum(len(stage.scripts) for stage in definition.workflow_stages),
                "schedule": definition.schedule.expression if definition.schedule else None,
                "deployed": workflow_id in deployed,
                "last_execution": last[0]["workflow_execution_id"] if last else None,
                "last_status": last[0]["execution_status"] if last else None,
            }
        )
    if as_json:
        print_json(rows)
        return
    table(
        f"Workflows of stack {stack}",
        ("workflow", "stages", "jobs", "schedule", "deployed", "last run", "status"),
        [
            (
                str(row["workflow_id"]),
                str(row["stages"]),
                str(row["jobs"]),
                str(row["schedule"] or "—"),
                "yes" if row["deployed"] else "no",
                str(row["last_execution"] or "—"),
                str(row["last_status"] or "—"),
            )
            for row in rows
        ],
    )


@app.command(
    epilog="Example: landfall workflow run blog_test_workflow --stack sandbox --execution-id demo_test_26"
)
def run(
    workflow_id: Annotated[str, typer.Argument(help="Workflow of the stack config.")],
    stack: Stack = "sandbox",
    execution_id: Annotated[
        str | None,
        typer.Option("--execution-id", help="Id of this run; made from workflow and time by default."),
    ] = None,
    rerun_of: Annotated[
        str | None,
        typer.Option("--rerun-of", help="Id of an earlier run that this one repeats from the start."),
    ] = None,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Run a workflow; in the sandbox, deploy first what changed in the stack file."""
    session = open_session(stack)
    session.require_workflow(workflow_id)
    _check_ids(execution_id, rerun_of)
    session.ensure_deployed()
    chosen = execution_id or new_execution_id(workflow_id)
    more = {"rerun_of": rerun_of} if rerun_of else {}
    session.start(workflow_id, chosen, **more)
    _finish(session, chosen, wait, as_json)


@app.command(epilog="Example: landfall workflow resume demo_test_26 --stack sandbox")
def resume(
    execution_id: Annotated[str, typer.Argument(help="Run that failed or was aborted.")],
    stack: Stack = "sandbox",
    new_id: Annotated[str | None, typer.Option("--execution-id", help="Id of the new run.")] = None,
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Run only the stages and jobs that a failed run did not complete."""
    session = open_session(stack)
    _check_ids(execution_id, new_id)
    session.ensure_deployed()
    _finish(session, session.resume(execution_id, new_id), wait, as_json)


def _check_ids(*given: str | None) -> None:
    """Refuses what cannot be the id of a run, before anything is deployed for it."""
    for text in given:
        if text is not None:
            check_execution_id(text)


def _finish(session: Session, execution_id: str, wait: bool, as_json: bool) -> None:
    say(f"started {execution_id}")
    if wait:
        run_ = watch(session.runs.follow(execution_id))
        if run_.status != "Completed":
            session.say_what_is_gone(execution_id)
        page = report_command.after_run(session, run_)
        try:
            _ended(run_, as_json)
        finally:
            report_command.say_where(page)
    elif as_json:
        print_json({"workflow_execution_id": execution_id, "status": "Running"})


@app.command(epilog="Example: landfall workflow abort demo_test_26 --stack sandbox")
def abort(
    execution_id: Annotated[str, typer.Argument(help="Run that is to stop.")],
    stack: Stack = "sandbox",
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Stop a run: its processes end, its running jobs are marked Aborted."""
    session = open_session(stack)
    before = session.runs.get(execution_id, counted=False)
    if before.ended:
        raise CommandError(f"workflow execution {execution_id} has already ended ({before.status})")
    session.runs.abort(execution_id)
    if wait:
        run_ = watch(session.runs.follow(execution_id))
        if as_json:
            print_json(run_.to_json())
        else:
            print_run(run_)


@app.command(epilog="Example: landfall workflow status demo_test_26 --stack sandbox --json")
def status(
    execution: Annotated[str, typer.Argument(help="Id of a run, or a workflow: then its last runs.")],
    stack: Stack = "sandbox",
    as_json: Json = False,
) -> None:
    """Audit records of a run with its transitions, or the last runs of a workflow."""
    session = open_session(stack)
    if execution in session.workflows.definitions:
        recent = session.runs.recent(execution)
        if as_json:
            print_json(recent)
        else:
            table(
                f"Last runs of {execution}",
                ("execution", "status", "started", "seconds", "error"),
                [
                    (
                        str(record["workflow_execution_id"]),
                        str(record["execution_status"]),
                        str(record["execution_start_ts"]),
                        duration(record),
                        str(record.get("error_message", "")),
                    )
                    for record in recent
                ],
            )
        return
    _ended(session.get(execution), as_json)


@app.command(
    epilog="Example: landfall workflow logs demo_test_26 --stack sandbox --job rsql_blog_script_3.sh"
)
def logs(
    execution_id: Annotated[str, typer.Argument(help="Id of a run.")],
    stack: Stack = "sandbox",
    job: Annotated[str | None, typer.Option("--job", help="Only this job.")] = None,
    as_json: Json = False,
) -> None:
    """Output of the scripts of a run."""
    session = open_session(stack)
    records = [record for record in session.runs.jobs(execution_id) if job in (None, record["job_name"])]
    if not records:
        wanted = f" of job {job}" if job else ""
        raise CommandError(f"no record{wanted} of workflow execution {execution_id}", Exit.INVALID)
    for record in records:
        stream = record.get("log_stream")
        if not as_json:
            out.print(f"── {record['job_name']} · {record['execution_status']}", markup=False)
        for milliseconds, text in session.runs.log(str(stream)) if stream else ():
            moment = datetime.fromtimestamp(milliseconds / 1000, tz=UTC).isoformat(timespec="milliseconds")
            if as_json:
                out.print(
                    json.dumps(
                        {"job_id": record["job_id"], "time": moment, "text": text}, ensure_ascii=False
                    ),
                    markup=False,
                )
            else:
                out.print(f"{moment}  {text.rstrip()}", markup=False)


app.command("draw", epilog=draw_command.EXAMPLE)(draw_command.draw)
