"""The event that a statement started `WithEvent` ends with.

Source: Amazon Redshift Management Guide, "Monitoring events for the Amazon Redshift Data API in Amazon
EventBridge".
"""

from __future__ import annotations

import json
import logging

from localemu.aws.connect import connect_to

from landfall_emulator.redshift_data.limits import RETENTION_SECONDS
from landfall_emulator.redshift_data.model import Statement

_LOG = logging.getLogger(__name__)


def send_event(statement: Statement) -> None:
    """Send the status change to the account's default bus; a failure is logged, never raised."""
    target = statement.target
    last = statement.steps[-1]
    detail = {
        "principal": f"arn:aws:iam::{target.account}:root",
        "statementName": statement.name or "",
        "statementId": statement.id,
        "redshiftQueryId": last.query_id or -1,
        "state": statement.status,
        "rows": max(last.outcome.count, 0) if last.outcome else 0,
        "expireAt": int(statement.created + RETENTION_SECONDS),
    }
    try:
        client = connect_to(aws_access_key_id=target.account, region_name=target.region).events
        client.put_events(
            Entries=[
                {
                    "Source": "aws.redshift-data",
                    "DetailType": "Redshift Data Statement Status Change",
                    "Resources": [_resource(statement)],
                    "Detail": json.dumps(detail),
                }
            ]
        )
    except Exception:
        _LOG.exception("the event of statement %s could not be sent", statement.id)


def _resource(statement: Statement) -> str:
    """ARN of the cluster or workgroup."""
    target = statement.target
    if target.cluster:
        return f"arn:aws:redshift:{target.region}:{target.account}:cluster:{target.cluster}"
    workgroup = str(target.workgroup)
    if workgroup.startswith("arn:"):
        return workgroup
    return f"arn:aws:redshift-serverless:{target.region}:{target.account}:workgroup/{workgroup}"
