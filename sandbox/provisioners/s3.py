"""S3 buckets, the resources that configure them, and objects (pulumi-aws `aws:s3/*`, version 7)."""

from __future__ import annotations

import abc
import base64
from collections.abc import Mapping
from typing import Any, ClassVar

from sandbox.provisioners.base import (
    ARCHIVE_SIGNATURE,
    Base,
    Call,
    Created,
    Inputs,
    Outputs,
    archive_bytes,
    asset_bytes,
    document,
    found,
    ignoring,
    kept_document,
    merged_tags,
    pick,
    replaces,
    retrying,
    rollback,
    tag_list,
    to_boto,
)

_NO_BUCKET = ("NoSuchBucket", "404")
_SIGNATURE_KEY = "4dabf18193072939515e22adb298388d"


class Bucket(Base, type="aws:s3/bucket:Bucket"):
    """A bucket. Versioning, encryption, policy and the like are resources of their own."""

    name_key = "bucket"
    prefix_key = "bucketPrefix"
    taggable = True
    name_limit = 63
    replace_on = replaces("bucket", "bucketPrefix", "objectLockEnabled")
    handled = frozenset({"bucket", "bucketPrefix", "forceDestroy", "objectLockEnabled", "tags"})

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        client = call.client("s3")
        bucket = self.physical_name(call, inputs, name.lower())
        params: dict[str, Any] = {"Bucket": bucket}
        # us-east-1 is the Region that must not be named (S3 API reference, CreateBucket).
        if call.region != "us-east-1":
            params["CreateBucketConfiguration"] = {"LocationConstraint": call.region}
        if inputs.get("objectLockEnabled"):
            params["ObjectLockEnabledForBucket"] = True
        client.create_bucket(**params)
        with rollback(lambda: client.delete_bucket(Bucket=bucket)):
            self._tag(call, bucket, inputs)
        return Created(bucket, self._outputs(call, bucket, inputs))

    def _tag(self, call: Call, bucket: str, inputs: Inputs) -> None:
        tags = merged_tags(call, inputs)
        if tags:
            call.client("s3").put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tag_list(tags)})
        else:
            call.client("s3").delete_bucket_tagging(Bucket=bucket)

    def _outputs(self, call: Call, bucket: str, inputs: Inputs) -> Outputs:
        return self.outputs(
            call,
            inputs,
            bucket=bucket,
            arn=f"arn:{call.partition}:s3:::{bucket}",
            bucketRegion=call.region,
            bucketDomainName=f"{bucket}.s3.amazonaws.com",
            bucketRegionalDomainName=f"{bucket}.s3.{call.region}.amazonaws.com",
        )

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        self._tag(call, id, new)
        return self._outputs(call, id, new)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        client = call.client("s3")
        with ignoring(*_NO_BUCKET):
            if state.get("forceDestroy"):
                _empty(client, id)
            client.delete_bucket(Bucket=id)

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        if found(lambda: call.client("s3").head_bucket(Bucket=id), *_NO_BUCKET) is None:
            return None
        return {**state, "bucket": id, "arn": f"arn:{call.partition}:s3:::{id}"}


def _empty(client: Any, bucket: str) -> None:
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        doomed = [
            {"Key": item["Key"], "VersionId": item["VersionId"]}
            for item in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        ]
        if doomed:
            client.delete_objects(Bucket=bucket, Delete={"Objects": doomed, "Quiet": True})


class _Setting(Base):
    """One configuration of a bucket: put to make or change, the bucket's name as id."""

    gone: ClassVar[tuple[str, ...]] = ()

    @abc.abstractmethod
    def put(self, client: Any, bucket: str, inputs: Inputs) -> None: ...

    @abc.abstractmethod
    def get(self, client: Any, bucket: str, state: Outputs) -> Outputs | None: ...

    @abc.abstractmethod
    def drop(self, client: Any, bucket: str) -> None: ...

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        return Created(inputs["bucket"], self._update(call, inputs["bucket"], {}, inputs))

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        # Two configurations of one bucket at a time make S3 answer OperationAborted.
        retrying(lambda: self.put(call.client("s3"), id, new), "OperationAborted")
        return self.outputs(call, new)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        if state.get("skipDestroy"):
            return
        with ignoring(*_NO_BUCKET, *self.gone):
            retrying(lambda: self.drop(call.client("s3"), id), "OperationAborted")

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        answer = found(lambda: self.get(call.client("s3"), id, state), *_NO_BUCKET, *self.gone)
        return None if answer is None else {**state, "bucket": id, **answer}


class BucketVersioning(_Setting, type="aws:s3/bucketVersioning:BucketVersioning"):
    """Versioning. S3 cannot take it away again: deleting suspends it."""

    replace_on = replaces("bucket")
    handled = frozenset({"bucket", "versioningConfiguration"})

    def put(self, client: Any, bucket: str, inputs: Inputs) -> None:
        wanted = inputs["versioningConfiguration"]
        if wanted["status"] == "Disabled":
            return
        configuration = pick(wanted, {"status": "Status", "mfaDelete": "MFADelete"})
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=configuration)

    def get(self, client: Any, bucket: str, state: Outputs) -> Outputs | None:
        status = client.get_bucket_versioning(Bucket=bucket).get("Status")
        if status is None and state.get("versioningConfiguration", {}).get("status") != "Disabled":
            return None
        status = status or "Disabled"
        return {"versioningConfiguration": {**state.get("versioningConfiguration", {}), "status": status}}

    def drop(self, client: Any, bucket: str) -> None:
        if client.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled":
            client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


class BucketEncryption(
    _Setting, type="aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
):
    """Default encryption."""

    replace_on = replaces("bucket")
    handled = frozenset({"bucket", "rules"})
    gone = ("ServerSideEncryptionConfigurationNotFoundError",)

    def put(self, client: Any, bucket: str, inputs: Inputs) -> None:
        rules = []
        for item in inputs["rules"]:
            rule: dict[str, Any] = {"BucketKeyEnabled": bool(item.get("bucketKeyEnabled"))}
            if default := item.get("applyServerSideEncryptionByDefault"):
                names = {"sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID"}
                rule["ApplyServerSideEncryptionByDefault"] = pick(default, names)
            rules.append(rule)
        client.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})

    def get(self, client: Any, bucket: str, state: Outputs) -> Outputs | None:
        answer = client.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
        held = answer.get("Rules")
        if not held:
            return None
        rules = []
        for item in held:
            default = item.get("ApplyServerSideEncryptionByDefault", {})
            names = {"SSEAlgorithm": "sseAlgorithm", "KMSMasterKeyID": "kmsMasterKeyId"}
            rules.append(
                {
                    "applyServerSideEncryptionByDefault": pick(default, names),
                    "bucketKeyEnabled": bool(item.get("BucketKeyEnabled")),
                }
            )
        return {"rules": rules}

    def drop(self, client: Any, bucket: str) -> None:
        client.delete_bucket_encryption(Bucket=bucket)


_BLOCKS = {
    "blockPublicAcls": "BlockPublicAcls",
    "blockPublicPolicy": "BlockPublicPolicy",
    "ignorePublicAcls": "IgnorePublicAcls",
    "restrictPublicBuckets": "RestrictPublicBuckets",
}


class BucketPublicAccessBlock(_Setting, type="aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"):
    """What of public access is blocked."""

    replace_on = replaces("bucket")
    handled = frozenset({*_BLOCKS, "bucket", "skipDestroy"})
    gone = ("NoSuchPublicAccessBlockConfiguration",)

    def put(self, client: Any, bucket: str, inputs: Inputs) -> None:
        wanted = {member: bool(inputs.get(key)) for key, member in _BLOCKS.items()}
        client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=wanted)

    def get(self, client: Any, bucket: str, state: Outputs) -> Outputs | None:
        held = client.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        return {key: bool(held.get(member)) for key, member in _BLOCKS.items()}

    def drop(self, client: Any, bucket: str) -> None:
        client.delete_public_access_block(Bucket=bucket)


class BucketPolicy(_Setting, type="aws:s3/bucketPolicy:BucketPolicy"):
    """The policy of a bucket."""

    replace_on = replaces("bucket")
    handled = frozenset({"bucket", "policy"})
    gone = ("NoSuchBucketPolicy",)

    def put(self, client: Any, bucket: str, inputs: Inputs) -> None:
        client.put_bucket_policy(Bucket=bucket, Policy=document(inputs["policy"]))

    def get(self, client: Any, bucket: str, state: Outputs) -> Outputs | None:
        policy = client.get_bucket_policy(Bucket=bucket)["Policy"]
        return {"policy": kept_document(state, "policy", policy)}

    def drop(self, client: Any, bucket: str) -> None:
        client.delete_bucket_policy(Bucket=bucket)


class BucketLifecycle(_Setting, type="aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"):
    """Expiry and transition of objects."""

    replace_on = replaces("bucket")
    handled = frozenset({"bucket", "rules", "transitionDefaultMinimumObjectSize"})
    gone = ("NoSuchLifecycleConfiguration",)

    def put(self, client: Any, bucket: str, inputs: Inputs) -> None:
        extra = pick(inputs, ("transitionDefaultMinimumObjectSize",))
        client.put_bucket_lifecycle_configuration(
            Bucket=bucket,
            LifecycleConfiguration={"Rules": [_lifecycle_rule(item) for item in inputs["rules"]]},
            **extra,
        )

    def get(self, client: Any, bucket: str, state: Outputs) -> Outputs | None:
        held = {
            item.get("ID"): item for item in client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        }
        wanted = {item["id"]: item for item in state.get("rules", [])}
        if set(held) != set(wanted):
            return {"rules": [{"id": key, "status": held[key]["Status"]} for key in sorted(held, key=str)]}
        return {"rules": [{**item, "status": held[item["id"]]["Status"]} for item in state["rules"]]}

    def drop(self, client: Any, bucket: str) -> None:
        client.delete_bucket_lifecycle(Bucket=bucket)


def _lifecycle_rule(item: Inputs) -> dict[str, Any]:
    rule: dict[str, Any] = {"ID": item["id"], "Status": item["status"]}
    if item.get("prefix") is not None:
        rule["Prefix"] = item["prefix"]
    else:
        rule["Filter"] = _lifecycle_filter(item.get("filter") or {})
    for key, member in (
        ("expiration", "Expiration"),
        ("noncurrentVersionExpiration", "NoncurrentVersionExpiration"),
        ("abortIncompleteMultipartUpload", "AbortIncompleteMultipartUpload"),
    ):
        if item.get(key):
            rule[member] = to_boto({k: v for k, v in item[key].items() if v not in (None, "")})
    for key, member in (
        ("transitions", "Transitions"),
        ("noncurrentVersionTransitions", "NoncurrentVersionTransitions"),
    ):
        if item.get(key):
            rule[member] = to_boto(item[key])
    return rule


def _lifecycle_filter(wanted: Mapping[str, Any]) -> dict[str, Any]:
    plain = ("prefix", "objectSizeGreaterThan", "objectSizeLessThan")
    if both := wanted.get("and"):
        result = pick(both, plain)
        if both.get("tags"):
            result["Tags"] = tag_list(both["tags"])
        return {"And": result}
    result = pick(wanted, plain)
    if wanted.get("tag"):
        result["Tag"] = to_boto(wanted["tag"])
    # An empty prefix means every object; an empty filter is not accepted everywhere.
    return result or {"Prefix": ""}


class BucketOwnershipControls(_Setting, type="aws:s3/bucketOwnershipControls:BucketOwnershipControls"):
    """Who owns the objects that other accounts write."""

    replace_on = replaces("bucket")
    handled = frozenset({"bucket", "rule"})
    gone = ("OwnershipControlsNotFoundError",)

    def put(self, client: Any, bucket: str, inputs: Inputs) -> None:
        rules = [{"ObjectOwnership": inputs["rule"]["objectOwnership"]}]
        client.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": rules})

    def get(self, client: Any, bucket: str, state: Outputs) -> Outputs | None:
        rules = client.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
        return {"rule": {"objectOwnership": rules[0]["ObjectOwnership"]}} if rules else None

    def drop(self, client: Any, bucket: str) -> None:
        client.delete_bucket_ownership_controls(Bucket=bucket)


_OBJECT = {
    "acl": "ACL",
    "bucketKeyEnabled": "BucketKeyEnabled",
    "cacheControl": "CacheControl",
    "checksumAlgorithm": "ChecksumAlgorithm",
    "contentDisposition": "ContentDisposition",
    "contentEncoding": "ContentEncoding",
    "contentLanguage": "ContentLanguage",
    "contentType": "ContentType",
    "kmsKeyId": "SSEKMSKeyId",
    "serverSideEncryption": "ServerSideEncryption",
    "storageClass": "StorageClass",
    "websiteRedirect": "WebsiteRedirectLocation",
}


class BucketObject(Base, type="aws:s3/bucketObjectv2:BucketObjectv2"):
    """An object: content from text, base64, an asset or an archive."""

    taggable = True
    replace_on = replaces("bucket", "key")
    handled = frozenset(
        {
            *_OBJECT, "bucket", "content", "contentBase64", "etag", "forceDestroy", "key", "metadata",
            "source", "sourceHash", "tags",
        }
    )  # fmt: skip

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        # The provider takes the logical name where there is no key.
        inputs = {**inputs, "key": inputs.get("key") or name}
        return Created(f"{inputs['bucket']}/{inputs['key']}", self._update(call, "", {}, inputs))

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        bucket, key = new["bucket"], new.get("key") or id.split("/", 1)[1]
        params = pick(new, _OBJECT)
        if new.get("kmsKeyId") and "ServerSideEncryption" not in params:
            params["ServerSideEncryption"] = "aws:kms"
        if new.get("metadata"):
            params["Metadata"] = {k: str(v) for k, v in new["metadata"].items()}
        client = call.client("s3")
        answer = client.put_object(Bucket=bucket, Key=key, Body=_body(new), **params)
        tags = merged_tags(call, new)
        if tags:
            client.put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": tag_list(tags)})
        elif old:
            client.delete_object_tagging(Bucket=bucket, Key=key)
        return self.outputs(
            call,
            new,
            key=key,
            arn=f"arn:{call.partition}:s3:::{bucket}/{key}",
            etag=answer["ETag"].strip('"'),
            versionId=answer.get("VersionId", ""),
            serverSideEncryption=answer.get("ServerSideEncryption"),
            storageClass=new.get("storageClass", "STANDARD"),
        )

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        client, bucket, key = call.client("s3"), state["bucket"], state["key"]
        with ignoring(*_NO_BUCKET, "NoSuchKey"):
            # All versions of the key go, as the provider does, or the bucket could not be deleted.
            for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
                for item in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                    if item["Key"] == key:
                        client.delete_object(Bucket=bucket, Key=key, VersionId=item["VersionId"])

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        answer = found(
            lambda: call.client("s3").head_object(Bucket=state["bucket"], Key=state["key"]),
            *_NO_BUCKET,
            "NoSuchKey",
        )
        if answer is None:
            return None
        return {**state, "etag": answer["ETag"].strip('"'), "versionId": answer.get("VersionId", "")}


def _body(inputs: Inputs) -> bytes:
    if inputs.get("content") is not None:
        return str(inputs["content"]).encode()
    if inputs.get("contentBase64") is not None:
        return base64.b64decode(inputs["contentBase64"])
    source = inputs.get("source")
    if source is None:
        return b""
    if isinstance(source, Mapping) and source.get(_SIGNATURE_KEY) == ARCHIVE_SIGNATURE:
        return archive_bytes(source)
    if type(source).__name__ in ("FileArchive", "AssetArchive"):
        return archive_bytes(source)
    return asset_bytes(source)
