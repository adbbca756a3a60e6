"""The Python language host of the Pulumi engine, for a CLI that was built from Go modules and lacks one.

The engine starts `pulumi-language-python`, reads the port that it prints and speaks `LanguageRuntime` to
it. Programs and policy packs run under this very interpreter, which is the project's environment.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from sandbox.engines.plugin_process import serve
from sandbox.engines.program import PROGRAM_FAILED
from sandbox.paths import REPOSITORY

_RUNNER: Final = Path(__file__).with_name("program.py")
_PACKAGES: Final = ("pulumi", "pulumi-aws", "pulumi-policy")
_STOP_SECONDS: Final = 2.0


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Answers what the engine asks of a language; runs programs as child processes."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._children: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Learn the engine's address."""
        self._engine = request.engine_address or self._engine
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The SDK's version stands for ours."""
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi"))

    def GetRequiredPackages(self, request: Any, context: grpc.ServicerContext) -> Any:
        """No plugin is to be downloaded: the one that the stacks use is in the tree."""
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, request: Any, context: grpc.ServicerContext) -> Any:
        """As `GetRequiredPackages`, in its older form."""
        return language_pb2.GetRequiredPluginsResponse()

    def About(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The interpreter, for `pulumi about`."""
        version = ".".join(map(str, sys.version_info[:3]))
        return language_pb2.AboutResponse(executable=sys.executable, version=version)

    def GetProgramDependencies(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The Pulumi packages that the program uses, for `pulumi about`."""
        found = [
            language_pb2.DependencyInfo(name=name, version=importlib.metadata.version(name))
            for name in _PACKAGES
        ]
        return language_pb2.GetProgramDependenciesResponse(dependencies=found)

    def InstallDependencies(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        """The project's own set-up installs; there is nothing to do."""
        yield language_pb2.InstallDependenciesResponse(stdout=b"dependencies are installed by the project\n")

    def RuntimeOptionsPrompts(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Nothing to ask."""
        return language_pb2.RuntimeOptionsResponse()

    def Run(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Run the program; an error that it has shown itself ends the deployment without a second message."""
        folder = Path(request.info.program_directory or request.pwd)
        entry = folder / (request.info.entry_point or ".")
        program = entry if entry.is_file() else entry / "__main__.py"
        command = [*self._python(), "stack"]
        command += ["--monitor", request.monitor_address, "--engine", self._engine]
        command += ["--project", request.project, "--stack", request.stack]
        command += ["--organization", request.organization, "--parallel", str(request.parallel)]
        command += ["--root", request.info.root_directory or request.pwd, "--program", str(program)]
        if request.dryRun:
            command.append("--preview")
        environment = {
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
            "PULUMI_ERROR_OUTPUT_STRING": "true",
        }
        child = self._start(command, request.pwd, environment)
        context.add_callback(lambda: _terminate(child))
        code = child.wait()
        self._forget(child)
        if code == 0:
            return language_pb2.RunResponse()
        if code == PROGRAM_FAILED:
            return language_pb2.RunResponse(bail=True)
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return language_pb2.RunResponse(error=f"the program {how}")

    def RunPlugin(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        """Run a plugin written in Python (a policy pack) and stream what it prints."""
        program = request.info.program_directory or request.program
        command = [*self._python(), "plugin", program, *request.args]
        given = dict(item.partition("=")[::2] for item in request.env)
        child = self._start(command, request.pwd, given, stream=subprocess.PIPE)
        context.add_callback(lambda: _terminate(child))
        lines: queue.SimpleQueue[Any] = queue.SimpleQueue()
        streams = (
            (child.stdout, lambda line: language_pb2.RunPluginResponse(stdout=line)),
            (child.stderr, lambda line: language_pb2.RunPluginResponse(stderr=line)),
        )
        readers = [
            threading.Thread(target=_pump, args=(stream, wrap, lines), daemon=True)
            for stream, wrap in streams
        ]
        for reader in readers:
            reader.start()
        for _ in readers:
            while (item := lines.get()) is not None:
                yield item
        code = child.wait()
        self._forget(child)
        yield language_pb2.RunPluginResponse(exitcode=code)

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        """End what is running."""
        self.stop_children()
        return empty_pb2.Empty()

    def stop_children(self) -> None:
        """End every child: asked first, then without asking."""
        with self._lock:
            children = list(self._children)
        for child in children:
            _terminate(child)

    def _python(self) -> list[str]:
        # -P: the runner's folder must not be on the program's import path.
        return [sys.executable, "-u", "-P", str(_RUNNER)]

    def _start(
        self, command: list[str], folder: str, extra: Mapping[str, str], stream: int | None = None
    ) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **extra, "LANDFALL_TREE": str(REPOSITORY)}
        child = subprocess.Popen(
            command,
            cwd=folder or None,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
        )
        with self._lock:
            self._children.add(child)
        return child

    def _forget(self, child: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._children.discard(child)


def _refusing(name: str) -> Any:
    """A method that this host does not have, refused with the protocol's own code."""

    def refuse(self: LanguageHost, request: Any, context: grpc.ServicerContext) -> Any:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"this language host does not do {name}")

    return refuse


for _name in ("GenerateProgram", "GenerateProject", "GeneratePackage", "Pack", "Link", "Template"):
    setattr(LanguageHost, _name, _refusing(_name))


def _pump(stream: IO[bytes], wrap: Callable[[bytes], Any], lines: queue.SimpleQueue[Any]) -> None:
    """Put what a child prints on the queue as it comes; None is the end."""
    for line in stream:
        lines.put(wrap(line))
    lines.put(None)


def _terminate(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()


def main() -> int:
    """Entry point of `pulumi-language-python`; the engine's address is the last argument."""
    host = LanguageHost(sys.argv[-1] if len(sys.argv) > 1 else "")
    return serve(
        lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server),
        on_stop=host.stop_children,
    )
