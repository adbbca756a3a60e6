"""Wiring only: load the config, open the accounts, compose the planes, export the contract."""

from pathlib import Path

import pulumi

from components.platform import compose
from landfall import contracts
from landfall.accounts import open_accounts
from landfall.config import ConfigError, load, report, source_for
from landfall.deliverables import etl_deliverables

ROOT = Path(__file__).resolve().parent
KEYS = ("platform", "accounts", "network", "workflows", "guardrails")

stack = pulumi.get_stack()
settings = pulumi.Config("landfall")
source = source_for(stack, ROOT / "stacks")
if source is None:
    raise pulumi.RunError(f"there is no stacks/Pulumi.{stack}.yaml")
values = {key: value for key in KEYS if (value := settings.get_object(key)) is not None}
secrets = [key for key in values if pulumi.runtime.is_config_secret(f"landfall:{key}")]
try:
    config = load(values, source, secrets)
except ConfigError as error:
    raise pulumi.RunError(f"the stack config is invalid\n{report(error.issues, ROOT)}") from None

deliverables = etl_deliverables(config, source, ROOT)
pulumi.export(contracts.OUTPUT, compose(config, stack, open_accounts(config), deliverables))
