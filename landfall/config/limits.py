"""Service limits and lists of AWS, as dated data: each with its source and the day it was read.

A list here is allowed to grow old in the open: the error that refuses a value names the list's date.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Limit:
    """A service limit: `value` in `unit`, where it is written, and when it was read there (ISO date)."""

    value: int
    unit: str
    source: str
    read_on: str


@dataclass(frozen=True)
class Listing:
    """A closed list of a service, where it is written, and when it was read there (ISO date)."""

    values: tuple[str, ...]
    source: str
    read_on: str


REGIONS: Final = Listing(
    values=(
        "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2",
        "ap-northeast-3", "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2",
        "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
        "ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1",
        "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1",
        "me-south-1", "me-west-1", "mx-central-1", "sa-east-1", "sa-west-1", "us-east-1",
        "us-east-2", "us-west-1", "us-west-2",
    ),
    source="botocore 1.44.5, data/partitions.json, partition aws",
    read_on="2026-11-21",
)  # fmt: skip

LOG_RETENTION_DAYS: Final = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""Retention periods of CloudWatch Logs, in days (API reference, PutRetentionPolicy, read on 2026-11-21)."""

ENDPOINT_SERVICES: Final = Listing(
    values=(
        "athena", "dynamodb", "ec2messages", "ecr.api", "ecr.dkr", "emr-serverless", "events", "glue", "kms",
        "lambda", "logs", "monitoring", "redshift", "redshift-data", "redshift-serverless", "s3",
        "secretsmanager", "sns", "sqs", "ssm", "ssmmessages", "states", "sts", "sync-states",
    ),
    source="Amazon VPC user guide, AWS services that integrate with AWS PrivateLink",
    read_on="2026-11-21",
)  # fmt: skip

DEFAULT_ENDPOINTS: Final = (
    "dynamodb", "ec2messages", "kms", "logs", "monitoring", "redshift-data", "s3", "secretsmanager", "ssm",
    "ssmmessages", "states", "sts",
)  # fmt: skip
"""What hosts and functions of the ETL plane call: without a way to the internet each needs an endpoint."""

VPC_SMALLEST_PREFIX: Final = Limit(28, "bits", "Amazon VPC user guide, VPC CIDR blocks", "2026-11-21")
VPC_LARGEST_PREFIX: Final = Limit(16, "bits", "Amazon VPC user guide, VPC CIDR blocks", "2026-11-21")
ITEM_BYTES: Final = Limit(
    262_144, "bytes", "AWS Step Functions quotas, maximum input or result size", "2026-11-21"
)
BATCH_STATEMENTS: Final = Limit(
    40, "statements", "Redshift Data API, BatchExecuteStatement Sqls", "2026-11-21"
)
STATEMENT_BYTES: Final = Limit(
    100_000, "bytes", "Redshift Data API quotas, query statement size", "2026-11-21"
)
EVENT_PATTERN_CHARACTERS: Final = Limit(
    4096, "characters", "EventBridge API, PutRule EventPattern", "2026-11-21"
)
USER_TAGS: Final = Limit(
    40, "tags", "AWS tagging: 50 a resource, less those that the platform sets", "2026-11-21"
)
FILE_BYTES: Final = Limit(1_048_576, "bytes", "Landfall: a stack file is written by people", "2026-11-21")
BUCKET_NAME: Final = Limit(63, "characters", "Amazon S3 user guide, bucket naming rules", "2026-11-21")
SCHEDULE_NAME: Final = Limit(64, "characters", "EventBridge Scheduler API, CreateSchedule Name", "2026-11-21")
ROLE_NAME: Final = Limit(64, "characters", "IAM API, CreateRole RoleName", "2026-11-21")
