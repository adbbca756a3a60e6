"""``landfall validate``: every mistake of every stack file, offline."""

from __future__ import annotations

from typing import Annotated

import typer

from landfall.cli.exits import Exit
from landfall.cli.stacks import counted, stack_names, stack_result
from landfall.cli.terminal import out, print_json
from landfall.config import report

EXAMPLE = "Examples: landfall validate · landfall validate dev prod --json"


def validate(
    stacks: Annotated[
        list[str] | None, typer.Argument(help="Stacks to check; all of stacks/ by default.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Check stack files without AWS, credentials or network: all errors of all files at once."""
    results = [stack_result(stack) for stack in (stacks or stack_names())]
    issues = [issue for result in results for issue in result.issues]
    if as_json:
        print_json(
            {
                "stacks": [{"stack": result.stack, "valid": result.ok} for result in results],
                "issues": [issue.to_json() for issue in issues],
            }
        )
    else:
        if issues:
            out.print(report(issues), markup=False)
        broken = sum(not result.ok for result in results)
        out.print(
            f"{counted(len(issues), 'error')} in {counted(broken, 'file')}"
            if issues
            else f"{counted(len(results), 'stack file')} valid: "
            + ", ".join(result.stack for result in results),
            markup=False,
        )
    if issues:
        raise typer.Exit(Exit.INVALID)
