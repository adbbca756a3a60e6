"""One Lambda function of the platform, with its log group, role and dead-letter queue.

Does not subscribe to anything: triggers do.
(source: DESIGN section 7; AWS FSBP Lambda.2; AWS Lambda Developer Guide, "Dead-letter queues")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.handles import Placement
from components.iam import Statement, document, service_trust, statement, use_of_key
from landfall.archives import Archive
from landfall.naming import Names
from landfall.powertools import powertools_layer

RUNTIME = "python3.13"
ARCHITECTURE = "arm64"


@dataclass(frozen=True, kw_only=True)
class HandlerFunctionArgs:
    handler: str
    """Folder under ``handlers/``; the entry point is ``handlers.<handler>.handler.handler``."""
    description: str
    names: Names
    placement: Placement
    archive: Archive
    environment: Mapping[str, str]
    """Plain settings; a secret is never among them."""
    statements: Sequence[Statement]
    """What the function may do beyond writing its log."""
    kms_key_arn: pulumi.Input[str]
    key_alias: str
    log_retention_days: int
    timeout_seconds: int = 60
    memory_mib: int = 256


def function_name(names: Names, logical: str) -> str:
    """Physical name of a function."""
    return names.physical(logical, limit=64)


def function_role_name(names: Names, logical: str) -> str:
    """Physical name of a function's role."""
    return names.physical(logical, limit=64)


class HandlerFunction(pulumi.ComponentResource):
    """A function with its log group and least-privilege role."""

    function: aws.lambda_.Function
    arn: str
    """ARN, composed from the name."""

    def __init__(
        self, name: str, args: HandlerFunctionArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("landfall:orchestration:HandlerFunction", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        placement, region = args.placement, args.placement.region
        physical = function_name(args.names, name)
        self.arn = placement.arn("lambda", f"function:{physical}")
        group_name = f"/aws/lambda/{physical}"
        group = aws.cloudwatch.LogGroup(
            name,
            name=group_name,
            retention_in_days=args.log_retention_days,
            kms_key_id=args.kms_key_arn,
            region=region,
            opts=child,
        )
        role = aws.iam.Role(
            name,
            name=function_role_name(args.names, name),
            # A function with a VPC could not be made so: Lambda does not name its source while it makes the
            # network interfaces (seen in aws-parallelcluster, pull request 6926).
            assume_role_policy=service_trust(
                "lambda.amazonaws.com", account_id=placement.account_id, source_arn=self.arn
            ),
            opts=child,
        )
        policy = aws.iam.RolePolicy(
            name,
            role=role.id,
            policy=document(
                [
                    statement(
                        "WriteLog",
                        ["logs:CreateLogStream", "logs:PutLogEvents"],
                        [placement.arn("logs", f"log-group:{group_name}:*")],
                    ),
                    statement(
                        "Trace",
                        ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
                        ["*"],
                        conditions={"StringEquals": {"aws:RequestedRegion": region}},
                    ),
                    use_of_key(
                        "DecryptSettings",
                        ["kms:Decrypt"],
                        region=region,
                        account_id=placement.account_id,
                        alias=args.key_alias,
                    ),
                    *args.statements,
                ]
            ),
            opts=child,
        )
        self.function = aws.lambda_.Function(
            name,
            name=physical,
            description=args.description,
            role=role.arn,
            handler=f"handlers.{args.handler}.handler.handler",
            runtime=RUNTIME,
            architectures=[ARCHITECTURE],
            layers=[powertools_layer(region)],
            code=pulumi.FileArchive(str(args.archive.path)),
            source_code_hash=args.archive.sha256_base64,
            timeout=args.timeout_seconds,
            memory_size=args.memory_mib,
            environment=aws.lambda_.FunctionEnvironmentArgs(
                variables={"POWERTOOLS_SERVICE_NAME": name, **args.environment}
            ),
            kms_key_arn=args.kms_key_arn,
            logging_config=aws.lambda_.FunctionLoggingConfigArgs(log_format="JSON", log_group=group.name),
            tracing_config=aws.lambda_.FunctionTracingConfigArgs(mode="Active"),
            region=region,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.register_outputs({"arn": self.arn})
