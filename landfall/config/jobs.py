"""Jobs of a workflow, one model per kind, discriminated by `kind`.

Source: specs/rsql-orchestration, "Ours" 2. A bare script name is an `rsql` job; a mapping with `script`
and no `kind` is one too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, JsonValue, Tag, WithJsonSchema

from landfall.config.base import Number, Ordered, OrderedDeep, Shaped, Strict, Whole
from landfall.config.errors import CONTRADICTION, ONE_OF, SECRET_AS_DATA, TOO_LARGE, Finding, refuse, show
from landfall.config.fields import FileName
from landfall.config.limits import BATCH_STATEMENTS, STATEMENT_BYTES
from landfall.config.secrets import secret_in
from landfall.config.sql import split_statements

LONGEST_JOB_SECONDS = 172_800
"""Two days: the longest that a Systems Manager command may run."""

JobName = Annotated[FileName, Shaped(pattern=r"[^:*]+", expected="a job name without : and *", maximum=128)]
FunctionRef = Annotated[
    str, Shaped(pattern=r"[A-Za-z0-9_:-]+", expected="the name or ARN of a Lambda function", maximum=170)
]
MachineRef = Annotated[
    str, Shaped(pattern=r"[A-Za-z0-9_:-]+", expected="the name or ARN of a state machine", maximum=256)
]
RoleArn = Annotated[
    str,
    Shaped(
        pattern=r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+",
        expected="the ARN of an IAM role",
        maximum=256,
    ),
]
S3Uri = Annotated[
    str,
    Shaped(pattern=r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/\S.*", expected="an object as s3://bucket/key"),
]
Argument = Annotated[str, Shaped(pattern=r"[^\x00]*", expected="text without NUL", maximum=4096)]
GlueJobName = Annotated[
    str, Shaped(pattern=r"[^\x00-\x1f]*\S[^\x00-\x1f]*", expected="a Glue job's name", maximum=255)
]
ApplicationId = Annotated[
    str, Shaped(pattern=r"[0-9a-z]+", expected="the id of an EMR Serverless application", maximum=64)
]


def _refuse_secrets(value: Any) -> Any:
    findings = tuple(
        Finding(
            code=SECRET_AS_DATA,
            path=path,
            message="looks like a secret; a secret is never config data",
            hint="Keep it in Secrets Manager and pass the secret's name or ARN.",
        )
        for path in secret_in(value)
    )
    if findings:
        raise refuse(*findings)
    return value


NoSecrets = AfterValidator(_refuse_secrets)


class Retries(Strict):
    """How often and when a failed job is tried again."""

    count: Annotated[Whole, Field(ge=0, le=10)] = 0
    """Further attempts after the first."""
    interval_seconds: Annotated[Whole, Field(ge=1, le=86_400)] = 30
    """Wait before the first further attempt, in seconds."""
    backoff_rate: Annotated[Number, Field(ge=1, le=10)] = 2.0
    """Factor by which the wait grows with each attempt."""


class JobBase(Strict):
    """What every kind of job has."""

    name: JobName | None = None
    """Name in audit records and logs; the default is derived from what the job runs."""
    timeout_seconds: Annotated[Whole, Field(ge=2, le=LONGEST_JOB_SECONDS)] = 3600
    """Longest time that one attempt may take, in seconds."""
    heartbeat_seconds: Annotated[Whole, Field(ge=1, le=LONGEST_JOB_SECONDS)] = 60
    """Longest silence of a running job, in seconds; shorter than the timeout."""
    retries: Retries = Retries()
    """Further attempts after a failure."""
    depends_on: tuple[JobName, ...] = ()
    """Names of jobs of the same stage that must complete first; in stages of type `graph` only."""

    @property
    def job_name(self) -> str:
        """The name of the job, given or derived."""
        return self.name or self._derived_name()

    def _derived_name(self) -> str:
        return "job"

    def rules(self) -> Iterator[Finding]:
        """A heartbeat that can be missed before the timeout strikes."""
        if self.heartbeat_seconds >= self.timeout_seconds:
            at = "heartbeat_seconds" if "heartbeat_seconds" in self.model_fields_set else "timeout_seconds"
            yield Finding(
                code=CONTRADICTION,
                path=(at,),
                found=show(getattr(self, at)),
                message=f"the heartbeat ({self.heartbeat_seconds} s) must be shorter than the timeout"
                f" ({self.timeout_seconds} s)",
                suggestion=max(1, self.timeout_seconds // 2)
                if at == "heartbeat_seconds"
                else self.heartbeat_seconds * 2,
            )


class RsqlJob(JobBase):
    """A script on a host, run by Systems Manager with `rsql` on its path."""

    kind: Literal["rsql"] = "rsql"
    """Kind of job."""
    script: FileName
    """Name of a file in the scripts folder."""
    args: tuple[Argument, ...] = ()
    """Arguments of the script, passed one by one, never through a shell."""

    def _derived_name(self) -> str:
        return self.script


def _one_or_many(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Statements = Annotated[
    tuple[Annotated[str, Shaped(pattern=r"(?s).*\S.*", expected="a statement")], ...],
    BeforeValidator(_one_or_many),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
    ),
    Field(min_length=1),
]


class SqlJob(JobBase):
    """Statements on the warehouse through the Redshift Data API, in one transaction."""

    kind: Literal["sql"]
    """Kind of job."""
    sql: Statements | None = None
    """A statement, or a list of them; without `file`."""
    file: FileName | None = None
    """Name of a file with statements in the scripts folder; without `sql`."""
    parameters: Annotated[
        Mapping[
            Annotated[
                str, Shaped(pattern=r"[A-Za-z_][A-Za-z0-9_]*", expected="a parameter's name", maximum=100)
            ],
            Argument,
        ],
        Ordered,
        NoSecrets,
    ] = Field(default_factory=dict)
    """Values of the named parameters (`:name`) in the statements; bound, never pasted."""
    database: (
        Annotated[str, Shaped(pattern=r"[A-Za-z_][A-Za-z0-9_$-]*", expected="a database's name", maximum=127)]
        | None
    ) = None
    """Database; without it, that of the warehouse connection."""

    @property
    def statements(self) -> tuple[str, ...]:
        """The statements given under `sql`, one by one."""
        return tuple(statement for text in self.sql or () for statement in split_statements(text))

    def _derived_name(self) -> str:
        return PurePosixPath(self.file).stem if self.file else "sql"

    def rules(self) -> Iterator[Finding]:
        """One source of statements, and no more than the Data API takes."""
        yield from super().rules()
        if (self.sql is None) == (self.file is None):
            yield Finding(
                code=ONE_OF,
                message="exactly one of sql and file is needed, "
                + ("both are given" if self.sql is not None else "neither is given"),
                hint="Keep one of them." if self.sql is not None else 'Add one, for example sql: "select 1".',
            )
        if self.sql is not None:
            yield from statement_limits(self.statements, ("sql",))


def statement_limits(statements: tuple[str, ...], path: tuple[str | int, ...]) -> Iterator[Finding]:
    """Findings on a batch that the Redshift Data API would refuse."""
    if not statements:
        yield Finding(
            code=ONE_OF,
            path=path,
            message="there is no statement in it",
            hint='Write at least one, such as "select 1".',
        )
    if len(statements) > BATCH_STATEMENTS.value:
        yield Finding(
            code=TOO_LARGE,
            path=path,
            message=f"{len(statements)} statements are too many for one batch,"
            f" at most {BATCH_STATEMENTS.value} are allowed",
            hint="Split them into several jobs.",
        )
    if any(len(statement.encode("utf-8", "replace")) > STATEMENT_BYTES.value for statement in statements):
        yield Finding(
            code=TOO_LARGE,
            path=path,
            message=f"a statement is longer than {STATEMENT_BYTES.value} bytes",
            hint="Load the data with COPY instead.",
        )


JsonObject = Annotated[Mapping[str, JsonValue], OrderedDeep, NoSecrets]


class LambdaJob(JobBase):
    """One invocation of a Lambda function."""

    kind: Literal["lambda"]
    """Kind of job."""
    function: FunctionRef
    """Name or ARN of the function."""
    args: JsonObject = Field(default_factory=dict)
    """The event that the function gets."""

    def _derived_name(self) -> str:
        return self.function.rsplit(":", 1)[-1]


class GlueJob(JobBase):
    """One run of a Glue job."""

    kind: Literal["glue"]
    """Kind of job."""
    job: GlueJobName
    """Name of the Glue job."""
    args: Annotated[Mapping[str, Argument], Ordered, NoSecrets] = Field(default_factory=dict)
    """Arguments of the run, for example `--day: "2027-01-31"`."""

    def _derived_name(self) -> str:
        return self.job


class EmrServerlessJob(JobBase):
    """One Spark run on an EMR Serverless application."""

    kind: Literal["emr_serverless"]
    """Kind of job."""
    application_id: ApplicationId
    """Id of the application."""
    execution_role_arn: RoleArn
    """ARN of the role that the run has."""
    entry_point: S3Uri
    """Program in S3, as s3://bucket/key."""
    entry_point_arguments: Annotated[tuple[Argument, ...], NoSecrets] = ()
    """Arguments of the program."""
    spark_submit_parameters: Annotated[Argument, NoSecrets] | None = None
    """Further parameters of spark-submit."""

    def _derived_name(self) -> str:
        return PurePosixPath(self.entry_point).stem


class StateMachineJob(JobBase):
    """One execution of another state machine, waited for."""

    kind: Literal["state_machine"]
    """Kind of job."""
    state_machine: MachineRef
    """Name or ARN of the state machine."""
    args: JsonObject = Field(default_factory=dict)
    """Input of the execution."""

    def _derived_name(self) -> str:
        return self.state_machine.rsplit(":", 1)[-1]


KINDS = ("rsql", "sql", "lambda", "glue", "emr_serverless", "state_machine")

type Job = RsqlJob | SqlJob | LambdaJob | GlueJob | EmrServerlessJob | StateMachineJob


def _kind_of(value: Any) -> str | None:
    if isinstance(value, str):
        return "script"
    if isinstance(value, JobBase):
        return str(value.kind)  # type: ignore[attr-defined]
    if not isinstance(value, Mapping):
        return None
    kind = value.get("kind", "rsql" if "script" in value else None)
    return kind if isinstance(kind, str) and kind in KINDS else None


ScriptOrJob = Annotated[
    Annotated[FileName, Tag("script")]
    | Annotated[RsqlJob, Tag("rsql")]
    | Annotated[SqlJob, Tag("sql")]
    | Annotated[LambdaJob, Tag("lambda")]
    | Annotated[GlueJob, Tag("glue")]
    | Annotated[EmrServerlessJob, Tag("emr_serverless")]
    | Annotated[StateMachineJob, Tag("state_machine")],
    Discriminator(_kind_of),
]
"""An entry of a stage's `scripts`: a script name, or a job of some kind."""
