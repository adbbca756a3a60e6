"""The table of provisioners, by Pulumi type token."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sandbox.provisioners import (
    awslambda,
    cloudwatch,
    dynamodb,
    ec2,
    events,
    iam,
    kms,
    logs,
    s3,
    scheduler,
    sfn,
    sns,
    sqs,
    ssm,
)
from sandbox.provisioners.base import Provisioner

_ALL: tuple[Provisioner, ...] = (
    awslambda.Function(),
    awslambda.FunctionEventInvokeConfig(),
    awslambda.Permission(),
    cloudwatch.MetricAlarm(),
    dynamodb.Table(),
    dynamodb.TableItem(),
    ec2.FlowLog(),
    ec2.RouteTable(),
    ec2.RouteTableAssociation(),
    ec2.SecurityGroup(),
    ec2.SecurityGroupEgressRule(),
    ec2.SecurityGroupIngressRule(),
    ec2.Subnet(),
    ec2.Vpc(),
    ec2.VpcEndpoint(),
    events.EventPermission(),
    events.EventRule(),
    events.EventTarget(),
    iam.InstanceProfile(),
    iam.Role(),
    iam.RolePolicy(),
    iam.RolePolicyAttachment(),
    kms.Alias(),
    kms.Key(),
    logs.LogGroup(),
    s3.Bucket(),
    s3.BucketEncryption(),
    s3.BucketLifecycle(),
    s3.BucketObject(),
    s3.BucketOwnershipControls(),
    s3.BucketPolicy(),
    s3.BucketPublicAccessBlock(),
    s3.BucketVersioning(),
    scheduler.Schedule(),
    scheduler.ScheduleGroup(),
    sfn.StateMachine(),
    sns.Topic(),
    sns.TopicPolicy(),
    sns.TopicSubscription(),
    sqs.Queue(),
    sqs.QueuePolicy(),
    ssm.Association(),
    ssm.Document(),
)

PROVISIONERS: Mapping[str, Provisioner] = MappingProxyType({item.token: item for item in _ALL})
"""Type token to provisioner. A type that is not here is only recorded, and listed as such."""
