"""States, transitions, retries and catches of the machine, and which of them executions have taken. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from workflows.asl.machine import StateMachine

UNREACHABLE: Final[Mapping[str, str]] = {
    "Route → CloseWorkflow": "only if the record of a fast plan could not be composed, which no input does"
}
"""States and edges, as they are printed, that no execution can take, and why."""


@dataclass(frozen=True, order=True)
class Edge:
    """One way to leave a state, or to try it again."""

    kind: str
    """next, retry or catch."""
    state: str
    to: str
    place: int = 0
    """Which of the state's catchers."""

    def __str__(self) -> str:
        arrow = {"next": "→", "retry": "↺", "catch": "⇢"}[self.kind]
        return f"{self.state} {arrow} {self.to}" if self.kind != "retry" else f"{self.state} {arrow}"


@dataclass(frozen=True)
class Coverage:
    """What there is, and what was taken."""

    states: frozenset[str]
    edges: frozenset[Edge]
    entered: frozenset[str]
    taken: frozenset[Edge]

    @property
    def missing_states(self) -> list[str]:
        """States that no execution entered."""
        return sorted(self.states - self.entered)

    @property
    def complete(self) -> bool:
        """Whether all states, retries and catches were taken, but for those that cannot be."""
        edges = [*self.missing("retry"), *self.missing("catch")]
        return not [name for name in (*self.missing_states, *map(str, edges)) if name not in UNREACHABLE]

    def missing(self, kind: str) -> list[Edge]:
        """Edges of a kind that no execution took."""
        return sorted(edge for edge in self.edges - self.taken if edge.kind == kind)

    def share(self, kind: str) -> tuple[int, int]:
        """Taken edges of a kind, and all of them."""
        of_kind = {edge for edge in self.edges if edge.kind == kind}
        return len(of_kind & self.taken), len(of_kind)


def edges(machine: StateMachine) -> frozenset[Edge]:
    """Every edge of the definition."""
    found: set[Edge] = set()
    for name, state in machine.walk():
        fields = state.fields
        if "Next" in fields:
            found.add(Edge("next", name, fields["Next"]))
        for rule in fields.get("Choices", ()):
            found.add(Edge("next", name, rule["Next"]))
        if "Default" in fields:
            found.add(Edge("next", name, fields["Default"]))
        if fields.get("Retry"):
            found.add(Edge("retry", name, name))
        for place, catcher in enumerate(fields.get("Catch", ())):
            found.add(Edge("catch", name, catcher["Next"], place))
    return frozenset(found)


def coverage(machine: StateMachine, counts: Iterable[Mapping[str, Any]]) -> Coverage:
    """Coverage from the emulator's record (`/_landfall/trace`)."""
    states = frozenset(name for name, _ in machine.walk())
    entered: set[str] = set()
    taken: set[Edge] = set()
    for count in counts:
        state, kind, detail = count["state"], count["kind"], count["detail"]
        if state not in states:
            continue
        if kind == "entered":
            entered.add(state)
        elif kind == "next":
            taken.add(Edge("next", state, detail))
        elif kind == "retry":
            taken.add(Edge("retry", state, state))
        elif kind == "catch":
            place, _, to = detail.partition(":")
            taken.add(Edge("catch", state, to, int(place)))
    return Coverage(states, edges(machine), frozenset(entered), frozenset(taken))
