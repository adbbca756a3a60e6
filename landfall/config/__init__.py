"""The stack config: typed, frozen models, and a loader that reports all mistakes at once (DESIGN section 4).

Does not: create resources, call AWS, read the clock, the environment or secrets.
"""

from landfall.config.accounts import Account
from landfall.config.errors import ConfigError, ConfigIssue, report
from landfall.config.guardrails import Guardrails, Waiver
from landfall.config.jobs import (
    EmrServerlessJob,
    GlueJob,
    Job,
    JobBase,
    LambdaJob,
    Retries,
    RsqlJob,
    SqlJob,
    StateMachineJob,
)
from landfall.config.loader import (
    LoadResult,
    load,
    load_all,
    load_file,
    load_text,
    scripts_folder,
    stack_files,
)
from landfall.config.network import Network
from landfall.config.platform import Platform
from landfall.config.preconditions import (
    Precondition,
    S3ObjectPrecondition,
    TableRowsPrecondition,
    TimeWindowPrecondition,
    WorkflowCompletedPrecondition,
)
from landfall.config.source import StackSource, source_for
from landfall.config.sql import split_statements
from landfall.config.stack import StackConfig
from landfall.config.workflows import (
    Audit,
    Hosts,
    Operations,
    Schedule,
    Stage,
    Trigger,
    WarehouseConnection,
    WorkflowDefinition,
    Workflows,
)

__all__ = [
    "Account",
    "Audit",
    "ConfigError",
    "ConfigIssue",
    "EmrServerlessJob",
    "GlueJob",
    "Guardrails",
    "Hosts",
    "Job",
    "JobBase",
    "LambdaJob",
    "LoadResult",
    "Network",
    "Operations",
    "Platform",
    "Precondition",
    "Retries",
    "RsqlJob",
    "S3ObjectPrecondition",
    "Schedule",
    "SqlJob",
    "StackConfig",
    "StackSource",
    "Stage",
    "StateMachineJob",
    "TableRowsPrecondition",
    "TimeWindowPrecondition",
    "Trigger",
    "Waiver",
    "WarehouseConnection",
    "WorkflowCompletedPrecondition",
    "WorkflowDefinition",
    "Workflows",
    "load",
    "load_all",
    "load_file",
    "load_text",
    "report",
    "scripts_folder",
    "source_for",
    "split_statements",
    "stack_files",
]
