"""The operating-system account that PostgreSQL runs under.

PostgreSQL refuses to run as root. Where the sandbox is started by root (a container, a build machine) the
server runs as `nobody`, which exists on every Unix, so that nothing has to be added to the system. Where
that account cannot reach the files (a clone in root's own home), the server gets the one capability that
lets it, and no other.
"""

from __future__ import annotations

import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError

_UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class ServerAccount:
    """Prefix and ids for commands of the server; empty prefix and `None` where the caller's own account
    serves."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    def own(self, path: Path) -> None:
        """Give `path` to the account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def command(self, *arguments: str | Path) -> list[str]:
        """An argument list that runs under the account."""
        return [*self.prefix, *(str(argument) for argument in arguments)]


def server_account(*paths: Path) -> ServerAccount:
    """The account for a server that must reach `paths`.

    Raises:
        SandboxError: running as root without `setpriv` (util-linux), which drops root's rights.
    """
    if os.geteuid() != 0:
        return ServerAccount()
    entry = pwd.getpwnam(_UNPRIVILEGED)
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise SandboxError(
            "the warehouse cannot run as root: install util-linux (setpriv) or use another user"
        )
    prefix = [setpriv, f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
    if all(_open_to_everyone(path) for path in paths):
        prefix.append("--inh-caps=-all")
    else:
        prefix += ["--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override"]
    return ServerAccount((*prefix, "--"), entry.pw_uid, entry.pw_gid)


def _open_to_everyone(path: Path) -> bool:
    """Whether every folder above `path` lets any account pass."""
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents if parent.exists())
