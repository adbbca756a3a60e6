"""Pydantic's errors into findings: one per cause, with the keys as the file has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

from pydantic_core import ErrorDetails

from landfall.config.errors import (
    CUSTOM_ERROR,
    EMPTY_LIST,
    MALFORMED,
    MISSING_KEY,
    NOT_ALLOWED,
    OUT_OF_RANGE,
    SECRET_AS_DATA,
    TOO_LARGE,
    UNKNOWN_KEY,
    WRONG_TYPE,
    Finding,
    Path,
    Scalar,
    listed,
    nearest,
    show,
)
from landfall.config.secrets import must_hide, names_a_secret
from landfall.config.shape import field_at, literals_at, model_at, union_at, value_at

NOT_SHOWN: Final = "a value that is not shown"
"""Stands for a found value that may be a secret."""
_MAPPING: Final = ("expected a mapping", "Write a mapping: {key: value}.")
_LIST: Final = ("expected a list", "Write a list: [first, second].")
_TYPES: Final[Mapping[str, tuple[str, str]]] = {
    "invalid-json-value": ("expected text, a number, true, false, a list or a mapping", "Put it in quotes."),
    "string_type": ("expected text", "Put the value in quotes."),
    "int_type": ("expected a whole number", "Write a whole number without quotes, for example 30."),
    "float_type": ("expected a number", "Write a number without quotes, for example 2.0."),
    "bool_type": ("expected true or false", "Write true or false without quotes."),
    "tuple_type": _LIST,
    "list_type": _LIST,
    "mapping_type": _MAPPING,
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
}
_TRUTHS: Final = {
    "yes": True,
    "on": True,
    "true": True,
    "y": True,
    "no": False,
    "off": False,
    "false": False,
    "n": False,
}

# workflows.definitions.<id>.workflow_stages.<n>.<scripts|preconditions>.<n>, then the union's member
_UNION_LISTS: Final = ("scripts", "preconditions")
_MEMBER_INDEX: Final = 7


def findings_of(errors: list[ErrorDetails], values: Mapping[str, Any]) -> list[Finding]:
    """One finding per cause, in the order of `errors`; `values` are what was validated."""
    found = [finding for error in errors for finding in _translate(error, values)]
    return _without_consequences(found, values)


def key_path(loc: tuple[int | str, ...], values: Any) -> tuple[Path, bool]:
    """Pydantic's location without the names of union members, and whether it means the key itself."""
    path = tuple(loc)
    if len(path) > _MEMBER_INDEX and path[3] == "workflow_stages" and path[5] in _UNION_LISTS:
        path = path[:_MEMBER_INDEX] + path[_MEMBER_INDEX + 1 :]
    if path[-1:] == ("[key]",):
        return path[:-1], True
    kept: list[str | int] = []
    for part in path:
        # Inside free-form JSON pydantic names the kind of each container too.
        if part == "list" and isinstance(values, list | tuple):
            continue
        if part == "dict" and isinstance(values, Mapping) and part not in values:
            continue
        kept.append(part)
        values = value_at(values, (part,))
    return tuple(kept), False


def _translate(error: ErrorDetails, values: Mapping[str, Any]) -> Iterator[Finding]:
    path, on_key = key_path(error["loc"], values)
    kind = error["type"]
    context: Mapping[str, Any] = error.get("ctx", {})
    if kind == CUSTOM_ERROR:
        for finding in context["findings"]:
            placed = finding.under(path)
            yield _hidden(replace(placed, on_key=placed.on_key or on_key), values)
    elif kind == "extra_forbidden":
        yield _unknown_key(path, values)
    elif kind == "missing":
        yield _missing(path, values)
    elif kind == "too_short" and _is_long_enough(value_at(values, path), context["min_length"]):
        return  # pydantic counts good entries only; the bad ones are reported by themselves
    else:
        yield _hidden(_simple(kind, context, path, values), values)


def _is_long_enough(value: Any, least: int) -> bool:
    return isinstance(value, list | tuple | Mapping) and len(value) >= least


def _missing(path: Path, values: Mapping[str, Any]) -> Finding:
    field = field_at(path, values)
    what = f" {field.description}" if field and field.description else ""
    name = f"landfall:{path[0]}" if len(path) == 1 else str(path[-1])
    return Finding(code=MISSING_KEY, path=path, message="the key is missing", hint=f"Add {name}:{what}")


def _simple(kind: str, context: Mapping[str, Any], path: Path, values: Mapping[str, Any]) -> Finding:
    value = value_at(values, path)
    if kind in _TYPES:
        message, hint = _TYPES[kind]
        suggestion = _converted(kind, value)
        return Finding(
            code=WRONG_TYPE,
            path=path,
            found=show(value),
            message=message,
            suggestion=suggestion,
            hint=hint if suggestion is None else "",
        )
    if kind == "literal_error":
        return _enumeration(path, value, literals_at(path, values))
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _bad_kind(path, value, values)
    if kind in ("too_short", "too_long"):
        return _length(kind, context, path, value)
    if kind in ("greater_than_equal", "less_than_equal"):
        bound = context.get("ge", context.get("le"))
        relation = "at least" if "ge" in context else "at most"
        return Finding(
            code=OUT_OF_RANGE,
            path=path,
            found=show(value),
            message=f"must be {relation} {bound}",
            suggestion=bound,
        )
    return Finding(
        code=MALFORMED,
        path=path,
        found=show(value),
        message="not a valid value",
        hint="See the config reference.",
    )


def _converted(kind: str, value: Any) -> Scalar | None:
    """The value as the type that was expected, where that is beyond doubt."""
    if kind in ("string_type", "invalid-json-value") and isinstance(value, date):
        return value.isoformat()
    if kind == "string_type" and isinstance(value, int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if kind == "bool_type" and isinstance(value, str):
        return _TRUTHS.get(value.lower())
    if (
        kind == "int_type"
        and isinstance(value, str)
        and value.isascii()
        and value.isdigit()
        and len(value) < 10
    ):
        return int(value)
    if kind == "float_type" and isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    return None


def _length(kind: str, context: Mapping[str, Any], path: Path, value: Any) -> Finding:
    if kind == "too_long":
        return Finding(
            code=TOO_LARGE,
            path=path,
            message=f"too many entries ({len(value)}), at most {context['max_length']} are allowed",
            hint="Remove some.",
        )
    least = context["min_length"]
    if value:
        return Finding(
            code=OUT_OF_RANGE,
            path=path,
            message=f"too few entries ({len(value)}), at least {least} are needed",
            hint="Add the missing ones.",
        )
    return Finding(
        code=EMPTY_LIST,
        path=path,
        message=f"nothing is listed, at least {least} entr{'y is' if least == 1 else 'ies are'} needed",
        hint="Add an entry, or remove what surrounds the list.",
    )


def _bad_kind(path: Path, value: Any, values: Mapping[str, Any]) -> Finding:
    models = union_at(path, values)
    jobs = "rsql" in models
    if not isinstance(value, Mapping):
        expected = "a script's name or a mapping with kind" if jobs else "a mapping with kind"
        return Finding(
            code=WRONG_TYPE,
            path=path,
            found=show(value),
            message=f"expected {expected}",
            hint="Put the name in quotes." if jobs else f"Write {{kind: {next(iter(models))}, ...}}.",
        )
    if "kind" in value:
        return _enumeration((*path, "kind"), value["kind"], tuple(models))
    guess = _guessed_kind(models, value)
    keys = [key for key in value if isinstance(key, str)]
    for meant in ("kind", "script") if jobs else ("kind",):
        near = nearest(meant, keys)
        if near is not None:
            return Finding(
                code=UNKNOWN_KEY,
                path=(*path, near),
                message="unknown key",
                allowed=(meant,),
                suggestion=meant,
                on_key=True,
            )
    return Finding(
        code=MISSING_KEY,
        path=(*path, "kind"),
        message="the key is missing",
        allowed=tuple(models),
        suggestion=f"kind: {guess}" if guess else None,
        hint="" if guess else "Add kind: with one of them.",
    )


def _guessed_kind(models: Mapping[str, Any], value: Mapping[str, Any]) -> str | None:
    """The kind whose own fields the value shares most, if one stands out."""
    own = {kind: set(model.model_fields) & set(value) for kind, model in models.items()}
    ranked = sorted(own, key=lambda kind: (-len(own[kind]), kind))
    if not ranked or not own[ranked[0]]:
        return None
    return ranked[0] if len(ranked) == 1 or len(own[ranked[0]]) > len(own[ranked[1]]) else None


def _enumeration(path: Path, value: Any, allowed: tuple[str, ...]) -> Finding:
    near = nearest(value, allowed) if isinstance(value, str) else None
    if near is None and len(allowed) == 1:
        near = allowed[0]
    return Finding(
        code=NOT_ALLOWED,
        path=path,
        found=show(value),
        allowed=allowed,
        suggestion=near,
        hint="" if near else "Write one of them.",
    )


def _unknown_key(path: Path, values: Mapping[str, Any]) -> Finding:
    key = str(path[-1])
    if names_a_secret(key):
        return Finding(
            code=SECRET_AS_DATA,
            path=path,
            message="a secret is never config data",
            hint="Keep it in Secrets Manager and write the secret's name where the config asks for one.",
            on_key=True,
        )
    model = model_at(path[:-1], values)
    known = tuple(model.model_fields) if model else ()
    near = nearest(key, known)
    prefix = "" if path[:-1] else "landfall:"
    return Finding(
        code=UNKNOWN_KEY,
        path=path,
        message="unknown key",
        allowed=tuple(prefix + name for name in known),
        suggestion=prefix + near if near else None,
        hint="" if near else "Remove it, or write one of the allowed keys.",
        on_key=True,
    )


def _without_consequences(found: list[Finding], values: Mapping[str, Any]) -> list[Finding]:
    """Without keys that are missing because of another mistake, and with one finding for an empty mapping."""
    misspelt = {
        (*finding.path[:-1], str(finding.suggestion).removeprefix("landfall:"))
        for finding in found
        if finding.code == UNKNOWN_KEY and finding.suggestion is not None
    }
    missing: dict[Path, list[Finding]] = {}
    for finding in found:
        if finding.code == MISSING_KEY and finding.path not in misspelt:
            missing.setdefault(finding.path[:-1], []).append(finding)
    strange = {finding.path[:-1] for finding in found if finding.code == UNKNOWN_KEY}
    result: list[Finding] = []
    for finding in found:
        if finding.code == OUT_OF_RANGE and any(
            len(other.path) > len(finding.path) and other.path[: len(finding.path)] == finding.path
            for other in found
        ):
            continue  # a list whose entries are wrong is not counted
        if finding.code != MISSING_KEY:
            result.append(finding)
            continue
        parent = finding.path[:-1]
        together = missing.get(parent, [])
        if finding not in together:
            continue
        # A mapping with none of its keys is something else altogether: that is one mistake.
        if not parent or _has_a_known_key(parent, values):
            result.append(finding)
        elif parent not in strange and finding is together[0]:
            result.append(finding if len(together) == 1 else _nothing_there(parent, together))
    return result


def _has_a_known_key(path: Path, values: Mapping[str, Any]) -> bool:
    model, value = model_at(path, values), value_at(values, path)
    return model is None or not isinstance(value, Mapping) or any(key in model.model_fields for key in value)


def _nothing_there(path: Path, missing: list[Finding]) -> Finding:
    keys = listed([str(finding.path[-1]) for finding in missing])
    return Finding(
        code=MISSING_KEY,
        path=path,
        message=f"nothing is in it; {keys} are needed",
        hint="Add them, or remove the key.",
    )


def _hidden(finding: Finding, values: Mapping[str, Any]) -> Finding:
    """The finding without its value, where the value may be a secret."""
    if finding.found is None or not must_hide(finding.path, value_at(values, finding.path)):
        return finding
    hint = finding.hint or "Write the name of a secret, never its value."
    return replace(finding, found=NOT_SHOWN, suggestion=None, hint=hint)
