"""`pulumi` as a prepared shell finds it: the real CLI, kept from writing into stack files.

The CLI adds an encryption salt to the settings file of a stack on a local backend. Commands that read the
settings get a copy with the salt in it; a stack that the state does not know yet is initialised; everything
else passes through.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sandbox.engines.cli import PINNED, PulumiCli
from sandbox.engines.errors import EngineError
from sandbox.engines.pulumi_engine import CLI_VARIABLE, STATE_VARIABLE, PulumiEngine
from sandbox.engines.wrappers import plugins_dir

_WITH_SETTINGS: Final = frozenset({"destroy", "down", "pre", "preview", "refresh", "up", "update", "watch"})


def stack_of(arguments: Sequence[str]) -> str | None:
    """The stack that a command line names with `-s` or `--stack`."""
    for position, word in enumerate(arguments):
        if word in ("-s", "--stack") and position + 1 < len(arguments):
            return arguments[position + 1]
        for prefix in ("--stack=", "-s="):
            if word.startswith(prefix):
                return word.removeprefix(prefix)
    return None


def main() -> int:
    """Add what is missing to the command line, then become the real CLI."""
    arguments = sys.argv[1:]
    real = os.environ.get(CLI_VARIABLE, "")
    state = os.environ.get(STATE_VARIABLE, "")
    if not real or not state:
        sys.stderr.write('error: this shell is not prepared; run: eval "$(landfall sandbox env)"\n')
        return 3
    stack = stack_of(arguments)
    given = any(word.startswith("--config-file") for word in arguments)
    if stack is not None and not given and _WITH_SETTINGS.intersection(arguments[:1]):
        try:
            arguments += ["--config-file", str(_settings(Path(real), Path(state), stack))]
        except EngineError as wrong:
            sys.stderr.write(f"error: {wrong}\n")
            return 3
    os.execv(real, [real, *arguments])  # noqa: S606 - no shell is the point


def _settings(real: Path, state: Path, stack: str) -> Path:
    here = Path.cwd()
    root = next((folder for folder in (here, *here.parents) if (folder / "Pulumi.yaml").is_file()), here)
    engine = PulumiEngine(state, root=root, cli=PulumiCli(real, PINNED, "built"), plugins=plugins_dir())
    engine.prepare(stack)
    return engine.settings_copy(stack, state / "settings")


if __name__ == "__main__":
    sys.exit(main())
