"""``landfall workflow draw``: a workflow as it is configured, or the state machine that runs them all."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from landfall.cli.exits import CommandError, Exit, unknown
from landfall.cli.pictures import Colours, Formats, Outs, Picture, write
from landfall.cli.stacks import load_stack

EXAMPLE = (
    "Examples: landfall workflow draw blog_test_workflow --stack dev --out workflow.svg"
    " · landfall workflow draw --machine --format png"
    ' · landfall workflow draw --machine --scope "Jobs (full)" --out jobs.svg'
)


def draw(
    workflow_id: Annotated[
        str | None, typer.Argument(help="Workflow to draw; may be left out where the stack has only one.")
    ] = None,
    stack: Annotated[str, typer.Option("--stack", "-s", help="Stack whose ETL plane is meant.")] = "sandbox",
    machine: Annotated[
        bool, typer.Option("--machine", help="Draw the state machine that runs every workflow.")
    ] = False,
    formats: Formats = None,
    out: Outs = None,
    scope: Annotated[
        str | None,
        typer.Option("--scope", help="With --machine: only this part of it, such as the inside of a Map."),
    ] = None,
    theme: Colours = None,
) -> None:
    """Draw a workflow of the stack config, or the state machine, as SVG, PNG or Mermaid; offline."""
    if machine and workflow_id is not None:
        raise CommandError("name a workflow or draw the --machine, not both", Exit.INVALID)
    if scope is not None and not machine:
        raise CommandError("--scope is a part of the --machine", Exit.INVALID)
    write(_machine(stack, scope) if machine else _workflow(stack, workflow_id), formats, out, theme)


def _machine(stack: str, scope: str | None) -> Picture:
    from workflows import etl
    from workflows.asl import draw as drawings

    load_stack(stack)
    definition = etl.definition(etl.EtlSpec(stack=stack))
    if scope is not None and scope not in (names := drawings.scope_names(definition)):
        raise unknown("scope", scope, names, "the machine has")
    part = "" if scope is None else "-" + "-".join(re.findall(r"\w+", scope.lower()))
    return Picture(
        f"{stack}-etl-machine{part}",
        lambda: drawings.scene(definition, "ETL state machine", scope),
        lambda: drawings.mermaid(definition, scope),
    )


def _workflow(stack: str, workflow_id: str | None) -> Picture:
    from workflows import picture

    config = load_stack(stack)
    definitions = config.workflows.definitions if config.workflows is not None else {}
    if workflow_id is None:
        if len(definitions) != 1:
            raise CommandError(
                f"stack {stack} has {len(definitions)} workflows; name one, or draw the --machine",
                Exit.INVALID,
            )
        (workflow_id,) = definitions
    if workflow_id not in definitions:
        raise unknown("workflow", workflow_id, sorted(definitions), f"stack {stack} has")
    name, definition = workflow_id, definitions[workflow_id]
    return Picture(
        f"{stack}-{name}",
        lambda: picture.scene(name, definition),
        lambda: picture.mermaid(name, definition),
    )
