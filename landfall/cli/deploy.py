"""The sandbox stack on the sandbox: tools, start, deployment; each only where it is needed.

What was deployed is remembered as a digest over stack file, scripts and program, with the emulator's
generation, so an unchanged stack is not deployed again and a restarted emulator is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from landfall.cli.exits import CommandError, Exit
from landfall.cli.stacks import ROOT, STACKS, stack_result
from landfall.cli.terminal import say, step
from landfall.config import scripts_folder
from sandbox import launcher
from sandbox.engines.cli import ensure_cli
from sandbox.engines.errors import CliMissing, DeploymentFailed, EngineError
from sandbox.engines.pulumi_engine import PulumiEngine
from sandbox.spec import SandboxSpec
from sandbox.venv import ensure_emulator

POLICY_PACK = ROOT / "policy_packs" / "guardrails"
PROGRAM = ("__main__.py", "Pulumi.yaml", "landfall", "components", "workflows", "handlers", "policy_packs")
ACCOUNT_FOR_TOOLS = "data"


def prepare_tools() -> None:
    """The emulator's environment and the Pulumi CLI; says what is missing and goes on where it can."""
    ensure_emulator(say)
    try:
        cli = ensure_cli(say)
    except CliMissing as missing:
        say(f"Pulumi CLI: {missing}")
    else:
        say(f"Pulumi CLI {cli.version} ({cli.origin})")


def ensure_deployed(stack: str, spec: SandboxSpec, *, owner_pid: int | None = None) -> launcher.Sandbox:
    """The sandbox, running, with the stack as it is now in the tree; raises ``CommandError``."""
    sandbox = launcher.attach()
    if sandbox is None or not _in_order(sandbox, spec):
        with step("AWS on this machine"):
            sandbox = launcher.up(spec, owner_pid=owner_pid, progress=say)
    digest = f"{sandbox.generation} {_digest(stack)}"
    stamp = sandbox.state_dir / "deployed"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == digest:
        return sandbox
    _forget_other_generation(sandbox)
    _deploy(sandbox, stack)
    stamp.write_text(digest, encoding="utf-8")
    return sandbox


def engine_for(sandbox: launcher.Sandbox) -> PulumiEngine:
    """The real engine on the sandbox's state folder; raises ``CommandError`` where there is no CLI."""
    try:
        return PulumiEngine(sandbox.state_dir, root=ROOT, progress=say)
    except CliMissing as missing:
        raise CommandError(str(missing), Exit.ENVIRONMENT) from missing


def program_environment(stack: str) -> dict[str, str]:
    """Variables after which ``pulumi -s <stack>`` works by hand on the sandbox's state."""
    sandbox = launcher.attach()
    if sandbox is None:
        raise CommandError("the sandbox is not running; start it with: landfall sandbox up", Exit.ENVIRONMENT)
    engine = engine_for(sandbox)
    engine.prepare(stack)
    path = os.pathsep.join([*engine.path_entries(), os.environ.get("PATH", os.defpath)])
    return {**engine.variables(), "PATH": path}


def _in_order(sandbox: launcher.Sandbox, spec: SandboxSpec) -> bool:
    if sandbox.state.spec != spec:
        say("the stack's accounts or hosts have changed: the sandbox starts anew")
        launcher.down(sandbox.name)
        return False
    return all(process["alive"] for process in sandbox.status()["processes"])


def _forget_other_generation(sandbox: launcher.Sandbox) -> None:
    """A new emulator has empty accounts: the deployment state of the last one would be a lie."""
    mark = sandbox.state_dir / "generation"
    if not mark.is_file() or mark.read_text(encoding="utf-8") != sandbox.generation:
        for folder in ("pulumi", "recorded"):
            shutil.rmtree(sandbox.state_dir / folder, ignore_errors=True)
        mark.write_text(sandbox.generation, encoding="utf-8")


def _deploy(sandbox: launcher.Sandbox, stack: str) -> None:
    made: dict[str, int] = {}

    def count(event: dict[str, Any]) -> None:
        operation = event.get("resOutputsEvent", {}).get("metadata", {}).get("op")
        if operation and operation != "same":
            made[operation] = made.get(operation, 0) + 1

    engine = engine_for(sandbox)
    try:
        with step(f"stack {stack}, deployed by Pulumi {engine.cli.version} under its guardrails"):
            deployment = engine.up(
                stack,
                environment=sandbox.environment(ACCOUNT_FOR_TOOLS),
                policy_pack=POLICY_PACK,
                on_event=count,
            )
    except DeploymentFailed as failed:
        raise CommandError(f"stack {stack} was not deployed: {failed}") from failed
    except EngineError as failed:
        raise CommandError(str(failed), Exit.ENVIRONMENT) from failed
    changes = ", ".join(f"{count} {operation}" for operation, count in sorted(deployment.changes.items()))
    say(f"  {changes or 'nothing to change'}")


def _digest(stack: str) -> str:
    """SHA-256 over every file that a deployment of the stack depends on."""
    result = stack_result(stack)
    digest = hashlib.sha256()
    files = [STACKS / f"Pulumi.{stack}.yaml", *_program_files()]
    if result.config is not None and (folder := scripts_folder(result.config, result.source)) is not None:
        files += sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files:
        digest.update(f"{path.name}\0{path.stat().st_mode & 0o111}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _program_files() -> Iterator[Path]:
    for entry in PROGRAM:
        path = ROOT / entry
        if path.is_file():
            yield path
        else:
            yield from (
                file
                for file in sorted(path.rglob("*"))
                if file.is_file()
                and "__pycache__" not in file.parts
                and ROOT / "landfall" / "cli" not in file.parents
            )
