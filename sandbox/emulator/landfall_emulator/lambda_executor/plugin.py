"""Registers the process executor under the name `process` (`LAMBDA_RUNTIME_EXECUTOR=process`)."""

from __future__ import annotations

from typing import Any

from localemu.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class ProcessRuntimeExecutorPlugin(RuntimeExecutorPlugin):
    """Loads the executor class on first use."""

    name = "process"

    def load(self, *args: Any, **kwargs: Any) -> type:
        """Return the executor class, as LocalEmu's plugin contract asks."""
        from landfall_emulator.lambda_executor.executor import ProcessRuntimeExecutor

        return ProcessRuntimeExecutor
