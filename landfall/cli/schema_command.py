"""``landfall schema``: the JSON schema of stack files."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from landfall.cli.exits import CommandError, Exit
from landfall.cli.stacks import ROOT
from landfall.cli.terminal import say
from landfall.config import schema as config_schema

EXAMPLE = "Examples: landfall schema > schema.json · landfall schema --check"
FILE = ROOT / "stacks" / "schema.json"


def schema(
    write: Annotated[bool, typer.Option("--write", help="Write stacks/schema.json.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Fail where stacks/schema.json is stale.")] = False,
) -> None:
    """Print, write or check the JSON schema that editors complete and check stack files with."""
    if check:
        if not config_schema.check(FILE):
            raise CommandError(
                "stacks/schema.json is stale; renew it with: landfall schema --write", Exit.FAILED
            )
        say("stacks/schema.json is up to date")
    elif write:
        config_schema.write(FILE)
        say("wrote stacks/schema.json")
    else:
        sys.stdout.write(config_schema.render())
