"""Runs small state machines on the sandbox."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ROLE = "states-under-test"
_SECONDS = 60.0


@dataclass(frozen=True)
class Execution:
    """An execution that has ended."""

    status: str
    output: Any
    error: str | None
    cause: str | None
    events: list[dict[str, Any]]
    seconds: float

    def types(self) -> list[str]:
        """Event types in order."""
        return [event["type"] for event in self.events]


def ensure_role(aws: Callable[..., Any], service: str, name: str = ROLE) -> str:
    """A role that the service may take, made at the first call; returns its ARN."""
    iam = aws("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": f"{service}.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    try:
        return str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"])
    except iam.exceptions.EntityAlreadyExistsException:
        return str(iam.get_role(RoleName=name)["Role"]["Arn"])


def start(aws: Callable[..., Any], definition: dict[str, Any], given: Any = None) -> str:
    """Start a machine and return the execution's ARN."""
    states = aws("stepfunctions")
    machine = states.create_state_machine(
        name=f"m-{uuid.uuid4().hex[:12]}",
        definition=json.dumps({"QueryLanguage": "JSONata", **definition}),
        roleArn=ensure_role(aws, "states"),
    )["stateMachineArn"]
    return str(states.start_execution(stateMachineArn=machine, input=json.dumps(given or {}))["executionArn"])


def finish(aws: Callable[..., Any], arn: str) -> Execution:
    """Wait for an execution's end."""
    states = aws("stepfunctions")
    began = time.monotonic()
    while True:
        found = states.describe_execution(executionArn=arn)
        if found["status"] != "RUNNING":
            break
        if time.monotonic() - began > _SECONDS:
            raise TimeoutError(f"{arn} did not end within {_SECONDS} s")
        time.sleep(0.05)
    pages = states.get_paginator("get_execution_history").paginate(executionArn=arn)
    return Execution(
        status=found["status"],
        output=json.loads(found["output"]) if "output" in found else None,
        error=found.get("error"),
        cause=found.get("cause"),
        events=[event for page in pages for event in page["events"]],
        seconds=(found["stopDate"] - found["startDate"]).total_seconds(),
    )


def run(aws: Callable[..., Any], definition: dict[str, Any], given: Any = None) -> Execution:
    """Start a machine and wait for its end."""
    return finish(aws, start(aws, definition, given))


def one(state: dict[str, Any], **others: dict[str, Any]) -> dict[str, Any]:
    """A machine that starts with `state`, called One."""
    return {"StartAt": "One", "States": {"One": state, **others}}
