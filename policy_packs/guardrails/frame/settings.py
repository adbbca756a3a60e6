"""Where the guardrails' environment and waivers come from: the stack's own config.

The engine hands the stack's configuration to a policy pack (`ConfigureStack`, and `PULUMI_CONFIG` in older
set-ups). What cannot be read is replaced by the strictest reading, production without waivers, and said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from .rule import ENVIRONMENTS
from .waivers import Waiver, WaiverError, read_waivers

STRICTEST = "prod"
PLATFORM_KEY = "landfall:platform"
GUARDRAILS_KEY = "landfall:guardrails"
ENVIRONMENT_VARIABLE = "LANDFALL_ENVIRONMENT"
WAIVERS_VARIABLE = "LANDFALL_WAIVERS"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the rules are judged with. `problems` are sentences about settings that could not be read."""

    environment: str
    waivers: Sequence[Waiver]
    today: date
    problems: Sequence[str] = ()


def settings(environment: str | None, waivers: Any, today: date) -> Settings:
    """Return settings from an environment's name and waivers; the strictest reading of what is not valid."""
    problems = []
    if environment not in ENVIRONMENTS:
        problems.append(
            f"The environment is {f'"{environment}"' if environment else 'not known'}; allowed: "
            f"{', '.join(ENVIRONMENTS)}. Guardrails are enforced as in {STRICTEST}."
        )
        environment = STRICTEST
    try:
        if isinstance(waivers, str):
            raise WaiverError("they are not JSON")
        read = read_waivers(waivers or {})
    except (WaiverError, TypeError, AttributeError) as error:
        problems.append(f"Waivers cannot be read ({error}). None of them is applied.")
        read = []
    return Settings(environment=environment, waivers=read, today=today, problems=problems)


def settings_from_config(config: Mapping[str, str], environ: Mapping[str, str], today: date) -> Settings:
    """Return settings from the stack's config (key to JSON text), falling back on environment variables.

    `LANDFALL_ENVIRONMENT` and `LANDFALL_WAIVERS` (JSON: name to waiver) serve where a policy pack gets no
    config.
    """
    platform, guardrails = _json(config.get(PLATFORM_KEY)), _json(config.get(GUARDRAILS_KEY))
    environment = platform.get("environment") if isinstance(platform, Mapping) else None
    if PLATFORM_KEY not in config:
        environment = environ.get(ENVIRONMENT_VARIABLE)
    if GUARDRAILS_KEY in config:
        waivers = guardrails.get("waivers") if isinstance(guardrails, Mapping) else guardrails
    else:
        waivers = _json(environ.get(WAIVERS_VARIABLE))
    return settings(environment, waivers, today)


def _json(text: str | None) -> Any:
    if not text:
        return {}
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return "not JSON"
