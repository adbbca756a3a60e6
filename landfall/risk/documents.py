"""IAM policy documents as statements that can be compared. Pure.

(source: IAM user guide, JSON policy element reference: Action, NotAction, Resource, NotResource, Principal,
NotPrincipal, Effect, Condition)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from landfall.risk.changes import parsed
from landfall.risk.globs import covers, overlap

_ACCOUNT: Final = re.compile(r"\d{12}")
_VARIABLE: Final = re.compile(r"\$\{[^}]*\}")
_ESCAPES: Final = (("${*}", "\ue000"), ("${?}", "\ue001"), ("${$}", "\ue002"))
"""How a document writes the characters themselves, and what stands for them here."""
_EVERYTHING: Final = "*"


class NotADocument(ValueError):
    """A text is no policy document; the message says why."""


@dataclass(frozen=True, order=True)
class AllBut:
    """Everything besides what these patterns match: NotAction, NotResource, NotPrincipal."""

    patterns: tuple[str, ...]

    def __str__(self) -> str:
        return f"everything but {', '.join(self.patterns) or 'nothing'}"


type Part = str | AllBut
"""One pattern of a statement, or one exclusion."""


@dataclass(frozen=True)
class Statement:
    """One statement: what it says of which actions, resources and principals, and when."""

    effect: str
    actions: tuple[Part, ...]
    resources: tuple[Part, ...]
    principals: tuple[Part, ...]
    """`AWS:arn:...`, `Service:...`, `*` for everybody; `()` becomes the holder of the policy, `holder`."""
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Operator, key and the values; all of them must hold."""
    sid: str = ""

    def parts(self) -> Iterator[tuple[Part, Part, Part]]:
        """Every combination of action, resource and principal."""
        for action in self.actions:
            for resource in self.resources:
                for principal in self.principals:
                    yield action, resource, principal

    def when(self) -> str:
        """The conditions in words; empty without any."""
        return " and ".join(
            f"{key} {operator} {', '.join(values)}" for operator, key, values in self.conditions
        )


HOLDER: Final = "holder"
"""The principal of a policy that names none: whoever it is attached to."""


def statements(document: Any) -> tuple[Statement, ...]:
    """The statements of a policy document: its JSON text, or the object itself.

    Raises NotADocument for anything else.
    """
    found = parsed(document) if isinstance(document, str) else document
    if not isinstance(found, dict):
        raise NotADocument("it is not a JSON object")
    listed = found.get("Statement", [])
    if isinstance(listed, dict):
        listed = [listed]
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise NotADocument("its Statement is no list of objects")
    return tuple(_statement(item) for item in listed)


def _statement(raw: Mapping[str, Any]) -> Statement:
    effect = str(raw.get("Effect") or "")
    if effect not in ("Allow", "Deny"):
        raise NotADocument(f"a statement's Effect is {effect or 'missing'}")
    return Statement(
        effect=effect,
        actions=_parts(raw, "Action"),
        resources=_parts(raw, "Resource") or (_EVERYTHING,),  # trust policies have none
        principals=_principals(raw),
        conditions=_conditions(raw.get("Condition")),
        sid=str(raw.get("Sid") or ""),
    )


def _parts(raw: Mapping[str, Any], key: str) -> tuple[Part, ...]:
    if f"Not{key}" in raw:
        return (AllBut(tuple(sorted(_texts(raw[f"Not{key}"])))),)
    return tuple(dict.fromkeys(_texts(raw.get(key))))


def _texts(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else [] if value is None else [value]
    texts = [item if isinstance(item, str) else json.dumps(item, sort_keys=True) for item in listed]
    for written, meant in _ESCAPES:
        texts = [text.replace(written, meant) for text in texts]
    return texts


def _principals(raw: Mapping[str, Any]) -> tuple[Part, ...]:
    if "NotPrincipal" in raw:
        return (AllBut(tuple(sorted(_who(raw["NotPrincipal"])))),)
    if "Principal" in raw:
        return tuple(dict.fromkeys(_who(raw["Principal"])))
    return (HOLDER,)


def _who(value: Any) -> list[str]:
    """Principals with their kind in front; an account's number means its root."""
    if isinstance(value, str):
        value = {"AWS": value}
    if not isinstance(value, dict):
        raise NotADocument("a statement's Principal is neither * nor an object")
    found = []
    for kind, names in value.items():
        for name in _texts(names):
            if name == _EVERYTHING:
                found.append(_EVERYTHING if kind == "AWS" else f"{kind}:{name}")
            elif kind == "AWS" and _ACCOUNT.fullmatch(name):
                found.append(f"AWS:arn:aws:iam::{name}:root")
            else:
                found.append(f"{kind}:{name}")
    return found


def _conditions(value: Any) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    if value is None:
        return ()
    if not isinstance(value, dict) or not all(isinstance(item, dict) for item in value.values()):
        raise NotADocument("a statement's Condition is no object of objects")
    return tuple(
        sorted(
            (operator, key, tuple(sorted(set(_texts(values)))))
            for operator, keys in value.items()
            for key, values in keys.items()
        )
    )


def shown(part: Part | str) -> str:
    """A part as a document writes it."""
    text = str(part)
    for written, meant in _ESCAPES:
        text = text.replace(meant, written)
    return text


def part_covers(wide: tuple[Part, ...], narrow: Part, *, fold: bool = False) -> bool:
    """Whether one of the parts surely holds everything that `narrow` does; `fold` for actions, whose case
    does not count."""
    if fold:
        wide, narrow = tuple(_folded(part) for part in wide), _folded(narrow)
    return any(_covers(part, narrow) for part in wide)


def _folded(part: Part) -> Part:
    if isinstance(part, str):
        return part.lower()
    return AllBut(tuple(pattern.lower() for pattern in part.patterns))


def _covers(wide: Part, narrow: Part) -> bool:
    if isinstance(wide, str):
        return covers(wide, narrow if isinstance(narrow, str) else _EVERYTHING)
    if isinstance(narrow, str):  # a variable may stand for any text
        free = _VARIABLE.sub(_EVERYTHING, narrow)
        return not any(overlap(_VARIABLE.sub(_EVERYTHING, pattern), free) for pattern in wide.patterns)
    return all(any(covers(outer, inner) for outer in narrow.patterns) for inner in wide.patterns)


def conditions_cover(wide: Statement, narrow: Statement) -> bool:
    """Whether `wide` surely applies whenever `narrow` does, as far as their conditions go."""
    return all(any(_implies(held, wanted) for held in narrow.conditions) for wanted in wide.conditions)


def _implies(held: tuple[str, str, tuple[str, ...]], wanted: tuple[str, str, tuple[str, ...]]) -> bool:
    """Whether a condition that holds makes another one hold."""
    if [part.lower() for part in held[:2]] != [part.lower() for part in wanted[:2]]:
        return False
    if held[2] == wanted[2]:
        return True
    operator = held[0].lower().rpartition(":")[2].removesuffix("ifexists")
    if operator in ("stringlike", "arnlike"):
        return all(any(covers(outer, inner) for outer in wanted[2]) for inner in held[2])
    if operator in _ANY_OF:
        return set(held[2]) <= set(wanted[2])
    if operator in _NONE_OF:
        return set(wanted[2]) <= set(held[2])
    return False


_ANY_OF: Final = frozenset(
    ("stringequals", "stringequalsignorecase", "arnequals", "ipaddress", "numericequals", "binaryequals")
)
"""Operators that hold when one of their values matches: fewer values hold less often."""
_NONE_OF: Final = frozenset(
    ("stringnotequals", "stringnotequalsignorecase", "stringnotlike", "arnnotequals", "arnnotlike",
     "notipaddress", "numericnotequals")
)  # fmt: skip
"""Operators that hold when none of their values matches: more values hold less often."""


def covered(by: tuple[Statement, ...], statement: Statement, part: tuple[Part, Part, Part]) -> bool:
    """Whether one of the statements surely says the same of the combination, at least as often."""
    action, resource, principal = part
    return any(
        part_covers(other.actions, action, fold=True)
        and part_covers(other.resources, resource)
        and part_covers(other.principals, principal)
        and conditions_cover(other, statement)
        for other in by
        if other.effect == statement.effect
    )
