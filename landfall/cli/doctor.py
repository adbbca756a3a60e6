"""``landfall doctor``: what of this machine is in order, and the command that mends what is not."""

from __future__ import annotations

from typing import Annotated

import typer

from landfall.cli.exits import Exit
from landfall.cli.terminal import out, print_json

EXAMPLE = "Examples: landfall doctor · landfall doctor --json"
STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}
WORKERS = 8
"""Checks at the same time: most of them wait for a program's answer."""


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Check this machine without network: what is missing, what would leak, and how to mend it."""
    from concurrent.futures import ThreadPoolExecutor
    from dataclasses import asdict

    from rich.text import Text

    from landfall.cli.doctor_checks import CHECKS, examined
    from landfall.cli.doctor_machine import Machine

    machine = Machine.here()
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        found = list(pool.map(lambda check: examined(check, machine), CHECKS))
    failed = [one for one in found if one.status == "fail"]
    if as_json:
        print_json({"ok": not failed, "checks": [asdict(one) for one in found]})
    else:
        width = max(len(one.name) for one in found)
        for one in found:
            line = Text(f"{one.status:<4}", style=STYLES[one.status])
            out.print(line.append(f"  {one.name:<{width}}  {one.said}", style="default"))
            if one.status != "ok" and one.fix:
                out.print(Text(f"{'':<{width + 8}}fix: {one.fix}"))
        warned = sum(one.status == "warn" for one in found)
        well = len(found) - len(failed) - warned
        out.print(Text(f"{well} ok, {warned} to look at, {len(failed)} missing or broken"))
    if failed:
        raise typer.Exit(Exit.ENVIRONMENT)
