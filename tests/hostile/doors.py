"""The doors that hostile input comes in by: each is the real entry point, and says how it ended."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from unittest import mock

from components.orchestration.host_documents import install_runner_document, run_job_document
from handlers.close_execution import handler as close_handler
from handlers.host import runner
from handlers.host.errors import ScriptRefused
from handlers.host.scripts import resolve
from handlers.shared.errors import InvalidRequest
from handlers.start_workflow import handler as start_handler
from landfall.archives import ArchiveError, function_archive, host_bundle
from landfall.cli import stacks
from landfall.cli.main import main
from landfall.config import ConfigError, StackSource, load
from policy_packs.guardrails.frame.settings import STRICTEST, settings_from_config
from sandbox.errors import SandboxError
from sandbox.warehouse.binaries import postgres_bin

from .bucket import bucket_with
from .case import SCRIPT, Case, Special, stack
from .emulator import ask

ROOT: Final = Path(__file__).resolve().parents[2]
_SECONDS: Final = 60


@dataclass(frozen=True)
class Ended:
    """How a case ended: an exit code or the name of an error, and everything that the user was told."""

    how: int | str
    text: str


@dataclass(frozen=True)
class Door:
    """An entry point: its name on the page, and what goes through it."""

    title: str
    enter: Callable[[Case, Path], Ended]


def meet(case: Case, folder: Path) -> Ended:
    """Send a case through its door, in a project of its own in `folder`, which becomes the current one."""
    place = folder / "a" / "b" / "project"
    _furnish(place, case)
    variables = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("LANDFALL_", "AWS_"))},
        **{"NO_COLOR": "1", "COLUMNS": "200", "LANDFALL_TOOLS_DIR": str(place / ".tools")},
        **case.env,
    }
    with (
        contextlib.chdir(place),
        mock.patch.dict(os.environ, variables, clear=True),
        mock.patch.object(stacks, "STACKS", place / "stacks"),
        mock.patch.object(stacks, "ROOT", place),
    ):
        ended = DOORS[case.door].enter(case, place)
    return Ended(ended.how, ended.text.replace(str(place), "<project>").strip())


def stray(folder: Path, case: Case) -> list[str]:
    """What a case left behind that nobody asked for, and reports of errors that nobody foresaw."""
    given = {folder / "a" / "b" / "project" / name for name in case.files}
    found = [path for path in folder.rglob("*canary*") if path not in given]
    found += (folder / "a" / "b" / "project" / ".tools" / "crashes").glob("*")
    return sorted(str(path.relative_to(folder)) for path in found)


def _furnish(place: Path, case: Case) -> None:
    (place / "stacks").mkdir(parents=True)
    (place / "scripts").mkdir()
    (place / "scripts" / "load.sh").write_text(SCRIPT)
    (place / "scripts" / "load.sh").chmod(0o755)
    content = case.given if case.door == "stack file" else stack()
    for name in ("dev", "sandbox"):
        data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
        (place / "stacks" / f"Pulumi.{name}.yaml").write_bytes(data)
    for name, what in case.files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(what, Special):
            _make(path, what)
        else:
            path.write_bytes(what if isinstance(what, bytes) else what.encode("utf-8", "surrogatepass"))


def _make(path: Path, what: Special) -> None:
    match what.kind:
        case "link":
            path.symlink_to(what.target)
        case "device":
            path.symlink_to("/dev/zero")
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "large":
            with path.open("wb") as file:
                file.truncate(what.size)
        case "socket":
            # The path of a socket is short in every system: bound under its name alone.
            with contextlib.chdir(path.parent), socket.socket(socket.AF_UNIX) as bound:
                bound.bind(path.name)
        case unknown:
            raise ValueError(unknown)


def _said(call: Callable[[], int]) -> Ended:
    """What a command ended with and wrote, to either stream."""
    written = io.StringIO()
    with contextlib.redirect_stdout(written), contextlib.redirect_stderr(written):
        code = call()
    return Ended(int(code), written.getvalue())


@contextlib.contextmanager
def _raised(*kinds: type[Exception]) -> Iterator[list[Ended]]:
    """Collects the error that ends the block, which must be of one of the kinds."""
    ended: list[Ended] = []
    try:
        yield ended
    except kinds as error:
        ended.append(Ended(type(error).__name__, str(error)))


def _command_line(case: Case, _place: Path) -> Ended:
    return _said(lambda: main(case.given))


def _stack_file(_case: Case, _place: Path) -> Ended:
    return _said(lambda: main(["validate", "dev"]))


def _process(case: Case, _place: Path) -> Ended:
    """The installed program, as a shell starts it: it has nothing to do with the current folder."""
    program = shutil.which("landfall", path=str(Path(sys.executable).parent))
    assert program is not None, "landfall is not installed beside this Python"
    ended = subprocess.run(
        [program, *case.given], capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    return Ended(ended.returncode, ended.stdout + ended.stderr)


def _program(case: Case, place: Path) -> Ended:
    source = StackSource.of(place / "stacks" / "Pulumi.dev.yaml", stack().encode())
    secrets = [key for key, value in case.given.items() if isinstance(value, Mapping) and "secure" in value]
    with _raised(ConfigError) as ended:
        load(
            {**source.values, **{key.partition(":")[2]: value for key, value in case.given.items()}},
            source,
            secrets,
        )
    return ended[0]


def _host_scripts(case: Case, place: Path) -> Ended:
    with _raised(ScriptRefused) as ended:
        resolve(place / "scripts", case.given)
    return ended[0]


def _bundle(_case: Case, place: Path) -> Ended:
    with _raised(ArchiveError) as ended:
        host_bundle(place / "scripts", ROOT)
    return ended[0]


def _function_archive(case: Case, place: Path) -> Ended:
    with _raised(ArchiveError) as ended:
        function_archive(case.given, place)
    return ended[0]


class _NoWorkflows:
    """The clients of the start function: a table without a workflow; nothing else may be called."""

    def get_item(self, **_: Any) -> dict[str, Any]:
        return {}


def _start_function(case: Case, _place: Path) -> Ended:
    context: Any = SimpleNamespace(
        function_name="f", memory_limit_in_mb=1, invoked_function_arn="arn", aws_request_id="r"
    )
    names = {"STATE_MACHINE_ARN": "arn", "CONFIG_TABLE": "config", "POWERTOOLS_METRICS_DISABLED": "true"}
    with (
        mock.patch.dict(os.environ, names),
        mock.patch.object(start_handler, "client", lambda *_: _NoWorkflows()),
        contextlib.redirect_stdout(io.StringIO()),
        _raised(InvalidRequest) as ended,
    ):
        start_handler.handler(case.given, context)
    return ended[0]


def _closing_function(case: Case, _place: Path) -> Ended:
    context: Any = SimpleNamespace(
        function_name="f", memory_limit_in_mb=1, invoked_function_arn="arn", aws_request_id="r"
    )
    names = {
        "JOB_AUDIT_TABLE": "jobs", "WORKFLOW_AUDIT_TABLE": "workflows", "LOG_GROUP": "/ops/jobs",
        "TOPIC_ARN": "arn:aws:sns:eu-central-1:111111111111:topic", "AWS_REGION": "eu-central-1",
        "STACK_NAME": "dev", "RETENTION_DAYS": "400", "POWERTOOLS_METRICS_DISABLED": "true",
    }  # fmt: skip
    with (
        mock.patch.dict(os.environ, names),
        contextlib.redirect_stdout(io.StringIO()),
        _raised(InvalidRequest) as ended,
    ):
        close_handler.handler(case.given, context)
    return ended[0]


def _job_runner(case: Case, place: Path) -> Ended:
    return _said(lambda: runner.main(list(case.given), place / "scripts", {}))


_HEREDOC: Final = re.compile(r"exec python3 - .*? <<'INSTALLER'\n(?P<program>.*)\nINSTALLER\Z", re.DOTALL)


def _installer(case: Case, place: Path) -> Ended:
    """The program in the document that installs a bundle, on a bucket that answers as S3 does."""
    lines = install_runner_document()["mainSteps"][0]["inputs"]["runCommand"]
    found = _HEREDOC.fullmatch("\n".join(lines))
    assert found is not None, "the document no longer holds its program as expected"
    what, content = case.given if isinstance(case.given, tuple) else ("", case.given)
    announced = sha256(b"other" if what == "other" else content).hexdigest()
    with bucket_with({} if what == "missing" else {"host.zip": content}) as endpoint:
        variables = {
            "LANDFALL_HOST_ROOT": str(place / "host"),
            "AWS_ENDPOINT_URL_S3": endpoint,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "HOME": str(place),
        }

        def run() -> int:
            try:
                exec(compile(found["program"], "installer", "exec"), {"__name__": "installer"})
            except SystemExit as leaving:
                return int(str(leaving.code))
            return 0

        mask = os.umask(0o022)
        try:
            with (
                mock.patch.dict(os.environ, variables),
                mock.patch.object(sys, "argv", ["-", "bundles", "host.zip", announced]),
            ):
                ended = _said(run)
        finally:
            os.umask(mask)
    left = [
        path.name for path in (place / "host").rglob("*") if path.name not in ("versions", "install.lock")
    ]
    assert left == [], f"a refused bundle left {left}"
    return ended


def _document(case: Case, _place: Path) -> Ended:
    return Ended(*ask({"content": case.given["content"], "format": case.given["format"]}))


def _parameter(case: Case, _place: Path) -> Ended:
    document = run_job_document() if case.given["document"] == "run" else install_runner_document()
    fitting = {"Job": "YQ==", "Bucket": "bundles", "Key": "host.zip", "Sha256": "0" * 64}
    values = {name: [fitting[name]] for name in document["parameters"]}
    values[case.given["parameter"]] = [case.given["value"]]
    return Ended(*ask({"document": document, "values": values}))


def _function(case: Case, place: Path) -> Ended:
    """What happens to an archive when the emulator unpacks it for its first invocation."""
    archive, code = place / "function.zip", place / "x" / "code"
    archive.write_bytes(case.given)
    code.mkdir(parents=True)
    ended = Ended(*ask({"archive": str(archive), "folder": str(code)}))
    assert not list(code.iterdir()), "a refused archive was unpacked"
    return ended


def _guardrails(_case: Case, _place: Path) -> Ended:
    settings = settings_from_config({}, os.environ, date(2027, 1, 1))
    strict = settings.environment == STRICTEST or not settings.waivers
    return Ended("strictest" if strict else "lenient", " ".join(settings.problems))


def _warehouse_programs(_case: Case, _place: Path) -> Ended:
    with _raised(SandboxError) as ended:
        postgres_bin()
    return ended[0]


DOORS: Final[Mapping[str, Door]] = {
    "stack file": Door("`landfall validate`", _stack_file),
    "command line": Door("`landfall`", _command_line),
    "process": Door("`landfall`", _process),
    "program": Door("the Pulumi program", _program),
    "host scripts": Door("the job runner on a host", _host_scripts),
    "bundle": Door("the bundle for hosts", _bundle),
    "function archive": Door("the archive of a function", _function_archive),
    "start function": Door("the function that starts workflows", _start_function),
    "closing function": Door("the function that closes executions", _closing_function),
    "job runner": Door("the job runner on a host", _job_runner),
    "installer": Door("the installer on a host", _installer),
    "document": Door("Systems Manager in the sandbox", _document),
    "parameter": Door("Systems Manager in the sandbox", _parameter),
    "function in the emulator": Door("Lambda in the sandbox", _function),
    "guardrails": Door("the guardrails", _guardrails),
    "warehouse programs": Door("the sandbox's warehouse", _warehouse_programs),
}
"""Every way in."""
