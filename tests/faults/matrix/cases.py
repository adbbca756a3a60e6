"""The cases, generated from the machine's own definition: every Task state with every fault. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sandbox.faults import Rule, fail, hang, lose, throttle, twice
from workflows.asl.machine import StateMachine

Lane = Literal["inline", "large"]


@dataclass(frozen=True)
class FaultKind:
    """A column of the matrix."""

    name: str
    says: str
    absorbed: bool
    """Whether the machine must come to the same end as without the fault."""
    rule: Callable[..., Rule]


FAULTS: Final[tuple[FaultKind, ...]] = (
    FaultKind(
        "throttled once", "the first call is throttled", True, lambda **m: throttle("*", first=1, **m)
    ),
    FaultKind("throttled for long", "every call is throttled", False, lambda **m: throttle("*", **m)),
    FaultKind(
        "failed",
        "every call is refused with AccessDeniedException",
        False,
        lambda **m: fail("*", error="AccessDeniedException", status=400, **m),
    ),
    FaultKind("hung", "the first call is not executed and gets no answer", False,
              lambda **m: hang("*", first=1, **m)),
    FaultKind("answered twice", "the first call is executed two times", True,
              lambda **m: twice("*", first=1, **m)),
    FaultKind("result lost", "the first call is executed and its connection breaks", False,
              lambda **m: lose("*", first=1, **m)),
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One cell of the matrix."""

    number: int
    lane: Lane
    state: str
    operation: str
    fault: FaultKind

    @property
    def workflow(self) -> str:
        """Its workflow id; no id is the beginning of another one."""
        return f"m{self.number:04d}"

    @property
    def base(self) -> str:
        """The state's name without its lane."""
        return base_of(self.state)

    def rule(self, execution: str, **match: Any) -> Rule:
        """The fault, for one execution and the state's own operation (polls of `.sync` are others)."""
        built = self.fault.rule(operation=self.operation, state=self.state, execution=execution, **match)
        return built.model_copy(update={"id": f"case-{self.number}"})


def base_of(state: str) -> str:
    """``RunScript (full)`` is the state RunScript."""
    return state.split(" (")[0]


def operation_of(resource: str) -> str:
    """The API operation behind a Task's resource: ``…:ssm:sendCommand.waitForTaskToken`` is SendCommand."""
    action = resource.split(":::", 1)[1].removeprefix("aws-sdk:").split(":")[1].split(".")[0]
    return action[0].upper() + action[1:]


def tasks(machine: StateMachine) -> dict[str, Mapping[str, Any]]:
    """Name and fields of every Task state, those inside Maps included."""
    return {name: state.fields for name, state in machine.walk() if state.fields["Type"] == "Task"}


def lane_of(state: str) -> Lane:
    """The plane on which a state is reached: distributed Maps have one of their own."""
    return "large" if state.endswith("(large)") else "inline"


def cases(machine: StateMachine, only: Iterable[str] = ()) -> list[Case]:
    """Every case, by the machine's order of states; `only` keeps those whose state or fault is named."""
    found = [
        Case(number, lane_of(state), state, operation_of(fields["Resource"]), fault)
        for number, (state, fields, fault) in enumerate(
            ((state, fields, fault) for state, fields in tasks(machine).items() for fault in FAULTS), 1
        )
    ]
    wanted = list(only)
    return [case for case in found if not wanted or _wanted(case, wanted)]


def _wanted(case: Case, wanted: list[str]) -> bool:
    names = (case.state, case.base, f"{case.state}/{case.fault.name}", f"{case.base}/{case.fault.name}")
    return any(word in names for word in wanted)
