"""The doctor's checks: each looks at one thing and says how it is and, where it is not well, what mends it.

No check uses the network, changes anything, or shows the value of a variable that may be a secret.
"""

from __future__ import annotations

import configparser
import hashlib
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from landfall.cli.doctor_machine import Machine

type Status = Literal["ok", "warn", "fail"]

GIGABYTE: Final = 1024**3
OLDEST_PYTHON: Final = (3, 12)
DISK_WANTED: Final = 2 * GIGABYTE
"""What environments and tools take (README, "Requirements")."""
DISK_LEAST: Final = GIGABYTE // 4
MEMORY_WANTED: Final = 2 * GIGABYTE
MEMORY_LEAST: Final = GIGABYTE // 2
CLOCK_SLACK: Final = 300
"""Seconds by which AWS lets a clock be wrong before it refuses signatures."""
SANDBOX_KEY: Final = "sandbox"
"""Secret access key of a shell that ``landfall sandbox env`` has prepared."""
LEAKING: Final = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
"""Variables of real credentials that a prepared shell does not replace."""
KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


@dataclass(frozen=True)
class Found:
    """What a check found."""

    name: str
    status: Status
    said: str
    fix: str = ""
    """A command, or a sentence where no command mends it."""


def python(machine: Machine) -> Found:
    """The interpreter is new enough."""
    version = ".".join(map(str, machine.python))
    if machine.python[:2] >= OLDEST_PYTHON:
        return Found("python", "ok", version)
    return Found(
        "python", "fail", f"{version} is too old, 3.12 or later is needed", "make setup PYTHON=python3.13"
    )


def environment(machine: Machine) -> Found:
    """The environment holds what the lock files say; tools/bootstrap.sh leaves their digest behind."""
    folder = machine.root / ".venv"
    for lock, target in (("requirements-dev", "setup-dev"), ("requirements", "setup")):
        stamp = folder / f".landfall-{lock}"
        if not stamp.is_file():
            continue
        try:
            files = [(machine.root / name).read_bytes() for name in ("requirements.txt", f"{lock}.txt")]
        except OSError as error:
            missing = Path(error.filename).name
            return Found(
                "environment", "fail", f"{missing}: {error.strerror}", f"git checkout {shlex.quote(missing)}"
            )
        if stamp.read_text(encoding="ascii").strip() == hashlib.sha256(b"".join(files)).hexdigest():
            return Found("environment", "ok", f".venv holds {lock}.txt")
        return Found("environment", "fail", f".venv is older than {lock}.txt", f"make {target}")
    return Found("environment", "fail", ".venv was not made by this tree", "make setup")


def pulumi(machine: Machine) -> Found:
    """A Pulumi CLI is there; without one the embedded engine serves."""
    from sandbox.engines.cli import find_cli

    cli = find_cli()
    if cli is None:
        said = "no Pulumi CLI: the demo, the sandbox and previews use the embedded engine"
        return Found("pulumi", "warn", said, "landfall sandbox prepare")
    origin = {"path": "from PATH", "download": "the official download", "built": "built from its Go modules"}
    return Found("pulumi", "ok", f"{cli.version}, {origin[cli.origin]}: {_short(cli.path, machine)}")


def go(machine: Machine) -> Found:
    """Go is needed only to build a CLI that is neither on PATH nor downloaded."""
    from sandbox.engines.cli import OLDEST_GO, find_cli

    wanted = ".".join(map(str, OLDEST_GO))
    place = machine.which("go")
    said = machine.run([place, "version"]) if place else None
    match = re.search(r"go(\d+)\.(\d+)", said.text) if said and said.code == 0 else None
    if match and (int(match[1]), int(match[2])) >= OLDEST_GO:
        return Found("go", "ok", f"{match[0].removeprefix('go')}, only for building the Pulumi CLI")
    state = f"{match[0].removeprefix('go')} is older than {wanted}" if match else "not installed"
    if find_cli() is not None:
        return Found("go", "ok", f"{state}; not needed, a Pulumi CLI is there")
    fix = "brew install go" if machine.which("brew") else f"install Go {wanted} or later: https://go.dev/dl/"
    return Found("go", "warn", f"{state}; the Pulumi CLI could only be downloaded", fix)


def loopback(machine: Machine) -> Found:
    """Ports of the loopback interface can be had: the sandbox listens there and nowhere else."""
    try:
        machine.bind()
    except OSError as error:
        return Found("loopback", "fail", f"127.0.0.1 takes no port: {error.strerror or error}",
                     "sudo ip link set lo up")  # fmt: skip
    return Found("loopback", "ok", "127.0.0.1 has free ports")


def disk(machine: Machine) -> Found:
    """There is room for environments and tools."""
    free = machine.disk_free(machine.root)
    said = f"{free / GIGABYTE:.1f} GB free"
    if free >= DISK_WANTED:
        return Found("disk", "ok", said)
    status: Status = "warn" if free >= DISK_LEAST else "fail"
    return Found("disk", status, f"{said}; a first installation takes 2 GB", "make clean")


def memory(machine: Machine) -> Found:
    """There is room for the emulator, the database and a deployment."""
    free = machine.memory()
    if free is None:
        return Found("memory", "ok", "the system does not say")
    said = f"{free / GIGABYTE:.1f} GB available"
    if free >= MEMORY_WANTED:
        return Found("memory", "ok", said)
    status: Status = "warn" if free >= MEMORY_LEAST else "fail"
    return Found(
        "memory", status, f"{said}; a sandbox with a deployment takes 2 GB", "landfall sandbox down --all"
    )


def credentials(machine: Machine) -> Found:
    """No variable of real credentials would leak into the sandbox. Names are told, never values."""
    env = machine.env
    if env.get("AWS_SECRET_ACCESS_KEY") == SANDBOX_KEY:
        left = [name for name in LEAKING if env.get(name)]
        said = "the shell is prepared for the sandbox"
    else:
        left = [name for name in (*KEYS, *LEAKING) if env.get(name)]
        said = "no AWS credentials in the environment"
    endpoints = [name for name in env if name.startswith("AWS_ENDPOINT_URL_") and env[name]]
    left += sorted(endpoints)
    if not left:
        return Found("credentials", "ok", said)
    return Found(
        "credentials", "warn", f"a shell for the sandbox would still have {', '.join(left)}",
        f"unset {' '.join(left)}",
    )  # fmt: skip


def accounts(machine: Machine) -> Found:
    """Every account of a stack that lives in AWS has a profile or a role that looks meant for it."""
    wanted = _stack_accounts(machine.stacks)
    if not wanted:
        return Found("accounts", "ok", "no stack lives in AWS accounts")
    known = _account_ids(machine)
    ambient = any(machine.env.get(name) for name in ("AWS_PROFILE", *KEYS[:1], "AWS_WEB_IDENTITY_TOKEN_FILE"))
    missing = [name for number, name in wanted.items() if number not in known]
    if not missing:
        return Found("accounts", "ok", f"profiles for {_counted(len(wanted), 'account')}")
    if ambient and machine.env.get("AWS_SECRET_ACCESS_KEY") != SANDBOX_KEY:
        return Found("accounts", "ok", "credentials in the environment; whose they are is not asked offline")
    said = f"no profile names {_counted(len(missing), 'account')}: {', '.join(missing[:4])}"
    more = f" and {len(missing) - 4} more" if len(missing) > 4 else ""
    return Found(
        "accounts", "warn", said + more + "; needed to deploy there, not for the sandbox", "aws configure sso"
    )


def emulator(machine: Machine) -> Found:
    """The emulator's own environment is complete."""
    from sandbox.venv import is_complete

    if is_complete():
        return Found("emulator", "ok", "installed as its lock says")
    return Found("emulator", "warn", "not installed as its lock says", "landfall sandbox prepare")


def postgresql(machine: Machine) -> Found:
    """The database's programs run, under an account that they accept."""
    from sandbox.errors import SandboxError
    from sandbox.warehouse.account import server_account
    from sandbox.warehouse.binaries import postgres_bin

    try:
        folder = postgres_bin()
        account = server_account(folder)
    except SandboxError as error:
        fix = "apt-get install util-linux" if "setpriv" in str(error) else "landfall sandbox prepare"
        return Found("postgresql", "fail" if "setpriv" in str(error) else "warn", str(error), fix)
    said = machine.run(account.command(folder / "postgres", "--version"))
    if said.code != 0:
        reason = said.text.splitlines()[-1] if said.text else f"exit code {said.code}"
        return Found("postgresql", "fail", f"does not run: {reason}", "landfall sandbox prepare")
    user = "as nobody, since root may not run it" if machine.uid == 0 else "as this user"
    return Found("postgresql", "ok", f"{said.text.rpartition(') ')[2] or said.text}, {user}")


def chromium(machine: Machine) -> Found:
    """A browser, which only tests of the reports use."""
    named = machine.env.get("PLAYWRIGHT_BROWSERS_PATH")
    folder = Path(named) if named else machine.home / ".cache" / "ms-playwright"
    if any(folder.glob("chromium*")):
        return Found("chromium", "ok", f"in {_short(folder, machine)}, only for tests")
    place = next((found for name in ("chromium", "chromium-browser", "google-chrome")
                  if (found := machine.which(name))), None)  # fmt: skip
    if place:
        return Found("chromium", "ok", f"{place}, only for tests")
    return Found("chromium", "warn", "none; only tests of the reports use it",
                 ".venv/bin/python -m playwright install chromium")  # fmt: skip


def clock(machine: Machine) -> Found:
    """The clock is not behind the newest commit: AWS refuses signatures of a wrong clock."""
    said = machine.run(["git", "-C", str(machine.root), "log", "-1", "--format=%ct"])
    newest = int(said.text) if said.code == 0 and said.text.isdigit() else None
    if newest is None:
        return Found("clock", "ok", "nothing to compare it with")
    behind = newest - machine.now
    if behind <= CLOCK_SLACK:
        return Found("clock", "ok", "not behind the newest commit")
    return Found(
        "clock",
        "warn",
        f"{behind / 60:.0f} minutes behind the newest commit",
        "sudo timedatectl set-ntp true",
    )


def git(machine: Machine) -> Found:
    """What would be deployed is committed."""
    said = machine.run(["git", "-C", str(machine.root), "status", "--porcelain"])
    if said.code != 0:
        return Found(
            "git", "warn", "this tree is no git repository: nobody can tell what was deployed", "git init"
        )
    changed = len(said.text.splitlines())
    if not changed:
        return Found("git", "ok", "nothing is uncommitted")
    return Found(
        "git", "warn", f"{_counted(changed, 'file')} uncommitted; deploy from a commit", "git status"
    )


def sandboxes(machine: Machine) -> Found:
    """No sandbox has lost its processes."""
    from sandbox.state import read_state

    running: list[str] = []
    stale: list[str] = []
    for folder in sorted((machine.tools / "sandbox").glob("*")):
        state = read_state(folder) if folder.is_dir() else None
        if state is None or not state.processes:
            continue
        alive = [process.identity.alive() for process in state.processes]
        (running if all(alive) else stale).append(folder.name)
    if stale:
        names = ", ".join(stale)
        fix = f"LANDFALL_SANDBOX_NAME={shlex.quote(stale[0])} landfall sandbox down"
        return Found("sandboxes", "warn", f"processes of {names} have ended", fix)
    return Found("sandboxes", "ok", f"running: {', '.join(running)}" if running else "none runs")


CHECKS: Final[tuple[Callable[[Machine], Found], ...]] = (
    python,
    environment,
    pulumi,
    go,
    emulator,
    postgresql,
    loopback,
    disk,
    memory,
    credentials,
    accounts,
    chromium,
    clock,
    git,
    sandboxes,
)
"""Every check, in the order in which they are told."""


def examined(check: Callable[[Machine], Found], machine: Machine) -> Found:
    """What a check found; one that itself breaks is a warning, not the end of the examination."""
    try:
        return check(machine)
    except Exception as error:
        return Found(
            check.__name__,
            "warn",
            f"could not be checked: {type(error).__name__}: {error}",
            "landfall --debug doctor",
        )


def _stack_accounts(folder: Path) -> dict[str, str]:
    """Accounts of stacks outside the sandbox by id, read from files that may be wrong elsewhere."""
    from landfall.config import StackSource, stack_files

    found: dict[str, str] = {}
    for path in stack_files(folder):
        source = StackSource.open(path)
        platform, listed = source.values.get("platform"), source.values.get("accounts")
        if not isinstance(listed, Mapping):
            continue
        if isinstance(platform, Mapping) and platform.get("environment") == "sandbox":
            continue
        for alias, account in listed.items():
            if isinstance(account, Mapping) and isinstance(account.get("id"), str):
                found[account["id"]] = f"{source.stack}/{alias}"
    return found


def _account_ids(machine: Machine) -> set[str]:
    """Account ids that profiles of the AWS configuration name, by sign-in or by role."""
    path = Path(machine.env.get("AWS_CONFIG_FILE") or machine.home / ".aws" / "config")
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error):
        return set()
    sections: list[Mapping[str, str]] = [parser[name] for name in parser.sections()]
    found = {section.get("sso_account_id", "") for section in sections}
    for section in sections:
        found.update(re.findall(r":iam::(\d{12}):role/", section.get("role_arn", "")))
    return found - {""}


def _short(path: Path, machine: Machine) -> str:
    """The path relative to the tree where it lies in it."""
    return path.relative_to(machine.root).as_posix() if path.is_relative_to(machine.root) else str(path)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
