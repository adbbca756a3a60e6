"""``landfall guardrails``: what every preview is checked against."""

from __future__ import annotations

from typing import Annotated

import typer

from landfall.cli.exits import unknown
from landfall.cli.terminal import out, print_json, table
from policy_packs.guardrails.evaluate import describe

app = typer.Typer(no_args_is_help=True, help="The guardrails that every preview is checked against.")
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@app.command("list", epilog="Example: landfall guardrails list --json")
def list_(as_json: Json = False) -> None:
    """Every rule, with its severity and its level per environment."""
    rules = describe()
    if as_json:
        print_json(rules)
        return
    environments = list(rules[0]["levels"])
    table(
        "Guardrails",
        ("rule", "severity", *environments),
        [(r["name"], r["severity"], *(r["levels"][e] for e in environments)) for r in rules],
    )


@app.command(epilog="Example: landfall guardrails explain dynamodb-point-in-time-recovery")
def explain(rule: Annotated[str, typer.Argument(help="Name of a rule.")], as_json: Json = False) -> None:
    """One rule: what it asks for, which control it answers, how to mend a violation."""
    rules = {entry["name"]: entry for entry in describe()}
    if rule not in rules:
        raise unknown("guardrail", rule, list(rules), "the guardrails are")
    found = rules[rule]
    if as_json:
        print_json(found)
        return
    levels = ", ".join(f"{environment} {level}" for environment, level in found["levels"].items())
    out.print(f"{rule} · {found['severity']}", style="bold", markup=False)
    out.print(found["description"], markup=False)
    out.print(f"controls: {', '.join(found['controls']) or '—'}", markup=False)
    out.print(f"levels: {levels}", markup=False)
    out.print(f"applies to: {', '.join(found['resource_types']) or 'the whole stack'}", markup=False)
    out.print(f"remediation: {found['remediation']}", markup=False)
