"""The kinds of things that can be created, and the values that a new one begins with.

A kind stands for a mapping of the config (`landfall:network`), for a part of a workflow, or for a whole stack
file. Values suit the stack: a free address range, an account that there is, the zones of its Region. What
only a person can know is a placeholder that validates, and is named as such.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, get_args

from pydantic import BaseModel

from landfall.catalog import text
from landfall.config import (
    Account,
    EmrServerlessJob,
    GlueJob,
    JobBase,
    LambdaJob,
    Network,
    Platform,
    RsqlJob,
    Schedule,
    SqlJob,
    StackConfig,
    StateMachineJob,
    Trigger,
    Waiver,
    WorkflowDefinition,
)
from landfall.config.base import Key, Shaped
from landfall.config.errors import Path
from landfall.config.shape import plain

ENVIRONMENTS: Final[tuple[str, ...]] = get_args(plain(Platform.model_fields["environment"].annotation))
NAME: Final = "NAME"
"""Stands in a path for the name of what is created."""
DEFINITIONS: Final[Path] = ("workflows", "definitions")
FIRST_RANGE: Final = ipaddress.IPv4Network("10.20.0.0/20")
ZONES: Final = ("a", "b", "c")


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a new block may build on."""

    config: StackConfig
    ranges: tuple[str, ...] = ()
    """Address ranges of all stacks: a new network overlaps none of them, so that it may be connected."""
    account_ids: tuple[str, ...] = ()
    """Account ids of all stacks."""
    scripts: tuple[str, ...] = ()
    """Names of the files in the scripts folder."""
    expires: date = date.max
    """Last day of a new waiver; the caller has the clock."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of thing that can be created."""

    name: str
    model: type[BaseModel]
    path: Path
    """Where it goes below `landfall:`; `NAME` is its name."""
    page: str
    """The page of the documentation that is about it."""
    command: str
    """An example of the command that creates one."""
    values: Callable[[Context, str], dict[str, Any]]
    """The keys that a new one has."""
    optional: Callable[[Context, str], dict[str, Any]] = field(default=lambda context, name: {})
    """Further keys, written as comments."""
    placeholders: tuple[str, ...] = ()
    """Keys whose values only a person can know."""
    said: str = ""
    """What it is, where the model's docstring says less."""
    keyed: bool = True
    """Whether its name is a key of the user's choice; else it is the workflow that it belongs to."""

    @property
    def summary(self) -> str:
        """What it is, in one sentence."""
        return self.said or text.sentence(self.model)


@dataclass(frozen=True)
class NameRule:
    """What names of a kind look like."""

    pattern: str
    expected: str
    maximum: int | None

    def allows(self, name: str) -> bool:
        """Whether a thing of the kind may have this name."""
        return bool(re.fullmatch(self.pattern, name)) and (self.maximum is None or len(name) <= self.maximum)

    def nearest(self, name: str) -> str | None:
        """An allowed name that looks like this one, if one can be made."""
        joined = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")
        tries = (re.sub(r"\s+", "_", name.strip()), joined, joined.replace("-", "_"), joined.lower())
        for candidate in (*tries, joined.lower().lstrip("0123456789-")):
            candidate = candidate[: self.maximum].rstrip("-_")
            if candidate and self.allows(candidate):
                return candidate
        return None


def name_rule(kind: Kind) -> NameRule:
    """The shape of the kind's names, from the type of the mapping's keys."""
    if kind.model is StackConfig:
        return _rule(get_args(Key), StackConfig, "")
    if kind.name == "job":
        return _rule(get_args(_first_text(JobBase.model_fields["name"].annotation)), JobBase, "name")
    if not kind.keyed:
        return _rule(get_args(_key_type(DEFINITIONS)), WorkflowDefinition, "workflow_id")
    return _rule(get_args(_key_type(kind.path[:-1])), kind.model, "")


def _first_text(annotation: Any) -> Any:
    return next((one for one in get_args(annotation) if one is not type(None)), annotation)


def _key_type(path: Path) -> Any:
    model: Any = StackConfig
    annotation: Any = None
    for part in path:
        annotation = model.model_fields[str(part)].annotation
        model = plain(annotation)
    return get_args(plain(annotation))[0]


def _rule(metadata: Sequence[Any], model: type[BaseModel], name: str) -> NameRule:
    shapes = [extra for extra in metadata if isinstance(extra, Shaped)]
    if not shapes:
        raise TypeError(f"{model.__name__} {name}: the key type has no shape")
    return NameRule(shapes[0].pattern, shapes[0].expected, shapes[0].maximum)


def free_range(taken: Sequence[str]) -> str:
    """A range of the size of those that there are which overlaps none of them."""
    networks = [ipaddress.IPv4Network(one) for one in taken]
    last = max((network for network in networks), default=None)
    candidate = (
        FIRST_RANGE if last is None else ipaddress.IPv4Network((int(last.network_address), last.prefixlen))
    )
    size = candidate.num_addresses
    address = int(candidate.network_address)
    while any(network.overlaps(candidate) for network in networks):
        address += size
        candidate = ipaddress.IPv4Network((address, candidate.prefixlen))
    return str(candidate)


def placeholder_id(taken: Sequence[str]) -> str:
    """Twelve digits that are no AWS account's: the first ones, which AWS does not give out."""
    number = 0
    while f"{number:012d}" in taken:
        number += 1
    return f"{number:012d}"


def zones_of(context: Context, region: str) -> list[str]:
    """The zones that another network of the Region has, else the first three letters."""
    for key, network in context.config.network.items():
        if context.config.region_of(key) == region:
            return list(network.availability_zones)
    return [region + letter for letter in ZONES]


def _home(context: Context) -> str:
    """The account that a new thing goes into: that of the workflows, else the first."""
    workflows = context.config.workflows
    return workflows.account if workflows else next(iter(context.config.accounts))


def _account(context: Context, name: str) -> dict[str, Any]:
    return {
        "id": placeholder_id(context.account_ids),
        "regions": [context.config.accounts[_home(context)].home_region],
        "description": f"Account {name}",
    }


def _account_options(context: Context, name: str) -> dict[str, Any]:
    return {"deployer_role": Account.model_fields["deployer_role"].default}


def _network(context: Context, name: str) -> dict[str, Any]:
    home = _home(context)
    region = context.config.accounts[home].home_region
    return {
        "account": home,
        "cidr": free_range(context.ranges),
        "availability_zones": zones_of(context, region),
    }


def _network_options(context: Context, name: str) -> dict[str, Any]:
    fields = Network.model_fields
    return {
        "region": context.config.accounts[_home(context)].home_region,
        "endpoints": list(fields["endpoints"].default),
        "flow_log_retention_days": fields["flow_log_retention_days"].default,
    }


def _workflow(context: Context, name: str) -> dict[str, Any]:
    return {
        "workflow_description": f"What {name} does",
        "workflow_stages": [
            {
                "execution_type": "sequential",
                "stage_description": "First stage",
                "scripts": [{"kind": "sql", "name": "first", "sql": "select 1"}],
            }
        ],
    }


def _workflow_options(context: Context, name: str) -> dict[str, Any]:
    return {
        "schedule": _schedule(context, name),
        "trigger": _trigger(context, name),
        "timeout_seconds": WorkflowDefinition.model_fields["timeout_seconds"].default,
    }


def _schedule(context: Context, name: str) -> dict[str, Any]:
    return {"expression": "cron(0 6 * * ? *)", "timezone": "UTC"}


def _schedule_options(context: Context, name: str) -> dict[str, Any]:
    return {"enabled": Schedule.model_fields["enabled"].default}


def _trigger(context: Context, name: str) -> dict[str, Any]:
    return {"pattern": {"source": ["aws.s3"], "detail-type": ["Object Created"]}}


def _trigger_options(context: Context, name: str) -> dict[str, Any]:
    return {"event_bus": Trigger.model_fields["event_bus"].default}


def _waiver(context: Context, name: str) -> dict[str, Any]:
    return {
        "rule": "log-retention",
        "urn": f"*::{name}-resource",
        "reason": "Why the rule does not apply",
        "owner": context.config.platform.owner,
        "expires": context.expires,
    }


JOB_MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "sql": SqlJob,
    "rsql": RsqlJob,
    "lambda": LambdaJob,
    "glue": GlueJob,
    "emr_serverless": EmrServerlessJob,
    "state_machine": StateMachineJob,
}


def job_values(context: Context, name: str, kind: str) -> dict[str, Any]:
    """The keys of a new job; a script is the first of the scripts folder, or one of the job's name."""
    plain_name = re.sub(r"[^\w-]+", "-", name).strip("-") or "job"
    account = context.config.accounts[_home(context)].id
    own: Mapping[str, dict[str, Any]] = {
        "sql": {"sql": "select 1"},
        "rsql": {
            "script": next((file for file in context.scripts if not file.endswith(".sql")), f"{name}.sh")
        },
        "lambda": {"function": plain_name},
        "glue": {"job": name},
        "emr_serverless": {
            "application_id": "00example",
            "execution_role_arn": f"arn:aws:iam::{account}:role/{plain_name}",
            "entry_point": f"s3://example-code/{plain_name}.py",
        },
        "state_machine": {"state_machine": plain_name},
    }
    return {"kind": kind, "name": name, **own[kind]}


def _job(context: Context, name: str) -> dict[str, Any]:
    return job_values(context, name, "sql")


KINDS: Final[tuple[Kind, ...]] = (
    Kind(
        name="stack",
        model=StackConfig,
        path=(),
        page="docs/architecture.md",
        command="landfall new stack staging",
        values=lambda context, name: {},
        placeholders=("accounts.data.id",),
    ),
    Kind(
        name="account",
        model=Account,
        path=("accounts", NAME),
        page="docs/architecture.md#accounts",
        command="landfall new account lake --stack dev --set id=305871460299",
        values=_account,
        optional=_account_options,
        placeholders=("id",),
    ),
    Kind(
        name="network",
        model=Network,
        path=("network", NAME),
        page="docs/architecture.md#network-componentsnetwork",
        command="landfall new network lab --stack dev",
        values=_network,
        optional=_network_options,
    ),
    Kind(
        name="workflow",
        model=WorkflowDefinition,
        path=(*DEFINITIONS, NAME),
        page="docs/workflows.md",
        command="landfall new workflow daily_orders --stack dev",
        values=_workflow,
        optional=_workflow_options,
    ),
    Kind(
        name="job",
        model=SqlJob,
        path=(*DEFINITIONS, NAME, "workflow_stages"),
        page="docs/workflows.md#jobs",
        command="landfall new job merge --workflow blog_test_workflow --stack dev",
        values=_job,
        said="One job of a workflow: SQL, a script, Lambda, Glue, EMR Serverless or another state machine.",
    ),
    Kind(
        name="schedule",
        model=Schedule,
        path=(*DEFINITIONS, NAME, "schedule"),
        page="docs/workflows.md#starting",
        command="landfall new schedule blog_test_workflow --stack dev",
        values=_schedule,
        optional=_schedule_options,
        keyed=False,
    ),
    Kind(
        name="trigger",
        model=Trigger,
        path=(*DEFINITIONS, NAME, "trigger"),
        page="docs/workflows.md#starting",
        command="landfall new trigger blog_test_workflow --stack dev",
        values=_trigger,
        optional=_trigger_options,
        keyed=False,
    ),
    Kind(
        name="waiver",
        model=Waiver,
        path=("guardrails", "waivers", NAME),
        page="docs/guardrails-howto.md#waive-one",
        command="landfall new waiver short-logs --stack dev --set rule=log-retention",
        values=_waiver,
        placeholders=("rule", "urn", "reason"),
    ),
)
"""What can be created, in the order in which it is listed."""


def kind_named(name: str) -> Kind | None:
    """The kind of that name."""
    return next((kind for kind in KINDS if kind.name == name), None)
