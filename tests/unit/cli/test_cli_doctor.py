"""``landfall doctor``: every check on a machine where all is well and on one where it is not."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from landfall.cli import doctor_checks as checks
from landfall.cli.doctor_checks import GIGABYTE, Found
from landfall.cli.doctor_machine import Machine, Said, available_memory, bind_loopback, run
from sandbox.engines import cli as engines_cli
from sandbox.engines.cli import PulumiCli
from sandbox.processes import ProcessId
from sandbox.spec import SandboxSpec
from sandbox.state import ManagedProcess, SandboxState, write_state

ROOT = Path(__file__).resolve().parents[3]
Landfall = Callable[..., Any]
NOW = 1_800_000_000.0
PROFILES = """
[profile data]
sso_account_id = 305871460213
[profile ops]
role_arn = arn:aws:iam::418260937755:role/landfall-deployer
source_profile = data
"""


def answers(**said: Said) -> Callable[[Sequence[str]], Said]:
    """Programs that say what they are told to, by a word of their command line."""

    def run_(command: Sequence[str]) -> Said:
        words = " ".join(str(word) for word in command)
        return next((answer for word, answer in said.items() if word in words), Said(None, "not found"))

    return run_


GOOD = answers(
    version=Said(0, "go version go1.26.1 linux/amd64"), log=Said(0, str(int(NOW))), status=Said(0, "")
)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine on which all is well."""
    root, home, stacks = tmp_path / "tree", tmp_path / "home", tmp_path / "tree" / "stacks"
    for folder in (root / ".venv", home / ".aws", home / ".cache/ms-playwright/chromium-1", stacks):
        folder.mkdir(parents=True)
    for name in ("requirements.txt", "requirements-dev.txt"):
        (root / name).write_text(f"{name}==1\n", encoding="utf-8")
    stamp(root, "requirements-dev")
    (home / ".aws/config").write_text(PROFILES, encoding="utf-8")
    shutil.copy(ROOT / "stacks/Pulumi.dev.yaml", stacks)
    monkeypatch.setattr(engines_cli, "find_cli", lambda: PulumiCli(Path("/opt/pulumi"), "3.250.0", "path"))
    return Machine(
        root=root, stacks=stacks, tools=tmp_path / "tools", home=home, env={}, python=(3, 13, 1), uid=1000,
        now=NOW, run=GOOD, which=lambda name: f"/usr/bin/{name}", disk_free=lambda path: 9 * GIGABYTE,
        memory=lambda: 9 * GIGABYTE, bind=lambda: 20000,
    )  # fmt: skip


def stamp(root: Path, lock: str) -> None:
    digest = hashlib.sha256((root / "requirements.txt").read_bytes() + (root / f"{lock}.txt").read_bytes())
    (root / ".venv" / f".landfall-{lock}").write_text(digest.hexdigest() + "\n", encoding="ascii")


def bad(found: Found, status: str, said: str, fix: str) -> None:
    assert (found.status, found.fix) == (status, fix)
    assert said in found.said


def test_python_is_new_enough_or_not(machine: Machine) -> None:
    assert checks.python(machine) == Found("python", "ok", "3.13.1")
    bad(checks.python(replace(machine, python=(3, 11, 9))), "fail", "3.11.9 is too old",
        "make setup PYTHON=python3.13")  # fmt: skip


def test_the_environment_holds_its_lock_or_not(machine: Machine) -> None:
    assert checks.environment(machine).status == "ok"
    (machine.root / "requirements-dev.txt").write_text("newer==2\n", encoding="utf-8")
    bad(checks.environment(machine), "fail", "older than requirements-dev.txt", "make setup-dev")
    (machine.root / ".venv/.landfall-requirements-dev").unlink()
    bad(checks.environment(machine), "fail", "not made by this tree", "make setup")
    stamp(machine.root, "requirements")
    assert checks.environment(machine).said == ".venv holds requirements.txt"
    (machine.root / "requirements.txt").unlink()
    assert checks.environment(machine).status == "fail"


def test_the_digest_of_the_environment_is_that_of_the_bootstrap_script() -> None:
    assert checks.environment(Machine.here()).name == "environment"
    script = (ROOT / "tools/bootstrap.sh").read_text(encoding="utf-8")
    assert 'cat requirements.txt "$lock" | sha256sum' in script
    assert ".venv/.landfall-${lock%.txt}" in script


def test_a_lock_file_that_is_gone_is_named(machine: Machine) -> None:
    (machine.root / "requirements.txt").unlink()
    found = checks.environment(machine)
    bad(found, "fail", "requirements.txt: No such file", "git checkout requirements.txt")
    assert str(machine.root) not in found.said


def test_a_pulumi_cli_is_there_or_not(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.pulumi(machine).said == "3.250.0, from PATH: /opt/pulumi"
    inside = PulumiCli(machine.root / ".tools/bin/pulumi", "3.250.0", "built")
    monkeypatch.setattr(engines_cli, "find_cli", lambda: inside)
    assert checks.pulumi(machine).said.endswith("its Go modules: .tools/bin/pulumi")
    monkeypatch.setattr(engines_cli, "find_cli", lambda: None)
    bad(checks.pulumi(machine), "warn", "embedded engine", "landfall sandbox prepare")


def test_go_matters_only_without_a_pulumi_cli(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.go(machine).status == "ok"
    without = replace(machine, which=lambda name: None)
    old = replace(machine, run=answers(version=Said(0, "go version go1.21.3 linux/amd64")))
    assert checks.go(without).status == "ok"
    monkeypatch.setattr(engines_cli, "find_cli", lambda: None)
    assert checks.go(machine).status == "ok"
    bad(checks.go(without), "warn", "not installed", "install Go 1.25 or later: https://go.dev/dl/")
    bad(checks.go(old), "warn", "1.21 is older than 1.25", "brew install go")


def test_the_emulator_is_installed_or_not(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.venv.is_complete", lambda: True)
    assert checks.emulator(machine).status == "ok"
    monkeypatch.setattr("sandbox.venv.is_complete", lambda: False)
    bad(checks.emulator(machine), "warn", "not installed", "landfall sandbox prepare")


def test_postgresql_runs_or_not(machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "postgres").touch()
    monkeypatch.setenv("LANDFALL_POSTGRES_BIN", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    well = replace(machine, run=answers(postgres=Said(0, "postgres (PostgreSQL) 18.6")))
    assert checks.postgresql(well) == Found("postgresql", "ok", "18.6, as this user")
    broken = replace(machine, run=answers(postgres=Said(1, "x\nno libssl.so")))
    bad(checks.postgresql(broken), "fail", "does not run: no libssl.so", "landfall sandbox prepare")
    silent = replace(machine, run=answers(postgres=Said(1, "")))
    assert "exit code 1" in checks.postgresql(silent).said
    (tmp_path / "postgres").unlink()
    bad(checks.postgresql(well), "warn", "not installed", "landfall sandbox prepare")


def test_postgresql_as_root_needs_another_account(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "postgres").touch()
    monkeypatch.setenv("LANDFALL_POSTGRES_BIN", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    root = replace(machine, uid=0, run=answers(setpriv=Said(0, "postgres (PostgreSQL) 18.6")))
    assert checks.postgresql(root).said == "18.6, as nobody, since root may not run it"
    monkeypatch.setattr("shutil.which", lambda name: None)
    bad(checks.postgresql(root), "fail", "setpriv", "apt-get install util-linux")


def test_loopback_takes_ports_or_not(machine: Machine) -> None:
    def refused() -> int:
        raise OSError(99, "Cannot assign requested address")

    assert checks.loopback(machine).status == "ok"
    bad(checks.loopback(replace(machine, bind=refused)), "fail", "Cannot assign", "sudo ip link set lo up")


@pytest.mark.parametrize(("gigabytes", "status"), [(9, "ok"), (1, "warn"), (0.1, "fail")])
def test_disk_and_memory_suffice_or_not(machine: Machine, gigabytes: float, status: str) -> None:
    size = int(gigabytes * GIGABYTE)
    small = replace(machine, disk_free=lambda path: size, memory=lambda: size)
    assert [checks.disk(small).status, checks.memory(small).status] == [status, status]
    assert bool(checks.disk(small).fix) == (status != "ok")


def test_memory_that_is_not_told_is_no_complaint(machine: Machine) -> None:
    assert checks.memory(replace(machine, memory=lambda: None)).status == "ok"


def test_credentials_that_would_leak_are_named_and_never_shown(machine: Machine) -> None:
    assert checks.credentials(machine).status == "ok"
    real = replace(machine, env={"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "hunter2"})
    bad(checks.credentials(real), "warn", "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY",
        "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY")  # fmt: skip
    assert not {"AKIAEXAMPLE", "hunter2"} & set(repr(checks.credentials(real)).split())
    prepared = {"AWS_ACCESS_KEY_ID": "111111111111", "AWS_SECRET_ACCESS_KEY": "sandbox"}
    assert checks.credentials(replace(machine, env=prepared)).status == "ok"
    mixed = {
        **prepared,
        "AWS_PROFILE": "prod",
        "AWS_SESSION_TOKEN": "t0ken",
        "AWS_ENDPOINT_URL_S3": "http://x",
    }
    found = checks.credentials(replace(machine, env=mixed))
    bad(found, "warn", "AWS_PROFILE", "unset AWS_PROFILE AWS_SESSION_TOKEN AWS_ENDPOINT_URL_S3")
    assert "t0ken" not in repr(found)


def test_accounts_have_profiles_or_not(machine: Machine) -> None:
    assert checks.accounts(machine).said == "profiles for 2 accounts"
    (machine.home / ".aws/config").write_text("[profile data]\nsso_account_id = 305871460213\n")
    bad(checks.accounts(machine), "warn", "no profile names 1 account: dev/ops", "aws configure sso")
    ambient = replace(machine, env={"AWS_PROFILE": "ops"})
    assert checks.accounts(ambient).status == "ok"
    sandbox = replace(machine, env={"AWS_ACCESS_KEY_ID": "1", "AWS_SECRET_ACCESS_KEY": "sandbox"})
    assert checks.accounts(sandbox).status == "warn"
    (machine.home / ".aws/config").write_bytes(b"\xff\x00[")
    assert checks.accounts(machine).status == "warn"
    (machine.stacks / "Pulumi.dev.yaml").unlink()
    assert checks.accounts(machine).said == "no stack lives in AWS accounts"


def test_a_browser_is_there_or_not(machine: Machine) -> None:
    assert checks.chromium(machine).status == "ok"
    elsewhere = replace(machine, home=machine.root)
    assert checks.chromium(elsewhere).said == "/usr/bin/chromium, only for tests"
    bad(checks.chromium(replace(elsewhere, which=lambda name: None)), "warn", "only tests",
        ".venv/bin/python -m playwright install chromium")  # fmt: skip


def test_the_clock_is_behind_or_not(machine: Machine) -> None:
    assert checks.clock(machine).status == "ok"
    bad(checks.clock(replace(machine, now=NOW - 3600)), "warn", "60 minutes behind",
        "sudo timedatectl set-ntp true")  # fmt: skip
    assert checks.clock(replace(machine, run=answers())).status == "ok"


def test_the_tree_is_committed_or_not(machine: Machine) -> None:
    assert checks.git(machine).status == "ok"
    dirty = replace(machine, run=answers(status=Said(0, " M a\n?? b")))
    bad(checks.git(dirty), "warn", "2 files uncommitted", "git status")
    bad(checks.git(replace(machine, run=answers(status=Said(128, "fatal")))), "warn", "no git", "git init")


def test_sandboxes_run_or_have_lost_their_processes(machine: Machine) -> None:
    assert checks.sandboxes(machine).said == "none runs"
    me = ProcessId.of(__import__("os").getpid())
    alive = ManagedProcess(name="emulator", pid=me.pid, started=me.started)
    state = SandboxState(name="mine", spec=SandboxSpec(), port=1, generation="g", processes=(alive,))
    for name in ("mine", "other"):
        (machine.tools / "sandbox" / name).mkdir(parents=True)
    write_state(machine.tools / "sandbox" / "mine", state)
    assert checks.sandboxes(machine).said == "running: mine"
    gone = replace(state, processes=(replace(alive, started=1),))
    write_state(machine.tools / "sandbox" / "other", gone)
    bad(checks.sandboxes(machine), "warn", "processes of other have ended",
        "LANDFALL_SANDBOX_NAME=other landfall sandbox down")  # fmt: skip


def test_a_check_that_breaks_is_a_warning(machine: Machine) -> None:
    def broken(machine: Machine) -> Found:
        raise RuntimeError("no such thing")

    found = checks.examined(broken, machine)
    assert (found.name, found.status) == ("broken", "warn")
    assert "RuntimeError: no such thing" in found.said


def test_every_check_is_asked() -> None:
    named = {
        name
        for name, value in vars(checks).items()
        if getattr(value, "__annotations__", {}).get("return") == "Found"
    }
    assert {check.__name__ for check in checks.CHECKS} == named - {"examined"}


def test_the_real_probes_answer() -> None:
    assert run(["true"]) == Said(0, "")
    assert run(["/nowhere/at/all"]).code is None
    assert bind_loopback() > 0
    memory = available_memory()
    assert memory is None or memory > 0


def test_the_doctor_tells_every_check(landfall: Landfall) -> None:
    ended = landfall("doctor", "--json")
    document = json.loads(ended.out)
    assert [one["name"] for one in document["checks"]] == [check.__name__ for check in checks.CHECKS]
    assert document["ok"] == (ended.code == 0)


def test_what_is_broken_ends_with_3_and_says_what_mends_it(
    landfall: Landfall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        checks, "CHECKS", (lambda machine: Found("thing", "fail", "is broken", "make thing"),)
    )
    ended = landfall("doctor")
    assert ended.code == 3
    assert "fail  thing  is broken" in ended.out
    assert "fix: make thing" in ended.out
    assert "0 ok, 0 to look at, 1 missing or broken" in ended.out
