"""Lambda functions, permissions and asynchronous invocation (pulumi-aws `aws:lambda/*`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.provisioners.base import (
    Base,
    Call,
    Created,
    Inputs,
    Outputs,
    ProvisionError,
    archive_bytes,
    changed,
    found,
    ignoring,
    merged_tags,
    pick,
    replaces,
    retrying,
    rollback,
    sync_tags,
    to_boto,
    wait_until,
)

_MISSING = "ResourceNotFoundException"
_BUSY = "ResourceConflictException"


class Function(Base, type="aws:lambda/function:Function"):
    """A function whose package is a zip (`code`, or an object in S3) or an image."""

    name_key = "name"
    taggable = True
    replace_on = replaces("name", "packageType")
    handled = frozenset(
        {
            "architectures", "code", "deadLetterConfig", "description", "environment",
            "ephemeralStorage", "fileSystemConfig", "handler", "imageUri", "kmsKeyArn", "layers",
            "loggingConfig", "memorySize", "name", "packageType", "publish",
            "reservedConcurrentExecutions", "role", "runtime", "s3Bucket", "s3Key", "s3ObjectVersion",
            "skipDestroy", "snapStart", "sourceCodeHash", "tags", "timeout", "tracingConfig",
            "vpcConfig",
        }
    )  # fmt: skip

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        client = call.client("lambda")
        function = self.physical_name(call, inputs, name)
        package = inputs.get("packageType", "Zip")
        params = {k: v for k, v in _configuration(inputs).items() if v not in ("", [], {})}
        params["Tags"] = merged_tags(call, inputs)
        client.create_function(
            FunctionName=function,
            Code=_code(inputs),
            PackageType=package,
            Architectures=list(inputs.get("architectures") or ["x86_64"]),
            Publish=bool(inputs.get("publish")),
            **params,
        )
        with rollback(lambda: self.delete(call, function, {})):
            _settled(client, function)
            if inputs.get("reservedConcurrentExecutions", -1) >= 0:
                client.put_function_concurrency(
                    FunctionName=function,
                    ReservedConcurrentExecutions=inputs["reservedConcurrentExecutions"],
                )
        outputs = self.outputs(call, inputs, name=function)
        return Created(function, self.read(call, function, outputs) or outputs)

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        client = call.client("lambda")
        before, after = _configuration(old), _configuration(new)
        differing = {key: value for key, value in after.items() if before.get(key) != value}
        if differing:
            retrying(lambda: client.update_function_configuration(FunctionName=id, **differing), _BUSY)
            _settled(client, id)
        if _code_changed(old, new):
            architectures = list(new.get("architectures") or ["x86_64"])
            retrying(
                lambda: client.update_function_code(
                    FunctionName=id, Architectures=architectures, Publish=False, **_code(new)
                ),
                _BUSY,
            )
            _settled(client, id)
        if changed(old, new, "reservedConcurrentExecutions"):
            if new.get("reservedConcurrentExecutions", -1) >= 0:
                client.put_function_concurrency(
                    FunctionName=id, ReservedConcurrentExecutions=new["reservedConcurrentExecutions"]
                )
            else:
                client.delete_function_concurrency(FunctionName=id)
        if new.get("publish") and (differing or _code_changed(old, new)):
            client.publish_version(FunctionName=id)
        arn = client.get_function_configuration(FunctionName=id)["FunctionArn"]
        sync_tags(
            client.list_tags(Resource=arn).get("Tags", {}),
            merged_tags(call, new),
            lambda tags: client.tag_resource(Resource=arn, Tags=tags),
            lambda keys: client.untag_resource(Resource=arn, TagKeys=keys),
        )
        outputs = self.outputs(call, new, name=id)
        return self.read(call, id, outputs) or outputs

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        if state.get("skipDestroy"):
            return
        client = call.client("lambda")
        with ignoring(_MISSING):
            retrying(lambda: client.delete_function(FunctionName=id), _BUSY)

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        client = call.client("lambda")
        answer = found(lambda: client.get_function(FunctionName=id), _MISSING)
        if answer is None:
            return None
        held, arn = answer["Configuration"], answer["Configuration"]["FunctionArn"]
        version = held["Version"]
        if state.get("publish"):
            versions = client.get_paginator("list_versions_by_function").paginate(FunctionName=id)
            numbers = [
                int(v["Version"]) for page in versions for v in page["Versions"] if v["Version"].isdigit()
            ]
            version = str(max(numbers, default=0)) if numbers else version
        return {
            **state,
            "name": id,
            "arn": arn,
            "invokeArn": _invoke_arn(call, arn),
            "responseStreamingInvokeArn": _invoke_arn(
                call, arn, "2021-11-15", "response-streaming-invocations"
            ),
            "qualifiedArn": f"{arn}:{version}",
            "qualifiedInvokeArn": _invoke_arn(call, f"{arn}:{version}"),
            "version": version,
            "codeSha256": held["CodeSha256"],
            "sourceCodeHash": state.get("sourceCodeHash") or held["CodeSha256"],
            "sourceCodeSize": held["CodeSize"],
            "lastModified": held["LastModified"],
            "memorySize": held["MemorySize"],
            "timeout": held["Timeout"],
            "runtime": held.get("Runtime"),
            "handler": held.get("Handler"),
            "role": held["Role"],
            "architectures": held.get("Architectures", ["x86_64"]),
            "packageType": held.get("PackageType", "Zip"),
        }


def _invoke_arn(call: Call, arn: str, version: str = "2015-03-31", path: str = "invocations") -> str:
    return f"arn:{call.partition}:apigateway:{call.region}:lambda:path/{version}/functions/{arn}/{path}"


def _settled(client: Any, function: str) -> None:
    def ready() -> bool:
        held = client.get_function_configuration(FunctionName=function)
        if held.get("State") == "Failed" or held.get("LastUpdateStatus") == "Failed":
            reason = held.get("StateReason") or held.get("LastUpdateStatusReason") or "no reason given"
            raise ProvisionError(f"function {function} failed to become active: {reason}")
        return bool(held.get("State", "Active") == "Active" and held.get("LastUpdateStatus") != "InProgress")

    wait_until(f"Active of function {function}", ready, seconds=90)


def _code(inputs: Inputs) -> dict[str, Any]:
    if inputs.get("code") is not None:
        return {"ZipFile": archive_bytes(inputs["code"])}
    if inputs.get("imageUri"):
        return {"ImageUri": inputs["imageUri"]}
    names = {"s3Bucket": "S3Bucket", "s3Key": "S3Key", "s3ObjectVersion": "S3ObjectVersion"}
    return pick(inputs, names)


def _code_changed(old: Inputs, new: Inputs) -> bool:
    keys = ("s3Bucket", "s3Key", "s3ObjectVersion", "imageUri", "architectures")
    if changed(old, new, *keys):
        return True
    if new.get("sourceCodeHash") and old.get("sourceCodeHash") != new["sourceCodeHash"]:
        return True
    before, after = old.get("code"), new.get("code")
    hashes = [item.get("hash") for item in (before, after) if isinstance(item, Mapping)]
    if len(hashes) == 2 and all(hashes):
        return bool(hashes[0] != hashes[1])
    return bool(before != after)


def _configuration(inputs: Inputs) -> dict[str, Any]:
    """The whole configuration, empty values included, so that taking an input away takes effect."""
    logging = inputs.get("loggingConfig") or {}
    vpc = inputs.get("vpcConfig") or {}
    result: dict[str, Any] = {
        "Role": inputs.get("role"),
        "Description": inputs.get("description", ""),
        "MemorySize": inputs.get("memorySize", 128),
        "Timeout": inputs.get("timeout", 3),
        "Environment": {"Variables": dict((inputs.get("environment") or {}).get("variables") or {})},
        "KMSKeyArn": inputs.get("kmsKeyArn", ""),
        "Layers": list(inputs.get("layers") or []),
        "TracingConfig": {"Mode": (inputs.get("tracingConfig") or {}).get("mode", "PassThrough")},
        "EphemeralStorage": {"Size": (inputs.get("ephemeralStorage") or {}).get("size", 512)},
        **pick(inputs, ("runtime", "handler")),
    }
    if inputs.get("deadLetterConfig"):
        result["DeadLetterConfig"] = to_boto(inputs["deadLetterConfig"])
    if logging:
        result["LoggingConfig"] = to_boto(logging)
    if vpc:
        result["VpcConfig"] = pick(
            vpc,
            {
                "subnetIds": "SubnetIds",
                "securityGroupIds": "SecurityGroupIds",
                "ipv6AllowedForDualStack": "Ipv6AllowedForDualStack",
            },
        )
    if inputs.get("fileSystemConfig"):
        result["FileSystemConfigs"] = [to_boto(inputs["fileSystemConfig"])]
    if inputs.get("snapStart"):
        result["SnapStart"] = {"ApplyOn": inputs["snapStart"]["applyOn"]}
    return result


class Permission(Base, type="aws:lambda/permission:Permission"):
    """One statement of a function's policy. Lambda has no way to change one: every change replaces."""

    name_key = "statementId"
    prefix_key = "statementIdPrefix"
    name_limit = 100
    handled = frozenset(
        {
            "action", "eventSourceToken", "function", "functionUrlAuthType", "invokedViaFunctionUrl",
            "principal", "principalOrgId", "qualifier", "sourceAccount", "sourceArn", "statementId",
            "statementIdPrefix",
        }
    )  # fmt: skip
    replace_on = replaces(*handled)

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        statement = self.physical_name(call, inputs, name)
        names = {
            "action": "Action",
            "eventSourceToken": "EventSourceToken",
            "functionUrlAuthType": "FunctionUrlAuthType",
            "invokedViaFunctionUrl": "InvokedViaFunctionUrl",
            "principal": "Principal",
            "principalOrgId": "PrincipalOrgID",
            "qualifier": "Qualifier",
            "sourceAccount": "SourceAccount",
            "sourceArn": "SourceArn",
        }
        call.client("lambda").add_permission(
            FunctionName=inputs["function"], StatementId=statement, **pick(inputs, names)
        )
        return Created(statement, self.outputs(call, inputs, statementId=statement))

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        raise ProvisionError("a Lambda permission cannot be changed in place")

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        with ignoring(_MISSING):
            call.client("lambda").remove_permission(
                FunctionName=state["function"], StatementId=id, **pick(state, {"qualifier": "Qualifier"})
            )

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        answer = found(
            lambda: call.client("lambda").get_policy(
                FunctionName=state["function"], **pick(state, {"qualifier": "Qualifier"})
            ),
            _MISSING,
        )
        if answer is None:
            return None
        held = any(s.get("Sid") == id for s in json.loads(answer["Policy"])["Statement"])
        return {**state, "statementId": id} if held else None


class FunctionEventInvokeConfig(Base, type="aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"):
    """Retries, age and destinations of a function's asynchronous invocations."""

    replace_on = replaces("functionName", "qualifier")
    handled = frozenset(
        {"destinationConfig", "functionName", "maximumEventAgeInSeconds", "maximumRetryAttempts", "qualifier"}
    )

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        outputs = self._update(call, "", {}, inputs)
        qualifier = inputs.get("qualifier")
        return Created(
            f"{inputs['functionName']}:{qualifier}" if qualifier else inputs["functionName"], outputs
        )

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        params = pick(new, ("maximumEventAgeInSeconds", "maximumRetryAttempts", "qualifier"))
        if new.get("destinationConfig"):
            params["DestinationConfig"] = to_boto(new["destinationConfig"])
        call.client("lambda").put_function_event_invoke_config(FunctionName=new["functionName"], **params)
        return self.outputs(call, new)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        with ignoring(_MISSING):
            call.client("lambda").delete_function_event_invoke_config(
                FunctionName=state["functionName"], **pick(state, ("qualifier",))
            )

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        answer = found(
            lambda: call.client("lambda").get_function_event_invoke_config(
                FunctionName=state["functionName"], **pick(state, ("qualifier",))
            ),
            _MISSING,
        )
        if answer is None:
            return None
        return {**state, "maximumRetryAttempts": answer.get("MaximumRetryAttempts", 2)}
