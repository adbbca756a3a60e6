"""The neutral form of property values, the same for every engine.

A rule meets plain JSON values and three markers: `UNKNOWN` (not known before the update), `SECRET` (a value
that the engine keeps encrypted; a rule never sees it) and `ASSET` (a file or archive). The wire format comes
from `sdk/go/common/resource/properties.go` of Pulumi.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final


class Marker(Enum):
    """A value that a rule cannot read, with the reason."""

    UNKNOWN = "<unknown>"
    SECRET = "<secret>"  # noqa: S105 - a marker, not a credential
    ASSET = "<asset>"
    ABSENT = "<absent>"


UNKNOWN: Final = Marker.UNKNOWN
SECRET: Final = Marker.SECRET
ASSET: Final = Marker.ASSET
ABSENT: Final = Marker.ABSENT

# Sentinels of the engine for values that are not known during a preview, one per type.
UNKNOWN_SENTINELS: Final = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
# What a recorded plan (`landfall preview --json`) writes in place of the same values.
_PLAN_TEXTS: Final = {UNKNOWN.value: UNKNOWN, SECRET.value: SECRET}

_SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
_SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a type tag of the wire format
_OUTPUT_SIGNATURE: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_ASSET_SIGNATURES: Final = frozenset({"c44067f5952c0a294b673a41bacd8c17", "0def7320c3a5731c473e5ecbe6d01bc7"})


def neutral(value: Any) -> Any:
    """Return `value` in neutral form: mappings become dicts without absent entries, whole numbers become
    ints.

    Accepts what an engine sends (sentinels and signature maps) and what a recorded plan holds ("<unknown>").
    An object of a foreign class is `UNKNOWN`: a guardrail that cannot read a value does not trust it.
    """
    if isinstance(value, str):  # the commonest first: a definition of a state machine has thousands
        if value in UNKNOWN_SENTINELS:
            return UNKNOWN
        return _PLAN_TEXTS.get(value, value)
    if value is None or isinstance(value, (bool, int, Marker)):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, (dict, Mapping)):
        if _SIGNATURE_KEY in value:
            return _signed(value)
        # The engine drops properties that are null, so a null and a missing property are one case for a rule.
        return {str(key): neutral(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, Sequence)) and not isinstance(value, (bytes, bytearray)):
        return [neutral(item) for item in value]
    return UNKNOWN


def _signed(value: Mapping[Any, Any]) -> Any:
    signature = value[_SIGNATURE_KEY]
    if signature == _SECRET_SIGNATURE:
        return SECRET
    if signature in _ASSET_SIGNATURES:
        return ASSET
    if signature == _OUTPUT_SIGNATURE:
        if value.get("secret") is True:
            return SECRET
        return neutral(value["value"]) if value.get("value") is not None else UNKNOWN
    return UNKNOWN


def at(value: Any, path: str) -> Any:
    """Return the value at a dotted path such as `rules.0.status`, or `ABSENT`.

    A marker on the way is the answer: what lies below an unknown value is unknown.
    """
    for step in path.split("."):
        if isinstance(value, Marker):
            return value
        if isinstance(value, Mapping):
            value = value.get(step, ABSENT)
        elif isinstance(value, list) and step.isdecimal():
            value = value[int(step)] if int(step) < len(value) else ABSENT
        else:
            return ABSENT
    return ABSENT if value is None else value


def shown(value: Any) -> str:
    """Return `value` as a message may show it: markers as words, long texts cut at 60 characters."""
    if isinstance(value, Marker):
        return {UNKNOWN: "not known before the update", SECRET: "a secret", ABSENT: "absent"}.get(
            value, "a file"
        )
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
