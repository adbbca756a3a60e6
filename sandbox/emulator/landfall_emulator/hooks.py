"""What the plugin package changes in LocalEmu when it starts."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

from localemu.runtime import hooks

REPORT_FILE: Final = "plugin.json"
"""Written into the state directory at each start: the launcher refuses an emulator without our plugins."""


@hooks.on_infra_start(priority=100)
def install() -> None:
    """Apply every patch of this package, before the first service is loaded, and say so in the report file.

    LocalEmu logs a failing hook and goes on; the report carries the failure to the launcher.
    """
    try:
        from landfall_emulator import economy

        economy.install()  # the imports below make sessions and routes already

        from landfall_emulator import (
            dynamodb_atomic,
            identity,
            instance_metadata,
            loopback,
            stepfunctions_patches,
        )
        from landfall_emulator.faults import api, callers, gateway, trace
        from landfall_emulator.iam_enforcement import handler as iam_enforcement
        from landfall_emulator.lambda_executor import archives

        loopback.install()
        identity.install()
        stepfunctions_patches.install()
        dynamodb_atomic.install()
        instance_metadata.install()
        iam_enforcement.install()
        callers.install()
        trace.install()
        gateway.install()
        api.install()
        archives.install()
    except Exception as error:
        _report(f"{type(error).__name__}: {error}")
        raise
    _report(None)


@hooks.on_infra_shutdown()
def stop_workers() -> None:
    """End the Lambda workers with the emulator."""
    from landfall_emulator.lambda_executor.executor import stop_all

    stop_all()


def _report(error: str | None) -> None:
    """Write the report whole or not at all."""
    if folder := os.environ.get("LANDFALL_STATE_DIR"):
        path = Path(folder) / REPORT_FILE
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps({"pid": os.getpid(), "error": error}))
        partial.replace(path)
