"""The entry point: every command, and what becomes of an error.

Exit codes: 0 done, 1 guardrail violation or failed run, 2 invalid configuration or usage,
3 environment problem. (source: DESIGN section 10)
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

import typer
from rich.text import Text

from landfall import __version__
from landfall.cli.exits import CommandError, Exit
from landfall.cli.lazy import Lazy, LazyGroup
from landfall.cli.terminal import err, print_report

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 and the number of the signal."""
DEBUG_VARIABLE = "LANDFALL_DEBUG"
"""Set to 1 it means ``--debug``, for a Pulumi program as well."""
NAME = "landfall"
"""How the program calls itself, whichever way it was started."""

COMMANDS = (
    Lazy(
        "validate",
        "landfall.cli.validate:validate",
        "Check stack files without AWS, credentials or network: all errors of all files at once.",
    ),
    Lazy(
        "preview",
        "landfall.cli.preview:preview",
        "Show what a stack makes or changes, dangers first, and its cost; no credentials, no network.",
    ),
    Lazy(
        "diagram",
        "landfall.cli.diagram_command:diagram",
        "Draw the accounts, Regions, planes and components of a stack; needs no credentials and no network.",
    ),
    Lazy(
        "demo",
        "landfall.cli.demo:demo",
        "Deploy the sandbox stack on this machine, run the sample workflow, show records, logs and rows.",
    ),
    Lazy(
        "explain",
        "landfall.cli.explain:explain",
        "Explain an error code, a guardrail or a config key: what it means, an example, how to mend it.",
    ),
    Lazy(
        "new",
        "landfall.cli.new:new",
        "Add a workflow, a network, an account, ... to a stack file, or make a new stack file.",
    ),
    Lazy(
        "catalog",
        "landfall.cli.catalog:catalog",
        "List what landfall new can create, or show the keys and an example of one kind.",
    ),
    Lazy(
        "doctor",
        "landfall.cli.doctor:doctor",
        "Check this machine without network: what is missing, what would leak, and how to mend it.",
    ),
    Lazy(
        "schema",
        "landfall.cli.schema_command:schema",
        "Print, write or check the JSON schema that editors complete and check stack files with.",
    ),
    Lazy(
        "workflow",
        "landfall.cli.workflow_commands:app",
        "ETL workflows of a stack, in the sandbox or in an account.",
    ),
    Lazy(
        "sandbox",
        "landfall.cli.sandbox_commands:app",
        "AWS on this machine: no account, no Docker, no internet.",
    ),
    Lazy(
        "guardrails",
        "landfall.cli.guardrail_commands:app",
        "The guardrails that every preview is checked against.",
    ),
)
"""Every command: its module is imported when it is used. The summary is its docstring's first line."""


class _Commands(LazyGroup):
    table = COMMANDS


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Examples: landfall demo · landfall validate · landfall preview prod --json out.json",
)


class _Options:
    debug = False


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"{NAME} {__version__}\n")
        raise typer.Exit()


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the Python traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A governed, multi-account AWS data platform from one YAML stack config."""
    _Options.debug = debug or os.environ.get(DEBUG_VARIABLE) == "1"
    if debug:  # the program that a preview runs shows its traceback too
        os.environ[DEBUG_VARIABLE] = "1"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    given = _debug_first(sys.argv[1:] if arguments is None else arguments)
    before = os.environ.get(DEBUG_VARIABLE)
    try:
        code = _run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        return _unread()
    finally:
        if before is None:
            os.environ.pop(DEBUG_VARIABLE, None)
    return code


def _debug_first(arguments: Sequence[str]) -> list[str]:
    """``--debug`` may stand anywhere: it is put behind a command that has just failed."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    if "--debug" not in arguments[1:end]:
        return list(arguments)
    return ["--debug", *(word for word in arguments[:end] if word != "--debug"), *arguments[end:]]


def _run(arguments: Sequence[str]) -> int:
    try:
        outcome = app(args=list(arguments), prog_name=NAME, standalone_mode=False)
    except CommandError as error:
        return _ended(error.message, error.code, error)
    except (typer.Abort, KeyboardInterrupt):
        outcome = INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:
        return _unexpected(error, arguments)
    if outcome == INTERRUPTED:  # Typer has met the KeyboardInterrupt first
        return _ended("interrupted", INTERRUPTED)
    return outcome if isinstance(outcome, int) else Exit.DONE


def _unread() -> int:
    """Whoever read the output has left, as ``head`` does: nothing more can be said to him."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.FAILED


def _unexpected(error: Exception, arguments: Sequence[str]) -> int:
    # Typer's own usage errors, whatever copy of click it brings.
    show = getattr(error, "show", None)
    code = getattr(error, "exit_code", None)
    if callable(show) and isinstance(code, int):
        show()
        return code
    try:
        from landfall.cli.unexpected import verdict
    except ImportError as also:  # what judges errors needs a module that is missing
        from landfall.cli.missing import sentence

        message, code = sentence(also) or f"{type(also).__name__}: {also}", int(Exit.ENVIRONMENT)
    else:
        message, code = verdict(error, (NAME, *arguments))
    return _ended(message, code, error)


def _ended(message: str, code: int, error: BaseException | None = None) -> int:
    if _Options.debug and error is not None:
        raise error
    issues = getattr(error, "issues", None)
    if issues:
        print_report(issues, err)
    else:
        err.print(Text(message))
    return code


if __name__ == "__main__":
    sys.exit(main())
