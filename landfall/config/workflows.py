"""`landfall:workflows`: the ETL plane and its workflow definitions.

A definition has the source's item shape unchanged (specs/rsql-orchestration, "Contract"), plus what the
platform adds: job kinds, graph stages, preconditions, a schedule, an event start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue

from landfall.config.base import Flag, Key, Ordered, OrderedDeep, Shaped, Strict, Whole
from landfall.config.errors import (
    BAD_SCHEDULE,
    DUPLICATE,
    MALFORMED,
    ONE_OF,
    TOO_LARGE,
    Finding,
    refuse,
    show,
)
from landfall.config.fields import LogRetentionDays, Region, Timezone
from landfall.config.jobs import Job, RsqlJob, ScriptOrJob
from landfall.config.limits import EVENT_PATTERN_CHARACTERS
from landfall.config.preconditions import Precondition, WorkflowId
from landfall.config.schedules import EXAMPLES, BadSchedule, parse
from landfall.config.secrets import looks_secret

ExecutionType = Literal["sequential", "parallel", "graph"]

Email = Annotated[
    str, Shaped(pattern=r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]+", expected="an e-mail address", maximum=254)
]
SecretRef = Annotated[
    str,
    Shaped(
        pattern=r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9_/+=.@-]+|[A-Za-z0-9_/+=.@-]+",
        expected="the name or ARN of a secret in Secrets Manager, never its value",
        maximum=512,
        hidden=True,
    ),
]
Database = Annotated[
    str, Shaped(pattern=r"[A-Za-z_][A-Za-z0-9_$-]*", expected="a database's name", maximum=127)
]
WarehouseName = Annotated[
    str, Shaped(pattern=r"[a-z0-9][a-z0-9-]*", expected="lower-case letters, digits and hyphens", maximum=64)
]
InstanceId = Annotated[
    str, Shaped(pattern=r"m?i-[0-9a-f]{8,17}", expected="an instance id, for example i-0a1b2c3d4e5f60001")
]
EventBus = Annotated[
    str, Shaped(pattern=r"[/.A-Za-z0-9_-]+", expected="the name of an event bus", maximum=256)
]


def _check_expression(value: str) -> str:
    try:
        return parse(value)
    except BadSchedule as error:
        raise refuse(
            Finding(
                code=BAD_SCHEDULE,
                found=show(value),
                message=str(error),
                suggestion=error.suggestion,
                hint="" if error.suggestion else f"For example {EXAMPLES}.",
            )
        ) from None


def _check_pattern(value: Mapping[str, Any]) -> Mapping[str, Any]:
    def leaves(pattern: Mapping[str, Any], path: tuple[str | int, ...]) -> Iterator[Finding]:
        for key, inner in pattern.items():
            if isinstance(inner, Mapping):
                yield from leaves(inner, (*path, key))
            elif not isinstance(inner, list) or not inner:
                yield Finding(
                    code=MALFORMED,
                    path=(*path, key),
                    found=show(inner),
                    message="an event pattern's values are lists that are not empty",
                    suggestion=f"[{inner}]" if isinstance(inner, str) else None,
                    hint="" if isinstance(inner, str) else "Write a list of the values that match.",
                )

    findings = list(leaves(value, ()))
    if not value:
        findings.append(
            Finding(
                code=MALFORMED,
                message="an empty pattern matches nothing",
                hint="For example source: [aws.s3].",
            )
        )
    if len(str(value)) > EVENT_PATTERN_CHARACTERS.value:
        findings.append(
            Finding(
                code=TOO_LARGE,
                message=f"longer than {EVENT_PATTERN_CHARACTERS.value} characters",
                hint="Match on fewer values.",
            )
        )
    if findings:
        raise refuse(*findings)
    return value


class Operations(Strict):
    """Where failures are told and logs are archived."""

    account: Key
    """Alias of the account that holds the notification topic and the log archive."""
    notify_on_success: Flag = False
    """Whether a completed workflow is told too."""
    subscribers: tuple[Email, ...] = ()
    """E-mail addresses that get the notifications."""
    log_retention_days: LogRetentionDays = 90
    """How long logs stay in CloudWatch Logs, in days."""
    archive_retention_days: Annotated[Whole, Field(ge=1, le=36_500)] = 365
    """How long archived logs stay in S3, in days."""

    def rules(self) -> Iterator[Finding]:
        """Every subscriber once."""
        for index, address in enumerate(self.subscribers):
            if address in self.subscribers[:index]:
                yield Finding(
                    code=DUPLICATE,
                    path=("subscribers", index),
                    found=show(address),
                    message="the address is listed twice",
                    hint="Remove one of the two.",
                )


class WarehouseConnection(Strict):
    """The Redshift warehouse that jobs work on."""

    secret: SecretRef
    """Name or ARN of the secret with the credentials; never the credentials."""
    workgroup: WarehouseName | None = None
    """Redshift Serverless workgroup; without `cluster`."""
    cluster: WarehouseName | None = None
    """Provisioned cluster; without `workgroup`."""
    database: Database
    """Database that jobs connect to."""

    def rules(self) -> Iterator[Finding]:
        """Workgroup or cluster; a reference, not a credential."""
        if (self.workgroup is None) == (self.cluster is None):
            yield Finding(
                code=ONE_OF,
                message="exactly one of workgroup and cluster is needed, "
                + ("both are given" if self.cluster is not None else "neither is given"),
                hint="Keep one of them."
                if self.cluster is not None
                else "Add one, for example workgroup: etl.",
            )
        if looks_secret(self.secret):
            yield Finding(
                code=MALFORMED,
                path=("secret",),
                message="expected the name of a secret, this looks like a credential",
                hint="Keep the credential in Secrets Manager and write its name here.",
            )


class Hosts(Strict):
    """Which hosts run scripts: those with a tag, or some by id. Each job runs on one of them."""

    tag_key: Annotated[str, Shaped(pattern=r"[\w .:/=+@-]+", expected="a tag's key", maximum=128)] | None = (
        None
    )
    """Key of the tag; with `tag_value`."""
    tag_value: (
        Annotated[str, Shaped(pattern=r"[\w .:/=+@-]+", expected="a tag's value", maximum=256)] | None
    ) = None
    """Value of the tag; with `tag_key`."""
    instance_ids: tuple[InstanceId, ...] = ()
    """Ids of the hosts, instead of a tag."""

    def rules(self) -> Iterator[Finding]:
        """A tag or ids."""
        tagged = self.tag_key is not None and self.tag_value is not None
        half = (self.tag_key is None) != (self.tag_value is None)
        if half or tagged == bool(self.instance_ids):
            yield Finding(
                code=ONE_OF,
                message="either tag_key and tag_value or instance_ids are needed",
                hint="For example {tag_key: landfall:role, tag_value: etl-host}.",
            )


class Audit(Strict):
    """Audit tables."""

    retention_days: Annotated[Whole, Field(ge=1, le=36_500)] = 400
    """How long audit records are kept, in days."""
    replica_regions: tuple[Region, ...] = ()
    """Further Regions that hold a copy of the audit tables."""


class Schedule(Strict):
    """When a workflow starts (EventBridge Scheduler)."""

    expression: Annotated[str, AfterValidator(_check_expression)]
    """`cron(...)`, `rate(...)` or `at(...)`."""
    timezone: Timezone = "UTC"
    """Time zone of the expression."""
    enabled: Flag = True
    """Whether the schedule is on."""


class Trigger(Strict):
    """Which event starts a workflow."""

    event_bus: EventBus = "default"
    """Event bus of the workflows' account."""
    pattern: Annotated[Mapping[str, JsonValue], OrderedDeep, AfterValidator(_check_pattern)]
    """Event pattern of EventBridge."""


class Stage(Strict):
    """Jobs that run one after another, at the same time, or as a graph."""

    execution_flag: Annotated[str, Shaped(pattern=r"[^\x00-\x1f]*", expected="y or n", maximum=16)] = "y"
    """`y` runs the stage; anything else skips it."""
    execution_type: ExecutionType
    """How the jobs of the stage run."""
    stage_description: Annotated[
        str, Shaped(pattern=r"[^\x00-\x1f\x7f]*", expected="one line of text", maximum=256)
    ] = ""
    """What the stage does."""
    max_concurrency: Annotated[Whole, Field(ge=1, le=1000)] = 40
    """Most jobs at the same time; a sequential stage always has one."""
    preconditions: tuple[Precondition, ...] = ()
    """What must hold before the stage starts."""
    scripts: Annotated[tuple[ScriptOrJob, ...], Field(min_length=1)]
    """Script names, or jobs of any kind."""

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs of the stage, a bare script name as the `rsql` job that it stands for."""
        return tuple(RsqlJob(script=entry) if isinstance(entry, str) else entry for entry in self.scripts)

    @property
    def enabled(self) -> bool:
        """Whether the stage runs."""
        return self.execution_flag == "y"


class WorkflowDefinition(Strict):
    """One ETL workflow."""

    workflow_id: WorkflowId | None = None
    """Id of the workflow: the key of the definition, accepted because the source's items have it."""
    workflow_description: Annotated[
        str, Shaped(pattern=r"[^\x00-\x1f\x7f]*", expected="one line of text", maximum=256)
    ] = ""
    """What the workflow does."""
    schedule: Schedule | None = None
    """When the workflow starts by itself."""
    trigger: Trigger | None = None
    """Event that starts the workflow."""
    timeout_seconds: Annotated[Whole, Field(ge=1, le=31_536_000)] = 86_400
    """Longest time that an execution may take, in seconds."""
    workflow_stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    """Stages, one after another."""


class Workflows(Strict):
    """The ETL plane: where it runs, what it works on, and its workflows."""

    account: Key
    """Alias of the account that the plane is in."""
    network: Key
    """Key of the network that the plane's compute is in."""
    operations: Operations
    """Where failures are told and logs are archived."""
    warehouse: WarehouseConnection
    """Warehouse that jobs work on."""
    hosts: Hosts
    """Hosts that run scripts."""
    scripts: Annotated[str, Shaped(pattern=r"[^\x00-\x1f]+", expected="a folder", maximum=1024)]
    """Folder with the scripts and SQL files, relative to the stack file."""
    audit: Audit = Audit()
    """Audit tables."""
    definitions: Annotated[Mapping[WorkflowId, WorkflowDefinition], Ordered] = Field(default_factory=dict)
    """Workflows by id."""
