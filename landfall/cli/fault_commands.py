"""``landfall sandbox faults``: make calls of AWS services fail, wait or run twice in the sandbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from landfall.cli.exits import CommandError, Exit, unknown
from landfall.cli.terminal import out, print_json, say, table

if TYPE_CHECKING:
    from sandbox.faults import ActiveRule, Faults, Rule

app = typer.Typer(
    no_args_is_help=True,
    help="Calls of AWS services that fail, wait or run twice, by rule.",
    epilog="Example: landfall sandbox faults add throttle dynamodb PutItem --first 2",
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@app.command(
    epilog="Examples: landfall sandbox faults add throttle dynamodb PutItem --first 2 · "
    "landfall sandbox faults add fail redshift-data --error ValidationException --status 400 · "
    "landfall sandbox faults add lose '*' --state RunScript --every 5 · "
    "landfall sandbox faults add delay sns Publish --seconds 3 --account ops"
)
def add(
    effect: Annotated[str, typer.Argument(help="fail, throttle, hang, delay, twice or lose.")],
    service: Annotated[str, typer.Argument(help="Service as boto3 names it; * for all.")],
    operation: Annotated[str, typer.Argument(help="Operation, for example PutItem; * for all.")] = "*",
    name: Annotated[str | None, typer.Option("--id", help="Name of the rule.")] = None,
    account: Annotated[str | None, typer.Option(help="Account that calls: alias or 12 digits.")] = None,
    region: Annotated[str | None, typer.Option(help="Region that is called.")] = None,
    contains: Annotated[
        list[str] | None,
        typer.Option(help="TEXT anywhere in the parameters, or NAME=TEXT in one; may be repeated."),
    ] = None,
    state: Annotated[str | None, typer.Option(help="Step Functions state that calls.")] = None,
    execution: Annotated[str | None, typer.Option(help="Text in the ARN of the calling execution.")] = None,
    first: Annotated[int | None, typer.Option(help="The first so many matching calls.")] = None,
    every: Annotated[int | None, typer.Option(help="Every so many-th matching call.")] = None,
    start: Annotated[int | None, typer.Option("--from", help="From this matching call on.")] = None,
    to: Annotated[int | None, typer.Option("--to", help="Up to this matching call.")] = None,
    share: Annotated[float | None, typer.Option(help="This share of the matching calls, 0 to 1.")] = None,
    seed: Annotated[int | None, typer.Option(help="Which calls a share hits.")] = None,
    error: Annotated[str | None, typer.Option(help="Error code.")] = None,
    message: Annotated[str | None, typer.Option(help="Error message.")] = None,
    status: Annotated[int | None, typer.Option(help="HTTP status of the error.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Length of a hang, a delay or a pause.")] = None,
    as_json: Json = False,
) -> None:
    """Put one rule into force; all matching calls are meant where no turn is given."""
    given = {
        "id": name, "effect": effect, "service": service, "operation": operation, "account": account,
        "region": region, "contains": _contains(contains or []), "state": state, "execution": execution,
        "first": first, "every": every, "from": start, "to": to, "share": share, "seed": seed,
        "error": error, "message": message, "status": status, "seconds": seconds,
    }  # fmt: skip
    rule = _checked({key: value for key, value in given.items() if value is not None})
    _show(_added([rule]), as_json)


@app.command("list", epilog="Example: landfall sandbox faults list --json")
def list_(as_json: Json = False) -> None:
    """The rules in force, and how often each has fired."""
    rules = _faults().list()
    if rules or as_json:
        _show(rules, as_json)
    else:
        out.print("No faults.", markup=False)


@app.command(epilog="Example: landfall sandbox faults remove fault-1")
def remove(rule_id: Annotated[str, typer.Argument(help="Name of the rule.")]) -> None:
    """Take one rule out of force; calls that it holds end."""
    faults = _faults()
    if not faults.remove(rule_id):
        raise unknown("fault", rule_id, [rule.id for rule in faults.list()], "in force")
    say(f"{rule_id} removed")


@app.command(epilog="Example: landfall sandbox faults clear")
def clear() -> None:
    """Take every rule out of force."""
    count = _faults().clear()
    say(f"{count} fault{'' if count == 1 else 's'} removed")


@app.command(epilog="Example: landfall sandbox faults load faults.yaml")
def load(
    file: Annotated[Path, typer.Argument(help="YAML file: faults: with a list of rules.")],
    as_json: Json = False,
) -> None:
    """Put the rules of a file into force: all of them, or none when one is wrong."""
    from sandbox.faults import FaultFileError, read_rules

    try:
        rules = read_rules(file)
    except FaultFileError as error:
        raise CommandError(str(error), Exit.INVALID) from error
    _show(_added(rules), as_json)


def _added(rules: Sequence[Rule]) -> list[ActiveRule]:
    from sandbox.faults.client import UnknownAccountError

    try:
        return _faults().add(*rules)
    except UnknownAccountError as error:
        raise CommandError(str(error), Exit.INVALID) from error


def _faults() -> Faults:
    from sandbox import launcher
    from sandbox.faults import Faults

    sandbox = launcher.attach()
    if sandbox is None:
        raise CommandError("the sandbox is not running; start it with: landfall sandbox up", Exit.ENVIRONMENT)
    return Faults(sandbox)


def _contains(texts: Sequence[str]) -> Any:
    """One text for the whole request, or a text for each parameter."""
    named = dict(text.split("=", 1) for text in texts if "=" in text)
    anywhere = [text for text in texts if "=" not in text]
    if len(anywhere) > 1:
        raise CommandError("--contains takes one text without a parameter's name", Exit.INVALID)
    both = {"*": anywhere[0], **named} if anywhere else named
    return both or None


def _checked(given: dict[str, Any]) -> Rule:
    from pydantic import ValidationError

    from sandbox.faults.file import sentences
    from sandbox.faults.model import Rule
    from sandbox.faults.services import name_problem

    try:
        rule = Rule.model_validate(given)
    except ValidationError as error:
        lines = [f"{key}: {text}" if key else text for key, text in sentences(error, given)]
        raise CommandError("\n".join(lines), Exit.INVALID) from error
    problem = name_problem(rule.service, rule.operation)
    if problem is not None:
        raise CommandError(problem[1], Exit.INVALID)
    return rule


def show_wire(rules: Sequence[Mapping[str, Any]]) -> None:
    """Rules as the sandbox reports them, as a table."""
    from sandbox.faults.model import ACTIVE

    _show(ACTIVE.validate_python(list(rules)), as_json=False)


def _show(rules: Sequence[ActiveRule], as_json: bool) -> None:
    if as_json:
        print_json([rule.wire() for rule in rules])
        return
    table(
        "Faults",
        ("id", "effect", "call", "acts on", "seen", "fired"),
        [
            (rule.id, rule.effect_text(), rule.call_text(), rule.turn_text(), str(rule.seen), str(rule.fired))
            for rule in rules
        ],
    )
