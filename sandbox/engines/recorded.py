"""The ledger of resources that have no provisioner: recorded, listed as such, never pretended.

One small file per resource, so that several plugin processes need no lock.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path

LEDGER_VARIABLE = "LANDFALL_RECORDED_DIR"


class Ledger:
    """A folder with one file per recorded resource; without a folder nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    @classmethod
    def from_environment(cls) -> Ledger:
        """The ledger that `LANDFALL_RECORDED_DIR` names."""
        named = os.environ.get(LEDGER_VARIABLE)
        return cls(Path(named) if named else None)

    def record(self, urn: str, token: str, name: str, account: str, region: str) -> None:
        """Note that a resource was accepted without anything being made."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        entry = {"urn": urn, "type": token, "name": name, "account": account, "region": region}
        with tempfile.NamedTemporaryFile("w", dir=self._folder, delete=False, suffix=".tmp") as file:
            json.dump(entry, file)
        Path(file.name).replace(self._path(self._folder, urn))

    def forget(self, urn: str) -> None:
        """Take a resource out; one that was never there is done."""
        if self._folder is not None:
            self._path(self._folder, urn).unlink(missing_ok=True)

    def entries(self) -> list[dict[str, str]]:
        """What is recorded, in URN order: `urn`, `type`, `name`, `account`, `region`."""
        if self._folder is None or not self._folder.is_dir():
            return []
        found = [json.loads(path.read_text()) for path in self._folder.glob("*.json")]
        return sorted(found, key=lambda entry: str(entry["urn"]))

    @staticmethod
    def _path(folder: Path, urn: str) -> Path:
        return folder / f"{hashlib.sha256(urn.encode()).hexdigest()[:32]}.json"
