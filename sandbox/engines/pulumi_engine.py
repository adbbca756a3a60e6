"""Drives the real Pulumi CLI on a local state folder, with the sandbox's plugins, and reads what it did.

Nothing is written into the tree: the CLI wants to add an encryption salt to a stack's settings file, so it
gets a copy of the file with a fixed local salt in it. The passphrase protects nothing (state of a sandbox,
on this machine).
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
import signal
import subprocess
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sandbox.engines.cli import Progress, PulumiCli, ensure_cli
from sandbox.engines.errors import DeploymentFailed, EngineError, ProgramError
from sandbox.engines.plan import STACK_TYPE, Plan, PlannedResource, Violation, located
from sandbox.engines.project import Project
from sandbox.engines.recorded import LEDGER_VARIABLE, Ledger
from sandbox.engines.values import shown
from sandbox.engines.wrappers import project_python, write_plugins
from sandbox.paths import REPOSITORY, tools_dir

type OnEvent = Callable[[dict[str, Any]], None]
"""Takes one engine event as the CLI's event log has it (`apitype.EngineEvent` of the Pulumi SDK)."""

LOCAL_PASSPHRASE: Final = "landfall-local"  # noqa: S105 - protects nothing, see above
LOCAL_SALT: Final = "v1:N5yeEU/rvbU=:v1:wXKj22mqQDB08I44:h7qnY6VymWhMvcOoQiaPverTZ8mnsA=="
"""Salt and check value that belong to `LOCAL_PASSPHRASE`."""

CLI_VARIABLE: Final = "LANDFALL_PULUMI_CLI"
"""Where the real CLI is, for `sandbox.engines.by_hand`."""
STATE_VARIABLE: Final = "LANDFALL_PULUMI_STATE"
"""The state folder, for `sandbox.engines.by_hand`."""

_ENCRYPTION_LINE: Final = re.compile(r"^(encryptionsalt|encryptedkey|secretsprovider):.*\n?", re.MULTILINE)
_PLUGIN_NOTICE: Final = re.compile(r"using pulumi-\S+ from \$PATH")
_STOP_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.05
_PARALLEL: Final = 32


@dataclass(frozen=True)
class Deployment:
    """What `up` or `destroy` did."""

    changes: Mapping[str, int]
    """Number of resources per operation: `create`, `update`, `replace`, `delete`, `same`."""
    seconds: float
    outputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def changed(self) -> int:
        """Number of resources that were touched."""
        return sum(count for operation, count in self.changes.items() if operation != "same")


class PulumiEngine:
    """The CLI on one state folder."""

    def __init__(
        self,
        state_dir: Path,
        *,
        root: Path = REPOSITORY,
        cli: PulumiCli | None = None,
        plugins: Path | None = None,
        progress: Progress = lambda line: None,
    ) -> None:
        """
        Args:
            state_dir: folder of the deployment state; a sandbox's own folder, or one of a test.
            root: folder of `Pulumi.yaml`.
            cli: the CLI to use; found or made when not given.
            plugins: folder with the plugin executables; the sandbox's own when not given.
            progress: takes lines about finding or making the CLI.

        Raises:
            CliMissing: there is no CLI.
            EngineError: there is no project in `root`.
        """
        self.project = Project.load(root)
        self.cli = cli or ensure_cli(progress)
        self._state_dir = state_dir.resolve()
        self._plugins = plugins or write_plugins(language_host=self.cli.needs_language_host)

    @property
    def ledger(self) -> Ledger:
        """The resources that were only recorded, having no provisioner."""
        return Ledger(self._state_dir / "recorded")

    def variables(self) -> dict[str, str]:
        """The variables, besides PATH, that make `pulumi` work on this state folder."""
        return {
            "PULUMI_HOME": str(tools_dir() / "pulumi-home"),
            "PULUMI_BACKEND_URL": self._backend_url(self._backend),
            "PULUMI_CONFIG_PASSPHRASE": LOCAL_PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_ERROR_OUTPUT_STRING": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            # No checkpoint after each step: five times faster, right for a sandbox and wrong for an account.
            "PULUMI_EXPERIMENTAL": "1",
            "PULUMI_SKIP_CHECKPOINTS": "true",
            "PULUMI_PYTHON_CMD": str(project_python()),
            LEDGER_VARIABLE: str(self._state_dir / "recorded"),
            CLI_VARIABLE: str(self.cli.path),
            STATE_VARIABLE: str(self._state_dir),
        }

    def path_entries(self) -> list[str]:
        """What goes first on PATH: our plugins, then the CLI's folder."""
        return [str(self._plugins), str(self.cli.path.parent)]

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """A whole environment for the CLI.

        The caller's own `PULUMI_*` and `AWS_*` variables are left out, so that nothing of a real account
        reaches the sandbox; what it needs of AWS comes in `extra`.
        """
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "AWS_"))}
        path = os.pathsep.join([*self.path_entries(), os.environ.get("PATH", os.defpath)])
        return {**kept, **self.variables(), **(extra or {}), "PATH": path}

    def exports(self, extra: Mapping[str, str] | None = None) -> str:
        """Shell lines after which `pulumi preview|up|destroy -s STACK` works by hand.

        Args:
            extra: further variables, such as a sandbox's `AWS_ENDPOINT_URL` and credentials.
        """
        values = {**self.variables(), **(extra or {})}
        lines = [f"export {key}={shlex.quote(value)}" for key, value in sorted(values.items())]
        path = os.pathsep.join(shlex.quote(entry) for entry in self.path_entries())
        return "\n".join([*lines, f'export PATH={path}{os.pathsep}"$PATH"', ""])

    def prepare(self, stack: str) -> None:
        """Make sure that the state folder knows the stack.

        Raises EngineError when there is no such stack file.
        """
        self._prepare(self._backend, stack)

    def preview(self, stack: str, policy_pack: Path | None = None) -> Plan:
        """The plan of a stack made from nothing, as the real engine makes it.

        It needs no sandbox, no AWS variables and no network, and looks at no state: a state folder of its
        own, in which every stack is empty, is used.

        Args:
            stack: name of the stack.
            policy_pack: folder of a policy pack; its verdicts become the plan's violations.

        Raises:
            ProgramError: the program, a check or the policy pack itself failed.
        """
        backend = tools_dir() / "pulumi-preview"
        self._prepare(backend, stack)
        arguments = ["preview", "--json"]
        if policy_pack is not None:
            arguments += ["--policy-pack", str(policy_pack.resolve())]
        began = time.monotonic()
        ran = self._run(stack, arguments, {"PULUMI_BACKEND_URL": self._backend_url(backend)}, None)
        seconds = time.monotonic() - began
        violations = tuple(_violation(event["policyEvent"]) for event in ran.of("policyEvent"))
        if ran.code and (ran.errors or not any(item.level == "mandatory" for item in violations)):
            raise ProgramError(ran.failure())
        steps = _steps(ran.stdout)
        return Plan(
            stack=stack,
            engine="pulumi",
            resources=located([self._planned(step["newState"]) for step in steps if step.get("newState")]),
            outputs=self._shown_all(ran.stack_outputs()),
            violations=violations,
            diagnostics=tuple(ran.warnings),
            program_seconds=seconds,
        )

    def up(
        self,
        stack: str,
        *,
        environment: Mapping[str, str],
        policy_pack: Path | None = None,
        on_event: OnEvent | None = None,
    ) -> Deployment:
        """Deploy the stack.

        Args:
            stack: name of the stack.
            environment: the sandbox's AWS variables.
            policy_pack: folder of a policy pack that must agree.
            on_event: called with each engine event as it happens.

        Raises:
            DeploymentFailed: something failed; what was made is in the state, and a further `up` goes on
            from there.
        """
        arguments = ["up", "--yes", "--skip-preview", "--parallel", str(_PARALLEL)]
        if policy_pack is not None:
            arguments += ["--policy-pack", str(policy_pack.resolve())]
        return self._deploy(stack, arguments, environment, on_event)

    def destroy(
        self, stack: str, *, environment: Mapping[str, str], on_event: OnEvent | None = None
    ) -> Deployment:
        """Take everything of the stack away, last made first. Raises as `up` does."""
        arguments = ["destroy", "--yes", "--skip-preview", "--parallel", str(_PARALLEL)]
        return self._deploy(stack, arguments, environment, on_event)

    def outputs(self, stack: str) -> dict[str, Any]:
        """The outputs of the last deployment; secrets read `[secret]`.

        Raises EngineError before the first one.
        """
        done = self._cli(["stack", "output", "--json", "--stack", stack], self.project.root, {})
        found: dict[str, Any] = json.loads(done)
        return found

    def resources(self, stack: str) -> list[dict[str, Any]]:
        """The resources in the state, as the engine keeps them, secrets encrypted.

        Empty before the first `up`.
        """
        self.prepare(stack)
        exported = json.loads(self._cli(["stack", "export", "--stack", stack], self.project.root, {}))
        found: list[dict[str, Any]] = (exported.get("deployment") or {}).get("resources") or []
        return found

    @property
    def _backend(self) -> Path:
        return self._state_dir / "pulumi"

    @staticmethod
    def _backend_url(backend: Path) -> str:
        return f"file://{urllib.parse.quote(str(backend))}"

    def _deploy(
        self, stack: str, arguments: list[str], environment: Mapping[str, str], on_event: OnEvent | None
    ) -> Deployment:
        self.prepare(stack)
        began = time.monotonic()
        ran = self._run(stack, arguments, environment, on_event)
        if ran.code:
            raise DeploymentFailed(ran.failure(), tuple(ran.errors))
        return Deployment(ran.changes(), time.monotonic() - began, self._shown_all(ran.stack_outputs()))

    def _prepare(self, backend: Path, stack: str) -> None:
        """Initialise the stack in a scratch project of the same name: no file of the tree is written."""
        self.project.stack_file(stack)
        state = backend / ".pulumi" / "stacks" / self.project.name / f"{stack}.json"
        if state.exists():
            return
        with _locked(backend / ".landfall.lock"), tempfile.TemporaryDirectory() as scratch:
            if state.exists():
                return
            (Path(scratch) / "Pulumi.yaml").write_text(f"name: {self.project.name}\nruntime: python\n")
            settings = Path(scratch) / f"Pulumi.{stack}.yaml"
            settings.write_text(f"encryptionsalt: {LOCAL_SALT}\n")
            command = ["stack", "init", stack, "--no-select"]
            self._cli(command, Path(scratch), {"PULUMI_BACKEND_URL": self._backend_url(backend)})

    def _cli(self, arguments: Sequence[str], folder: Path, extra: Mapping[str, str]) -> str:
        """A short command's standard output. Raises EngineError with the CLI's own last line."""
        done = subprocess.run(
            [str(self.cli.path), *arguments, "--non-interactive", "--color", "never"],
            cwd=folder,
            env=self.environment(extra),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
            reason = lines[-1].removeprefix("error: ") if lines else f"exit code {done.returncode}"
            raise EngineError(f"pulumi {arguments[0]}: {reason}")
        return done.stdout

    def _run(
        self, stack: str, arguments: list[str], extra: Mapping[str, str], on_event: OnEvent | None
    ) -> _Run:
        """A long command: its events are read while it runs; Ctrl-C is passed on once and waited for."""
        with tempfile.TemporaryDirectory() as scratch:
            events = Path(scratch) / "events.json"
            events.touch()
            command = [
                str(self.cli.path),
                *arguments,
                "--stack",
                stack,
                "--non-interactive",
                "--color",
                "never",
            ]
            command += ["--config-file", str(self.settings_copy(stack, Path(scratch)))]
            command += ["--event-log", str(events)]
            environment = {**self.environment(extra), "PULUMI_DEBUG_COMMANDS": "true"}
            with (Path(scratch) / "out").open("w+") as out, (Path(scratch) / "err").open("w+") as err:
                child = subprocess.Popen(
                    command,
                    cwd=self.project.root,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,
                )
                read = list(_follow(child, events, on_event))
                out.seek(0)
                err.seek(0)
                return _Run(child.returncode, out.read(), err.read(), read)

    def settings_copy(self, stack: str, folder: Path) -> Path:
        """Write the stack's settings with the local salt into a folder, and return the copy."""
        folder.mkdir(parents=True, exist_ok=True)
        copy = folder / f"Pulumi.{stack}.yaml"
        text = _ENCRYPTION_LINE.sub("", self.project.stack_file(stack).read_text(encoding="utf-8"))
        copy.write_text(f"{text.rstrip()}\nencryptionsalt: {LOCAL_SALT}\n", encoding="utf-8")
        return copy

    def _planned(self, state: Mapping[str, Any]) -> PlannedResource:
        inputs = {key: value for key, value in (state.get("inputs") or {}).items() if key != "__internal"}
        return PlannedResource(
            urn=state["urn"],
            type=state["type"],
            name=state["urn"].rpartition("::")[2],
            parent=state.get("parent") or None,
            custom=state["custom"],
            protect=bool(state.get("protect")),
            provider=(state.get("provider") or "").rpartition("::")[0] or None,
            inputs=self._shown_all(inputs),
            dependencies=tuple(sorted(set(state.get("dependencies") or ()))),
            property_dependencies={
                key: tuple(sorted(set(urns)))
                for key, urns in sorted((state.get("propertyDependencies") or {}).items())
                if urns
            },
            aliases=tuple(state.get("aliases") or ()),
            import_id=state.get("importID") or None,
            retain_on_delete=bool(state.get("retainOnDelete")),
            ignore_changes=tuple(state.get("ignoreChanges") or ()),
        )

    def _shown_all(self, values: Mapping[str, Any]) -> dict[str, Any]:
        root = self.project.main.parent
        return {key: shown(value, root) for key, value in sorted(values.items())}


@dataclass(frozen=True)
class _Run:
    """A finished command and its events."""

    code: int
    stdout: str
    stderr: str
    events: list[dict[str, Any]]

    def of(self, kind: str) -> Iterator[dict[str, Any]]:
        """The events of one kind."""
        return (event for event in self.events if kind in event)

    @property
    def errors(self) -> list[str]:
        """The errors that the engine reported, each once."""
        return self._diagnostics("error")

    @property
    def warnings(self) -> list[str]:
        """The warnings, without the notices that our own plugins are used."""
        return [line for line in self._diagnostics("warning") if not _PLUGIN_NOTICE.search(line)]

    def _diagnostics(self, severity: str) -> list[str]:
        found = []
        for event in self.of("diagnosticEvent"):
            said = event["diagnosticEvent"]
            if said["severity"].removesuffix("#err") != severity or said.get("ephemeral"):
                continue
            text = " ".join(said["message"].split())
            if text and text not in found and not text.startswith(("preview failed", "update failed")):
                found.append(_named(said.get("urn", ""), text))
        return list(dict.fromkeys(found))

    def failure(self) -> str:
        """Why the command failed, in one sentence."""
        mandatory = [
            f"{event['policyEvent']['policyName']}: {' '.join(event['policyEvent']['message'].split())}"
            for event in self.of("policyEvent")
            if event["policyEvent"]["enforcementLevel"] == "mandatory"
        ]
        said = [line for line in (self.stderr or self.stdout).splitlines() if line.startswith("error:")]
        reasons = self.errors or mandatory or [line.removeprefix("error:").strip() for line in said[-1:]]
        return "; ".join(reasons) or f"pulumi ended with exit code {self.code}"

    def changes(self) -> dict[str, int]:
        """Number of resources per operation, from the summary."""
        for event in self.of("summaryEvent"):
            return dict(event["summaryEvent"].get("resourceChanges") or {})
        return {}

    def stack_outputs(self) -> dict[str, Any]:
        """The last outputs that the stack registered."""
        outputs: dict[str, Any] = {}
        for event in self.of("resOutputsEvent"):
            state = event["resOutputsEvent"]["metadata"]
            if state["type"] == STACK_TYPE and state.get("new"):
                outputs = state["new"].get("outputs") or {}
        return outputs


def _named(urn: str, text: str) -> str:
    """The message with the resource's name in front, unless it is the stack's or already names it."""
    name = urn.rpartition("::")[2]
    if not urn or f"::{STACK_TYPE}::" in urn or name in text:
        return text
    return f"{name}: {text}"


def _violation(event: Mapping[str, Any]) -> Violation:
    return Violation(
        policy=event["policyName"],
        level=event["enforcementLevel"],
        severity=event.get("severity") or "",
        urn=event.get("resourceUrn") or None,
        message=event["message"].strip(),
    )


def _steps(stdout: str) -> list[dict[str, Any]]:
    """The steps in the digest that `pulumi preview --json` prints, whatever stands around it."""
    start = stdout.find("{")
    if start < 0:
        return []
    digest, _ = json.JSONDecoder().raw_decode(stdout[start:])
    steps: list[dict[str, Any]] = digest.get("steps") or []
    return steps


def _follow(
    child: subprocess.Popen[bytes], events: Path, on_event: OnEvent | None
) -> Iterator[dict[str, Any]]:
    """The events as the CLI writes them, until it ends; Ctrl-C lets it end what it has begun."""
    rest = ""
    with events.open(encoding="utf-8") as log:
        while True:
            try:
                ended = child.poll() is not None
                rest += log.read()
                *lines, rest = rest.split("\n")
                for line in lines:
                    if line:
                        event: dict[str, Any] = json.loads(line)
                        if on_event is not None:
                            on_event(event)
                        yield event
                if ended:
                    break
                time.sleep(_POLL_SECONDS)
            except BaseException:
                _stop(child)
                raise


def _stop(child: subprocess.Popen[bytes]) -> None:
    """End the CLI: asked once, so that it finishes its calls and writes its state; then its whole group."""
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(_STOP_SECONDS)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
