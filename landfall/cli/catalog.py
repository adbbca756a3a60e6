"""``landfall catalog``: what can be created, and what a block of each kind looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from landfall.cli.exits import unknown
from landfall.cli.terminal import out, print_json, table

if TYPE_CHECKING:
    from landfall.catalog.kinds import Kind

EXAMPLE = "Examples: landfall catalog · landfall catalog workflow · landfall catalog --json"


def catalog(
    kind: Annotated[
        str | None,
        typer.Argument(help="One kind: its keys and an example."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """List what landfall new can create, or show the keys and an example of one kind."""
    from landfall.catalog.kinds import KINDS, kind_named

    if kind is None:
        if as_json:
            print_json([_facts(one) for one in KINDS])
        else:
            _print_all(KINDS)
        return
    found = kind_named(kind)
    if found is None:
        raise unknown("kind", kind, [one.name for one in KINDS], "landfall can create")
    if as_json:
        print_json({**_facts(found), "keys": _keys(found), "example": _block(found)})
    else:
        _print_one(found)


def _print_all(kinds: tuple[Kind, ...]) -> None:
    width = max(len(kind.name) for kind in kinds)
    out.print("What can be created", style="bold", markup=False)
    for kind in kinds:
        out.print()
        out.print(Text(f"{kind.name:<{width}}", style="bold").append(f"  {kind.summary}", style="not bold"))
        for line in (kind.command, _minimal(kind), kind.page):
            out.print(f"{'':<{width}}  {line}", markup=False)


def _print_one(kind: Kind) -> None:
    out.print(f"{kind.name}: {kind.summary}", style="bold", markup=False)
    out.print(f"  create one     {kind.command}", markup=False)
    out.print(f"  documentation  {kind.page}", markup=False)
    table(
        "  keys",
        ("  key", "type", "default", "meaning"),
        [
            (
                f"  {row['key']}",
                row["type"],
                "required" if row["required"] else row["default"],
                row["meaning"],
            )
            for row in _keys(kind)
        ],
        whole=("  key", "type"),
    )
    out.print("  example", style="bold")
    for line in _block(kind).splitlines():
        out.print(f"  {line}", markup=False)


def _facts(kind: Kind) -> dict[str, Any]:
    return {
        "kind": kind.name,
        "what": kind.summary,
        "key": _place(kind),
        "command": kind.command,
        "minimal": _minimal(kind),
        "documentation": kind.page,
    }


def _place(kind: Kind) -> str:
    from landfall.catalog.kinds import NAME

    return "landfall:" + ".".join("<key>" if part == NAME else str(part) for part in kind.path)


def _keys(kind: Kind) -> list[dict[str, Any]]:
    from landfall.config.explain import explain, rows_of

    rows = (
        explain("workflows.definitions.*.stages.scripts")[0].below
        if kind.name == "job"
        else rows_of(kind.model)
    )
    return [
        {
            "key": row.key.removeprefix("[]"),
            "type": row.type,
            "required": row.required,
            "default": "none" if row.default == "null" else row.default,
            "meaning": row.description,
        }
        for row in rows
    ]


def _name(kind: Kind) -> str:
    """The name that the example command gives."""
    return kind.command.split()[3]


def _values(kind: Kind) -> dict[str, Any]:
    from landfall.catalog.samples import FULL
    from landfall.catalog.stack_file import stack_values

    if not kind.path:
        return stack_values(
            _name(kind), None, ranges=(), account_ids=(), scripts="../examples/rsql-blog/scripts"
        )
    return kind.values(_sample_context(FULL), _name(kind))


def _sample_context(values: Any) -> Any:
    from datetime import date

    from landfall.catalog.kinds import Context
    from landfall.config import load

    config = load(values)
    return Context(
        config=config,
        ranges=tuple(network.cidr for network in config.network.values()),
        account_ids=tuple(account.id for account in config.accounts.values()),
        expires=date(2027, 1, 31),
    )


def _minimal(kind: Kind) -> str:
    """The required keys alone, on one line."""
    from landfall.catalog.text import flow, key_name

    if not kind.path:
        return f"stacks/Pulumi.{_name(kind)}.yaml, a whole file"
    values = _values(kind)
    fields = kind.model.model_fields
    least = {key: value for key, value in values.items() if fields[key].is_required()}
    if kind.name == "job":
        return flow(values)
    key = _name(kind) if kind.keyed else str(kind.path[-1])
    return f"{key_name(key)}: {flow(least)}"


def _block(kind: Kind) -> str:
    from landfall.catalog import text
    from landfall.catalog.kinds import JOB_MODELS, job_values
    from landfall.catalog.samples import FULL
    from landfall.catalog.stack_file import stack_text

    values = _values(kind)
    if not kind.path:
        return stack_text(_name(kind), values)
    if kind.name == "job":
        jobs = [job_values(_sample_context(FULL), _name(kind), one) for one in JOB_MODELS]
        return "\n".join(line for job in jobs for line in text.item(job, JOB_MODELS[job["kind"]]))
    key = _name(kind) if kind.keyed else str(kind.path[-1])
    return "\n".join(text.entry(key, values, kind.model, kind.optional(_sample_context(FULL), _name(kind))))
