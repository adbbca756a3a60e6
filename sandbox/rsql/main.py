"""The program."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from landfall_emulator.dialect import split_statements

from sandbox.rsql.interpreter import Interpreter, Leave
from sandbox.rsql.options import Options, UsageError, parse
from sandbox.rsql.output import SettingError
from sandbox.rsql.session import ConnectError, Session

VERSION = "rsql (Landfall sandbox) 1.0"
FAILURE = 1
NOT_CONNECTED = 2
_INTERRUPTED = 130
_HELP = """\
rsql runs SQL scripts on the sandbox's warehouse as Amazon Redshift RSQL does.

  rsql [OPTION]... [DBNAME [USERNAME]]

  -h HOST  -p PORT  -U USER  -d DATABASE    where to connect; else PGHOST, PGPORT, PGUSER, PGDATABASE
  -D DSN                                    a data source of the ODBC configuration (ODBCINI)
  -c COMMAND  -f FILE                       run these, in this order; else the standard input
  -v NAME=VALUE                             set a variable
  -q quiet   -t rows only   -A unaligned   -x expanded   -F SEPARATOR   -P NAME=VALUE   --csv
  -a echo all   -e echo queries   -b echo failed commands   -o FILE   -1 one transaction   -w never ask

The password comes from RSPASSWORD or PGPASSWORD. Exit codes: 0 done, 1 wrong use or a failed -c, 2 no
connection, 3 stopped by ON_ERROR_STOP, otherwise what \\exit or an error level says."""


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        options = parse(arguments)
    except UsageError as wrong:
        return _fail(f"{wrong}; try rsql --help", FAILURE)
    if isinstance(options, str):
        sys.stdout.write(f"{_HELP if options == 'help' else VERSION}\n")
        return 0
    try:
        session = Session(options.connection, ask_password=options.ask_password)
    except ConnectError as refused:
        return _fail(str(refused), NOT_CONNECTED)
    try:
        return _run(session, options)
    except SettingError as wrong:
        return _fail(str(wrong), FAILURE)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        return FAILURE


def _run(session: Session, options: Options) -> int:
    """Run every action; the session and the output file are closed in any case."""
    run = Interpreter(session, options)
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: run.session.close())
        stack.callback(lambda: run.out.close() if run.out is not sys.stdout else None)
        if options.output:
            try:
                run.out = Path(options.output).open("w")  # noqa: SIM115 - closed by the stack
            except OSError as refused:
                return _fail(f"{options.output}: {refused.strerror}", FAILURE)
        try:
            if options.single_transaction:
                run.run_sql("BEGIN", show=False)
            code = _actions(run, options)
            if options.single_transaction:
                run.run_sql("COMMIT" if code == 0 else "ROLLBACK", show=False)
            return code
        except Leave as leave:
            return leave.code


def _actions(run: Interpreter, options: Options) -> int:
    """`-c` and `-f` in their order, else the standard input."""
    for kind, text in options.actions:
        run.failed = False
        if kind == "command":
            _command(run, text)
            if run.failed:
                return FAILURE
            continue
        try:
            script = sys.stdin.read() if text == "-" else Path(text).read_text()
        except OSError as missing:
            return _fail(f"{text}: {missing.strerror}", FAILURE)
        run.run_script(script)
    if not options.actions:
        _standard_input(run)
    return 0


def _command(run: Interpreter, text: str) -> None:
    """SQL, of which the first error ends the rest, or one meta-command."""
    if text.lstrip().startswith("\\"):
        run.run_script(text)
        return
    for statement in split_statements(text):
        if run.run_sql(statement) is None and run.failed:
            return


def _standard_input(run: Interpreter) -> None:
    """A script from a pipe, or a conversation."""
    if not sys.stdin.isatty():
        run.run_script(sys.stdin.read())
        return
    run.say(f'{VERSION}\nType "\\?" for help, "\\q" to leave.')
    buffer = ""
    while True:
        database = run.session.options.database
        sys.stdout.write(f"{database}{'=' if not buffer else '-'}# ")
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            return
        buffer += line
        if buffer.lstrip().startswith("\\") or ";" in line or "\\g" in line:
            run.run_script(buffer)
            buffer = ""


def _fail(message: str, code: int) -> int:
    sys.stdout.flush()
    sys.stderr.write(f"rsql: error: {message}\n")
    return code
