"""Step Functions state machines (pulumi-aws `aws:sfn/stateMachine:StateMachine`)."""

from __future__ import annotations

from typing import Any

from sandbox.provisioners.base import (
    Base,
    Call,
    Created,
    Inputs,
    Outputs,
    found,
    ignoring,
    kept_document,
    merged_tags,
    replaces,
    sync_tags,
    tag_list,
    tag_map,
    wait_until,
)

_MISSING = "StateMachineDoesNotExist"


class StateMachine(Base, type="aws:sfn/stateMachine:StateMachine"):
    """A state machine with its logging, tracing and encryption; its id is its ARN."""

    name_key = "name"
    taggable = True
    name_limit = 80
    replace_on = replaces("name", "namePrefix", "type")
    handled = frozenset(
        {
            "definition", "encryptionConfiguration", "loggingConfiguration", "name", "namePrefix",
            "publish", "roleArn", "tags", "tracingConfiguration", "type",
        }
    )  # fmt: skip

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        machine = self.physical_name(call, inputs, name)
        answer = call.client("stepfunctions").create_state_machine(
            name=machine,
            type=inputs.get("type") or "STANDARD",
            publish=bool(inputs.get("publish")),
            tags=tag_list(merged_tags(call, inputs), "key", "value"),
            **_settings(inputs, {}),
        )
        arn = answer["stateMachineArn"]
        outputs = self.outputs(
            call,
            inputs,
            arn=arn,
            name=machine,
            stateMachineVersionArn=answer.get("stateMachineVersionArn", ""),
        )
        return Created(arn, self.read(call, arn, outputs) or outputs)

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        client = call.client("stepfunctions")
        client.update_state_machine(
            stateMachineArn=id, publish=bool(new.get("publish")), **_settings(new, old)
        )
        sync_tags(
            tag_map(client.list_tags_for_resource(resourceArn=id).get("tags", []), "key", "value"),
            merged_tags(call, new),
            lambda tags: client.tag_resource(resourceArn=id, tags=tag_list(tags, "key", "value")),
            lambda keys: client.untag_resource(resourceArn=id, tagKeys=keys),
        )
        outputs = self.outputs(call, new, arn=id)
        return self.read(call, id, outputs) or outputs

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        client = call.client("stepfunctions")
        with ignoring(_MISSING):
            client.delete_state_machine(stateMachineArn=id)
            wait_until(
                f"deletion of state machine {id}",
                lambda: found(lambda: client.describe_state_machine(stateMachineArn=id), _MISSING) is None,
                seconds=120,
            )

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        answer = found(
            lambda: call.client("stepfunctions").describe_state_machine(stateMachineArn=id), _MISSING
        )
        if answer is None or answer.get("status") == "DELETING":
            return None
        return {
            **state,
            "arn": id,
            "name": answer["name"],
            "type": answer.get("type", "STANDARD"),
            "roleArn": answer["roleArn"],
            "status": answer.get("status", "ACTIVE"),
            "creationDate": answer["creationDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
            "revisionId": answer.get("revisionId", ""),
            "definition": kept_document(state, "definition", answer["definition"]),
        }


def _settings(inputs: Inputs, old: Inputs) -> dict[str, Any]:
    """The settings given; those that were given before and are no longer go back to their defaults."""
    result: dict[str, Any] = {"definition": inputs["definition"], "roleArn": inputs["roleArn"]}
    logging = inputs.get("loggingConfiguration")
    if logging or old.get("loggingConfiguration"):
        logging = logging or {}
        result["loggingConfiguration"] = {
            "level": logging.get("level", "OFF"),
            "includeExecutionData": bool(logging.get("includeExecutionData")),
        }
        if logging.get("logDestination"):
            result["loggingConfiguration"]["destinations"] = [
                {"cloudWatchLogsLogGroup": {"logGroupArn": logging["logDestination"]}}
            ]
    tracing = inputs.get("tracingConfiguration")
    if tracing or old.get("tracingConfiguration"):
        result["tracingConfiguration"] = {"enabled": bool((tracing or {}).get("enabled"))}
    encryption = inputs.get("encryptionConfiguration")
    if encryption:
        result["encryptionConfiguration"] = {k: v for k, v in encryption.items() if v is not None}
    elif old.get("encryptionConfiguration"):
        result["encryptionConfiguration"] = {"type": "AWS_OWNED_KEY"}
    return result
