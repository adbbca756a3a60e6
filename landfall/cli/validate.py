"""``landfall validate``: every mistake of every stack file, offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from landfall.cli.exits import CommandError, Exit, cannot_write, unknown
from landfall.cli.stacks import ROOT, counted, stack_names, stack_result
from landfall.cli.terminal import out, print_json, print_report, say
from landfall.config import ConfigIssue, LoadResult

EXAMPLE = (
    "Examples: landfall validate · landfall validate dev prod --json · landfall validate --sarif out.sarif"
)
FORMATS = ("text", "json", "sarif")


def validate(
    stacks: Annotated[
        list[str] | None, typer.Argument(help="Stacks to check; all of stacks/ by default.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
    format_: Annotated[
        str | None, typer.Option("--format", metavar="|".join(FORMATS), help="What to print.")
    ] = None,
    sarif_file: Annotated[
        str | None,
        typer.Option(
            "--sarif", metavar="FILE", help="Write SARIF 2.1.0 for code scanning to a file as well."
        ),
    ] = None,
) -> None:
    """Check stack files without AWS, credentials or network: all errors of all files at once."""
    chosen = _format(format_, as_json)
    names = list(dict.fromkeys(stacks)) if stacks else stack_names()
    if not names:
        raise CommandError(
            "stacks/ has no stack file; a stack is a file stacks/Pulumi.<stack>.yaml", Exit.INVALID
        )
    results = [stack_result(stack) for stack in names]
    issues = [issue for result in results for issue in result.issues]
    if sarif_file is not None:
        _write(Path(sarif_file), _sarif(issues))
    if chosen == "json":
        print_json(
            {
                "stacks": [{"stack": result.stack, "valid": result.ok} for result in results],
                "issues": [issue.to_json() for issue in issues],
            }
        )
    elif chosen == "sarif":
        print_json(_sarif(issues))
    elif issues:
        print_report(issues, out)
    else:
        out.print(_all_valid(results), markup=False)
    if issues:
        raise typer.Exit(Exit.INVALID)


def _format(wanted: str | None, as_json: bool) -> str:
    if wanted is not None and wanted not in FORMATS:
        raise unknown("format", wanted, FORMATS, "allowed are")
    if as_json and wanted not in (None, "json"):
        raise CommandError(
            f"--json and --format {wanted} contradict each other; give one of them", Exit.INVALID
        )
    return "json" if as_json else wanted or "text"


def _all_valid(results: list[LoadResult]) -> str:
    return f"{counted(len(results), 'stack file')} valid: " + ", ".join(result.stack for result in results)


def _sarif(issues: list[ConfigIssue]) -> dict[str, Any]:
    from landfall.cli.sarif import sarif

    return sarif(issues, ROOT)


def _write(file: Path, document: dict[str, Any]) -> None:
    try:
        file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except (OSError, ValueError) as error:
        raise cannot_write(str(file), error) from error
    say(f"wrote {file}")
