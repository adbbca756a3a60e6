"""What a policy document newly allows, statement by statement. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from landfall.risk.documents import HOLDER, Part, Statement, conditions_cover, covered, part_covers, shown


@dataclass(frozen=True)
class Grant:
    """One combination of action, resource and principal that the new document allows and the old did not."""

    action: Part
    resource: Part
    principal: Part
    when: str
    """The statement's conditions in words."""
    added: str
    """What is new about it: `action`, `resource`, `principal`, `condition` (one was dropped or widened), or
    `combination`; `denial` where a Deny no longer holds."""
    sid: str = ""

    def line(self) -> str:
        """The grant in one line."""
        sign = "- Deny" if self.added == "denial" else "+"
        text = f"{sign} {shown(self.action)} on {shown(self.resource)}"
        if self.principal != HOLDER:
            text += f" for {'everybody' if self.principal == '*' else shown(self.principal)}"
        if self.when:
            text += f" when {shown(self.when)}"
        return text if self.added in ("denial", "combination") else f"{text} ({_NEW[self.added]})"


_NEW: Final = {
    "action": "action added",
    "resource": "resource added",
    "principal": "principal added",
    "condition": "condition dropped or widened",
}


def added(old: Sequence[Statement], new: Sequence[Statement]) -> tuple[Grant, ...]:
    """Everything that `new` allows and `old` did not surely allow, and every Deny of `old` that is gone.

    Too much may be reported, where several old statements together cover a pattern of a new one; nothing
    that is newly allowed is left out. A Deny beside the new Allow is not taken into account.
    """
    before, after = tuple(old), tuple(new)
    found: dict[Grant, None] = {}
    for statement in after:
        if statement.effect == "Allow":
            for part in statement.parts():
                if not covered(before, statement, part):
                    found[_grant(statement, part, _what(before, statement, part))] = None
    for statement in before:
        if statement.effect == "Deny":
            for part in statement.parts():
                if not covered(after, statement, part):
                    found[_grant(statement, part, "denial")] = None
    return tuple(sorted(found, key=_order))


def _order(grant: Grant) -> tuple[str, ...]:
    return (grant.line(), grant.sid)


def _grant(statement: Statement, part: tuple[Part, Part, Part], what: str) -> Grant:
    return Grant(*part, statement.when(), what, statement.sid)


def _what(before: tuple[Statement, ...], statement: Statement, part: tuple[Part, Part, Part]) -> str:
    """Which part of a grant is new: what no old Allow statement has at all, else the combination."""
    allowed = [other for other in before if other.effect == "Allow"]
    action, resource, principal = part
    for name, wanted in (("action", action), ("principal", principal), ("resource", resource)):
        fold = name == "action"
        if not any(part_covers(getattr(other, f"{name}s"), wanted, fold=fold) for other in allowed):
            return name
    for other in allowed:
        if (
            part_covers(other.actions, action, fold=True)
            and part_covers(other.resources, resource)
            and part_covers(other.principals, principal)
            and not conditions_cover(other, statement)
        ):
            return "condition"
    return "combination"


def summary(grants: Sequence[Grant]) -> Iterator[str]:
    """Lines about grants; those that differ in their action alone share a line."""
    groups: dict[tuple[str, str, str, str, bool], list[Grant]] = {}
    for grant in grants:
        key = (
            shown(grant.resource),
            shown(grant.principal),
            grant.when,
            grant.added,
            isinstance(grant.action, str),
        )
        groups.setdefault(key, []).append(grant)
    for group in groups.values():
        actions = ", ".join(dict.fromkeys(shown(grant.action) for grant in group))
        first = group[0]
        yield Grant(actions, first.resource, first.principal, first.when, first.added, first.sid).line()
