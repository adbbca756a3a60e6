"""What the shell completes: stacks, workflows, config keys, kinds, guardrails, error codes.

Which completer a parameter gets follows from its name, so a new command with ``--stack`` completes stacks
without a line of its own. Nothing here imports a command or a model, and nothing raises: a shell that
completes must answer at once, whatever state the tree is in. ``landfall --install-completion`` installs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import typer

from landfall.cli.command_tree import ROOT, Completer, bare, outline, rebuilt

STACKS = ROOT / "stacks"
ENGINES: Final = ("embedded", "pulumi")
JOB_KINDS: Final = ("sql", "rsql", "lambda", "glue", "emr_serverless", "state_machine")
_ANY: Final = "*"
_CHOSEN: Final = "<key>"


class Completions:
    """Completers over one outline of the commands."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._facts = facts

    def chosen(self, words: tuple[str, ...], name: str) -> Completer | None:
        """The completer for a parameter of a command; None where there is nothing to complete."""
        by_command: Mapping[tuple[tuple[str, ...], str], Completer] = {
            (("explain",), "subject"): self.subjects,
            (("guardrails", "explain"), "rule"): self.rules,
            (("new",), "kind"): self.kinds,
            (("new",), "name"): self.new_names,
            (("catalog",), "kind"): self.kinds,
        }
        by_name: Mapping[str, Completer] = {
            "stack": self.stacks,
            "stacks": self.stacks,
            "workflow": self.workflows,
            "workflow_id": self.workflows,
            "job_kind": self.job_kinds,
            "engine": self.engines,
        }
        return by_command.get((words, name), by_name.get(name))

    def stacks(self, incomplete: str) -> list[str]:
        """Names of stacks."""
        return _begin(incomplete, stack_names())

    def workflows(self, ctx: typer.Context, incomplete: str) -> list[str]:
        """Workflows of the stack that the command line names, else of all stacks."""
        return _begin(incomplete, workflow_ids(ctx.params.get("stack")))

    def kinds(self, incomplete: str) -> list[tuple[str, str]]:
        """Kinds that ``landfall new`` can create."""
        return [(name, said) for name, said in self._facts["kinds"] if name.startswith(incomplete)]

    def new_names(self, ctx: typer.Context, incomplete: str) -> list[str]:
        """A schedule and a trigger have the name of something that is there; others are made up."""
        return self.workflows(ctx, incomplete) if ctx.params.get("kind") in ("schedule", "trigger") else []

    def job_kinds(self, incomplete: str) -> list[str]:
        """Kinds of jobs."""
        return _begin(incomplete, JOB_KINDS)

    def engines(self, incomplete: str) -> list[str]:
        """Names of engines."""
        return _begin(incomplete, ENGINES)

    def rules(self, incomplete: str) -> list[str]:
        """Names of guardrails."""
        return _begin(incomplete, self._facts["rules"])

    def subjects(self, ctx: typer.Context, incomplete: str) -> list[str]:
        """What can be explained: a key of a stack file one level at a time, an error code, a guardrail."""
        if re.match(r"LF|lf", incomplete):
            return _begin(incomplete.upper(), error_codes())
        keys = self.keys(ctx.params.get("stack"), incomplete)
        return keys if "." in incomplete else [*keys, *self.rules(incomplete)]

    def keys(self, stack: str | None, incomplete: str) -> list[str]:
        """Keys of a stack file below what is typed up to its last dot, with names that the stacks have."""
        typed = incomplete.removeprefix("landfall:")
        start = incomplete[: len(incomplete) - len(typed)]
        above, dot, begun = typed.rpartition(".")
        parts = above.split(".") if above else []
        found = _keys_below(self._facts["keys"], parts, list(_values(stack)))
        return [f"{start}{above}{dot}{name}" for name in found if name.startswith(begun)]


def command(real: Any) -> Any:
    """The commands as completion sees them; `real` is asked only where the outline is out of date."""
    from sandbox.paths import tools_dir

    try:
        facts = outline(tools_dir() / "completion.json", real)
    except Exception:  # whatever is wrong with a command: a shell that completes is not the place to say so
        facts = {"commands": bare(real), "keys": [], "kinds": [], "rules": []}
    return rebuilt(facts["commands"], Completions(facts).chosen)


def stack_names() -> list[str]:
    """Names of the stacks of this tree."""
    names = (path.name for path in sorted(STACKS.glob("Pulumi.?*.yaml")))
    return [name.removeprefix("Pulumi.").removesuffix(".yaml") for name in names]


def workflow_ids(stack: str | None) -> list[str]:
    """Workflows of one stack, or of all where the name is none."""
    return sorted(set(_names_at(["workflows", "definitions"], list(_values(stack)))))


def error_codes() -> list[str]:
    """Every error code that has a page."""
    return sorted(path.stem for path in (ROOT / "docs" / "errors").glob("LF[0-9]*.md"))


def _begin(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _values(stack: str | None) -> Iterator[Mapping[str, Any]]:
    """Plain values of one stack file, or of all, without the namespace; what cannot be read is left out."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    known = stack_names()
    for name in [stack] if stack in known else known:
        with suppress(OSError, UnicodeDecodeError, YAMLError, ValueError):
            text = (STACKS / f"Pulumi.{name}.yaml").read_text(encoding="utf-8")
            document = YAML(typ="safe", pure=True).load(text)
            config = document.get("config") if isinstance(document, dict) else None
            if isinstance(config, dict):
                yield {str(key).removeprefix("landfall:"): value for key, value in config.items()}


def _keys_below(keys: Iterable[str], typed: Sequence[str], values: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names that may follow the typed parts, from the keys of the config reference."""
    found: dict[str, None] = {}
    for key in keys:
        parts = key.removeprefix("landfall:").split(".")
        if len(parts) <= len(typed):
            continue
        if all(part == _CHOSEN or _bare(part) == _bare(one) for part, one in zip(parts, typed, strict=False)):
            name = _bare(parts[len(typed)])
            known = [*sorted(set(_names_at(typed, values))), _ANY] if name == _CHOSEN else [name]
            found.update(dict.fromkeys(known))
    return list(found)


def _bare(part: str) -> str:
    """A part without entry and kind: ``scripts`` of ``scripts[](sql)``."""
    return part.partition("[")[0].partition("(")[0]


def _names_at(typed: Sequence[str], values: Sequence[Any]) -> Iterator[str]:
    """Keys that the stack files have at the typed parts."""
    if not typed:
        for value in values:
            yield from (str(key) for key in value) if isinstance(value, Mapping) else ()
        return
    below: list[Any] = []
    for value in values:
        if isinstance(value, Mapping):
            name = _bare(typed[0])
            inner = list(value.values()) if name in (_ANY, _CHOSEN) else [value.get(name)]
            for one in inner:
                below += one if isinstance(one, list) else [one]
    yield from _names_at(typed[1:], below)
