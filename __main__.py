"""Wiring only: load the config, open the accounts, compose the planes, export the contract."""

import os
import sys
from pathlib import Path

import pulumi

from components.platform import compose
from landfall import contracts, crash
from landfall.accounts import open_accounts
from landfall.archives import ArchiveError
from landfall.config import ConfigError, load, report, source_for
from landfall.deliverables import etl_deliverables

ROOT = Path(__file__).resolve().parent
KEYS = ("platform", "accounts", "network", "workflows", "guardrails")


def deploy(stack: str) -> None:
    """Register the resources of a stack; raises ``RunError`` for what the user can mend."""
    settings = pulumi.Config("landfall")
    source = source_for(stack, ROOT / "stacks")
    if source is None:
        raise pulumi.RunError(f"there is no stacks/Pulumi.{stack}.yaml")
    values = {key: value for key in KEYS if (value := settings.get_object(key)) is not None}
    secrets = [key for key in values if pulumi.runtime.is_config_secret(f"landfall:{key}")]
    try:
        config = load(values, source, secrets)
        deliverables = etl_deliverables(config, source, ROOT)
    except ConfigError as error:
        raise pulumi.RunError(f"the stack config is invalid\n{report(error.issues, ROOT)}") from None
    except ArchiveError as error:
        raise pulumi.RunError(str(error)) from None
    pulumi.export(contracts.OUTPUT, compose(config, stack, open_accounts(config), deliverables))


try:
    deploy(pulumi.get_stack())
except pulumi.RunError:
    raise
except Exception as error:
    if os.environ.get("LANDFALL_DEBUG") == "1":
        raise
    raise pulumi.RunError(crash.told(error, sys.argv, ROOT, os.environ)) from None
