"""Sample stacks in which every key of the config appears once: where `landfall explain` takes examples from.

Two, because some keys exclude each other. Tests hold both valid and every key covered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_HOSTS_BY_TAG: Final = {"tag_key": "landfall:role", "tag_value": "etl-host"}

_ACCOUNTS: Final = {
    "data": {
        "id": "111111111111",
        "regions": ["eu-central-1", "eu-west-1"],
        "deployer_role": "landfall-deployer",
        "description": "ETL plane and warehouse",
    },
    "ops": {"id": "222222222222", "regions": ["eu-central-1"]},
}

FULL: Final[Mapping[str, Any]] = {
    "platform": {
        "name": "landfall",
        "environment": "dev",
        "owner": "data-platform",
        "cost_center": "cc-4210",
        "data_classification": "internal",
        "tags": {"team": "orders"},
    },
    "accounts": _ACCOUNTS,
    "network": {
        "etl": {
            "account": "data",
            "cidr": "10.24.0.0/20",
            "availability_zones": ["eu-central-1a", "eu-central-1b"],
            "region": "eu-central-1",
            "endpoints": ["dynamodb", "s3", "ssm", "ssmmessages"],
            "flow_log_retention_days": 90,
        }
    },
    "workflows": {
        "account": "data",
        "network": "etl",
        "operations": {
            "account": "ops",
            "notify_on_success": False,
            "subscribers": ["data-platform@example.com"],
            "log_retention_days": 90,
            "archive_retention_days": 365,
        },
        "warehouse": {"secret": "landfall/dev/warehouse", "workgroup": "etl", "database": "dev"},
        "hosts": _HOSTS_BY_TAG,
        "scripts": "../examples/rsql-blog/scripts",
        "audit": {"retention_days": 400, "replica_regions": ["eu-west-1"]},
        "definitions": {
            "daily_orders": {
                "workflow_id": "daily_orders",
                "workflow_description": "Orders of the day",
                "schedule": {"expression": "cron(0 6 * * ? *)", "timezone": "Europe/Berlin", "enabled": True},
                "trigger": {
                    "event_bus": "default",
                    "pattern": {"source": ["aws.s3"], "detail-type": ["Object Created"]},
                },
                "timeout_seconds": 14400,
                "workflow_stages": [
                    {
                        "execution_flag": "y",
                        "execution_type": "graph",
                        "stage_description": "Facts after dimensions",
                        "max_concurrency": 10,
                        "preconditions": [
                            {
                                "kind": "s3_object",
                                "bucket": "example-incoming",
                                "prefix": "orders/",
                                "poll_seconds": 30,
                                "timeout_seconds": 3600,
                            },
                            {"kind": "s3_object", "bucket": "example-incoming", "key": "orders/_SUCCESS"},
                            {"kind": "table_rows", "table": "public.orders", "minimum": 1},
                            {"kind": "workflow_completed", "workflow_id": "nightly_sales", "within": "today"},
                            {
                                "kind": "time_window",
                                "start": "06:00",
                                "end": "22:00",
                                "timezone": "Europe/Berlin",
                            },
                        ],
                        "scripts": [
                            {
                                "kind": "rsql",
                                "name": "load",
                                "script": "rsql_blog_script_1.sh",
                                "args": ["--region", "emea"],
                                "timeout_seconds": 1800,
                                "heartbeat_seconds": 30,
                                "retries": {"count": 2, "interval_seconds": 60, "backoff_rate": 2.0},
                            },
                            {
                                "kind": "sql",
                                "name": "merge",
                                "sql": "delete from public.orders where placed < :day",
                                "parameters": {"day": "2027-01-31"},
                                "database": "dev",
                                "depends_on": ["load"],
                            },
                            {
                                "kind": "lambda",
                                "function": "refresh-dashboard",
                                "args": {"dashboard": "sales"},
                            },
                            {"kind": "glue", "job": "clean-events", "args": {"--day": "2027-01-31"}},
                            {
                                "kind": "emr_serverless",
                                "application_id": "00f1abcdefgh",
                                "execution_role_arn": "arn:aws:iam::111111111111:role/spark-job",
                                "entry_point": "s3://example-code/jobs/aggregate.py",
                                "entry_point_arguments": ["--day", "2027-01-31"],
                                "spark_submit_parameters": "--conf spark.executor.memory=4g",
                            },
                            {
                                "kind": "state_machine",
                                "state_machine": "publish-extracts",
                                "args": {"target": "partners"},
                            },
                        ],
                    }
                ],
            },
            "nightly_sales": {
                "workflow_stages": [{"execution_type": "sequential", "scripts": ["rsql_blog_script_2.sh"]}]
            },
        },
    },
    "guardrails": {
        "waivers": {
            "short-logs": {
                "rule": "log-retention",
                "urn": "*::close-execution-logs",
                "reason": "Logs of the trial are not needed for longer",
                "owner": "data-platform",
                "expires": "2027-01-31",
            }
        }
    },
}

OTHERWISE: Final[Mapping[str, Any]] = {
    **FULL,
    "workflows": {
        **FULL["workflows"],
        "warehouse": {"secret": "landfall/dev/warehouse", "cluster": "etl", "database": "dev"},
        "hosts": {"instance_ids": ["i-0a1b2c3d4e5f60001"]},
        "definitions": {
            "nightly_sales": {
                "workflow_stages": [
                    {"execution_type": "sequential", "scripts": [{"kind": "sql", "file": "merge_orders.sql"}]}
                ]
            }
        },
    },
}
"""What cannot stand beside what `FULL` has."""

SAMPLES: Final = (FULL, OTHERWISE)
