"""The command line."""

from __future__ import annotations

import argparse
import configparser
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

DEFAULT_PORT = 5439


class UsageError(Exception):
    """The command line is wrong; one sentence for the user."""


@dataclass(frozen=True, kw_only=True)
class ConnectionOptions:
    """Where to connect and as whom."""

    host: str
    port: int
    user: str
    database: str
    password: str | None = None


@dataclass(frozen=True, kw_only=True)
class Options:
    """Everything that the command line asks for."""

    connection: ConnectionOptions
    actions: tuple[tuple[str, str], ...]
    """`("command", text)` and `("file", path)` in the order given."""
    variables: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]
    """Settings of `\\pset` and their values."""
    quiet: bool
    echo: str
    """`none`, `queries`, `errors` or `all`."""
    output: str | None
    single_transaction: bool
    ask_password: bool


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


class _Action(argparse.Action):
    """Keeps `-c` and `-f` in their order."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        namespace.actions = [*namespace.actions, (self.dest, values)]


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="rsql", add_help=False, allow_abbrev=False)
    add = parser.add_argument
    add("-h", "--host")
    add("-p", "--port")
    add("-U", "--username")
    add("-d", "--dbname")
    add("-D", "--dsn")
    add("-c", "--command", dest="command", action=_Action)
    add("-f", "--file", dest="file", action=_Action)
    add("-v", "--set", "--variable", dest="variables", action="append", default=[])
    add("-q", "--quiet", action="store_true")
    add("-t", "--tuples-only", action="store_true")
    add("-A", "--no-align", action="store_true")
    add("-x", "--expanded", action="store_true")
    add("-F", "--field-separator")
    add("-P", "--pset", action="append", default=[])
    add("--csv", action="store_true")
    add("-a", "--echo-all", dest="echo", action="store_const", const="all")
    add("-b", "--echo-errors", dest="echo", action="store_const", const="errors")
    add("-e", "--echo-queries", dest="echo", action="store_const", const="queries")
    add("-o", "--output")
    add("-1", "--single-transaction", action="store_true")
    add("-w", "--no-password", action="store_true")
    add("-X", "--no-rsqlrc", "--no-psqlrc", action="store_true")
    add("-V", "--version", action="store_true")
    add("-?", "--help", action="store_true")
    add("names", nargs="*")
    parser.set_defaults(actions=[], echo="none")
    return parser


def parse(arguments: Sequence[str], environment: dict[str, str] | None = None) -> Options | str:
    """The options, or `help` or `version`.

    Connection settings come from the command line, else from the DSN of `-D`, else from PGHOST, PGPORT,
    PGUSER, PGDATABASE; the password from RSPASSWORD, PGPASSWORD or the DSN, never from the command line.

    Raises:
        UsageError: an unknown option or a bad value.
    """
    environment = dict(os.environ) if environment is None else environment
    given = _parser().parse_args(list(arguments))
    if given.help:
        return "help"
    if given.version:
        return "version"
    if len(given.names) > 2:
        raise UsageError(f'extra command-line argument "{given.names[2]}"')
    names = [*given.names, None, None]
    dsn = _dsn(given.dsn, environment) if given.dsn else {}
    user = (
        given.username
        or names[1]
        or dsn.get("uid")
        or environment.get("PGUSER")
        or environment.get("USER", "")
    )
    connection = ConnectionOptions(
        host=given.host or dsn.get("host") or environment.get("PGHOST") or "localhost",
        port=_port(given.port or dsn.get("port") or environment.get("PGPORT") or DEFAULT_PORT),
        user=user,
        database=given.dbname or names[0] or dsn.get("database") or environment.get("PGDATABASE") or user,
        password=environment.get("RSPASSWORD") or environment.get("PGPASSWORD") or dsn.get("pwd"),
    )
    return Options(
        connection=connection,
        actions=tuple(given.actions),
        variables=tuple(_assignment(text) for text in given.variables),
        settings=_settings(given),
        quiet=given.quiet,
        echo=given.echo,
        output=given.output,
        single_transaction=given.single_transaction,
        ask_password=not given.no_password,
    )


def _settings(given: argparse.Namespace) -> tuple[tuple[str, str], ...]:
    """The switches as settings of `\\pset`."""
    settings = [_assignment(text) for text in given.pset]
    if given.no_align:
        settings.append(("format", "unaligned"))
    if given.csv:
        settings.append(("format", "csv"))
    if given.tuples_only:
        settings.append(("tuples_only", "on"))
    if given.expanded:
        settings.append(("expanded", "on"))
    if given.field_separator is not None:
        settings.append(("fieldsep", given.field_separator))
    return tuple(settings)


def _assignment(text: str) -> tuple[str, str]:
    """`NAME=VALUE`; without a value it is set to the empty string."""
    name, _, value = text.partition("=")
    if not name:
        raise UsageError(f'invalid assignment "{text}"')
    return name, value


def _port(value: str | int) -> int:
    """A port number."""
    try:
        port = int(value)
    except ValueError as wrong:
        raise UsageError(f'invalid port number: "{value}"') from wrong
    if not 1 <= port <= 65535:
        raise UsageError(f'invalid port number: "{value}"')
    return port


def _dsn(name: str, environment: dict[str, str]) -> dict[str, str]:
    """A data source of the ODBC configuration (`ODBCINI`, else `~/.odbc.ini`), keys in lower case."""
    path = Path(environment.get("ODBCINI") or Path.home() / ".odbc.ini")
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text())
        values = dict(parser[name])
    except (OSError, KeyError, configparser.Error) as missing:
        raise UsageError(f'data source "{name}" not found in {path}') from missing
    return {"host": values.get("server") or values.get("host") or values.get("servername") or "", **{
        key: value for key, value in values.items() if key != "host"
    }}  # fmt: skip
