"""``landfall diagram``: the architecture of a stack as a picture, from its plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from landfall.cli.exits import CommandError, Exit
from landfall.cli.pictures import Colours, Formats, Outs, Picture, working, write
from landfall.cli.stacks import ROOT, load_stack
from landfall.cli.terminal import print_json

EXAMPLE = (
    "Examples: landfall diagram prod · landfall diagram prod --out prod.svg --out prod.png --expand"
    " · landfall diagram prod --json"
)


def diagram(
    stack: Annotated[str, typer.Argument(help="Stack to draw.")],
    formats: Formats = None,
    out: Outs = None,
    expand: Annotated[
        bool, typer.Option("--expand", help="Name every resource instead of counting.")
    ] = False,
    depth: Annotated[
        int | None,
        typer.Option("--depth", min=1, help="Levels of components with boxes of their own."),
    ] = None,
    theme: Colours = None,
    plan_file: Annotated[
        Path | None,
        typer.Option("--plan", help="Draw this file of `landfall preview --json` instead of a new plan."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what the picture shows as JSON; writes no picture.")
    ] = False,
) -> None:
    """Draw the accounts, Regions, planes and components of a stack; needs no credentials and no network."""
    from landfall.diagram import mermaid
    from landfall.diagram.architecture import scene_of
    from landfall.diagram.model import architecture

    if as_json and (formats or out):
        raise CommandError("--json prints data; leave --format and --out out", Exit.INVALID)
    made = architecture(_plan(stack, plan_file), depth)
    if as_json:
        print_json(made.to_json())
        return
    picture = Picture(stack, lambda: scene_of(made, expand=expand), lambda: mermaid.architecture(made))
    write(picture, formats, out, theme)


def _plan(stack: str, plan_file: Path | None) -> dict[str, Any]:
    if plan_file is not None:
        return read_plan(plan_file)
    from sandbox.engines import embedded
    from sandbox.engines.errors import EngineError

    load_stack(stack)
    try:
        with working(f"plan of {stack}"):
            return embedded.plan(ROOT, stack).to_json()
    except EngineError as failed:
        raise CommandError(str(failed), Exit.FAILED) from failed


def read_plan(path: Path) -> dict[str, Any]:
    """A file of ``landfall preview --json``; raises ``CommandError`` for anything else."""
    from landfall.cli.json_file import read_json
    from landfall.diagram.plan_file import is_plan

    found = read_json(path)
    if not is_plan(found):
        raise CommandError(f"{path} is not a file of landfall preview --json", Exit.INVALID)
    plan: dict[str, Any] = found
    return plan
