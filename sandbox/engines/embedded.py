"""The embedded engine: the same program, in this process, on a monitor that records every registration.

It needs no CLI, no credentials and no network, and makes the plan that the real engine makes of a stack
with no state: identical URNs, parents, providers and inputs, and the same values unknown (what a provider
only knows after it has created something). `python -m sandbox.engines.embedded STACK` does it in a fresh
interpreter.
"""

from __future__ import annotations

import argparse
import contextvars
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from google.protobuf import empty_pb2, json_format
from pulumi.runtime import mocks, settings
from pulumi.runtime.config import set_all_config
from pulumi.runtime.proto import engine_pb2, resource_pb2

from sandbox.engines import collector, program, schema
from sandbox.engines.errors import EngineError, ProgramError
from sandbox.engines.plan import (
    PROVIDER_PREFIX,
    STACK_TYPE,
    Plan,
    PlannedResource,
    Violation,
    decode_provider_input,
    located,
)
from sandbox.engines.project import Project, StackConfig
from sandbox.engines.provider_config import provider_problems
from sandbox.engines.values import from_struct, plain, shown, to_struct
from sandbox.paths import REPOSITORY

type Guardrails = Callable[[Sequence[PlannedResource]], Sequence[Violation]]
"""Judges the plan's resources; see `sandbox.engines.guardrails` for the policy pack's."""

_ORGANIZATION: Final = "organization"  # what a file backend calls it
_RUNNING = threading.Lock()  # a program owns the working directory, sys.path and sys.modules["__main__"]


def plan(root: Path, stack: str, *, guardrails: Guardrails | None = None) -> Plan:
    """Run the program in `root` for `stack` and return what it would create.

    Args:
        root: folder of `Pulumi.yaml`.
        stack: name of the stack.
        guardrails: judges the resources; the verdicts become the plan's violations.

    Raises:
        EngineError: no such project or stack, or the program uses something that only the real engine has.
        ProgramError: the program failed; the text is its message.
    """
    project = Project.load(root)
    config = project.config(stack)
    monitor = RecordingMonitor(project, stack, config)
    began = time.perf_counter()
    run_program(project, stack, config, monitor, preview=True)
    ran = time.perf_counter()
    resources = monitor.resources_planned()
    violations = tuple(guardrails(resources)) if guardrails else ()
    return Plan(
        stack=stack,
        engine="embedded",
        resources=resources,
        outputs=monitor.outputs(),
        violations=violations,
        diagnostics=tuple(monitor.warnings),
        program_seconds=ran - began,
        guardrail_seconds=time.perf_counter() - ran,
    )


class RecordingMonitor(mocks.MockMonitor):
    """A resource monitor that records, and answers as the engine does in a preview of an empty stack.

    The SDK calls it from several threads. A subclass that deploys overrides `provision`.
    """

    def __init__(self, project: Project, stack: str, config: StackConfig) -> None:
        super().__init__(mocks=None)  # type: ignore[arg-type]  # every method that would ask it is replaced
        self._project = project
        self._stack = stack
        self._disabled = config.disabled_providers
        self._lock = threading.Lock()
        self._recorded: dict[str, PlannedResource] = {}
        self._raw: dict[str, Mapping[str, Any]] = {}
        self._outputs: dict[str, Any] = {}
        self.warnings: list[str] = []
        self.errors: list[str] = []

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """The engine's URN grammar: the parent's qualified type is a prefix, except the stack's own."""
        qualified = type_
        if parent:
            parent_type = parent.split("::")[2]
            if parent_type != STACK_TYPE:
                qualified = f"{parent_type}${type_}"
        return f"urn:pulumi:{self._stack}::{self._project.name}::{qualified}::{name}"

    def RegisterResource(
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        """Record the registration and answer with what is known of it."""
        if request.transforms:
            raise EngineError(f"{request.name}: resource transforms need the real engine (--engine pulumi)")
        if request.remote:
            raise EngineError(f"{request.name}: remote components need the real engine (--engine pulumi)")
        inputs = from_struct(request.object)
        if request.type.startswith(PROVIDER_PREFIX) and request.version:
            inputs["version"] = request.version  # as the engine does
        self._require_provider(request)
        self._check(request, inputs)
        planned = self._planned(request, inputs)
        with self._lock:
            if planned.urn in self._recorded:
                raise ProgramError(f'two resources have the URN "{planned.urn}"; give them different names')
            self._recorded[planned.urn] = planned
            self._raw[planned.urn] = inputs
        identifier, outputs = self.provision(planned, inputs) if planned.custom else ("", inputs)
        return resource_pb2.RegisterResourceResponse(
            urn=planned.urn, id=identifier, object=request.object if outputs is inputs else to_struct(outputs)
        )

    def provision(self, planned: PlannedResource, inputs: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """Id and outputs of a resource that does not exist yet: no id, the inputs, and the merged tags."""
        merged = schema.tags_all(planned.type, inputs, self.default_tags(planned.provider))
        return "", inputs if merged is None else {**inputs, "tagsAll": merged}

    def default_tags(self, provider: str | None) -> dict[str, Any]:
        """The default tags of a provider, by its URN."""
        tags = decode_provider_input(plain(self._raw.get(provider or "", {}).get("defaultTags")))
        found = tags.get("tags") if isinstance(tags, dict) else None
        return found if isinstance(found, dict) else {}

    def RegisterResourceOutputs(
        self, request: resource_pb2.RegisterResourceOutputsRequest
    ) -> empty_pb2.Empty:
        """Keep the stack's outputs; a component's are its own business."""
        if f"::{STACK_TYPE}::" in request.urn:
            self._outputs = from_struct(request.outputs)
        return empty_pb2.Empty()

    def ReadResource(self, request: resource_pb2.ReadResourceRequest) -> resource_pb2.ReadResourceResponse:
        """A lookup by id: only the id and what the program passed are known; all else stays unknown."""
        urn = self.make_urn(request.parent, request.type, request.name)
        return resource_pb2.ReadResourceResponse(urn=urn, properties=request.properties)

    def Invoke(self, request: resource_pb2.ResourceInvokeRequest) -> resource_pb2.ResourceInvokeResponse:
        """A data source needs an account: refuse rather than invent an answer."""
        raise EngineError(f"the program asks {request.tok}, which only an AWS account can answer")

    def RegisterStackTransform(self, request: Any) -> empty_pb2.Empty:
        """Transforms change inputs; without them the plan would be wrong."""
        raise EngineError("stack transforms need the real engine (--engine pulumi)")

    def Log(self, request: engine_pb2.LogRequest) -> empty_pb2.Empty:
        """The engine's log: warnings and errors are kept, the rest is dropped."""
        if request.severity == engine_pb2.WARNING:
            self.warnings.append(request.message)
        elif request.severity == engine_pb2.ERROR:
            self.errors.append(request.message)
        return empty_pb2.Empty()

    def resources_planned(self) -> tuple[PlannedResource, ...]:
        """The recorded resources with account and Region, in URN order."""
        return located(list(self._recorded.values()))

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs as a plan shows them."""
        return {key: shown(value, self._project.main.parent) for key, value in sorted(self._outputs.items())}

    def _require_provider(self, request: resource_pb2.RegisterResourceRequest) -> None:
        """Refuse a resource that would fall to a default provider that the project switched off."""
        package = request.type.split(":")[0]
        if not request.custom or request.provider or package == "pulumi":
            return
        if package in self._disabled or "*" in self._disabled:
            raise ProgramError(
                f"default provider for '{package}' disabled: "
                f'{request.type} "{request.name}" must use an explicit provider'
            )

    def _check(self, request: resource_pb2.RegisterResourceRequest, inputs: Mapping[str, Any]) -> None:
        """What the sandbox's provider plugin checks under the real engine."""
        if request.type == f"{PROVIDER_PREFIX}aws":
            problems = provider_problems(inputs)
        elif request.custom and request.type.startswith("aws:"):
            problems = schema.failures(request.type, inputs)
        else:
            return
        for _, sentence in problems:
            raise ProgramError(f'{request.type} "{request.name}": {sentence}')

    def _planned(
        self, request: resource_pb2.RegisterResourceRequest, inputs: Mapping[str, Any]
    ) -> PlannedResource:
        root = self._project.main.parent
        parent = self._recorded.get(request.parent)
        protect = request.protect if request.HasField("protect") else bool(parent and parent.protect)
        retain = (
            request.retainOnDelete
            if request.HasField("retainOnDelete")
            else bool(parent and parent.retain_on_delete)
        )
        return PlannedResource(
            urn=self.make_urn(request.parent, request.type, request.name),
            type=request.type,
            name=request.name,
            parent=request.parent or None,
            custom=request.custom,
            protect=protect,
            provider=request.provider.rpartition("::")[0] or None if request.custom else None,
            inputs={key: shown(inputs[key], root) for key in sorted(inputs)},
            dependencies=tuple(sorted(set(request.dependencies))),
            property_dependencies={
                key: tuple(sorted(set(found.urns)))
                for key, found in sorted(request.propertyDependencies.items())
                if found.urns
            },
            aliases=tuple(
                [alias.urn or json_format.MessageToDict(alias.spec) for alias in request.aliases]
                + list(request.aliasURNs)
            ),
            import_id=request.importId or None,
            retain_on_delete=retain,
            ignore_changes=tuple(request.ignoreChanges),
        )


def run_program(
    project: Project, stack: str, config: StackConfig, monitor: RecordingMonitor, *, preview: bool
) -> None:
    """Run the program once against the monitor, in a context and a thread of its own.

    Raises:
        ProgramError: the program failed.
        EngineError: the monitor refused something.
    """
    failure: list[BaseException] = []

    def body() -> None:
        try:
            _run(project, stack, config, monitor, preview)
        except BaseException as wrong:  # a program may raise anything, SystemExit included
            failure.append(wrong)

    with _RUNNING, _program_environment(project), collector.paused():
        thread = threading.Thread(target=contextvars.copy_context().run, args=(body,), name="pulumi-program")
        thread.start()
        thread.join()
    if failure:
        wrong = failure[0]
        if isinstance(wrong, EngineError):
            raise wrong
        raise ProgramError(program.describe(wrong, project.root, monitor.errors)) from wrong


def _run(project: Project, stack: str, config: StackConfig, monitor: RecordingMonitor, preview: bool) -> None:
    """What a language host does: settings and configuration, then the program."""
    settings.ROOT.set(None)
    settings.configure(
        settings.Settings(
            project=project.name,
            stack=stack,
            organization=_ORGANIZATION,
            root_directory=str(project.root),
            monitor=monitor,
            engine=monitor,
            dry_run=preview,
        )
    )
    set_all_config(config.values, list(config.secret_keys))
    program.run_program(project.main)


@contextmanager
def _program_environment(project: Project) -> Iterator[None]:
    """The program's working directory and import path, as under the real language host; undone afterwards."""
    folder = str(project.main.parent)
    before = Path.cwd()
    modules = set(sys.modules)
    strict = os.environ.get("PULUMI_ERROR_OUTPUT_STRING")
    os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "true"
    sys.path.insert(0, folder)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        sys.path.remove(folder)
        if strict is None:
            del os.environ["PULUMI_ERROR_OUTPUT_STRING"]
        else:
            os.environ["PULUMI_ERROR_OUTPUT_STRING"] = strict
        if project.root != REPOSITORY:
            _forget_modules(set(sys.modules) - modules, folder)


def _forget_modules(names: set[str], folder: str) -> None:
    """Drop modules of another program, so that the next program's of the same name are read."""
    for name in names:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(folder + os.sep):
            del sys.modules[name]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the plan of one stack as JSON; 0 done, 1 the program or a guardrail failed, 3 no such stack."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.engines.embedded", description=main.__doc__)
    parser.add_argument("stack")
    parser.add_argument("--root", type=Path, default=REPOSITORY, help="folder of Pulumi.yaml")
    chosen = parser.parse_args(arguments)
    try:
        made = plan(chosen.root, chosen.stack)
    except ProgramError as wrong:
        sys.stderr.write(f"error: {wrong}\n")
        return 1
    except EngineError as wrong:
        sys.stderr.write(f"error: {wrong}\n")
        return 3
    sys.stdout.write(made.dumps() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
