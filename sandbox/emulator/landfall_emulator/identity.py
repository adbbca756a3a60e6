"""Says whose emulator this is.

Two sandboxes that start at the same moment could pick the same port; the launcher asks before it trusts
an answer.
"""

from __future__ import annotations

import json
import os
from typing import Any, Final

from localemu.http import Response, route
from localemu.services.edge import ROUTER

PATH: Final = "/_landfall/identity"


class Identity:
    """The resource behind `PATH`."""

    @route(PATH, methods=["GET"])
    def get(self, request: Any) -> Any:
        """The emulator's process id and the mark of its sandbox."""
        body = {"pid": os.getpid(), "mark": os.environ.get("LANDFALL_SANDBOX_MARK", "")}
        return Response(json.dumps(body), mimetype="application/json")


def install() -> None:
    """Serve the resource."""
    ROUTER.add(Identity())
