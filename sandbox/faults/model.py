"""A fault rule: which calls it is about, on which of them it acts, and what happens then. Pure.

The emulator gets rules as the JSON of this model (`landfall_emulator.faults.rules`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self, Unpack, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

Effect = Literal["fail", "throttle", "hang", "delay", "twice", "lose"]
EFFECTS: Final[Mapping[str, str]] = {
    "fail": "not executed; answers with an error",
    "throttle": "not executed; answers with the service's own throttling error",
    "hang": "not executed; never answers, then the connection breaks",
    "delay": "executed late",
    "twice": "executed two times; the second answer is returned",
    "lose": "executed; the connection breaks before the answer, or an error is answered",
}
"""What a rule can do to a call."""
assert set(EFFECTS) == set(get_args(Effect))  # noqa: S101 - both name the same effects

WITH_ERROR: Final = frozenset({"fail", "throttle", "lose"})
WITH_SECONDS: Final = frozenset({"hang", "delay", "twice"})

Pattern = Annotated[str, Field(min_length=1, max_length=256)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]


def _refuse(message: str) -> PydanticCustomError:
    return PydanticCustomError("fault_rule", "{message}", {"message": message})


class Rule(BaseModel):
    """One fault. Patterns take ``*`` and ``?`` and ignore letter case; what is left out matches anything."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")] | None = None
    """Name of the rule; the sandbox gives one where it is left out."""
    effect: Effect
    """What happens to the call (`EFFECTS`)."""
    service: Pattern = "*"
    """The service as boto3 names it: ``dynamodb``, ``stepfunctions``, ``redshift-data``."""
    operation: Pattern = "*"
    """The operation as the API reference names it: ``PutItem``, ``Get*``."""
    account: Pattern | None = None
    """Twelve digits, or an alias of the sandbox (`Faults` replaces it): the account that calls."""
    region: Pattern | None = None
    contains: str | Mapping[str, str] = Field(default_factory=dict)
    """Text in the request's parameters: one text anywhere, or a text for each named top-level parameter."""
    state: Pattern | None = None
    """Step Functions state that makes the call: ``RunScript``, ``RecordCompleted (full)``."""
    execution: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """Text in the ARN of the execution that makes the call."""
    first: Count | None = None
    """Act on the first so many matching calls."""
    every: Count | None = None
    """Act on every so many-th matching call."""
    from_: Count | None = Field(default=None, alias="from")
    """Act from this matching call on, counted from 1."""
    to: Count | None = None
    """Act up to this matching call, itself included."""
    share: Annotated[float, Field(gt=0, le=1, strict=False)] | None = None
    """Act on this share of the matching calls, the same ones for the same seed."""
    seed: Annotated[int, Field(ge=0, le=2**53)] | None = None
    error: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")] | None = None
    """Error code; the service's own internal (or throttling) error where it is left out."""
    message: Annotated[str, Field(max_length=1_000)] | None = None
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    """HTTP status of the error."""
    seconds: Annotated[float, Field(ge=0, le=3_600, strict=False)] | None = None
    """How long a hang lasts at most (900), how late a delayed call is executed, pause between two calls."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        turns = [name for name in ("first", "every", "share") if getattr(self, name) is not None]
        if self.from_ is not None or self.to is not None:
            turns.append("from/to")
        if len(turns) > 1:
            raise _refuse(f"{' and '.join(turns)} exclude each other; keep one")
        if self.from_ is not None and self.to is not None and self.to < self.from_:
            raise _refuse(f"to is {self.to} and comes before from, which is {self.from_}")
        if self.seed is not None and self.share is None:
            raise _refuse("seed says which calls a share hits; add share, or remove it")
        if self.effect == "delay" and self.seconds is None:
            raise _refuse("delay needs seconds")
        if self.seconds is not None and self.effect not in WITH_SECONDS:
            raise _refuse(f"{self.effect} takes no seconds; only {_listed(WITH_SECONDS)} do")
        named = [name for name in ("error", "message", "status") if getattr(self, name) is not None]
        if named and self.effect not in WITH_ERROR:
            raise _refuse(f"{self.effect} takes no {named[0]}; only {_listed(WITH_ERROR)} do")
        if self.effect == "lose" and self.error is None and named:
            raise _refuse(f"{named[0]} needs error: without one, the connection breaks")
        return self

    def wire(self) -> dict[str, Any]:
        """The rule as the emulator takes it."""
        document = self.model_dump(by_alias=True, exclude_none=True)
        contains = document.pop("contains")
        if isinstance(contains, str):
            contains = {"*": contains} if contains else {}
        return {**document, **({"contains": dict(contains)} if contains else {})}

    def effect_text(self) -> str:
        """The effect with what it says or how long it takes."""
        more = [str(part) for part in (self.error, self.status) if part is not None]
        if self.seconds is not None:
            more.append(f"{self.seconds:g} s")
        return " ".join([self.effect, *more])

    def call_text(self) -> str:
        """The calls that the rule is about."""
        contains = {"*": self.contains} if isinstance(self.contains, str) else self.contains
        parts = [f"{self.service}:{self.operation}"]
        parts += [
            f"{name}={value}"
            for name in ("account", "region", "state", "execution")
            if (value := getattr(self, name)) is not None
        ]
        parts += [f"{name}~{text}" for name, text in contains.items() if text]
        return " ".join(parts)

    def turn_text(self) -> str:
        """The calls among them that the rule acts on."""
        if self.first is not None:
            return f"first {self.first}"
        if self.every is not None:
            return f"every {self.every}"
        if self.share is not None:
            return f"share {self.share:g}, seed {self.seed or 0}"
        if self.from_ is not None or self.to is not None:
            return f"from {self.from_ or 1}" + (f" to {self.to}" if self.to is not None else "")
        return "all"


class ActiveRule(Rule):
    """A rule in force, with its counts."""

    id: str
    seen: int
    """Calls that matched."""
    fired: int
    """Calls that the rule acted on."""


ACTIVE: Final = TypeAdapter(list[ActiveRule])


def _listed(names: frozenset[str]) -> str:
    return " and ".join(sorted(names))


class Match(TypedDict, total=False):
    """What every maker below takes besides service and operation: the fields of `Rule`."""

    id: str
    account: str
    region: str
    contains: str | Mapping[str, str]
    state: str
    execution: str
    first: int
    every: int
    from_: int
    to: int
    share: float
    seed: int


def fail(
    service: str = "*",
    operation: str = "*",
    error: str | None = None,
    message: str | None = None,
    status: int | None = None,
    **match: Unpack[Match],
) -> Rule:
    """A rule after which calls fail with this error; with the service's internal error by default."""
    return Rule(
        effect="fail",
        service=service,
        operation=operation,
        error=error,
        message=message,
        status=status,
        **match,
    )


def throttle(service: str = "*", operation: str = "*", **match: Unpack[Match]) -> Rule:
    """A rule after which calls are throttled, as the service words it."""
    return Rule(effect="throttle", service=service, operation=operation, **match)


def hang(
    service: str = "*", operation: str = "*", seconds: float | None = None, **match: Unpack[Match]
) -> Rule:
    """A rule after which calls are not executed and get no answer for `seconds` (900)."""
    return Rule(effect="hang", service=service, operation=operation, seconds=seconds, **match)


def delay(service: str = "*", operation: str = "*", *, seconds: float, **match: Unpack[Match]) -> Rule:
    """A rule after which calls are executed `seconds` late."""
    return Rule(effect="delay", service=service, operation=operation, seconds=seconds, **match)


def twice(service: str = "*", operation: str = "*", **match: Unpack[Match]) -> Rule:
    """A rule after which calls are executed two times."""
    return Rule(effect="twice", service=service, operation=operation, **match)


def lose(
    service: str = "*",
    operation: str = "*",
    error: str | None = None,
    status: int | None = None,
    **match: Unpack[Match],
) -> Rule:
    """A rule after which calls are executed and their answers lost: the connection breaks, or `error`."""
    return Rule(effect="lose", service=service, operation=operation, error=error, status=status, **match)
