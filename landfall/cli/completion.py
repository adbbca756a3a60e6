"""What the shell completes: stacks, workflows, config keys, kinds, error codes.

Every function takes what is typed so far and answers fast and without an error, whatever state the tree is
in: a shell that completes must never print a traceback. `landfall --install-completion` switches it on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer

_CONFIG_SUFFIX = "."


def stacks(incomplete: str) -> list[str]:
    """Names of stacks."""
    return _begin(incomplete, _stack_names())


def kinds(incomplete: str) -> list[tuple[str, str]]:
    """Kinds that `landfall new` can create."""
    from landfall.catalog.kinds import KINDS

    return [(kind.name, kind.summary) for kind in KINDS if kind.name.startswith(incomplete)]


def job_kinds(incomplete: str) -> list[str]:
    """Kinds of jobs."""
    from landfall.catalog.kinds import JOB_MODELS

    return _begin(incomplete, JOB_MODELS)


def workflows(ctx: typer.Context, incomplete: str) -> list[str]:
    """Workflows of the stack that the command line names, else of the sandbox stack or all stacks."""
    return _begin(incomplete, _workflow_ids(ctx.params.get("stack")))


def new_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names for a new thing: only a schedule and a trigger have that of something that is there."""
    return workflows(ctx, incomplete) if ctx.params.get("kind") in ("schedule", "trigger") else []


def subjects(ctx: typer.Context, incomplete: str) -> list[str]:
    """What can be explained: an error code, or a key of a stack file, one level at a time."""
    if re.match(r"LF|lf", incomplete):
        return _begin(incomplete.upper(), error_codes())
    return config_keys(ctx, incomplete)


def error_codes() -> list[str]:
    """Every error code that has a page."""
    from landfall.cli.stacks import ROOT

    return sorted(path.stem for path in (ROOT / "docs" / "errors").glob("LF[0-9]*.md"))


def config_keys(ctx: typer.Context, incomplete: str) -> list[str]:
    """Keys of a stack file: those below what is typed up to its last dot."""
    from landfall.config.explain import keys_below

    above, _, begun = incomplete.rpartition(_CONFIG_SUFFIX)
    prefix = "" if above or not incomplete.startswith("landfall:") else "landfall:"
    values = list(_values(ctx.params.get("stack")))
    names = keys_below(above, values)
    start = f"{above}." if above else prefix
    return [start + name for name in names if name.startswith(begun.removeprefix(prefix))]


def _begin(incomplete: str, names: Any) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _stacks_folder() -> Path:
    from landfall.cli import stacks as stack_files

    return stack_files.STACKS


def _stack_names() -> list[str]:
    names = (path.name for path in sorted(_stacks_folder().glob("Pulumi.?*.yaml")))
    return [name.removeprefix("Pulumi.").removesuffix(".yaml") for name in names]


def _values(stack: str | None) -> Iterator[dict[str, Any]]:
    """Plain values of one stack, or of all."""
    from landfall.config.source import StackSource

    for name in [stack] if stack in _stack_names() else _stack_names():
        with suppress(OSError):
            source = StackSource.open(_stacks_folder() / f"Pulumi.{name}.yaml")
            if source.readable:
                yield dict(source.values)


def _workflow_ids(stack: str | None) -> list[str]:
    found: set[str] = set()
    for values in _values(stack):
        plane = values.get("workflows")
        definitions = plane.get("definitions") if isinstance(plane, dict) else None
        found.update(map(str, definitions) if isinstance(definitions, dict) else ())
    return sorted(found)
