"""``landfall new``: a commented, valid block in a stack file, at its place, with nothing else changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from landfall.cli.exits import CommandError, Exit, unknown
from landfall.cli.terminal import out, print_json, say

if TYPE_CHECKING:
    from landfall.catalog.insert import Splice
    from landfall.catalog.kinds import Context, Kind

EXAMPLE = (
    "Examples: landfall new workflow daily_orders --stack dev · landfall new network lab -s dev --dry-run"
    " · landfall new account lake --stack dev --set id=305871460299 · landfall new stack staging"
)
WAIVER_DAYS = 90
"""How long a new waiver holds."""
SCRIPTS = "../examples/rsql-blog/scripts"
"""Scripts folder of a new stack where no other stack has one."""


@dataclass(frozen=True)
class Wish:
    """What is to be created."""

    kind: str
    name: str
    stack: str | None
    workflow: str | None
    stage: int | None
    job_kind: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """What becomes of a stack file."""

    path: Path
    before: str | None
    after: str
    key: str
    placeholders: tuple[str, ...]


def new(
    kind: Annotated[
        str,
        typer.Argument(help="What to create; landfall catalog lists it."),
    ],
    name: Annotated[
        str,
        typer.Argument(help="Its name; for a schedule or a trigger the workflow's."),
    ],
    stack: Annotated[
        str | None,
        typer.Option("--stack", "-s", help="Stack file to change."),
    ] = None,
    workflow: Annotated[
        str | None,
        typer.Option("--workflow", help="For a job: its workflow."),
    ] = None,
    stage: Annotated[
        int | None,
        typer.Option(
            "--stage", min=1, help="For a job: the stage, counted from 1; a new last one by default."
        ),
    ] = None,
    job_kind: Annotated[str, typer.Option("--kind", help="For a job: what it runs.")] = "sql",
    values: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE: another value for a key; repeatable.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the change; write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Add a workflow, a network, an account, ... to a stack file, or make a new stack file."""
    from landfall.cli.new_file import diff_of, shown, write_checked

    wish = Wish(kind, name, stack, workflow, stage, job_kind, tuple(values or ()))
    change = change_for(wish)
    write_checked(change.path, change.before, change.after, dry_run=dry_run)
    difference = diff_of(change.path, change.before or "", change.after)
    if as_json:
        print_json(
            {
                "kind": kind,
                "name": name,
                "file": shown(change.path),
                "key": change.key,
                "written": not dry_run,
                "placeholders": list(change.placeholders),
                "diff": difference,
            }
        )
        return
    _print_diff(difference)
    for placeholder in change.placeholders:
        say(f"{placeholder} is a placeholder: write the real value")
    say(
        f"{shown(change.path)} is valid with it; nothing was written"
        if dry_run
        else f"wrote {shown(change.path)}"
    )


def _print_diff(difference: str) -> None:
    from rich.text import Text

    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in difference.splitlines():
        out.print(Text(line, style=styles.get(line[:1], "")))


def change_for(wish: Wish) -> Change:
    """What the wish makes of a stack file; raises ``CommandError`` where it cannot be done."""
    from landfall.catalog.kinds import KINDS, kind_named, name_rule

    kind = kind_named(wish.kind)
    if kind is None:
        raise unknown("kind", wish.kind, [known.name for known in KINDS], "landfall can create")
    if kind.name != "job" and (wish.workflow or wish.stage):
        raise CommandError("--workflow and --stage are for jobs only", Exit.INVALID)
    rule = name_rule(kind)
    if kind.keyed and not rule.allows(wish.name):
        limit = f", at most {rule.maximum} characters" if rule.maximum else ""
        _refuse(
            _file_of(wish, kind), 0, 0, "LF0112", _key(kind, wish.name), wish.name,
            f"expected {rule.expected}{limit}", rule.nearest(wish.name),
        )  # fmt: skip
    return _new_stack(wish) if kind.name == "stack" else _new_block(wish, kind)


def _file_of(wish: Wish, kind: Kind) -> str:
    from landfall.cli import stacks
    from landfall.cli.new_file import shown

    return shown(stacks.STACKS / f"Pulumi.{wish.name if kind.name == 'stack' else wish.stack}.yaml")


def _key(kind: Kind, name: str) -> str:
    from landfall.catalog.kinds import NAME
    from landfall.config.loader import shown_path

    return shown_path(tuple(name if part == NAME else part for part in kind.path))


def _refuse(
    file: str, line: int, column: int, code: str, key: str, found: str, message: str, suggestion: str | None
) -> None:
    """Raises the error of a stack file's report for what cannot be created."""
    from landfall.config.errors import ConfigIssue, Finding, report, show, text_of

    finding = Finding(
        code=code,
        found=show(found),
        message=message,
        suggestion=suggestion,
        hint="" if suggestion else f"See docs/errors/{code}.md.",
    )
    raise CommandError(report([ConfigIssue(file, line, column, code, key, text_of(finding))]), Exit.INVALID)


def _new_block(wish: Wish, kind: Kind) -> Change:
    from landfall.catalog import text
    from landfall.catalog.insert import Block, CannotInsert, insert_key
    from landfall.cli import stacks
    from landfall.cli.new_file import read_text, shown
    from landfall.config.loader import shown_path

    if wish.stack is None:
        known = ", ".join(stacks.stack_names()) or "none"
        raise CommandError(
            f"{wish.kind} {wish.name}: name the stack with --stack; stacks/ has: {known}", Exit.INVALID
        )
    config = stacks.load_stack(wish.stack)
    if kind.path[0] == "workflows" and config.workflows is None:
        raise CommandError(
            f"stack {wish.stack} has no landfall:workflows, which a {kind.name} is a part of; "
            "landfall new stack shows one",
            Exit.INVALID,
        )
    file = stacks.STACKS / f"Pulumi.{wish.stack}.yaml"
    before = read_text(file)
    context = _context(wish.stack)
    try:
        if kind.name == "job":
            path, splice = _job(wish, kind, context, before)
        else:
            path = _path(wish, kind, context)
            values = _with(wish.values, kind.values(context, wish.name), kind.model)
            if kind.name == "waiver" and "rule" in values:
                _require_rule(str(values["rule"]))
            lines = text.entry(str(path[-1]), values, kind.model, kind.optional(context, wish.name))
            splice = insert_key(before, path, Block(tuple(lines), values))
    except CannotInsert as error:
        raise CommandError(f"{shown(file)}: {error}", Exit.INVALID) from error
    key = shown_path(path)
    given = {one.partition("=")[0] for one in wish.values}
    placeholders = tuple(f"{key}.{name}" for name in kind.placeholders if name not in given)
    return Change(file, before, splice.apply(before), key, placeholders)


def _path(wish: Wish, kind: Kind, context: Context) -> tuple[str | int, ...]:
    """Where the block goes; refuses what is there already."""
    from landfall.catalog.kinds import NAME
    from landfall.cli import stacks
    from landfall.cli.new_file import shown
    from landfall.config.shape import value_at

    path = tuple(wish.name if part == NAME else part for part in kind.path)
    if not kind.keyed:
        _require_workflow(wish.name, wish.stack, context)
    source = stacks.stack_result(str(wish.stack)).source
    if value_at(source.values, path) is None:
        return path
    mark = source.mark(path, on_key=True)
    line, column = (mark.line, mark.column) if mark else (0, 0)
    there = value_at(source.values, path[:-1])
    _refuse(
        shown(source.path), line, column, "LF0106", _key(kind, wish.name), wish.name,
        f"the {kind.name} is already in line {line}",
        _free(wish.name, set(there)) if kind.keyed else None,
    )  # fmt: skip
    raise AssertionError("refused")


def _free(name: str, taken: set[str]) -> str:
    """The name with the first number that makes it another one, joined as its own words are."""
    stem = name + ("_" if "_" in name else "-")
    number = 2
    while f"{stem}{number}" in taken:
        number += 1
    return f"{stem}{number}"


def _require_workflow(workflow: str, stack: str | None, context: Context) -> None:
    workflows = context.config.workflows
    known = list(workflows.definitions) if workflows else []
    if workflow not in known:
        raise unknown("workflow", workflow, known, f"stack {stack} has")


def _require_rule(rule: str) -> None:
    """A waiver's rule exists: the config alone cannot know, since guardrails are a room of their own."""
    from policy_packs.guardrails.evaluate import describe

    known = [str(one["name"]) for one in describe()]
    if rule not in known:
        raise unknown("guardrail", rule, known, "the guardrails are")


def _job(wish: Wish, kind: Kind, context: Context, before: str) -> tuple[tuple[str | int, ...], Splice]:
    """A job at the end of a stage, or in a new last stage."""
    from landfall.catalog import text
    from landfall.catalog.insert import Block, insert_item
    from landfall.catalog.kinds import DEFINITIONS, JOB_MODELS, job_values
    from landfall.config import Stage

    if wish.workflow is None:
        raise CommandError(f"job {wish.name}: name its workflow with --workflow", Exit.INVALID)
    _require_workflow(wish.workflow, wish.stack, context)
    if wish.job_kind not in JOB_MODELS:
        raise unknown("kind of job", wish.job_kind, list(JOB_MODELS), "allowed")
    model = JOB_MODELS[wish.job_kind]
    values = job_values(context, wish.name, wish.job_kind)
    if any(one.startswith("file=") for one in wish.values):
        values.pop("sql", None)
    values = _with(wish.values, values, model)
    workflows = context.config.workflows
    stages = workflows.definitions[wish.workflow].workflow_stages if workflows else ()
    _refuse_job_twice(wish, [job.job_name for stage in stages for job in stage.jobs])
    at = (*DEFINITIONS, wish.workflow, "workflow_stages")
    if wish.stage is None:
        stage = {"execution_type": "sequential", "stage_description": wish.name, "scripts": [values]}
        return (*at, len(stages)), insert_item(before, at, Block(tuple(text.item(stage, Stage)), stage))
    if wish.stage > len(stages):
        raise CommandError(
            f"workflow {wish.workflow} has {len(stages)} stages; without --stage the job gets a new one",
            Exit.INVALID,
        )
    place = (*at, wish.stage - 1, "scripts")
    block = Block(tuple(text.item(values, model)), values)
    return (*place, len(stages[wish.stage - 1].scripts)), insert_item(before, place, block)


def _refuse_job_twice(wish: Wish, names: list[str]) -> None:
    if wish.name in names:
        from landfall.catalog.kinds import kind_named

        kind = kind_named("job")
        if kind is not None:
            _refuse(
                _file_of(wish, kind), 0, 0, "LF0106", f"landfall:workflows.definitions.{wish.workflow}",
                wish.name, "the workflow has a job of this name", _free(wish.name, set(names)),
            )  # fmt: skip


def _context(stack: str | None) -> Context:
    """What the tree's stacks have: other stacks only as far as they are readable."""
    from datetime import UTC, datetime, timedelta

    from landfall.catalog.kinds import Context
    from landfall.cli import stacks
    from landfall.config import load_all, scripts_folder

    results = load_all(stacks.STACKS)
    config = stacks.load_stack(stack) if stack is not None else None
    scripts: tuple[str, ...] = ()
    if config is not None and stack is not None:
        folder = scripts_folder(config, results[stack].source)
        if folder is not None and folder.is_dir():
            scripts = tuple(sorted(path.name for path in folder.iterdir() if path.is_file()))
    configs = [result.config for result in results.values() if result.config is not None]
    base = config if config is not None else next(iter(configs), None)
    if base is None:
        raise CommandError("no stack of stacks/ is valid: landfall validate", Exit.INVALID)
    return Context(
        config=base,
        ranges=tuple(network.cidr for one in configs for network in one.network.values()),
        account_ids=tuple(account.id for one in configs for account in one.accounts.values()),
        scripts=scripts,
        expires=(datetime.now(tz=UTC) + timedelta(days=WAIVER_DAYS)).date(),
    )


def _new_stack(wish: Wish) -> Change:
    from landfall.catalog.stack_file import stack_text, stack_values
    from landfall.cli import stacks
    from landfall.cli.new_file import shown

    if wish.stack is not None:
        raise CommandError("a new stack file has its own name: leave --stack out", Exit.INVALID)
    file = stacks.STACKS / f"Pulumi.{wish.name}.yaml"
    if file.exists():
        free = _free(wish.name, set(stacks.stack_names()))
        _refuse(shown(file), 1, 1, "LF0106", "", wish.name, "the stack file is there already", free)
    context = _context(None)
    workflows = context.config.workflows
    values = stack_values(
        wish.name,
        context.config,
        ranges=context.ranges,
        account_ids=context.account_ids,
        scripts=workflows.scripts if workflows else SCRIPTS,
    )
    for one in wish.values:
        _set_deep(values, one)
    return Change(file, None, stack_text(wish.name, values), "", ("landfall:accounts.data.id",) if not any(
        one.startswith("accounts.data.id=") for one in wish.values) else ())  # fmt: skip


def _set_deep(values: dict[str, Any], assignment: str) -> None:
    """``--set accounts.data.id=...`` for a whole stack."""
    from landfall.config.shape import field_at

    key, _ = _split(assignment)
    path = tuple(key.removeprefix("landfall:").split("."))
    at: Any = values
    for part in path[:-1]:
        if not isinstance(at, dict) or part not in at:
            raise unknown("key", key, _leaves(values), "a new stack has")
        at = at[part]
    info = field_at(path, values)
    if info is None or not isinstance(at, dict):
        raise unknown("key", key, _leaves(values), "a new stack has")
    _assign(at, path[-1], assignment, info.annotation)


def _leaves(values: dict[str, Any], prefix: str = "") -> list[str]:
    found: list[str] = []
    for key, value in values.items():
        found += _leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else [prefix + key]
    return found


def _with(assignments: tuple[str, ...], values: dict[str, Any], model: Any) -> dict[str, Any]:
    """The values with those of ``--set``; an empty one takes the key away."""
    result = dict(values)
    for one in assignments:
        key, _ = _split(one)
        if key not in model.model_fields:
            raise unknown("key", key, list(model.model_fields), "allowed")
        _assign(result, key, one, model.model_fields[key].annotation)
    return result


def _split(assignment: str) -> tuple[str, str]:
    key, equals, value = assignment.partition("=")
    if not equals or not key:
        raise CommandError(f'--set takes KEY=VALUE, found "{assignment}"', Exit.INVALID)
    return key.strip(), value


def _assign(values: dict[str, Any], key: str, assignment: str, annotation: Any) -> None:
    from landfall.config.shape import plain
    from landfall.config.yamltree import read

    _, text = _split(assignment)
    if text == "":
        values.pop(key, None)
        return
    if plain(annotation) is str:
        values[key] = text
        return
    node, problems = read(f"v: {text}\n".encode())
    if node is None or problems:
        raise CommandError(f'--set {key}: "{text}" is no YAML value', Exit.INVALID)
    values[key] = node.value["v"]
