"""The meta-commands.

Source: "Amazon Redshift RSQL meta commands"; those that RSQL shares with psql follow psql's reference page.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from landfall_emulator.dialect.errors import failure_of

from sandbox.rsql.arguments import run_shell, split_arguments, unquoted
from sandbox.rsql.describe import describe
from sandbox.rsql.expressions import ExpressionError, evaluate
from sandbox.rsql.flow import FlowError
from sandbox.rsql.options import DEFAULT_PORT, ConnectionOptions
from sandbox.rsql.output import SettingError
from sandbox.rsql.reports import ReportError
from sandbox.rsql.session import ConnectError, Session

if TYPE_CHECKING:
    from sandbox.rsql.interpreter import Interpreter

_MAXIMUM_DEPTH = 50
_EXPORT = re.compile(r"report\s+file\s*=\s*('[^']*'|\S+)\s*;?\s*$", re.IGNORECASE)
_RUN_OPTION = re.compile(r"(file|skip)\s*=\s*('[^']*'|\"[^\"]*\"|\S+)", re.IGNORECASE)


def run_meta(run: Interpreter, name: str, rest: str, buffer: str) -> str:
    """Run one meta-command and return what is left in the query buffer.

    Raises:
        Leave: the command ends the run.
    """
    lowered = name.lower()
    if lowered in _FLOW:
        try:
            _FLOW[lowered](run, rest)
        except (FlowError, ExpressionError) as wrong:
            run.complain(str(wrong))
        return buffer
    if not run.flow.active:
        return buffer
    if lowered in ("g", "gset", "gx"):
        _go(run, lowered, rest, buffer)
        return ""
    if lowered in ("r", "reset"):
        return ""
    command = _COMMANDS.get(name) or _COMMANDS.get(lowered)
    if command is not None:
        command(run, rest)
        return buffer
    description = describe(name, next(iter(_words(run, rest)), None))
    if description is None:
        run.complain(f"invalid command \\{name}")
        return buffer
    try:
        outcome = run.session.run(description.query, description.parameters)
    except Exception as error:
        run.complain(failure_of(error).message)
        return buffer
    if not outcome.rows:
        run.warn("Did not find any relations.")
    else:
        run.show(outcome, description.title)
    return buffer


def _words(run: Interpreter, rest: str) -> list[str]:
    """Arguments without quotation marks and without a semicolon at the end."""
    words = [unquoted(word) for word in split_arguments(rest.rstrip(";").rstrip(), run.variables)]
    return [word for word in words if word]


def _if(run: Interpreter, rest: str) -> None:
    run.flow.begin(run.flow.active and _condition(run, rest))


def _elseif(run: Interpreter, rest: str) -> None:
    run.flow.otherwise(run.flow.wants_condition() and _condition(run, rest), last=False)


def _else(run: Interpreter, rest: str) -> None:
    run.flow.otherwise(True, last=True)


def _endif(run: Interpreter, rest: str) -> None:
    run.flow.finish()


def _condition(run: Interpreter, rest: str) -> bool:
    """The condition; one that cannot be read is an error and counts as false."""
    try:
        return evaluate(rest, run.variables)
    except ExpressionError as wrong:
        run.complain(str(wrong))
        return False


def _goto(run: Interpreter, rest: str) -> None:
    if not run.flow.active:
        return
    words = _words(run, rest)
    if not words:
        raise FlowError("\\goto: missing required argument")
    run.flow.seek(words[0].removeprefix("\\"))


def _label(run: Interpreter, rest: str) -> None:
    words = _words(run, rest)
    if not words:
        raise FlowError("\\label: missing required argument")
    reached = run.flow.reach(words[0])
    if reached is not None:
        run.say(f"\\label {words[0]} {'processed' if reached else 'ignored'}")


def _go(run: Interpreter, name: str, rest: str, buffer: str) -> None:
    """`\\g`, `\\gx`, `\\gset [prefix]`."""
    text = buffer if buffer.strip() else run.last_sql
    if name != "gset":
        given = run.given
        if name == "gx":
            run.given = given.with_setting("expanded", "on")[0]
        run.run_sql(text)
        run.given = given
        return
    prefix = next(iter(_words(run, rest)), "")
    outcome = run.run_sql(text, show=False)
    if outcome is None:
        return
    if len(outcome.rows) != 1:
        found = "no rows" if not outcome.rows else "more than one row"
        run.complain(f"{found} returned for \\gset")
        return
    for column, value in zip(outcome.columns, outcome.rows[0], strict=True):
        if value is not None:
            run.variables[prefix + column.name] = value
        elif prefix + column.name in run.variables:
            del run.variables[prefix + column.name]


def _exit(run: Interpreter, rest: str) -> None:
    from sandbox.rsql.interpreter import Leave

    words = _words(run, rest)
    if words and not re.fullmatch(r"\d{1,3}", words[0]):
        run.complain(f'\\exit: "{words[0]}" is not a valid exit code')
        raise Leave(1)
    raise Leave(int(words[0]) & 0xFF if words else 0)


def _set(run: Interpreter, rest: str) -> None:
    arguments = [unquoted(word) for word in split_arguments(rest, run.variables)]
    if not arguments:
        for name in run.variables:
            run.say(f"{name} = '{run.variables[name]}'")
        return
    run.variables[arguments[0]] = "".join(arguments[1:])


def _unset(run: Interpreter, rest: str) -> None:
    for name in _words(run, rest):
        if name in run.variables:
            del run.variables[name]


def _echo(run: Interpreter, rest: str) -> None:
    sys.stdout.write(_echoed(run, rest))
    sys.stdout.flush()


def _qecho(run: Interpreter, rest: str) -> None:
    run.out.write(_echoed(run, rest))
    run.out.flush()


def _warn(run: Interpreter, rest: str) -> None:
    run.warn(_echoed(run, rest).removesuffix("\n"))


def _remark(run: Interpreter, rest: str) -> None:
    """`\\remark`: like `\\echo`; `//` breaks the line."""
    text = " ".join(unquoted(word) for word in split_arguments(rest.rstrip(";").rstrip(), run.variables))
    run.say(text.replace("//", "\n"))


def _echoed(run: Interpreter, rest: str) -> str:
    arguments = split_arguments(rest, run.variables)
    end = "\n"
    if arguments[:1] == ["-n"]:
        arguments, end = arguments[1:], ""
    return " ".join(arguments) + end


def _include(run: Interpreter, rest: str) -> None:
    words = _words(run, rest)
    if not words:
        run.complain("\\i: missing required argument")
        return
    _run_file(run, words[0], 0)


def _run(run: Interpreter, rest: str) -> None:
    """`\\run file=name [skip=n]`, or just a name."""
    options = {key.lower(): value.strip("'\"") for key, value in _RUN_OPTION.findall(rest)}
    name = options.get("file") or next(iter(_words(run, rest)), None)
    skip = options.get("skip", "0")
    if name is None or not skip.isdigit():
        run.complain("\\run: expected file=name and, if any, skip=number")
        return
    _run_file(run, name, int(skip))


def _run_file(run: Interpreter, name: str, skip: int) -> None:
    try:
        script = Path(name).read_text()
    except OSError as missing:
        run.complain(f"{name}: {missing.strerror}")
        return
    except UnicodeDecodeError:
        run.complain(f"{name}: not UTF-8 text")
        return
    if skip:
        run.say(f"{skip} records skipped in RUN file.")
        script = "".join(script.splitlines(keepends=True)[skip:])
    if run.depth >= _MAXIMUM_DEPTH:
        run.complain(f"{name}: files include one another more than {_MAXIMUM_DEPTH} deep")
        return
    run.run_script(script)


def _output(run: Interpreter, rest: str) -> None:
    if run.out is not sys.stdout:
        run.out.close()
        run.out = sys.stdout
    words = _words(run, rest)
    if words:
        try:
            run.out = Path(words[0]).open("w")  # noqa: SIM115 - closed by the next \o or at the end of the run
        except OSError as refused:
            run.complain(f"{words[0]}: {refused.strerror}")


def _export(run: Interpreter, rest: str) -> None:
    """`\\export report file='name'`, `\\export reset`."""
    if rest.rstrip(";").strip().lower() == "reset":
        run.export = None
        return
    match = _EXPORT.match(rest.strip())
    if match is None:
        run.complain("\\export: expected report file='name' or reset")
        return
    path = Path(match.group(1).strip("'").replace("\\\\", "\\"))
    try:
        path.write_text("")
    except OSError as refused:
        run.complain(f"{path}: {refused.strerror}")
        return
    run.export = path


def _pset(run: Interpreter, rest: str) -> None:
    """A setting of the output; it applies while RFORMAT is on."""
    words = [unquoted(word) for word in split_arguments(rest.rstrip(";"), run.variables)]
    if not words:
        run.complain("\\pset: missing required argument")
        return
    _change(run, words[0], words[1] if len(words) > 1 else None, at_once=False)


def _change(run: Interpreter, name: str, value: str | None, *, at_once: bool = True) -> None:
    try:
        run.wanted, told = run.wanted.with_setting(name, value)
        if at_once:
            run.given, told = run.given.with_setting(name, value)
    except SettingError as wrong:
        run.complain(str(wrong))
        return
    later = (
        "" if at_once or run.report.formatted else " (Changes will take effect after RFORMAT is switched ON)"
    )
    if told and not run.quiet:
        run.say(f"{told}{later}")


def _setting(name: str) -> Callable[[Interpreter, str], None]:
    """A short command for a setting, which applies at once."""

    def command(run: Interpreter, rest: str) -> None:
        _change(run, name, next(iter(_words(run, rest)), None))

    return command


def _align(run: Interpreter, rest: str) -> None:
    _change(run, "format", "aligned" if run.format.format == "unaligned" else "unaligned")


def _html(run: Interpreter, rest: str) -> None:
    _change(run, "format", "aligned" if run.format.format == "html" else "html")


def _rset(run: Interpreter, rest: str) -> None:
    try:
        told = run.report.set(rest)
    except ReportError as wrong:
        run.complain(str(wrong))
        return
    if not run.quiet:
        run.say(told)


def _timing(run: Interpreter, rest: str) -> None:
    words = _words(run, rest)
    run.timing = words[0].lower() in ("on", "true", "1") if words else not run.timing
    if not run.quiet:
        run.say(f"Timing is {'on' if run.timing else 'off'}.")


def _shell(run: Interpreter, rest: str) -> None:
    sys.stdout.flush()
    run_shell(rest)


def _logon(run: Interpreter, rest: str) -> None:
    """`\\logon database [user [host [port]]]`: a password in a script is refused, it comes from the
    environment."""
    words = _words(run, rest)
    if len(words) > 4 or any(re.search(r"\b(password|pwd)\s*=", word, re.IGNORECASE) for word in words):
        run.complain("\\logon: a password is not taken from a script; set RSPASSWORD")
        return
    now = run.session.options
    given = [None if word == "-" else word for word in words] + [None] * 4
    if given[3] is not None and not given[3].isdigit():
        run.complain(f'\\logon: invalid port number "{given[3]}"')
        return
    options = ConnectionOptions(
        host=given[2] or now.host,
        port=int(given[3]) if given[3] else (now.port if given[2] is None else DEFAULT_PORT),
        user=given[1] or now.user,
        database=given[0] or now.database,
        password=now.password,
    )
    try:
        session = Session(options, ask_password=run.options.ask_password)
    except ConnectError as refused:
        run.complain(str(refused))
        return
    run.session.close()
    run.session = session
    run.connected()
    if not run.quiet:
        run.say(f'You are now connected to database "{options.database}" as user "{options.user}".')


def _conninfo(run: Interpreter, rest: str) -> None:
    now = run.session.options
    run.say(
        f'You are connected to database "{now.database}" as user "{now.user}" on host "{now.host}" '
        f'at port "{now.port}".'
    )


def _buffer(run: Interpreter, rest: str) -> None:
    run.say(run.last_sql or "Query buffer is empty.")


def _help(run: Interpreter, rest: str) -> None:
    names = sorted(
        {*_COMMANDS, *_FLOW, "g", "gset", "gx", "d", "dt", "dv", "dm", "dn", "du", "df", "dp", "l", "sv"}
    )
    run.say("Meta-commands: " + " ".join(f"\\{name}" for name in names))


def _nothing(run: Interpreter, rest: str) -> None:
    """Accepted without effect."""


_FLOW: dict[str, Callable[[Interpreter, str], None]] = {
    "if": _if,
    "elseif": _elseif,
    "elif": _elseif,
    "else": _else,
    "endif": _endif,
    "goto": _goto,
    "label": _label,
}
_COMMANDS: dict[str, Callable[[Interpreter, str], None]] = {
    **dict.fromkeys(("exit", "quit", "q"), _exit),
    **dict.fromkeys(("i", "ir", "include"), _include),
    **dict.fromkeys(("o", "out"), _output),
    **dict.fromkeys(("!", "os"), _shell),
    **dict.fromkeys(("logon", "c", "connect"), _logon),
    **dict.fromkeys(("p", "print"), _buffer),
    **dict.fromkeys(("encoding", "\\"), _nothing),
    "set": _set,
    "unset": _unset,
    "echo": _echo,
    "qecho": _qecho,
    "warn": _warn,
    "remark": _remark,
    "run": _run,
    "export": _export,
    "pset": _pset,
    "x": _setting("expanded"),
    "t": _setting("tuples_only"),
    "f": _setting("fieldsep"),
    "a": _align,
    "H": _html,
    "rset": _rset,
    "timing": _timing,
    "conninfo": _conninfo,
    "?": _help,
}
