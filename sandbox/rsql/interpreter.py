"""Runs scripts: SQL as it comes, meta-commands in between."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import TextIO

import psycopg
from landfall_emulator.dialect import NotAvailable, split_statements
from landfall_emulator.dialect.errors import Failure, WarehouseError, failure_of
from landfall_emulator.dialect.execute import Outcome

from sandbox.rsql.flow import Flow
from sandbox.rsql.options import Options
from sandbox.rsql.output import Format, render
from sandbox.rsql.reports import Report
from sandbox.rsql.script import pieces
from sandbox.rsql.session import Session
from sandbox.rsql.variables import Variables

CONNECTION_LOST = 2
STOPPED_BY_ERROR = 3
_NEVER_IN_TRANSACTION = ("begin", "start", "commit", "end", "rollback", "abort", "vacuum")


class Leave(Exception):
    """The run ends with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Interpreter:
    """The state of a run: variables, formats, output, connection."""

    def __init__(self, session: Session, options: Options) -> None:
        from sandbox.rsql.metacommands import run_meta

        self._run_meta = run_meta
        self.session = session
        self.options = options
        self.variables = Variables()
        self.report = Report()
        self.timing = False
        self.quiet = options.quiet
        self.given = Format()
        for name, value in options.settings:
            self.given, _ = self.given.with_setting(name, value)
        self.wanted = self.given
        """What `\\pset` has asked for; it applies while RFORMAT is on."""
        self.out: TextIO = sys.stdout
        self.export: Path | None = None
        self.flow = Flow()
        self.depth = 0
        self.failed = False
        self.last_sql = ""
        for name, value in options.variables:
            self.variables[name] = value
        self.connected()

    def connected(self) -> None:
        """Take over what the connection tells."""
        connection = self.session.options
        for name, value in {
            "HOST": connection.host,
            "PORT": str(connection.port),
            "USER": connection.user,
            "DBNAME": connection.database,
        }.items():
            self.variables[name] = value

    @property
    def format(self) -> Format:
        """How results look now."""
        return self.wanted if self.report.formatted else self.given

    def run_script(self, script: str) -> None:
        """Run a script to its end.

        Raises:
            Leave: the script, an error level or a lost connection ends the run.
        """
        outer, self.flow = self.flow, Flow()
        self.depth += 1
        buffer = ""
        for piece in pieces(script):
            if self.options.echo == "all" and piece.kind == "meta":
                self.say(f"\\{piece.text} {piece.rest}".rstrip())
            if piece.kind == "meta":
                buffer = self._run_meta(self, piece.text, piece.rest, buffer)
            elif self.flow.active:
                if piece.kind == "end":
                    self.run_sql(buffer)
                    buffer = ""
                else:
                    buffer += piece.text
        if self.flow.active:
            self.run_sql(buffer)
        if self.flow.seeking is not None:
            self.complain(f"\\label {self.flow.seeking} not found")
        if self.flow.open_blocks:
            self.complain("reached EOF without finding closing \\endif(s)")
        self.flow = outer
        self.depth -= 1

    def run_sql(self, text: str, *, show: bool = True) -> Outcome | None:
        """Run what stands in the buffer, if it says anything; `None` after an error."""
        sql = self.variables.substitute(text).strip()
        if not split_statements(sql):
            return None
        self.last_sql = sql
        if self.options.echo in ("queries", "all"):
            self.say(sql)
        began = time.monotonic()
        try:
            self._open_transaction(sql)
            outcome = self.session.run(sql)
        except (psycopg.Error, WarehouseError, NotAvailable) as error:
            self._show_error(failure_of(error), sql)
            return None
        except KeyboardInterrupt:
            with contextlib.suppress(psycopg.Error):
                self.session.cancel()
            raise
        self.variables.succeeded(max(outcome.count, 0))
        if show:
            self.show(outcome)
        if self.timing:
            self.say(f"Time: {(time.monotonic() - began) * 1000:.3f} ms")
        return outcome

    def show(self, outcome: Outcome, title: str = "") -> None:
        """Show a result, or what the statement did."""
        if outcome.has_rows:
            form = self.format if not title else self.format.with_setting("title", title)[0]
            text = self.report.head() + render(outcome, form, dashes=self.report.dashes)
            if self.export is not None:
                with self.export.open("a") as file:
                    file.write(text)
                self.say(f"(exported {outcome.count} row{'' if outcome.count == 1 else 's'})")
                return
            self.out.write(text)
            self.out.flush()
            return
        if outcome.tag == "COPY" and not self.quiet:
            table = f"Load completed, {outcome.count} record(s) loaded successfully."
            self.warn(f"INFO:  {table}")
        if outcome.tag == "UNLOAD" and not self.quiet:
            self.warn(f"INFO:  UNLOAD completed, {outcome.count} record(s) unloaded successfully.")
        if outcome.tag and not self.quiet:
            self.say(outcome.tag)

    def say(self, text: str) -> None:
        """A line on the standard output."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def warn(self, text: str) -> None:
        """A line on the error output, after everything that came before it."""
        sys.stdout.flush()
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def complain(self, text: str) -> None:
        """An error of a meta-command; it ends the run where ON_ERROR_STOP says so."""
        self.warn(f"rsql: ERROR: {text}")
        self.failed = True
        if self.variables.switch("ON_ERROR_STOP"):
            raise Leave(STOPPED_BY_ERROR)

    def _open_transaction(self, sql: str) -> None:
        """With AUTOCOMMIT off the first statement opens a transaction."""
        if self.variables.get("AUTOCOMMIT", "on").lower() not in ("off", "false", "0"):
            return
        first = sql.split(None, 1)[0].lower()
        if not self.session.in_transaction and first not in _NEVER_IN_TRANSACTION:
            self.session.run("BEGIN")

    def _show_error(self, failure: Failure, sql: str) -> None:
        """Print the error, set the variables, and leave where the script says so."""
        self.failed = True
        message = failure.message
        self.variables.failed(failure.sqlstate, message)
        lines = [f"rsql: {failure.severity}: {message}"]
        if failure.detail:
            lines.append(f"DETAIL:  {failure.detail}")
        if failure.hint:
            lines.append(f"HINT:  {failure.hint}")
        self.warn("\n".join(lines))
        if self.options.echo == "errors":
            self.warn(f"STATEMENT:  {sql}")
        if not self.session.alive:
            self.warn("rsql: connection to server was lost")
            raise Leave(CONNECTION_LOST)
        severity = self.report.severity(failure.sqlstate)
        if self.report.maximum is not None and severity > self.report.maximum:
            raise Leave(severity)
        if severity and self.variables.switch("ON_ERROR_STOP"):
            raise Leave(STOPPED_BY_ERROR)
