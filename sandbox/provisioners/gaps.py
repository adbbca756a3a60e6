"""Where the emulator (LocalEmu 1.3.2) does not do what AWS does, as far as provisioners meet it.

Each entry was seen here, and a test sees it again, so that an entry that no longer holds is noticed.
What an emulator accepts and AWS refuses by the shape of a call is not listed: `strict` refuses it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Gap:
    """One difference: what AWS does, what the emulator does, and what the provisioner does about it."""

    key: str
    service: str
    aws: str
    emulator: str
    handling: str


KNOWN_GAPS: tuple[Gap, ...] = (
    Gap(
        "dynamodb-replicas",
        "dynamodb",
        "UpdateTable with ReplicaUpdates makes a replica in the other Region",
        "the call succeeds and makes no replica",
        "the call is made and checked; the other Region has no table",
    ),
    Gap(
        "dynamodb-recovery-period",
        "dynamodb",
        "RecoveryPeriodInDays is kept and reported",
        "recovery is on, the period is not kept",
        "none needed: the output is the input",
    ),
    Gap(
        "lambda-key",
        "lambda",
        "KMSKeyArn is kept and reported",
        "the key of the environment is dropped",
        "none needed: nothing is encrypted in the emulator",
    ),
    Gap(
        "lambda-role-missing",
        "lambda",
        "CreateFunction refuses a role that does not exist or cannot be assumed",
        "accepted",
        "the sandbox refuses it: it enforces IAM",
    ),
    Gap(
        "sfn-tracing",
        "stepfunctions",
        "tracingConfiguration is kept and reported",
        "dropped",
        "none needed: the output is the input",
    ),
    Gap(
        "sfn-encryption",
        "stepfunctions",
        "encryptionConfiguration is kept and reported",
        "dropped",
        "none needed: nothing is encrypted in the emulator",
    ),
    Gap(
        "sfn-role-missing",
        "stepfunctions",
        "CreateStateMachine refuses a role that cannot be assumed or that cannot write the log group",
        "accepted",
        "the sandbox refuses it: it enforces IAM",
    ),
    Gap(
        "logs-key-missing",
        "logs",
        "CreateLogGroup refuses a key that does not exist or whose policy does not let Logs use it",
        "accepted",
        "none",
    ),
    Gap(
        "events-permission-twice",
        "events",
        "PutPermission with a known StatementId overwrites the statement",
        "a second statement of the same id is added",
        "an update removes the statement first",
    ),
    Gap(
        "scheduler-group-missing",
        "scheduler",
        "DeleteScheduleGroup of a missing group: ResourceNotFoundException",
        "InternalError",
        "the group is looked up before it is deleted",
    ),
    Gap(
        "s3-encryption-default",
        "s3",
        "after DeleteBucketEncryption the bucket reports SSE-S3, which is always on",
        "an empty configuration is reported",
        "an empty configuration reads as gone",
    ),
    Gap(
        "ssm-association-tags",
        "ssm",
        "associations have tags (ResourceType Association)",
        "InvalidResourceType",
        "the tags are sent at creation; later changes of them are left out",
    ),
    Gap(
        "ec2-gateway-routes",
        "ec2",
        "ModifyVpcEndpoint of a gateway endpoint moves its routes to the route tables added",
        "the routes stay, and DeleteVpcEndpoints then fails with InvalidRoute.NotFound",
        "a delete that fails so takes the route tables off and tries again",
    ),
    Gap(
        "ec2-endpoint-policy-version",
        "ec2",
        "the policy of an endpoint is reported as it was given",
        "its Version is left out",
        "none needed: the output is the input",
    ),
    Gap(
        "ec2-flow-log-status",
        "ec2",
        "DeliverLogsStatus becomes SUCCESS when the role may write the group",
        "always FAILED for CloudWatch Logs, no record is delivered",
        "the sandbox says whether the role may: it enforces IAM; there is no traffic",
    ),
)
"""For the documentation (`docs/limits.md`) and the test that looks for each of them."""
