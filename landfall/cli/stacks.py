"""Stack files as commands read them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from landfall.cli.exits import CommandError, Exit, unknown
from landfall.config import ConfigIssue, LoadResult, StackConfig, load_file, report, stack_files

ROOT = Path(__file__).resolve().parents[2]
STACKS = ROOT / "stacks"
POLICY_PACK = ROOT / "policy_packs" / "guardrails"


class InvalidStack(CommandError):
    """A command needs a stack whose file has mistakes; ``message`` is the whole report."""

    def __init__(self, issues: Sequence[ConfigIssue]) -> None:
        super().__init__(report(issues), Exit.INVALID)
        self.issues = tuple(issues)


def stack_names() -> list[str]:
    """Names of the stacks of this tree."""
    return [path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in stack_files(STACKS)]


def stack_result(stack: str) -> LoadResult:
    """One stack file, read and checked; raises ``CommandError`` where there is none of that name."""
    known = stack_names()
    if stack not in known:
        raise unknown("stack", stack, known, "stacks/ has")
    return load_file(_from_here(STACKS / f"Pulumi.{stack}.yaml"))


def _from_here(path: Path) -> Path:
    """The path as somebody in the current folder would write it; unchanged where it lies elsewhere."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def load_stack(stack: str) -> StackConfig:
    """The config of a stack; raises ``InvalidStack`` with every mistake in it."""
    result = stack_result(stack)
    if result.config is None or result.issues:
        raise InvalidStack(result.issues)
    return result.config


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``1 error``, ``2 errors``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
