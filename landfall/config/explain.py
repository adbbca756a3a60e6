"""What a key of a stack file means, what it may hold, and what holds in a stack: read from the models.

A key is written as in an error (`landfall:network.etl.cidr`, `...workflow_stages[0].scripts`), or more
loosely: without the namespace, with `*` for any key or entry, with the mapping of definitions left out
(`workflows.blog_test_workflow`), with the beginning or the end of a name (`timeout`, `stages`).

Does not: read files. The stack files come as `StackSource`, so a file with errors is explained as well.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from landfall.config.base import Shaped
from landfall.config.errors import Path, nearest
from landfall.config.schema import (
    EVERY_KIND,
    ONE_ENTRY,
    ONE_KEY,
    TOP_LEVEL,
    default_text,
    section_title,
    type_name,
)
from landfall.config.secrets import must_hide
from landfall.config.shape import kind_of, members, plain
from landfall.config.source import NAMESPACE, StackSource
from landfall.config.stack import StackConfig

type Origin = Literal["file", "default", "unset", "missing"]

REFERENCE_PAGE: Final = "docs/config-reference.md"
ANY: Final = frozenset({"*", ONE_KEY, ONE_ENTRY, "[*]"})
_HIDDEN: Final = "(not shown)"
_TOKEN: Final = re.compile(r"\[(?P<entry>[0-9]*|\*)\]|\((?P<kind>[\w ]+)\)|\.?(?P<name>[^.\[\](]+)")
_NEAR: Final = 3


class UnknownKey(Exception):
    """The models have no such key; `suggestions` are the nearest ones, `allowed` is what may stand there."""

    def __init__(self, key: str, message: str, suggestions: Sequence[str], allowed: Sequence[str]) -> None:
        self.key = key
        self.message = message
        self.suggestions = tuple(suggestions)
        self.allowed = tuple(allowed)
        super().__init__(message)


@dataclass(frozen=True)
class Step:
    """One part of a resolved key."""

    what: Literal["field", "key", "entry", "kind"]
    name: str | int | None = None
    """The field, the kind, or the one key or entry that is meant; None for any."""
    model: type[BaseModel] | None = field(default=None, compare=False)
    """The model that the field belongs to."""

    @property
    def text(self) -> str:
        """The step as the config reference writes it."""
        if self.what == "field":
            return f".{self.name}"
        if self.what == "kind":
            return f"({self.name})"
        return f".{ONE_KEY}" if self.what == "key" else ONE_ENTRY


@dataclass(frozen=True)
class Setting:
    """What holds at one place of one stack."""

    stack: str
    path: Path
    origin: Origin
    """`file`: written; `default`: the model's; `unset`: neither, nothing holds; `missing`: it is required."""
    value: Any = None
    file: str = ""
    line: int = 0
    column: int = 0
    """Place of the value in the file, from 1; 0 where it is not written."""


@dataclass(frozen=True)
class Below:
    """A key right below the explained one."""

    key: str
    type: str
    required: bool
    default: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """One key: its meaning and what it may hold."""

    key: str
    """As in the config reference: `<key>` for a key of the user's choice, `[]` for an entry of a list."""
    name: str
    type: str
    required: bool
    default: str
    """As JSON; empty where the key is required or is not a field."""
    description: str
    allowed: tuple[str, ...] = ()
    bounds: tuple[str, ...] = ()
    """Sentences on range, length and shape."""
    pattern: str | None = None
    kinds: tuple[str, ...] = ()
    """Kinds of a union that have the key, where it belongs to one."""
    below: tuple[Below, ...] = ()
    section: str = ""
    """Heading in the config reference."""
    example: Any = None
    settings: tuple[Setting, ...] = ()

    @property
    def page(self) -> str:
        """The config reference, at the table that has the key."""
        return f"{REFERENCE_PAGE}#{anchor(self.section)}"


def anchor(heading: str) -> str:
    """The anchor that a Markdown heading gets on GitHub."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def explain(
    key: str, sources: Sequence[StackSource] = (), samples: Sequence[Mapping[str, Any]] = ()
) -> tuple[Explanation, ...]:
    """What `key` means, and what holds in each of the stack files.

    Several explanations where kinds of a union have keys of one name that mean different things. The example
    is the first value that a stack file or one of `samples` (plain values of a stack) has there.

    Raises:
        UnknownKey: the key is misspelt, or no given stack has the workflow, network, ... that it names.
    """
    readable = [source for source in sources if source.readable]
    values = [source.values for source in readable]
    finder = _Finder(key, values)
    found = finder.resolve()
    groups: dict[tuple[object, ...], list[tuple[Step, ...]]] = {}
    for steps in found:
        groups.setdefault(_meaning(steps), []).append(steps)
    explanations = tuple(_explanation(group, readable, samples) for group in groups.values())
    named = [step.name for step in found[0] if step.what in ("key", "entry") and step.name is not None]
    if named and not any(explanation.settings for explanation in explanations):
        unknown = finder.nowhere(found[0])
        if unknown is not None:
            raise unknown
    return explanations


def tokens_of(key: str) -> tuple[str, ...]:
    """The parts of a key as somebody wrote it: `[0]` and `(sql)` are parts of their own."""
    text = key.strip()
    for prefix in (f"config.{NAMESPACE}:", f"{NAMESPACE}:config:", f"{NAMESPACE}:"):
        text = text.removeprefix(prefix)
    tokens = []
    for match in _TOKEN.finditer(text.strip(".")):
        if match["kind"] is not None:
            tokens.append(f"({match['kind']})")
        elif match["entry"] is not None:
            tokens.append(f"[{match['entry']}]")
        else:
            tokens.append(match["name"])
    return tuple(tokens)


class _Finder:
    """Follows the parts of a key through the models, and remembers where it got stuck."""

    def __init__(self, key: str, values: Sequence[Mapping[str, Any]]) -> None:
        self.key = key
        self.tokens = tokens_of(key)
        self._values = values
        self._stuck: dict[tuple[Step, ...], tuple[int, set[str]]] = {}

    def resolve(self) -> list[tuple[Step, ...]]:
        """Every place that the key means. Raises `UnknownKey` where there is none."""
        if not self.tokens:
            raise UnknownKey(self.key, "no key is named", (), tuple(StackConfig.model_fields))
        found = list(self._follow(StackConfig, 0, ()))
        if found:
            return found
        raise self._unknown()

    def _follow(self, annotation: Any, index: int, steps: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
        if index == len(self.tokens):
            yield steps
            return
        token = self.tokens[index]
        inner = members(annotation)
        if inner:
            yield from self._into_models(inner, token, index, steps)
            return
        bare = plain(annotation)
        origin = get_origin(bare)
        if origin is tuple:
            yield from self._into_list(get_args(bare)[0], token, index, steps)
        elif isinstance(origin, type) and issubclass(origin, Mapping):
            name = None if token in ANY else token
            known = {str(k) for v in self._values for k in _keys_at(steps, v)}
            if name is not None and known and name not in known:
                self._note(steps, index, {*known, "*"})
                return
            yield from self._follow(get_args(bare)[1], index + 1, (*steps, Step("key", name)))
        else:
            self._note(steps, index, set())

    def _into_models(
        self, models: tuple[type[BaseModel], ...], token: str, index: int, steps: tuple[Step, ...]
    ) -> Iterator[tuple[Step, ...]]:
        if len(models) > 1 and token.startswith("("):
            wanted = token.strip("()")
            chosen = [model for model in models if wanted in (kind_of(model), EVERY_KIND)]
            if not chosen:
                self._note(steps, index, {f"({kind_of(model)})" for model in models})
            for model in chosen:
                yield from self._into_kind(model, index + 1, steps)
            return
        for model in models:
            prefix = steps if len(models) == 1 else (*steps, Step("kind", kind_of(model)))
            names = _fields(model, token)
            if len(names) == 1:
                step = Step("field", names[0], model)
                annotation = model.model_fields[names[0]].annotation
                yield from self._follow(annotation, index + 1, (*prefix, step))
                continue
            if not names and (through := self._left_out(model, token, prefix)) is not None:
                annotation = model.model_fields[str(through.name)].annotation
                yield from self._follow(annotation, index, (*prefix, through))
                continue
            self._note(
                prefix, index, set(names) or {*model.model_fields, *self._left_out_keys(model, prefix)}
            )

    def _into_kind(
        self, model: type[BaseModel], index: int, steps: tuple[Step, ...]
    ) -> Iterator[tuple[Step, ...]]:
        steps = (*steps, Step("kind", kind_of(model)))
        if index == len(self.tokens):
            yield steps
            return
        yield from self._into_models((model,), self.tokens[index], index, steps)

    def _into_list(
        self, item: Any, token: str, index: int, steps: tuple[Step, ...]
    ) -> Iterator[tuple[Step, ...]]:
        number = token.strip("[]")
        if number.isascii() and number.isdigit():
            yield from self._follow(item, index + 1, (*steps, Step("entry", int(number))))
        elif token in ANY:
            yield from self._follow(item, index + 1, (*steps, Step("entry")))
        else:
            yield from self._follow(item, index, (*steps, Step("entry")))

    def _left_out(self, model: type[BaseModel], token: str, steps: tuple[Step, ...]) -> Step | None:
        """The one mapping of the model whose keys the user meant, as in `workflows.<id>`."""
        name = _only_mapping(model)
        known = self._left_out_keys(model, steps)
        return Step("field", name, model) if name is not None and (token in ANY or token in known) else None

    def _left_out_keys(self, model: type[BaseModel], steps: tuple[Step, ...]) -> set[str]:
        name = _only_mapping(model)
        step = Step("field", name, model)
        return (
            {str(k) for v in self._values for k in _keys_at((*steps, step), v)} if name is not None else set()
        )

    def _note(self, steps: tuple[Step, ...], index: int, choices: set[str]) -> None:
        _, known = self._stuck.get(steps, (index, set()))
        self._stuck[steps] = (index, known | choices)

    def _unknown(self) -> UnknownKey:
        furthest = max(index for index, _ in self._stuck.values())
        places = [(steps, at) for steps, at in self._stuck.items() if at[0] == furthest]
        token = self.tokens[furthest]
        rest = self._rest(furthest + 1)
        allowed: dict[str, None] = {}
        for _, (_, choices) in places:
            allowed.update(dict.fromkeys(sorted(choices)))
        steps = places[0][0]
        above = key_text(steps, named=True)
        deeper = [key for key in every_key() if key.startswith(key_text(steps)) and _word_of(token, key)]
        siblings = [self._mended(_joined(above, name), rest) for name in _nearest(token, allowed)]
        suggestions = [*deeper, *siblings][:_NEAR]
        if not allowed:
            return UnknownKey(self.key, f"{above} has no keys below it", (above,), ())
        ambiguous = all(name.startswith(f"{token}_") or name.endswith(f"_{token}") for name in allowed)
        said = f'"{token}" may mean several keys' if ambiguous else f'unknown key "{token}"'
        where = f" below {above}" if steps else ""
        return UnknownKey(self.key, said + where, suggestions or self._elsewhere(token), tuple(allowed))

    def _mended(self, start: str, rest: str) -> str:
        """A key whose start is right, with the rest mended as well; without the rest where it cannot be."""
        try:
            _Finder(start + rest, self._values).resolve()
        except UnknownKey as error:
            return error.suggestions[0] if error.suggestions else start
        return start + rest

    def _rest(self, index: int) -> str:
        return "".join(token if token[0] in "[(" else f".{token}" for token in self.tokens[index:])

    def _elsewhere(self, token: str) -> list[str]:
        """Keys anywhere in the config whose own name is nearly this one."""
        near = nearest(token, {key.rpartition(".")[2] for key in every_key()})
        return [key for key in every_key() if near and key.rpartition(".")[2] == near][:_NEAR]

    def nowhere(self, steps: tuple[Step, ...]) -> UnknownKey | None:
        """No stack has the key or entry that a resolved key names; None where there is none to compare."""
        for length, step in enumerate(steps):
            if step.what not in ("key", "entry") or step.name is None:
                continue
            before = steps[:length]
            known = sorted({str(k) for v in self._values for k in _keys_at(before, v)})
            if not known or str(step.name) in known:
                continue
            above = key_text(before, named=True)
            after = key_text(steps[length + 1 :], named=True).removeprefix(TOP_LEVEL)
            tail = f".{after}" if after and after[0] not in "[(" else after
            if step.what == "entry":
                count = len(known)
                said = f"{above} has {count} {'entry' if count == 1 else 'entries'}, counted from 0"
                return UnknownKey(self.key, said, (f"{above}[{count - 1}]{tail}",), known)
            near = nearest(str(step.name), known)
            suggestions = (f"{above}.{near}{tail}",) if near else ()
            return UnknownKey(self.key, f'{above} has no "{step.name}"', suggestions, known)
        return None


def every_key() -> tuple[str, ...]:
    """Every key of the config reference, in its order."""
    from landfall.config.schema import reference

    return tuple(row.key for row in reference())


def key_text(steps: Iterable[Step], *, named: bool = False) -> str:
    """A resolved key as text; with `named`, with the keys and entries that it names."""
    text = ""
    for step in steps:
        part = step.text
        if named and step.name is not None and step.what in ("key", "entry"):
            part = f".{step.name}" if step.what == "key" else f"[{step.name}]"
        text += part
    text = text.removeprefix(".")
    return text if text.startswith(NAMESPACE + ":") else f"{NAMESPACE}:{text}"


def _word_of(token: str, key: str) -> bool:
    name = key.rpartition(".")[2]
    return name == token or name.startswith(f"{token}_") or name.endswith(f"_{token}")


def _joined(above: str, name: str) -> str:
    return f"{above}{name}" if above.endswith(":") or name[0] in "[(" else f"{above}.{name}"


def _fields(model: type[BaseModel], token: str) -> list[str]:
    """The field of that name, else those that the token begins or ends."""
    names = list(model.model_fields)
    word = token.replace("-", "_")
    if word in names:
        return [word]
    return [name for name in names if name.startswith(f"{word}_") or name.endswith(f"_{word}")]


def _nearest(token: str, choices: Iterable[str]) -> list[str]:
    ordered = list(choices)
    parts = [name for name in ordered if name.startswith(f"{token}_") or name.endswith(f"_{token}")]
    close = difflib.get_close_matches(token, sorted(ordered), n=_NEAR, cutoff=0.55)
    return list(dict.fromkeys([*parts, *close]))[:_NEAR]


def _only_mapping(model: type[BaseModel]) -> str | None:
    """The one field of a model (not of the whole config) that maps keys of the user's choice to models."""
    if model is StackConfig:
        return None
    names = [
        name
        for name, info in model.model_fields.items()
        if (value := _mapping_value(info.annotation)) is not None and members(value)
    ]
    return names[0] if len(names) == 1 else None


def _mapping_value(annotation: Any) -> Any:
    bare = plain(annotation)
    origin = get_origin(bare)
    return get_args(bare)[1] if isinstance(origin, type) and issubclass(origin, Mapping) else None


def _annotation(steps: tuple[Step, ...]) -> Any:
    """What stands at a resolved key."""
    annotation: Any = StackConfig
    for step in steps:
        bare = plain(annotation)
        if step.what == "field" and step.model is not None:
            annotation = step.model.model_fields[str(step.name)].annotation
        elif step.what == "key":
            annotation = get_args(bare)[1]
        elif step.what == "entry":
            annotation = get_args(bare)[0]
        else:
            annotation = next(model for model in members(annotation) if kind_of(model) == step.name)
    return annotation


def _keys_at(steps: tuple[Step, ...], values: Mapping[str, Any]) -> Iterator[str | int]:
    """Keys or indices of the mappings and lists that stand at a key of plain values."""
    for _, origin, value in _settle(steps, "file", values, ()):
        if origin == "file" and isinstance(value, Mapping):
            yield from value
        elif origin == "file" and isinstance(value, list | tuple):
            yield from range(len(value))


def _settle(
    steps: tuple[Step, ...], origin: Origin, value: Any, path: Path
) -> Iterator[tuple[Path, Origin, Any]]:
    """What holds at every place that the steps mean, from a value that stands before them."""
    if not steps:
        yield path, origin, value
        return
    step, rest = steps[0], steps[1:]
    if step.what == "kind":
        if origin != "file" or _kind_in(value) == step.name:
            yield from _settle(rest, origin, value, path)
    elif step.what == "field" and step.model is not None:
        name = str(step.name)
        if origin == "file" and isinstance(value, str):
            value = _spelt_out(step.model, value)
        if origin == "file" and isinstance(value, Mapping) and name in value:
            yield from _settle(rest, "file", value[name], (*path, name))
        elif origin == "file" and isinstance(value, Mapping):
            yield from _settle(rest, *_default(step.model.model_fields[name]), (*path, name))
        elif isinstance(value, BaseModel):
            yield from _settle(rest, "default", getattr(value, name), (*path, name))
        elif origin in ("unset", "missing") or (origin == "default" and value is None):
            yield from _settle(rest, "unset", None, (*path, name))
    elif isinstance(value, Mapping):
        for key in value if step.name is None else [step.name]:
            if key in value:
                yield from _settle(rest, origin, value[key], (*path, key))
    elif isinstance(value, list | tuple):
        for index in range(len(value)) if step.name is None else [step.name]:
            if isinstance(index, int) and index < len(value):
                yield from _settle(rest, origin, value[index], (*path, index))


def _default(info: FieldInfo) -> tuple[Origin, Any]:
    if info.is_required():
        return "missing", None
    value = info.get_default(call_default_factory=True, validated_data={})
    return ("unset", None) if value is None else ("default", value)


def _kind_in(value: Any) -> str | None:
    """The kind that an entry of a union has in a file; a text and a mapping with `script` are rsql jobs."""
    if isinstance(value, str):
        return "rsql"
    if isinstance(value, Mapping):
        kind = value.get("kind", "rsql" if "script" in value else None)
        return kind if isinstance(kind, str) else None
    return None


def _spelt_out(model: type[BaseModel], text: str) -> Mapping[str, Any]:
    """The mapping that a bare text stands for: its model's required field."""
    required = [name for name, info in model.model_fields.items() if info.is_required()]
    return {required[0]: text} if len(required) == 1 else {}


def _meaning(steps: tuple[Step, ...]) -> tuple[object, ...]:
    """What two keys have in common that can be explained as one."""
    last = steps[-1]
    without_kinds = tuple(step for step in steps if step.what != "kind")
    if last.what == "field" and last.model is not None and last.name != "kind":
        info = last.model.model_fields[str(last.name)]
        return (without_kinds, type_name(info.annotation), default_text(info), info.description)
    return (without_kinds,)


def _explanation(
    group: Sequence[tuple[Step, ...]], sources: Sequence[StackSource], samples: Sequence[Mapping[str, Any]]
) -> Explanation:
    steps = group[0]
    kinds = tuple(str(step.name) for one in group for step in one if step.what == "kind")
    variants, shared = _variants(steps)
    general = _of_every_kind(steps) if shared else steps
    if len(group) > 1:
        steps = _of_every_kind(steps)
    info = _field(steps)
    annotation = _annotation(group[0])
    inner = members(annotation)
    key = key_text(steps)
    description = info.description if info is not None and info.description else None
    if steps[-1].what != "field":
        description = (inner[0].__doc__ if len(inner) == 1 else None) or description or ""
    allowed, bounds, pattern = _limits(group, annotation)
    settings = tuple(_settings(group, sources))
    examples = [value for sample in samples for value in _samples(group, sample)]
    examples = examples or [value for sample in samples for value in _samples(variants, sample)]
    written = [setting.value for setting in settings if setting.origin == "file"]
    return Explanation(
        key=key,
        name=str(steps[-1].name) if steps[-1].what == "field" else steps[-1].text.lstrip("."),
        type=type_name(annotation),
        required=bool(info and info.is_required() and steps[-1].what == "field"),
        default=default_text(info) if info is not None and steps[-1].what == "field" else "",
        description=" ".join((description or "").split()),
        allowed=allowed,
        bounds=bounds,
        pattern=pattern,
        kinds=tuple(dict.fromkeys(kinds)),
        below=tuple(_below(annotation)),
        section=section_title(_parent(key_text(general))),
        example=_shortest(examples or written),
        settings=settings,
    )


def _of_every_kind(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return tuple(replace(step, name=EVERY_KIND) if step.what == "kind" else step for step in steps)


def _variants(steps: tuple[Step, ...]) -> tuple[list[tuple[Step, ...]], bool]:
    """The same key in the other kinds of a union where it means the same, and whether it does in all."""
    at = next((at for at, step in enumerate(steps) if step.what == "kind"), None)
    if at is None or at + 1 == len(steps):
        return [steps], False
    models = members(_annotation(steps[:at]))
    found = []
    for model in models:
        name = str(steps[at + 1].name)
        if name in model.model_fields:
            head = (Step("kind", kind_of(model)), Step("field", name, model))
            found.append((*steps[:at], *head, *steps[at + 2 :]))
    same = [variant for variant in found if _meaning(variant) == _meaning(steps)]
    return same, len(same) == len(models)


def _shortest(values: Sequence[Any]) -> Any:
    """The first plain value; of lists and mappings the one that is written in the fewest characters."""
    if not values or not isinstance(values[0], list | dict):
        return values[0] if values else None
    return min(values, key=lambda value: (not value, len(str(value))))


def _parent(key: str) -> str:
    return key.rpartition(".")[0] or TOP_LEVEL


def _field(steps: tuple[Step, ...]) -> FieldInfo | None:
    """The last field of a key: an entry of a list is documented by the list."""
    for step in reversed(steps):
        if step.what == "field" and step.model is not None:
            return step.model.model_fields[str(step.name)]
    return None


def _settings(group: Sequence[tuple[Step, ...]], sources: Sequence[StackSource]) -> Iterator[Setting]:
    for source in sources:
        seen: set[Path] = set()
        for steps in group:
            for path, origin, value in _settle(steps, "file", source.values, ()):
                if path in seen:
                    continue
                seen.add(path)
                mark = source.mark(path) if origin == "file" else None
                yield Setting(
                    stack=source.stack,
                    path=path,
                    origin=origin,
                    value=_shown(path, value),
                    file=source.path.as_posix(),
                    line=mark.line if mark else 0,
                    column=mark.column if mark else 0,
                )


def _shown(path: Path, value: Any) -> Any:
    """The value as plain data; what may be a secret is left out at every depth."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, Mapping):
        if set(value) == {"secure"}:
            return _HIDDEN
        return {str(key): _shown((*path, str(key)), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_shown((*path[:-1], index), inner) for index, inner in enumerate(value)]
    # The name of a secret is config and is shown; what looks like a credential is not.
    if isinstance(value, str) and (must_hide((), value) or _is_credential_key(path)):
        return _HIDDEN
    return value


def _is_credential_key(path: Path) -> bool:
    return bool(path) and path[-1] != "secret" and must_hide(path, "")


def _samples(group: Sequence[tuple[Step, ...]], sample: Mapping[str, Any]) -> Iterator[Any]:
    for steps in group:
        loose = tuple(replace(step, name=None) if step.what in ("key", "entry") else step for step in steps)
        for path, origin, value in _settle(loose, "file", sample, ()):
            if origin == "file":
                yield _shown(path, value)


def _below(annotation: Any) -> Iterator[Below]:
    bare = plain(annotation)
    inner = members(annotation)
    if get_origin(bare) is tuple:
        for row in _below(get_args(bare)[0]):
            yield replace(row, key=ONE_ENTRY + ("" if row.key[0] == "(" else ".") + row.key)
    elif (value := _mapping_value(annotation)) is not None:
        for row in _below(value):
            yield replace(row, key=f"{ONE_KEY}.{row.key}")
    elif inner:
        shared = set.intersection(*(_facts(model) for model in inner)) if len(inner) > 1 else set()
        for index, model in enumerate(inner):
            for row in sorted(rows_of(model), key=lambda row: row in shared, reverse=True):
                if row in shared and index:
                    continue
                kind = EVERY_KIND if row in shared else kind_of(model)
                yield replace(row, key=f"({kind}).{row.key}") if len(inner) > 1 else row


def _facts(model: type[BaseModel]) -> set[Below]:
    return set(rows_of(model))


def rows_of(model: type[BaseModel]) -> list[Below]:
    """The keys of a model, in its order."""
    return [
        Below(
            name,
            type_name(info.annotation),
            info.is_required(),
            default_text(info),
            " ".join((info.description or "").split()),
        )
        for name, info in model.model_fields.items()
    ]


def _limits(
    group: Sequence[tuple[Step, ...]], annotation: Any
) -> tuple[tuple[str, ...], tuple[str, ...], str | None]:
    """Allowed values, sentences on bounds, and the pattern, from the JSON schema of the models."""
    allowed: dict[str, None] = {}
    bounds: dict[str, None] = {}
    pattern: str | None = None
    for steps in group:
        last = next(step for step in reversed(steps) if step.what == "field")
        if last.model is None:
            continue
        document = last.model.model_json_schema()
        schema = _resolved(document["properties"][str(last.name)], document)
        after = steps[steps.index(last) + 1 :]
        for step in after:
            if step.what == "entry":
                schema = _resolved(schema.get("items", {}), document)
            elif step.what == "key":
                schema = _resolved(_values_schema(schema), document)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            continue
        choices, sentences, shape = _of_schema(schema)
        allowed.update(dict.fromkeys(choices))
        bounds.update(dict.fromkeys(sentences))
        pattern = pattern or shape
    expected = _expected(group, annotation)
    if expected:
        bounds = {f"must be {expected}": None, **bounds}
    return tuple(allowed), tuple(bounds), pattern


def _values_schema(schema: Mapping[str, Any]) -> Any:
    by_pattern = schema.get("patternProperties") or {}
    return next(iter(by_pattern.values()), schema.get("additionalProperties", {}))


def _resolved(schema: Any, document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema without reference and without null."""
    if not isinstance(schema, Mapping):
        return {}
    if "$ref" in schema:
        target: Mapping[str, Any] = document["$defs"][str(schema["$ref"]).rpartition("/")[2]]
        return target
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    if len(options) == 1:
        return _resolved(options[0], document)
    return schema


def _of_schema(schema: Mapping[str, Any]) -> tuple[list[str], list[str], str | None]:
    choices = [str(choice) for choice in schema.get("enum", ())]
    if "const" in schema:
        choices.append(str(schema["const"]))
    said = []
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        said.append(f"{least} to {most}")
    elif least is not None or most is not None:
        said.append(f"at least {least}" if least is not None else f"at most {most}")
    if "maxLength" in schema:
        said.append(f"at most {schema['maxLength']} characters")
    fewest, longest = schema.get("minItems", schema.get("minProperties")), schema.get("maxItems")
    if fewest and longest:
        said.append(f"{fewest} to {longest} entries")
    elif fewest:
        said.append(f"at least {fewest} {'entry' if fewest == 1 else 'entries'}")
    if schema.get("format") == "date":
        said.append("a date as yyyy-mm-dd")
    items = schema.get("items")
    if isinstance(items, Mapping):
        inner, sentences, _ = _of_schema(items)
        choices += inner
        said += [f"each entry {sentence}" for sentence in sentences]
    pattern = schema.get("pattern")
    return choices, said, str(pattern) if pattern is not None else None


def _expected(group: Sequence[tuple[Step, ...]], annotation: Any) -> str | None:
    """What the shape of a text is called, where the model names it."""
    last = group[0][-1]
    if last.what == "field" and last.model is not None:
        info = last.model.model_fields[str(last.name)]
        for extra in info.metadata:
            if isinstance(extra, Shaped):
                return extra.expected
    return _shape_of(annotation if last.what != "field" else _raw(group[0]))


def _raw(steps: tuple[Step, ...]) -> Any:
    last = steps[-1]
    return last.model.model_fields[str(last.name)].annotation if last.model is not None else None


def _shape_of(annotation: Any) -> str | None:
    """The shape of a text inside optional and annotated types, not inside lists or mappings."""
    for extra in getattr(annotation, "__metadata__", ()):
        if isinstance(extra, Shaped):
            return extra.expected
    bare = get_origin(annotation)
    if bare is tuple or (isinstance(bare, type) and issubclass(bare, Mapping)):
        return None
    for inner in get_args(annotation):
        found = _shape_of(inner)
        if found:
            return found
    return None
