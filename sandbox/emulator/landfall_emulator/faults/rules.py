"""Which call meets which fault: rules, their turns and their counts. Standard library only, no I/O.

Rules come in as the JSON objects that `sandbox.faults.model.Rule` writes, already checked.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

ANYWHERE: Final = "*"
"""Parameter name that stands for the whole request."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a service, as the emulator sees it before it is executed."""

    service: str
    operation: str
    account: str
    region: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    state: str = ""
    """Name of the Step Functions state that makes the call; empty for any other caller."""
    execution: str = ""
    """ARN of the execution that makes the call; empty for any other caller."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Which of the matching calls, counted from 1, a rule acts on; all of them where nothing is said."""

    first: int | None = None
    every: int | None = None
    start: int | None = None
    end: int | None = None
    share: float | None = None
    seed: int = 0

    def has_come(self, occurrence: int) -> bool:
        """Whether the rule acts on this occurrence."""
        if self.first is not None:
            return occurrence <= self.first
        if self.every is not None:
            return occurrence % self.every == 0
        if self.share is not None:
            # A function of seed and occurrence: the same rule hits the same occurrences in every run.
            return random.Random(f"{self.seed}:{occurrence}").random() < self.share  # noqa: S311
        return (self.start or 1) <= occurrence and (self.end is None or occurrence <= self.end)


@dataclass(eq=False)
class Fault:
    """A rule in force, with its counts. `released` frees the calls that it holds."""

    rule: Mapping[str, Any]
    turn: Turn
    seen: int = 0
    """Calls that matched."""
    fired: int = 0
    """Calls that it acted on."""
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def id(self) -> str:
        """Name of the rule, unique in the sandbox."""
        return str(self.rule["id"])

    def matches(self, call: Call) -> bool:
        """Whether the call is one that the rule is about."""
        rule = self.rule
        return (
            _like(call.service, rule.get("service"))
            and _like(call.operation, rule.get("operation"))
            and _like(call.account, rule.get("account"))
            and _like(call.region, rule.get("region"))
            and _like(call.state, rule.get("state"))
            and str(rule.get("execution") or "") in call.execution
            and all(_contains(call.parameters, *pair) for pair in dict(rule.get("contains") or {}).items())
        )

    def report(self) -> dict[str, Any]:
        """The rule with its counts, as JSON."""
        return {**self.rule, "seen": self.seen, "fired": self.fired}


class Faults:
    """The rules in force, in the order in which they were added. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._names = 0

    def add(self, rules: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Put rules into force, all or none; a rule without an id gets one.

        Raises:
            ValueError: two rules would have the same id.
        """
        with self._lock:
            taken = {fault.id for fault in self._faults}
            added = []
            for rule in rules:
                name = str(rule.get("id") or self._new_name(taken))
                if name in taken:
                    raise ValueError(f"there is a rule {name} already")
                taken.add(name)
                added.append(Fault({**rule, "id": name}, turn_of(rule)))
            self._faults.extend(added)
            return [fault.report() for fault in added]

    def _new_name(self, taken: set[str]) -> str:
        while True:
            self._names += 1
            if (name := f"fault-{self._names}") not in taken:
                return name

    def remove(self, name: str) -> bool:
        """Take one rule out of force and free the calls that it holds; False where there is none."""
        return bool(self._drop({name}))

    def clear(self) -> int:
        """Take every rule out of force; returns how many there were."""
        return self._drop(None)

    def _drop(self, names: set[str] | None) -> int:
        with self._lock:
            gone = [fault for fault in self._faults if names is None or fault.id in names]
            self._faults = [fault for fault in self._faults if fault not in gone]
        for fault in gone:
            fault.released.set()
        return len(gone)

    def report(self) -> list[dict[str, Any]]:
        """Every rule in force with its counts."""
        with self._lock:
            return [fault.report() for fault in self._faults]

    def decide(self, call: Call) -> Fault | None:
        """The fault that this call meets. Every matching rule counts it; the first whose turn it is acts."""
        acting: Fault | None = None
        with self._lock:
            for fault in self._faults:
                if fault.matches(call):
                    fault.seen += 1
                    if acting is None and fault.turn.has_come(fault.seen):
                        fault.fired += 1
                        acting = fault
        return acting


def turn_of(rule: Mapping[str, Any]) -> Turn:
    """The turns that a rule names."""
    return Turn(
        first=rule.get("first"),
        every=rule.get("every"),
        start=rule.get("from"),
        end=rule.get("to"),
        share=rule.get("share"),
        seed=int(rule.get("seed") or 0),
    )


def _like(value: str, pattern: str | None) -> bool:
    """Whether the value is as the pattern says; ``*`` and ``?`` are wildcards, letter case is ignored."""
    return not pattern or fnmatchcase(value.lower(), pattern.lower())


def _contains(parameters: Mapping[str, Any], name: str, text: str) -> bool:
    """Whether a parameter of the request (or, for `ANYWHERE`, the request) contains the text."""
    value = parameters if name == ANYWHERE else parameters.get(name)
    return value is not None and text in as_text(value)


def as_text(value: Any) -> str:
    """A parameter as text: a string as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_shown)


def _shown(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
