"""``landfall preview``: what a stack makes, what is dangerous about it, what it costs; no credentials."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from landfall.cli.exits import CommandError, Exit, cannot_write
from landfall.cli.preview_baseline import Baseline, baseline, digest
from landfall.cli.preview_view import print_changes, print_cost, print_places, print_risk
from landfall.cli.stacks import POLICY_PACK, ROOT, counted, load_stack
from landfall.cli.terminal import out, print_json, say, step, table
from landfall.cost import findings as cost_findings
from landfall.cost.estimate import Estimate, estimate
from landfall.cost.prices import load as load_prices
from landfall.risk import rank, snapshot
from landfall.risk.model import Severity
from landfall.risk.snapshot import Snapshot
from sandbox.engines import embedded
from sandbox.engines.errors import CliMissing, EngineError
from sandbox.engines.guardrails import guardrails_for
from sandbox.engines.plan import PROVIDER_PREFIX, Plan, PlannedResource, Violation
from sandbox.engines.project import Project
from sandbox.engines.pulumi_engine import PulumiEngine
from sandbox.paths import tools_dir

EXAMPLE = (
    "Examples: landfall preview prod · landfall preview prod --against main · "
    "landfall preview dev --engine pulumi --json out.json"
)
SEVERITIES = ("critical", "high", "medium", "low", "")


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A plan, what it changes and what it costs."""

    plan: Plan
    risk: rank.Risk
    cost: Estimate
    cost_before: Estimate | None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """The document of DESIGN section 10, with ``risk`` and ``cost``."""
        return {
            **self.plan.to_json(),
            "risk": self.risk.to_json(),
            "cost": self.cost.to_json(self.cost_before),
        }


def preview(
    stack: Annotated[str, typer.Argument(help="Stack to preview.")],
    engine: Annotated[
        str, typer.Option("--engine", help="embedded (in process, seconds) or pulumi (the real CLI).")
    ] = "embedded",
    json_file: Annotated[
        str | None,
        typer.Option("--json", help="Write the whole plan as JSON to a file; - for standard output."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="List every finding, change, price and resource.")
    ] = False,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            help="Rank what changes from this: a file of --json or of `pulumi stack export`, "
            "or a git revision.",
        ),
    ] = None,
    digest_file: Annotated[
        Path | None,
        typer.Option(
            "--digest",
            help="Rank this file of `pulumi preview --json --show-sames` instead of planning; no guardrails.",
        ),
    ] = None,
    fail_on: Annotated[
        Severity | None,
        typer.Option("--fail-on", help="End with 1 when a finding is this severe, or more so."),
    ] = None,
) -> None:
    """Show what a stack makes or changes, dangers first, and its cost; no credentials, no network."""
    load_stack(stack)
    if digest_file is not None:
        if against is not None:
            raise CommandError("--digest brings its own baseline; leave --against out", Exit.INVALID)
        made = of_digest(stack, digest_file)
    else:
        made = compared(stack, engine, against)
    if json_file == "-":
        print_json(made.to_json())
    elif json_file is not None:
        _write(json_file, made.to_json())
    if json_file != "-":
        print_preview(made, verbose=verbose)
    if any(violation.level == "mandatory" for violation in made.plan.violations):
        raise typer.Exit(Exit.FAILED)
    worst = made.risk.worst()
    if fail_on is not None and worst is not None and worst.rank <= fail_on.rank:
        raise typer.Exit(Exit.FAILED)


def _write(target: str, document: Mapping[str, Any]) -> None:
    try:
        text = json.dumps(document, indent=2, ensure_ascii=False)
        Path(target).write_text(text + "\n", encoding="utf-8")
    except (OSError, ValueError) as error:
        raise cannot_write(target, error) from error
    say(f"wrote {target}")


def compared(stack: str, engine: str, against: str | None) -> Preview:
    """The preview of a stack, compared with a baseline where there is one; raises ``CommandError``."""
    if against is None:
        return assessed(plan_of(stack, engine), None)
    with ExitStack() as open_:
        pending = open_.enter_context(baseline(against, stack))
        plan = plan_of(stack, engine)
        return assessed(plan, pending.result())


def of_digest(stack: str, path: Path) -> Preview:
    """The preview that a digest of ``pulumi preview --json`` describes; raises ``CommandError``."""
    old, new = digest(path)
    plan = Plan(
        stack=stack,
        engine="pulumi",
        resources=tuple(
            PlannedResource(
                urn=item.urn,
                type=item.type,
                name=item.name,
                parent=item.parent,
                custom=item.custom,
                protect=item.protect,
                account=item.account,
                region=item.region,
                inputs=item.inputs,
                property_dependencies=item.property_dependencies,
                retain_on_delete=item.retain,
            )
            for item in new.items.values()
        ),
    )
    note = "guardrails were not asked: give --policy-pack to pulumi preview"
    return assessed(plan, Baseline("what is deployed", old, note), new)


def assessed(plan: Plan, before: Baseline | None, wanted: Snapshot | None = None) -> Preview:
    """The plan with its findings and its cost."""
    new = wanted or snapshot.read(plan.to_json())
    old = before.snapshot if before else None
    prices = load_prices()
    cost = estimate(new.resources.values(), prices)
    risk = rank.assess(old, new, before.name if before else None)
    if old is None:
        return Preview(plan=plan, risk=risk, cost=cost, cost_before=None)
    cost_before = estimate(old.resources.values(), prices)
    risk = risk.with_findings(cost_findings.findings(old, new, cost_before, cost))
    return Preview(
        plan=plan, risk=risk, cost=cost, cost_before=cost_before, note=before.note if before else ""
    )


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


def print_preview(made: Preview, *, verbose: bool) -> None:
    """The preview for people: violations, dangers, cost, counts by place, then all there is if wanted."""
    plan, risk = made.plan, made.risk
    print_violations(plan.violations)
    if made.note:
        say(made.note)
    print_risk(risk, verbose=verbose)
    unchanged = risk.against is not None and not risk.changes
    print_cost(made.cost, made.cost_before, verbose=verbose, brief=unchanged and not verbose)
    custom = [r for r in plan.resources if r.custom and not r.type.startswith(PROVIDER_PREFIX)]
    if verbose or not unchanged:
        out.print()
        places = [(r.account or "—", r.region or "—") for r in custom]
        print_places(risk, plan.stack, places, len(plan.accounts))
    if verbose:
        if risk.against is not None:
            out.print()
            print_changes(risk)
        out.print()
        table(
            "Resources",
            ("type", "name", "account", "region"),
            [(r.type, r.name, r.account or "—", r.region or "—") for r in custom],
        )
    blocking = sum(violation.level == "mandatory" for violation in plan.violations)
    verdict = (
        f"{counted(blocking, 'guardrail violation')} must be mended"
        if blocking
        else "no guardrail is violated"
    )
    if made.note and made.plan.engine == "pulumi" and not plan.program_seconds:
        verdict = "guardrails not asked"
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
