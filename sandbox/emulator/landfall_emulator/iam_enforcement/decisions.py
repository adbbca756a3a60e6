"""The decisions of this emulator, the latest kept: for tests, proofs and people who wonder.

`GET /_landfall/iam/decisions?since=<number>` answers those made after a number, refusals and grants alike,
with the statement that made each.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any, Final

from localemu.http import Response, route
from localemu.services.edge import ROUTER

from landfall_emulator.iam_enforcement.evaluation import Decision, Principal

PATH: Final = "/_landfall/iam/decisions"
_KEPT: Final = 50_000


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One decision."""

    number: int
    principal: str
    """Role name, user ARN or service."""
    account: str
    action: str
    resource: str
    allowed: bool
    by: tuple[str, ...]
    reason: str
    why: str
    """The API call or the service's work that needed it."""


_ENTRIES: Final[deque[Entry]] = deque(maxlen=_KEPT)
_NUMBERS: Final = itertools.count(1)
_LOCK: Final = threading.Lock()


def keep(principal: Principal, action: str, resource: str, decision: Decision, why: str) -> None:
    """Remember a decision."""
    with _LOCK:
        _ENTRIES.append(
            Entry(
                number=next(_NUMBERS),
                principal=principal.role or principal.service or principal.arn,
                account=principal.account,
                action=action,
                resource=resource,
                allowed=decision.allowed,
                by=decision.by,
                reason=decision.reason,
                why=why,
            )
        )


def after(number: int) -> list[Entry]:
    """Decisions with a higher number, in order."""
    with _LOCK:
        return [entry for entry in _ENTRIES if entry.number > number]


class Decisions:
    """The resource behind `PATH`."""

    @route(PATH, methods=["GET"])
    def get(self, request: Any) -> Any:
        """Decisions after `since`."""
        text = request.args.get("since", "0")
        since = int(text) if text.isdigit() else 0
        body = {"decisions": [asdict(entry) for entry in after(since)]}
        return Response(json.dumps(body), mimetype="application/json")


def install() -> None:
    """Serve the resource."""
    ROUTER.add(Decisions())
