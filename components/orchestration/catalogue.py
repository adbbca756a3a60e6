"""Workflow catalogue: one configuration item for each workflow definition of the stack config.

Does not read the table: the state machine does, at the start of each execution.
(source: specs/rsql-orchestration "Contract", configuration table)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True, kw_only=True)
class CatalogueArgs:
    table: aws.dynamodb.Table
    items: Mapping[str, Mapping[str, Any]]
    """Item by workflow id, in DynamoDB's typed JSON."""
    region: str


class Catalogue(pulumi.ComponentResource):
    """The configuration items of all workflows."""

    def __init__(self, name: str, args: CatalogueArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("landfall:orchestration:Catalogue", name, None, opts)
        for workflow_id, item in sorted(args.items.items()):
            aws.dynamodb.TableItem(
                f"workflow-{workflow_id}",
                table_name=args.table.name,
                hash_key="workflow_id",
                item=json.dumps(item, separators=(",", ":"), sort_keys=True, ensure_ascii=False),
                region=args.region,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"workflows": sorted(args.items)})
