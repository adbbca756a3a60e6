"""What the function takes and gives."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

LATEST = 253_402_300_799_999
"""The end of the year 9999, in milliseconds since the epoch."""


class Settings(BaseModel):
    """Environment variables of the function."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    job_audit_table: str = Field(min_length=1)
    workflow_audit_table: str = Field(min_length=1)
    topic_arn: str = Field(min_length=1)
    log_group: str = Field(min_length=1)
    aws_region: str = Field(min_length=1)
    stack_name: str = Field(min_length=1)
    """For the resume command of the notification."""
    retention_days: int = Field(ge=1)
    """Time to live of a record that this function has to make."""


class EndedExecution(BaseModel):
    """The detail of a Step Functions Execution Status Change event."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, hide_input_in_errors=True)

    execution_arn: str = Field(alias="executionArn", min_length=1)
    name: str = Field(min_length=1)
    status: Literal["ABORTED", "TIMED_OUT", "FAILED"]
    start_date: int = Field(alias="startDate", ge=0, le=LATEST)
    """Milliseconds since the epoch."""
    stop_date: int | None = Field(default=None, alias="stopDate", ge=0, le=LATEST)
    input: str | None = None
    """JSON; missing when it was too large for the event."""
    error: str | None = None
    cause: str | None = None

    def asked(self, key: str) -> str | None:
        """A text of the execution's input."""
        try:
            document: Any = json.loads(self.input or "{}")
        except (ValueError, RecursionError):
            return None
        value = document.get(key) if isinstance(document, dict) else None
        return value if isinstance(value, str) and value else None

    @property
    def workflow_execution_id(self) -> str:
        """The key of the records: what the input says, else the execution's name."""
        return self.asked("workflow_execution_id") or self.name


class CloseResult(BaseModel):
    """What was done."""

    model_config = ConfigDict(frozen=True)

    workflow_execution_id: str
    workflow_closed: bool
    jobs_closed: int
    commands_cancelled: int
    notified: bool
    failures: tuple[str, ...] = ()
    """Cancellations that did not work, as sentences."""


def detail_of(event: Any) -> Any:
    """The detail of an EventBridge event; None where the event has none."""
    return event.get("detail") if isinstance(event, dict) else None
