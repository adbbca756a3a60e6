"""Host delivery: the job runner and the scripts, brought to the hosts by Systems Manager.

A State Manager association installs the bundle on every host that the target names, now and when a
host appears, and again when the bundle changes. Jobs run through a document of our own, so that the
state machine's role may run the runner and nothing else. Does not make hosts.
(source: specs/rsql-orchestration "Ours" 6; AWS Systems Manager User Guide, "State Manager")
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.orchestration.host_documents import install_runner_document, run_job_document
from landfall.archives import Archive
from landfall.config import Hosts
from landfall.etl_names import EtlNames


@dataclass(frozen=True, kw_only=True)
class HostDeliveryArgs:
    hosts: Hosts
    names: EtlNames
    bucket: pulumi.Input[str]
    """Bucket of the plane's artifacts."""
    kms_key_arn: pulumi.Input[str]
    bundle: Archive
    """Runner and scripts."""


def bundle_key(bundle: Archive) -> str:
    """Object key of a bundle, by its content."""
    return f"host/{bundle.sha256}.zip"


class HostDelivery(pulumi.ComponentResource):
    """Documents, bundle and association."""

    installed: pulumi.Output[str]
    """Id of the association, known once it exists."""

    def __init__(self, name: str, args: HostDeliveryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("landfall:orchestration:HostDelivery", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        region = args.names.region
        bundle = aws.s3.BucketObjectv2(
            f"{name}-bundle",
            bucket=args.bucket,
            key=bundle_key(args.bundle),
            source=pulumi.FileAsset(str(args.bundle.path)),
            source_hash=args.bundle.sha256,
            server_side_encryption="aws:kms",
            kms_key_id=args.kms_key_arn,
            region=region,
            opts=child,
        )
        aws.ssm.Document(
            "run-job",
            name=args.names.run_job_document,
            document_type="Command",
            document_format="JSON",
            target_type="/AWS::EC2::Instance",
            content=json.dumps(run_job_document(), separators=(",", ":")),
            region=region,
            opts=child,
        )
        installer = aws.ssm.Document(
            "install-runner",
            name=args.names.install_runner_document,
            document_type="Command",
            document_format="JSON",
            target_type="/AWS::EC2::Instance",
            content=json.dumps(install_runner_document(), separators=(",", ":")),
            region=region,
            opts=child,
        )
        association = aws.ssm.Association(
            "install-runner",
            name=installer.name,
            association_name=args.names.install_runner_document,
            parameters={"Bucket": args.bucket, "Key": bundle.key, "Sha256": args.bundle.sha256},
            targets=[_target(args.hosts)],
            region=region,
            opts=child,
        )
        self.installed = association.association_id
        self.register_outputs({"installed": self.installed})


def _target(hosts: Hosts) -> aws.ssm.AssociationTargetArgs:
    if hosts.instance_ids:
        return aws.ssm.AssociationTargetArgs(key="InstanceIds", values=list(hosts.instance_ids))
    return aws.ssm.AssociationTargetArgs(key=f"tag:{hosts.tag_key}", values=[str(hosts.tag_value)])
