"""What the function takes and gives."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

EXECUTION_NAME = r"[A-Za-z0-9_.-]{1,80}"
"""Names of executions: what Step Functions allows, less what a log link would have to escape."""


class Settings(BaseModel):
    """Environment variables of the function."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    state_machine_arn: str = Field(min_length=1)
    config_table: str = Field(min_length=1)


class StartRequest(BaseModel):
    """A start, as the event asks for it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    workflow_id: str = Field(min_length=1, max_length=255)
    workflow_execution_id: str | None = Field(default=None, pattern=f"^{EXECUTION_NAME}$")
    event_id: str | None = Field(default=None, min_length=1, max_length=1024)
    """Identity of the event; it makes the execution's name when the event does not name it."""


class StartResult(BaseModel):
    """What became of the request."""

    model_config = ConfigDict(frozen=True)

    status: Literal["started", "already running"]
    workflow_id: str
    workflow_execution_id: str
    execution_arn: str | None


def request_of(event: Any) -> Any:
    """The request in `event`: the event itself, or the detail of an EventBridge event with its id.

    Details carry other keys for other readers; of those only the request's own are taken. What is no JSON
    object is returned as it is, and is no request.
    """
    if not isinstance(event, dict) or "detail" not in event:
        return event
    detail = event["detail"] if isinstance(event["detail"], dict) else {}
    known = {key: detail[key] for key in ("workflow_id", "workflow_execution_id") if key in detail}
    return {**known, "event_id": event.get("id")}
