"""Contracts: what other stacks may read of this one, as one typed output named ``landfall``.

A consumer reads the output of a StackReference and validates it with :func:`read`; nothing else of a
stack is a promise. (source: DESIGN section 3; pulumi#6994, on untyped stack references)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

OUTPUT = "landfall"
"""Name of the stack output."""
VERSION = 1
"""Version of the contract; a consumer refuses another one."""


class _Contract(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class AccountContract(_Contract):
    """One account of the stack."""

    id: str
    regions: list[str]


class NetworkContract(_Contract):
    """One VPC of the stack."""

    account: str
    region: str
    vpc_id: str
    subnet_ids: dict[str, str]
    workload_security_group_id: str


class EtlContract(_Contract):
    """The ETL plane of the stack."""

    account: str
    region: str
    state_machine_arn: str
    config_table: str
    job_audit_table: str
    workflow_audit_table: str
    log_group: str
    run_job_document: str
    host_instance_profile: str
    notification_topic_arn: str
    log_archive_bucket: str
    workflows: list[str]


class StackContract(_Contract):
    """Everything that other stacks may read."""

    version: int
    platform: str
    environment: str
    accounts: dict[str, AccountContract]
    networks: dict[str, NetworkContract]
    etl: EtlContract | None = None


class ContractError(ValueError):
    """A stack's output is not a contract that this version understands."""


def read(output: Mapping[str, Any], *, stack: str) -> StackContract:
    """The contract of ``stack`` from its output; raises ``ContractError`` with what is wrong."""
    version = output.get("version")
    if version != VERSION:
        raise ContractError(f"stack {stack}: contract version {version!r} found, {VERSION} understood")
    try:
        return StackContract.model_validate(dict(output))
    except ValueError as error:
        raise ContractError(f"stack {stack}: {error}") from error
