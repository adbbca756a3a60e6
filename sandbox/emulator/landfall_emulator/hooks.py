"""What the plugin package changes in LocalEmu when it starts."""

from __future__ import annotations

from localemu.runtime import hooks


@hooks.on_infra_start(priority=100)
def install() -> None:
    """Apply every patch of this package, before the first service is loaded."""
    from landfall_emulator import jsonata_eval, stepfunctions_patches

    jsonata_eval.install()
    stepfunctions_patches.install()
