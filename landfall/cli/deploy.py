"""The sandbox stack on the sandbox: tools, start, deployment; each only where it is needed.

What was deployed is remembered as a digest over stack file, scripts and program, with the emulator's
generation and the deployment's state: an unchanged stack is not deployed again; after a restart of the
emulator, or when somebody used ``pulumi`` by hand, it is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landfall.cli.exits import CommandError, Exit
from landfall.cli.stacks import POLICY_PACK, ROOT, STACKS, counted, stack_result
from landfall.cli.terminal import say, step
from landfall.config import scripts_folder
from sandbox import deployments, launcher
from sandbox.engines.cli import ensure_cli
from sandbox.engines.errors import CliMissing, DeploymentFailed, EngineError
from sandbox.engines.guardrails import guardrails_for
from sandbox.engines.project import Project
from sandbox.spec import SandboxSpec
from sandbox.state import write_text
from sandbox.venv import ensure_emulator

if TYPE_CHECKING:
    from sandbox.engines.pulumi_engine import PulumiEngine

PROGRAM = ("__main__.py", "Pulumi.yaml", "landfall", "components", "workflows", "handlers", "policy_packs")
ACCOUNT_FOR_TOOLS = "data"
ENGINES = ("pulumi", "embedded")
ENGINE_MARK = "engine"


def prepare_tools() -> None:
    """The emulator's environment and the Pulumi CLI; says what is missing and goes on where it can."""
    ensure_emulator(say)
    try:
        cli = ensure_cli(say)
    except CliMissing as missing:
        say(f"Pulumi CLI: {missing}")
    else:
        say(f"Pulumi CLI {cli.version} ({cli.origin})")


def ensure_deployed(
    stack: str, spec: SandboxSpec, *, owner_pid: int | None = None, engine: str | None = None
) -> launcher.Sandbox:
    """The sandbox, running, with the stack as it is now in the tree; raises ``CommandError``.

    ``engine`` is ``pulumi`` or ``embedded``; without it the one that deployed last, else the real engine
    where its CLI can be had, else the embedded one.
    """
    if engine not in (None, *ENGINES):
        raise CommandError(f'unknown engine "{engine}"; allowed: {", ".join(ENGINES)}', Exit.INVALID)
    with deployments.alone(launcher.folder(), lambda: say("another command is deploying; waiting for it")):
        sandbox = _running(spec, owner_pid)
        stamp = sandbox.state_dir / "deployed"
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == _deployed(sandbox, stack):
            return sandbox
        sandbox = _trusted(sandbox, spec, owner_pid)
        stamp.unlink(missing_ok=True)
        _deploy(sandbox, stack, engine)
        write_text(stamp, _deployed(sandbox, stack))
        return sandbox


def program_environment(stack: str) -> dict[str, str]:
    """Variables after which ``pulumi -s <stack>`` works by hand on the sandbox's state.

    Empty, and a line that says why, where there is no CLI or where the embedded engine has deployed.
    """
    sandbox = launcher.attach()
    if sandbox is None:
        raise CommandError("the sandbox is not running; start it with: landfall sandbox up", Exit.ENVIRONMENT)
    _forget_other_generation(sandbox)
    mark = sandbox.state_dir / ENGINE_MARK
    if mark.is_file() and mark.read_text(encoding="utf-8") == "embedded":
        say("the embedded engine has deployed this sandbox: the shell is not prepared for pulumi")
        return {}
    try:
        engine = _pulumi_engine(sandbox)
    except CliMissing as missing:
        say(f"{missing}; the shell is prepared for AWS only")
        return {}
    engine.prepare(stack)
    path = os.pathsep.join([*engine.path_entries(), os.environ.get("PATH", os.defpath)])
    return {**engine.variables(), "PATH": path}


def _running(spec: SandboxSpec, owner_pid: int | None) -> launcher.Sandbox:
    """The sandbox; started, or mended, where it is not in order."""
    sandbox = launcher.attach()
    if sandbox is not None and _in_order(sandbox, spec):
        return sandbox
    with step("AWS on this machine"):
        return launcher.up(spec, owner_pid=owner_pid, progress=say)


def _trusted(sandbox: launcher.Sandbox, spec: SandboxSpec, owner_pid: int | None) -> launcher.Sandbox:
    """The sandbox with a deployment state that knows all it holds; a new one where that cannot be had."""
    _forget_other_generation(sandbox)
    waiting = "a deployment goes on whose command was killed; waiting for its end"
    wrong = deployments.cut_off(sandbox.state_dir, lambda: say(waiting))
    if wrong is None:
        return sandbox
    say(f"{wrong}; the sandbox starts anew, and all of the stack is deployed again")
    launcher.down(sandbox.name)
    sandbox = _running(spec, owner_pid)
    _forget_other_generation(sandbox)
    return sandbox


def _in_order(sandbox: launcher.Sandbox, spec: SandboxSpec) -> bool:
    if sandbox.state.spec != spec:
        say("the stack's accounts or hosts have changed: the sandbox starts anew")
        launcher.down(sandbox.name)
        return False
    return bool(sandbox.status()["running"])


def _forget_other_generation(sandbox: launcher.Sandbox) -> None:
    """A new emulator has empty accounts: the deployment state of the last one would be a lie."""
    mark = sandbox.state_dir / "generation"
    if not mark.is_file() or mark.read_text(encoding="utf-8") != sandbox.generation:
        for folder in ("pulumi", "embedded", "recorded"):
            shutil.rmtree(sandbox.state_dir / folder, ignore_errors=True)
        (sandbox.state_dir / ENGINE_MARK).unlink(missing_ok=True)
        deployments.end(sandbox.state_dir)
        write_text(mark, sandbox.generation)


def _deploy(sandbox: launcher.Sandbox, stack: str, engine: str | None) -> None:
    chosen, pulumi = _choose(sandbox, engine)
    environment = sandbox.environment(ACCOUNT_FOR_TOOLS)
    # Before the deployment: a killed command leaves the sandbox to the engine that has begun with it.
    write_text(sandbox.state_dir / ENGINE_MARK, chosen)
    deployments.begin(sandbox.state_dir, stack, chosen)
    try:
        if pulumi is not None:
            title = f"stack {stack}, deployed by Pulumi {pulumi.cli.version} under its guardrails"
            with step(title) as tell:
                deployment = pulumi.up(
                    stack,
                    environment={**environment, **deployments.marks(sandbox.state_dir)},
                    policy_pack=POLICY_PACK,
                    on_event=_counter(tell),
                )
        else:
            from sandbox.engines.embedded_up import EmbeddedEngine

            today = datetime.now(tz=UTC).date()
            judge = guardrails_for(Project.load(ROOT), stack, today)
            with step(f"stack {stack}, deployed by the embedded engine under its guardrails"):
                deployment = EmbeddedEngine(sandbox.state_dir, root=ROOT).up(
                    stack, environment=environment, guardrails=judge
                )
    except EngineError as failed:
        deployments.end(sandbox.state_dir)
        if lost := sandbox.lost():
            message = f"stack {stack} was not deployed: {lost}; run the command again, it starts what is gone"
            raise CommandError(message, Exit.ENVIRONMENT) from failed
        if isinstance(failed, DeploymentFailed):
            raise CommandError(f"stack {stack} was not deployed: {failed}") from failed
        raise CommandError(str(failed), Exit.ENVIRONMENT) from failed
    deployments.end(sandbox.state_dir)
    changes = ", ".join(f"{count} {operation}" for operation, count in sorted(deployment.changes.items()))
    say(f"  {changes or 'nothing to change'}")


def _counter(tell: Callable[[str], None]) -> Callable[[dict[str, Any]], None]:
    """Tells how many resources are done, from the engine's events."""
    done = 0

    def count(event: dict[str, Any]) -> None:
        nonlocal done
        if "resOutputsEvent" in event:
            done += 1
            tell(counted(done, "resource"))

    return count


def _pulumi_engine(sandbox: launcher.Sandbox) -> PulumiEngine:
    """The CLI on the sandbox's state.

    Engines are loaded where one is needed: most commands deploy nothing, and the Pulumi SDK takes a while.

    Raises:
        CliMissing: there is no CLI.
    """
    from sandbox.engines.pulumi_engine import PulumiEngine

    return PulumiEngine(sandbox.state_dir, root=ROOT, progress=say)


def _choose(sandbox: launcher.Sandbox, wanted: str | None) -> tuple[str, PulumiEngine | None]:
    """The engine for this sandbox; two engines do not share one deployment."""
    mark = sandbox.state_dir / ENGINE_MARK
    last = mark.read_text(encoding="utf-8") if mark.is_file() else None
    if last is not None and wanted not in (None, last):
        raise CommandError(
            f"the sandbox was deployed by the {last} engine; for the other one: landfall sandbox reset",
            Exit.INVALID,
        )
    if (wanted or last) == "embedded":
        return "embedded", None
    try:
        return "pulumi", _pulumi_engine(sandbox)
    except CliMissing as missing:
        if (wanted or last) == "pulumi":
            raise CommandError(str(missing), Exit.ENVIRONMENT) from missing
        say(f"{missing}; going on with the embedded engine")
        return "embedded", None


def _deployed(sandbox: launcher.Sandbox, stack: str) -> str:
    """What makes a deployment out of date: another emulator, another stack, or other hands on its state."""
    state = hashlib.sha256()
    for path in sorted((sandbox.state_dir / "pulumi" / ".pulumi" / "stacks").glob(f"*/{stack}.json")):
        state.update(path.read_bytes())
    return f"{sandbox.generation} {_digest(stack)} {state.hexdigest()}"


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
