"""Commands that are imported when they are used: ``landfall --help`` knows them from a table.

Most commands need the config models, an AWS SDK or the engine, which take a second to import. The table
has a command's name, where it is and its summary; the module is imported when the command is run, asked for
its help, or completed.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True)
class Lazy:
    """One line of the table of commands."""

    name: str
    where: str
    """``module:attribute`` of a function (with ``EXAMPLE`` beside it) or of a ``typer.Typer``."""
    summary: str
    """The first line of the command's docstring, as the list of commands shows it."""

    def load(self) -> Any:
        """The command itself. Raises ``ImportError`` or ``AttributeError`` where there is none."""
        module_name, _, attribute = self.where.partition(":")
        module = importlib.import_module(module_name)
        found = getattr(module, attribute)
        carrier = typer.Typer(add_completion=False)
        carrier.callback()(_nothing)
        if isinstance(found, typer.Typer):
            carrier.add_typer(found, name=self.name)
        else:
            carrier.command(self.name, epilog=module.EXAMPLE)(found)
        group: Any = typer.main.get_command(carrier)
        return group.commands[self.name]

    def stub(self) -> TyperCommand:
        """What the list of commands shows; it cannot be run."""
        return TyperCommand(self.name, help=self.summary)


def _nothing() -> None:
    """The callback that makes a Typer of one command a group."""


class _Commands(dict[str, Any]):
    """Commands by name; a lazy one is loaded at the first look at it, not when names are listed."""

    def __init__(self, table: Sequence[Lazy], others: MutableMapping[str, Any]) -> None:
        super().__init__({entry.name: entry for entry in table} | dict(others))

    def __getitem__(self, name: str) -> Any:
        found = super().__getitem__(name)
        if isinstance(found, Lazy):
            found = self[name] = found.load()
        return found

    def get(self, name: str, default: Any = None) -> Any:
        if name not in self:
            return default
        return self[name]

    def values(self) -> Any:
        return [self[name] for name in self]

    def items(self) -> Any:
        return [(name, self[name]) for name in self]

    def listed(self, name: str) -> Any:
        """The command, or its stub where it is not loaded."""
        found = super().get(name)
        return found.stub() if isinstance(found, Lazy) else found


class LazyGroup(TyperGroup):
    """A group whose commands come from `table`, besides those that are registered as usual."""

    table: ClassVar[Sequence[Lazy]] = ()

    def __init__(self, *, commands: Any = None, **attributes: Any) -> None:
        super().__init__(commands={}, **attributes)
        self.commands: Any = _Commands(self.table, dict(commands or {}))
        self._listing = False

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the table's order, without loading a command."""
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command; while commands are listed, no more of it than the list shows."""
        return self.commands.listed(cmd_name) if self._listing else self.commands.get(cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help with the list of commands."""
        with self._listed():
            super().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Names and options that begin with what is typed."""
        with self._listed():
            return super().shell_complete(ctx, incomplete)

    def main(self, *args: Any, **options: Any) -> Any:
        """Runs the command line; for a shell that completes, the outline of the commands answers at once."""
        if f"_{options.get('prog_name')}_COMPLETE".upper().replace("-", "_") in os.environ:
            from landfall.cli.completion import command

            return command(self).main(*args, **options)
        return super().main(*args, **options)

    @contextmanager
    def _listed(self) -> Iterator[None]:
        self._listing = True
        try:
            yield
        finally:
            self._listing = False
