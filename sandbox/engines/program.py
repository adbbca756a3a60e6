"""Runs a Pulumi Python program, or a plugin written in Python, in a process of its own.

Started as a file, with the tree's root in `LANDFALL_TREE`, by `sandbox.engines.language_host`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import runpy
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

PROGRAM_FAILED: Final = 32  # the exit code that tells the language host that the error has been shown


def run_program(program: Path) -> None:
    """Run the program file inside a stack, on this thread's new event loop; SDK settings are already made.

    Raises:
        BaseException: whatever the program raised.
    """
    from pulumi.runtime import stack

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # After a failure every output that waited for the failed one holds the same exception; it is
    # reported once.
    loop.set_exception_handler(lambda _loop, _context: None)
    try:
        loop.run_until_complete(stack.run_in_stack(_main_of(program)))
    finally:
        leftover = asyncio.all_tasks(loop)
        for task in leftover:
            task.cancel()
        if leftover:
            loop.run_until_complete(asyncio.gather(*leftover, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        loop.close()


def _main_of(program: Path) -> Callable[[], None]:
    def main() -> None:
        runpy.run_path(str(program), run_name="__main__")

    return main


def describe(wrong: BaseException, root: Path, logged: Sequence[str] = ()) -> str:
    """A program's failure as one sentence: its own words, and for a bug the place in the program.

    Args:
        wrong: what the program raised.
        root: the program's tree; the innermost frame inside it is the place.
        logged: errors that the program logged before it ended itself.
    """
    import pulumi

    if isinstance(wrong, SystemExit):
        said = wrong.code if isinstance(wrong.code, str) else "; ".join(logged)
        return said or f"the program ended with exit code {wrong.code}"
    if isinstance(wrong, pulumi.RunError):
        return str(wrong)
    place = ""
    for frame in traceback.extract_tb(wrong.__traceback__):
        path = Path(frame.filename)
        inside = path.is_relative_to(root) and ".venv" not in path.parts
        if inside and not path.is_relative_to(Path(__file__).parent):
            place = f"{path.relative_to(root)}:{frame.lineno}: "
    return f"{place}{type(wrong).__name__}: {wrong}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the language host asks for; 0, or 32 after an error that has been reported to the engine."""
    parser = argparse.ArgumentParser()
    kinds = parser.add_subparsers(dest="kind", required=True)
    stack = kinds.add_parser("stack")
    for name in ("monitor", "engine", "project", "stack", "organization", "root", "parallel", "program"):
        stack.add_argument(f"--{name}", required=True)
    stack.add_argument("--preview", action="store_true")
    plugin = kinds.add_parser("plugin")
    plugin.add_argument("program")
    plugin.add_argument("arguments", nargs=argparse.REMAINDER)
    chosen = parser.parse_args(arguments)
    from sandbox.engines.plugin_process import end_with_parent

    end_with_parent()
    if chosen.kind == "plugin":
        return _run_plugin(chosen.program, chosen.arguments)
    return _run_stack(chosen)


def _run_plugin(program: str, arguments: Sequence[str]) -> int:
    """Run a folder's `__main__.py` (a policy pack) as `python FOLDER ARGUMENTS` would."""
    sys.argv = [program, *arguments]
    runpy.run_path(program, run_name="__main__")
    return 0


def _run_stack(chosen: argparse.Namespace) -> int:
    from pulumi import log
    from pulumi.runtime import settings

    program, root = Path(chosen.program), Path(chosen.root)
    sys.path.insert(0, str(program.parent))
    sys.argv = [str(program)]
    settings.reset_options(
        project=chosen.project,
        stack=chosen.stack,
        root_directory=chosen.root,
        parallel=int(chosen.parallel),
        engine_address=chosen.engine,
        monitor_address=chosen.monitor,
        preview=chosen.preview,
        organization=chosen.organization,
    )
    try:
        run_program(program)
    except SystemExit as ended:
        if not ended.code:
            return 0
        if isinstance(ended.code, str):
            log.error(ended.code)
            return PROGRAM_FAILED
        return int(ended.code)
    except BaseException as wrong:
        log.debug("".join(traceback.format_exception(wrong)))
        log.error(describe(wrong, root))
        return PROGRAM_FAILED
    return 0


if __name__ == "__main__":
    _tree: Any = os.environ.get("LANDFALL_TREE")
    if _tree:
        sys.path.append(_tree)
    sys.exit(main())
