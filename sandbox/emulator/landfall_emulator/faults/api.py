"""The resources with which rules are set and read, and the record of executions is read.

``GET /_landfall/faults`` lists rules; ``POST`` with ``{"rules": [...]}`` adds them, all or none; ``DELETE``
clears them, or with ``?id=`` removes one. ``POST /_landfall/trace`` begins the record anew, ``DELETE`` stops
it, ``GET`` with an optional ``?execution=`` reads it.
"""

from __future__ import annotations

import json
from typing import Any, Final

from localemu.http import Response, route
from localemu.services.edge import ROUTER

from landfall_emulator.faults import trace
from landfall_emulator.faults.gateway import FAULTS

FAULTS_PATH: Final = "/_landfall/faults"
TRACE_PATH: Final = "/_landfall/trace"


class Resources:
    """The resources behind the two paths."""

    @route(FAULTS_PATH, methods=["GET", "POST", "DELETE"])
    def faults(self, request: Any) -> Any:
        """List, add, remove or clear rules."""
        if request.method == "GET":
            return _json({"rules": FAULTS.report()})
        if request.method == "POST":
            try:
                rules = json.loads(request.get_data())["rules"]
                return _json({"rules": FAULTS.add(rules)}, status=201)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                return _json({"error": str(error)}, status=409 if isinstance(error, ValueError) else 400)
        name = request.args.get("id")
        if name is None:
            return _json({"removed": FAULTS.clear()})
        return _json({"removed": int(FAULTS.remove(name))})

    @route(TRACE_PATH, methods=["GET", "POST", "DELETE"])
    def trace(self, request: Any) -> Any:
        """Begin, stop or read the record of executions."""
        if request.method == "GET":
            return _json({"counts": trace.report(request.args.get("execution", ""))})
        trace.switch(request.method == "POST")
        return _json({})


def _json(body: Any, status: int = 200) -> Any:
    return Response(json.dumps(body), status=status, mimetype="application/json")


def install() -> None:
    """Serve the resources."""
    ROUTER.add(Resources())
