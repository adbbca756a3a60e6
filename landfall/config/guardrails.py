"""`landfall:guardrails`: waivers. Whether one has expired is the policy pack's business: no clock here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from landfall.config.base import Key, Ordered, Shaped, Strict
from landfall.config.fields import IsoDate, OneLine

RuleName = Annotated[
    str,
    Shaped(
        pattern=r"[a-z][a-z0-9-]*",
        expected="a rule's name: lower-case letters, digits and hyphens",
        maximum=100,
    ),
]


class Waiver(Strict):
    """A guardrail that does not apply to some resources until a day, and why."""

    rule: RuleName
    """Name of the rule, as `landfall guardrails list` shows it."""
    urn: OneLine
    """Pattern of the resources' URNs; `*` stands for any text."""
    reason: OneLine
    """Why the rule does not apply."""
    owner: OneLine
    """Who answers for the waiver."""
    expires: IsoDate
    """Last day of the waiver, yyyy-mm-dd; afterwards the rule applies again."""


class Guardrails(Strict):
    """Exceptions from the guardrails of the stack's environment."""

    waivers: Annotated[Mapping[Key, Waiver], Ordered] = Field(default_factory=dict)
    """Waivers by name."""
