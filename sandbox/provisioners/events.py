"""EventBridge rules, targets and permissions (pulumi-aws `aws:cloudwatch/event*`)."""

from __future__ import annotations

import json
from typing import Any

from sandbox.provisioners.base import (
    Base,
    Call,
    Created,
    Inputs,
    Outputs,
    ProvisionError,
    found,
    ignoring,
    merged_tags,
    pick,
    replaces,
    sync_tags,
    tag_list,
    tag_map,
    to_boto,
)

_MISSING = "ResourceNotFoundException"
_DEFAULT = "default"


class EventRule(Base, type="aws:cloudwatch/eventRule:EventRule"):
    """A rule on a bus: a pattern, a schedule, or both."""

    name_key = "name"
    taggable = True
    replace_on = replaces("name", "namePrefix", "eventBusName")
    handled = frozenset(
        {
            "description", "eventBusName", "eventPattern", "forceDestroy", "isEnabled", "name",
            "namePrefix", "roleArn", "scheduleExpression", "state", "tags",
        }
    )  # fmt: skip

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        rule = self.physical_name(call, inputs, name)
        bus = inputs.get("eventBusName") or _DEFAULT
        tags = tag_list(merged_tags(call, inputs))
        arn = self._put(call, rule, inputs, Tags=tags)
        return Created(rule if bus == _DEFAULT else f"{bus}/{rule}", self._outputs(call, rule, arn, inputs))

    def _put(self, call: Call, rule: str, inputs: Inputs, **extra: Any) -> str:
        names = ("description", "eventPattern", "roleArn", "scheduleExpression")
        answer = call.client("events").put_rule(
            Name=rule,
            EventBusName=inputs.get("eventBusName") or _DEFAULT,
            State=_rule_state(inputs),
            **pick({key: inputs[key] for key in names if inputs.get(key)}, names),
            **extra,
        )
        return str(answer["RuleArn"])

    def _outputs(self, call: Call, rule: str, arn: str, inputs: Inputs) -> Outputs:
        return self.outputs(
            call,
            inputs,
            name=rule,
            arn=arn,
            eventBusName=inputs.get("eventBusName") or _DEFAULT,
            state=_rule_state(inputs),
        )

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        rule = id.rsplit("/", 1)[-1]
        arn = self._put(call, rule, new)
        client = call.client("events")
        sync_tags(
            tag_map(client.list_tags_for_resource(ResourceARN=arn).get("Tags", [])),
            merged_tags(call, new),
            lambda tags: client.tag_resource(ResourceARN=arn, Tags=tag_list(tags)),
            lambda keys: client.untag_resource(ResourceARN=arn, TagKeys=keys),
        )
        return self._outputs(call, rule, arn, new)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        with ignoring(_MISSING):
            call.client("events").delete_rule(
                Name=id.rsplit("/", 1)[-1],
                EventBusName=state.get("eventBusName") or _DEFAULT,
                Force=bool(state.get("forceDestroy")),
            )

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        rule, bus = id.rsplit("/", 1)[-1], state.get("eventBusName") or _DEFAULT
        answer = found(lambda: call.client("events").describe_rule(Name=rule, EventBusName=bus), _MISSING)
        if answer is None:
            return None
        return {**state, "name": rule, "arn": answer["Arn"], "state": answer["State"], "eventBusName": bus}


def _rule_state(inputs: Inputs) -> str:
    return str(inputs.get("state") or ("DISABLED" if inputs.get("isEnabled") is False else "ENABLED"))


class EventTarget(Base, type="aws:cloudwatch/eventTarget:EventTarget"):
    """Where a rule sends its events."""

    name_key = "targetId"
    replace_on = replaces("rule", "targetId", "eventBusName")
    handled = frozenset(
        {
            "arn", "deadLetterConfig", "eventBusName", "forceDestroy", "input", "inputPath",
            "inputTransformer", "retryPolicy", "roleArn", "rule", "runCommandTargets", "sqsTarget",
            "targetId",
        }
    )  # fmt: skip

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        target = self.physical_name(call, inputs, name)
        bus = inputs.get("eventBusName") or _DEFAULT
        self._put(call, target, inputs)
        parts = [inputs["rule"], target] if bus == _DEFAULT else [bus, inputs["rule"], target]
        return Created("-".join(parts), self._outputs(call, target, inputs))

    def _put(self, call: Call, target: str, inputs: Inputs) -> None:
        entry: dict[str, Any] = {
            "Id": target,
            **pick(inputs, ("arn", "roleArn", "input", "inputPath")),
        }
        if inputs.get("deadLetterConfig"):
            entry["DeadLetterConfig"] = to_boto(inputs["deadLetterConfig"])
        if inputs.get("retryPolicy"):
            entry["RetryPolicy"] = to_boto(inputs["retryPolicy"])
        if transformer := inputs.get("inputTransformer"):
            entry["InputTransformer"] = {"InputTemplate": transformer["inputTemplate"]}
            if transformer.get("inputPaths"):
                entry["InputTransformer"]["InputPathsMap"] = dict(transformer["inputPaths"])
        if inputs.get("sqsTarget"):
            entry["SqsParameters"] = to_boto(inputs["sqsTarget"])
        if inputs.get("runCommandTargets"):
            entry["RunCommandParameters"] = {"RunCommandTargets": to_boto(inputs["runCommandTargets"])}
        answer = call.client("events").put_targets(
            Rule=inputs["rule"], EventBusName=inputs.get("eventBusName") or _DEFAULT, Targets=[entry]
        )
        _raise_failed(answer)

    def _outputs(self, call: Call, target: str, inputs: Inputs) -> Outputs:
        bus = inputs.get("eventBusName") or _DEFAULT
        return self.outputs(call, inputs, targetId=target, eventBusName=bus)

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        target = str(new.get("targetId") or id.removeprefix(_target_prefix(new)))
        self._put(call, target, new)
        return self._outputs(call, target, new)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        with ignoring(_MISSING):
            answer = call.client("events").remove_targets(
                Rule=state["rule"],
                EventBusName=state.get("eventBusName") or _DEFAULT,
                Ids=[state.get("targetId") or id.removeprefix(_target_prefix(state))],
                Force=bool(state.get("forceDestroy")),
            )
            _raise_failed(answer, _MISSING)

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        bus = state.get("eventBusName") or _DEFAULT
        answer = found(
            lambda: call.client("events").list_targets_by_rule(Rule=state["rule"], EventBusName=bus), _MISSING
        )
        for target in (answer or {}).get("Targets", []):
            if target["Id"] == state["targetId"]:
                return {**state, "arn": target["Arn"], "eventBusName": bus}
        return None


def _target_prefix(inputs: Inputs) -> str:
    bus = inputs.get("eventBusName") or _DEFAULT
    return f"{inputs['rule']}-" if bus == _DEFAULT else f"{bus}-{inputs['rule']}-"


def _raise_failed(answer: dict[str, Any], *ignored: str) -> None:
    # PutTargets and RemoveTargets answer 200 with the failures in the body (API reference).
    for entry in answer.get("FailedEntries", []):
        if entry["ErrorCode"] in ignored:
            continue
        raise ProvisionError(f"target {entry['TargetId']}: {entry['ErrorCode']}: {entry['ErrorMessage']}")


class EventPermission(Base, type="aws:cloudwatch/eventPermission:EventPermission"):
    """One statement of a bus's policy: another account may put events."""

    replace_on = replaces("statementId", "eventBusName")
    handled = frozenset({"action", "condition", "eventBusName", "principal", "statementId"})

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        bus = inputs.get("eventBusName") or _DEFAULT
        outputs = self._update(call, "", {}, inputs)
        statement = inputs["statementId"]
        return Created(statement if bus == _DEFAULT else f"{bus}/{statement}", outputs)

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        if old:
            # AWS overwrites the statement of the same id, the emulator adds a second one (gaps.py).
            self.delete(call, id, {**old})
        bus, action = new.get("eventBusName") or _DEFAULT, new.get("action") or "events:PutEvents"
        params: dict[str, Any] = {"Condition": to_boto(new["condition"])} if new.get("condition") else {}
        call.client("events").put_permission(
            EventBusName=bus,
            Action=action,
            Principal=new["principal"],
            StatementId=new["statementId"],
            **params,
        )
        return self.outputs(call, new, eventBusName=bus, action=action)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        with ignoring(_MISSING):
            call.client("events").remove_permission(
                StatementId=state["statementId"], EventBusName=state.get("eventBusName") or _DEFAULT
            )

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        bus = state.get("eventBusName") or _DEFAULT
        answer = found(lambda: call.client("events").describe_event_bus(Name=bus), _MISSING)
        statements = json.loads((answer or {}).get("Policy") or "{}").get("Statement", [])
        held = any(statement.get("Sid") == state["statementId"] for statement in statements)
        return dict(state) if held else None
