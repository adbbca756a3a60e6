"""Systems Manager's API in the emulator: documents, Run Command and State Manager on the sandbox's hosts.

Parameter Store and everything else that is not named here stays with LocalEmu and moto.
"""

from __future__ import annotations

import os
from pathlib import Path

from localemu.services.ssm.provider import SsmProvider as LocalEmuSsmProvider

from landfall_emulator.ssm.association_api import AssociationApi
from landfall_emulator.ssm.associations import Keeper
from landfall_emulator.ssm.command_api import CommandApi
from landfall_emulator.ssm.document_api import DocumentApi
from landfall_emulator.ssm.store import Stores


class SsmProvider(DocumentApi, CommandApi, AssociationApi, LocalEmuSsmProvider):
    """LocalEmu's provider with the operations that the sandbox answers itself before it."""

    def __init__(self, state_dir: Path | None = None) -> None:
        super().__init__()
        self._base = Stores(state_dir or Path(os.environ.get("LANDFALL_STATE_DIR") or Path.cwd()))
        self._keeper = Keeper(self._apply)
