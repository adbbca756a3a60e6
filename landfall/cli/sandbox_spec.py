"""What the sandbox of a stack consists of, derived from the stack config alone."""

from __future__ import annotations

from landfall.cli.exits import CommandError, Exit
from landfall.config import StackConfig
from landfall.etl_names import EtlNames
from landfall.naming import Names
from sandbox.spec import HostSpec, SandboxSpec

DEFAULT_INSTANCE = "i-0a1b2c3d4e5f60001"
"""Id of the one host that a tag target gets."""


def sandbox_spec(config: StackConfig) -> SandboxSpec:
    """Accounts, warehouse and hosts of the emulated environment; raises ``CommandError`` for another one."""
    if config.platform.environment != "sandbox":
        raise CommandError(
            f"environment {config.platform.environment} is not a sandbox: it lives in AWS accounts",
            Exit.INVALID,
        )
    accounts = {alias: account.id for alias, account in config.accounts.items()}
    workflows = config.workflows
    if workflows is None:
        raise CommandError(
            "the stack has no landfall:workflows, so there is nothing to emulate", Exit.INVALID
        )
    hosts = workflows.hosts
    home = config.accounts[workflows.account]
    names = EtlNames(
        names=Names(config.platform.name, config.platform.environment),
        account_id=home.id,
        region=home.regions[0],
    )
    tags = {hosts.tag_key: hosts.tag_value} if hosts.tag_key and hosts.tag_value else {}
    return SandboxSpec(
        accounts=accounts,
        region=names.region,
        warehouse_account=workflows.account,
        warehouse_secret=workflows.warehouse.secret,
        database=workflows.warehouse.database,
        workgroup=workflows.warehouse.workgroup or workflows.warehouse.cluster or "",
        hosts=tuple(
            HostSpec(
                instance_id=instance, account=workflows.account, tags=tags, instance_profile=names.host_role
            )
            for instance in (hosts.instance_ids or (DEFAULT_INSTANCE,))
        ),
        iam_enforcement=True,
    )
