"""What an execution's own history says of its cost.

Events are those of Step Functions' ``GetExecutionHistory`` (children of distributed Maps have histories
of their own). (source: specs/rsql-orchestration, "Measured on the sample")
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

Event = Mapping[str, Any]


def states_entered(events: Iterable[Event]) -> Counter[str]:
    """How often each state was entered, by name, iterations of Maps included."""
    return Counter(
        event["stateEnteredEventDetails"]["name"]
        for event in events
        if event["type"].endswith("StateEntered")
    )


def state_transitions(events: Iterable[Event]) -> int:
    """Number of states entered."""
    return states_entered(events).total()


def lambda_invocations(events: Iterable[Event]) -> int:
    """Number of Lambda functions that the machine asked for, retried calls included."""
    return sum(1 for event in events if _asks_for_lambda(event))


def _asks_for_lambda(event: Event) -> bool:
    if event["type"] == "LambdaFunctionScheduled":
        return True
    details = event.get("taskScheduledEventDetails", {})
    return event["type"] == "TaskScheduled" and str(details["resourceType"]) == "lambda"
