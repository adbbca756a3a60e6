"""Preconditions of a stage, by `kind` (specs/rsql-orchestration, "Ours" 5): polled, with a bound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from landfall.config.base import Shaped, Strict, Whole
from landfall.config.errors import CONTRADICTION, ONE_OF, Finding, show
from landfall.config.fields import Timezone

BucketName = Annotated[str, Shaped(pattern=r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", expected="a bucket name")]
ObjectKey = Annotated[str, Shaped(pattern=r"(?s).+", expected="an object key or prefix", maximum=1024)]
TableName = Annotated[
    str,
    Shaped(
        pattern=r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*){0,2}",
        expected="a table as [database.][schema.]table",
        maximum=383,
    ),
]
ClockTime = Annotated[
    str, Shaped(pattern=r"([01][0-9]|2[0-3]):[0-5][0-9]", expected='a time in quotes, as "06:00"')
]
WorkflowId = Annotated[
    str,
    Shaped(
        pattern=r"[A-Za-z0-9][A-Za-z0-9_-]*", expected="letters, digits, hyphens and underscores", maximum=64
    ),
]


class PreconditionBase(Strict):
    """What every precondition has."""

    poll_seconds: Annotated[Whole, Field(ge=1, le=86_400)] = 30
    """Time between two looks, in seconds."""
    timeout_seconds: Annotated[Whole, Field(ge=1, le=604_800)] = 3600
    """Longest wait, in seconds; afterwards the workflow fails."""

    def rules(self) -> Iterator[Finding]:
        """At least two looks."""
        if self.poll_seconds > self.timeout_seconds:
            at = "poll_seconds" if "poll_seconds" in self.model_fields_set else "timeout_seconds"
            yield Finding(
                code=CONTRADICTION,
                path=(at,),
                found=show(getattr(self, at)),
                message=f"polls every {self.poll_seconds} s, but times out after {self.timeout_seconds} s",
                suggestion=max(1, self.timeout_seconds // 2)
                if at == "poll_seconds"
                else self.poll_seconds * 2,
            )


class S3ObjectPrecondition(PreconditionBase):
    """An object, or any object under a prefix, exists."""

    kind: Literal["s3_object"]
    """Kind of precondition."""
    bucket: BucketName
    """Name of the bucket."""
    key: ObjectKey | None = None
    """Key of the object; without `prefix`."""
    prefix: ObjectKey | None = None
    """Prefix under which at least one object must exist; without `key`."""

    def rules(self) -> Iterator[Finding]:
        """Key or prefix."""
        yield from super().rules()
        if (self.key is None) == (self.prefix is None):
            yield Finding(
                code=ONE_OF,
                message="exactly one of key and prefix is needed, "
                + ("both are given" if self.key is not None else "neither is given"),
                hint="Keep one of them."
                if self.key is not None
                else "Add one, for example prefix: incoming/.",
            )


class TableRowsPrecondition(PreconditionBase):
    """A table of the warehouse has rows."""

    kind: Literal["table_rows"]
    """Kind of precondition."""
    table: TableName
    """Table, as `schema.table`."""
    minimum: Annotated[Whole, Field(ge=1)] = 1
    """Fewest rows."""


class WorkflowCompletedPrecondition(PreconditionBase):
    """Another workflow has completed."""

    kind: Literal["workflow_completed"]
    """Kind of precondition."""
    workflow_id: WorkflowId
    """Id of the other workflow."""
    within: Literal["today"] = "today"
    """Since when: today is since midnight UTC."""


class TimeWindowPrecondition(PreconditionBase):
    """It is between two times of the day; a window may cross midnight."""

    kind: Literal["time_window"]
    """Kind of precondition."""
    start: ClockTime
    """First minute, in quotes, as "06:00"."""
    end: ClockTime
    """Minute after the last, in quotes, as "22:00"."""
    timezone: Timezone = "UTC"
    """Time zone of start and end."""

    def rules(self) -> Iterator[Finding]:
        """A window that is not empty."""
        yield from super().rules()
        if self.start == self.end:
            yield Finding(
                code=CONTRADICTION,
                path=("end",),
                found=show(self.end),
                message="the window is empty: it ends when it starts",
                hint="Write a later end.",
            )


PRECONDITION_KINDS = ("s3_object", "table_rows", "workflow_completed", "time_window")

Precondition = Annotated[
    S3ObjectPrecondition | TableRowsPrecondition | WorkflowCompletedPrecondition | TimeWindowPrecondition,
    Field(discriminator="kind"),
]
"""A precondition of some kind."""
