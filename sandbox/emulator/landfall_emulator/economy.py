"""Leaves out what LocalEmu does for nobody here, at the cost of every sandbox and of every call.

- Its dashboard puts sixty routes into a table that is copied for each, and has every call of the management
  plane recorded as a CloudTrail event, which a timer of its own sends to EventBridge a minute later. Where
  somebody uses CloudTrail, its service still registers that recorder itself.
- Every botocore session reads and parses the service models anew; all sessions share one loader here.
- Werkzeug compiles for every route a function that builds an address from it; here that is put off until one
  is asked for, which no service does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from boto3 import Session
from botocore import session
from werkzeug.routing import Rule


def install() -> None:
    """Apply all of it; before the first service is imported, because some make sessions while they are."""
    from localemu.dashboard import plugins as dashboard

    dashboard._dashboard_registered = True
    session.create_loader = cache(session.create_loader)
    Session._setup_loader = _without_repeating_its_path(Session._setup_loader)
    Rule._compile_builder = _when_asked_for(Rule._compile_builder)


def _without_repeating_its_path(set_up: Callable[[Session], None]) -> Callable[[Session], None]:
    """boto3's `Session._setup_loader`, which adds its folder to the loader that all sessions share."""

    def set_up_once(made: Session) -> None:
        set_up(made)
        paths = made._loader.search_paths
        if paths.count(paths[-1]) > 1:
            paths.pop()

    return set_up_once


def _when_asked_for(compile_builder: Callable[[Rule, bool], Any]) -> Callable[[Rule, bool], Any]:
    """Werkzeug's `Rule._compile_builder`, of which the work is put off to the first address."""

    def compile_later(rule: Rule, append_unknown: bool = True) -> Callable[..., Any]:
        compiled = cache(partial(compile_builder, rule, append_unknown))

        def build(*arguments: Any, **values: Any) -> Any:
            return compiled()(*arguments, **values)

        return build

    return compile_later
