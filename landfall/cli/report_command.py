"""``landfall workflow report``, and the report that ends a run: one page that needs no server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from landfall.cli.exits import CommandError, Exit
from landfall.cli.terminal import print_json, say

if TYPE_CHECKING:
    from landfall.cli.runs import Run
    from landfall.cli.session import Session
    from landfall.report.model import Guardrails, Report, Rows

EXAMPLE = "Example: landfall workflow report demo_test_26 --stack sandbox --open"


def report(
    execution_id: Annotated[str, typer.Argument(help="Id of a run.")],
    stack: Annotated[str, typer.Option("--stack", "-s", help="Stack whose ETL plane is meant.")] = "sandbox",
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder of the report; .tools/report by default.")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the data that the page is made from; writes no page.")
    ] = False,
) -> None:
    """Make the report of a run: graph, timeline, logs, records and guardrails on one page."""
    from landfall.cli.session import open_session

    if as_json and (folder is not None or show):
        raise CommandError("--json writes no page; leave out --out and --open", Exit.INVALID)
    session = open_session(stack)
    run = session.runs.get(execution_id)
    if as_json:
        print_json(_gathered(session, run, execution_id, None, ()).to_json())
        return
    page = make(session, run, execution_id, folder=folder)
    say_where(page)
    if show:
        import webbrowser

        if not webbrowser.open(page.as_uri()):
            say("no browser could be started")


def make(
    session: Session, run: Run, execution_id: str, *, rows: Sequence[Rows] = (), folder: Path | None = None
) -> Path:
    """Writes the report of a run and returns the path of its page; raises ``CommandError``."""
    from landfall.report.folder import NotOurs, write

    try:
        return write(
            folder or default_folder(session),
            lambda made: _gathered(session, run, execution_id, made, rows),
        )
    except NotOurs as refused:
        raise CommandError(str(refused), Exit.INVALID) from refused
    except OSError as error:
        raise CommandError(f"no report could be written: {error}", Exit.ENVIRONMENT) from error


def after_run(session: Session, run: Run, *, rows: Sequence[Rows] = ()) -> Path | None:
    """The report that ends a run. Where none can be made, the reason is said and the run keeps its result."""
    try:
        return make(session, run, str(run.workflow.get("workflow_execution_id", "")), rows=rows)
    except Exception as error:
        # Whatever it was, it must not hide how the run ended; `landfall workflow report` tells it in full.
        reason = error.message if isinstance(error, CommandError) else f"{type(error).__name__}: {error}"
        say(f"no report was made: {' '.join(reason.split())}")
        return None


def say_where(page: Path | None) -> None:
    """Prints where a report is, as somebody in the current folder would write it."""
    if page is not None:
        here = Path.cwd()
        say(f"report: {page.relative_to(here) if page.is_relative_to(here) else page}")


def default_folder(session: Session) -> Path:
    """``.tools/report``; a sandbox with a name of its own keeps its reports to itself."""
    from sandbox.paths import tools_dir
    from sandbox.spec import DEFAULT_NAME

    sandbox = session.sandbox
    if sandbox is not None and sandbox.name != DEFAULT_NAME:
        return sandbox.state_dir / "report"
    return tools_dir() / "report"


def rows_of(title: str, query: str, rows: Sequence[dict[str, Any]]) -> tuple[Rows, ...]:
    """The rows of a query as a report has them; nothing where there are none."""
    from landfall.report.model import Rows

    if not rows:
        return ()
    cells = tuple(tuple("" if value is None else str(value) for value in row.values()) for row in rows)
    return (Rows(title=title, query=query, columns=tuple(rows[0]), rows=cells),)


def _gathered(
    session: Session, run: Run, execution_id: str, folder: Path | None, rows: Sequence[Rows]
) -> Report:
    from landfall.report.gather import gather

    now = datetime.now(tz=UTC)
    names = session.names
    return gather(
        run,
        stack=session.stack,
        environment=session.config.platform.environment,
        account_id=names.account_id,
        region=names.region,
        execution_id=execution_id,
        definition=session.workflows.definitions.get(str(run.workflow.get("workflow_id", ""))),
        logs=session.runs,
        folder=folder,
        now=now,
        rows=rows,
        guardrails=_guardrails(session, now.date()),
    )


def _guardrails(session: Session, today: date) -> Guardrails:
    from landfall.cli.report_guardrails import deployed_state, judge_deployed, judge_planned
    from landfall.cli.stacks import ROOT
    from sandbox.engines.project import Project

    environment = session.config.platform.environment
    sandbox = session.sandbox
    state = deployed_state(sandbox.state_dir, session.stack) if sandbox is not None else None
    if state is None:
        return judge_planned(session.stack, environment)
    config = Project.load(ROOT).config(session.stack).values
    return judge_deployed(state, config, stack=session.stack, environment=environment, today=today)
