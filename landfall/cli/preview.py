"""``landfall preview``: resources, guardrail verdicts and what they amount to; no credentials."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from landfall.cli.deploy import POLICY_PACK
from landfall.cli.exits import CommandError, Exit
from landfall.cli.stacks import ROOT, counted, load_stack
from landfall.cli.terminal import out, print_json, say, step, table
from sandbox.engines import embedded
from sandbox.engines.errors import CliMissing, EngineError
from sandbox.engines.guardrails import guardrails_for
from sandbox.engines.plan import PROVIDER_PREFIX, Plan, Violation
from sandbox.engines.project import Project
from sandbox.engines.pulumi_engine import PulumiEngine
from sandbox.paths import tools_dir

EXAMPLE = "Examples: landfall preview prod · landfall preview dev --engine pulumi --json out.json"
SEVERITIES = ("critical", "high", "medium", "low", "")


def preview(
    stack: Annotated[str, typer.Argument(help="Stack to preview.")],
    engine: Annotated[
        str, typer.Option("--engine", help="embedded (in process, seconds) or pulumi (the real CLI).")
    ] = "embedded",
    json_file: Annotated[
        str | None,
        typer.Option("--json", help="Write the whole plan as JSON to a file; - for standard output."),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="List every resource.")] = False,
) -> None:
    """Show what a stack makes and what its guardrails say; needs no credentials and no network."""
    load_stack(stack)
    plan = plan_of(stack, engine)
    if json_file == "-":
        print_json(plan.to_json())
    elif json_file is not None:
        try:
            Path(json_file).write_text(plan.dumps() + "\n", encoding="utf-8")
        except OSError as error:
            raise CommandError(f"cannot write {json_file}: {error.strerror}", Exit.INVALID) from error
        say(f"wrote {json_file}")
    if json_file != "-":
        print_plan(plan, verbose=verbose)
    if any(violation.level == "mandatory" for violation in plan.violations):
        raise typer.Exit(Exit.FAILED)


def plan_of(stack: str, engine: str) -> Plan:
    """The plan of a stack by one of the two engines; raises ``CommandError``."""
    try:
        if engine == "embedded":
            today = datetime.now(tz=UTC).date()
            return embedded.plan(ROOT, stack, guardrails=guardrails_for(Project.load(ROOT), stack, today))
        if engine == "pulumi":
            with step(f"preview of {stack} by the Pulumi CLI"):
                return PulumiEngine(tools_dir() / "preview", root=ROOT, progress=say).preview(
                    stack, POLICY_PACK
                )
    except CliMissing as missing:
        raise CommandError(str(missing), Exit.ENVIRONMENT) from missing
    except EngineError as failed:
        raise CommandError(str(failed), Exit.FAILED) from failed
    raise CommandError(f'unknown engine "{engine}"; allowed: embedded, pulumi', Exit.INVALID)


def print_plan(plan: Plan, *, verbose: bool) -> None:
    """The plan for people: violations, then counts by account and Region, then every resource if wanted."""
    print_violations(plan.violations)
    custom = [r for r in plan.resources if r.custom and not r.type.startswith(PROVIDER_PREFIX)]
    places = Counter((r.account or "—", r.region or "—") for r in custom)
    table(
        f"Stack {plan.stack}: {counted(len(custom), 'resource')} in {counted(len(plan.accounts), 'account')}",
        ("account", "region", "resources"),
        [(account, region, str(count)) for (account, region), count in sorted(places.items())],
    )
    if verbose:
        table(
            "Resources",
            ("type", "name", "account", "region"),
            [(r.type, r.name, r.account or "—", r.region or "—") for r in custom],
        )
    else:
        kinds = Counter(r.type for r in custom)
        table("By type", ("type", "resources"), [(kind, str(count)) for kind, count in kinds.most_common(8)])
    blocking = sum(violation.level == "mandatory" for violation in plan.violations)
    verdict = (
        f"{counted(blocking, 'guardrail violation')} must be mended"
        if blocking
        else "no guardrail is violated"
    )
    seconds = plan.program_seconds + plan.guardrail_seconds
    out.print(
        Text(f"{verdict} · {plan.engine} engine · {seconds:.1f} s", style="bold red" if blocking else "green")
    )


def print_violations(violations: tuple[Violation, ...]) -> None:
    """Verdicts, the most severe first."""
    for violation in sorted(
        violations,
        key=lambda v: (
            v.level != "mandatory",
            SEVERITIES.index(v.severity) if v.severity in SEVERITIES else 9,
        ),
    ):
        waived = " (waived)" if violation.waived else ""
        where = (violation.urn or "stack").rpartition("::")[2]
        style = "bold red" if violation.level == "mandatory" else "yellow"
        out.print(Text(f"{violation.level}{waived}  {violation.policy}  {where}", style=style))
        out.print(Text(f"  {violation.message}"))
