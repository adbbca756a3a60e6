"""SNS topics, their policies and subscriptions (pulumi-aws `aws:sns/*`)."""

from __future__ import annotations

import json
from typing import Any

from sandbox.provisioners.base import (
    Base,
    Call,
    Created,
    Inputs,
    Outputs,
    document,
    found,
    ignoring,
    kept_document,
    merged_tags,
    replaces,
    same_document,
    sync_tags,
    tag_list,
    tag_map,
)

_MISSING = ("NotFound", "NotFoundException")

_TOPIC = {
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deliveryPolicy": "DeliveryPolicy",
    "displayName": "DisplayName",
    "fifoTopic": "FifoTopic",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "policy": "Policy",
    "signatureVersion": "SignatureVersion",
    "tracingConfig": "TracingConfig",
}
_SUBSCRIPTION = {
    "deliveryPolicy": "DeliveryPolicy",
    "filterPolicy": "FilterPolicy",
    "filterPolicyScope": "FilterPolicyScope",
    "rawMessageDelivery": "RawMessageDelivery",
    "redrivePolicy": "RedrivePolicy",
    "subscriptionRoleArn": "SubscriptionRoleArn",
}


def attributes(inputs: Inputs, names: dict[str, str]) -> dict[str, str]:
    """Inputs as the string attributes of SNS and SQS."""
    return {member: _text(inputs[key]) for key, member in names.items() if inputs.get(key) is not None}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class Topic(Base, type="aws:sns/topic:Topic"):
    """A topic; its id is its ARN."""

    name_key = "name"
    taggable = True
    name_limit = 256
    replace_on = replaces("name", "namePrefix", "fifoTopic")
    handled = frozenset({*_TOPIC, "name", "namePrefix", "tags"})

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        topic = self.physical_name(call, inputs, name, suffix=".fifo" if inputs.get("fifoTopic") else "")
        wanted = {
            k: v for k, v in attributes(inputs, _TOPIC).items() if v and (k, v) != ("FifoTopic", "false")
        }
        arn = call.client("sns").create_topic(
            Name=topic, Attributes=wanted, Tags=tag_list(merged_tags(call, inputs))
        )["TopicArn"]
        return Created(arn, self._outputs(call, arn, inputs))

    def _outputs(self, call: Call, arn: str, inputs: Inputs) -> Outputs:
        return self.outputs(call, inputs, name=arn.rsplit(":", 1)[-1], arn=arn, owner=call.account)

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        client = call.client("sns")
        _set(client.set_topic_attributes, {"TopicArn": id}, attributes(old, _TOPIC), attributes(new, _TOPIC))
        sync_tags(
            tag_map(client.list_tags_for_resource(ResourceArn=id).get("Tags", [])),
            merged_tags(call, new),
            lambda tags: client.tag_resource(ResourceArn=id, Tags=tag_list(tags)),
            lambda keys: client.untag_resource(ResourceArn=id, TagKeys=keys),
        )
        return self._outputs(call, id, new)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        with ignoring(*_MISSING):
            call.client("sns").delete_topic(TopicArn=id)

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        answer = found(lambda: call.client("sns").get_topic_attributes(TopicArn=id), *_MISSING)
        if answer is None:
            return None
        held = answer["Attributes"]
        result = {**state, "name": id.rsplit(":", 1)[-1], "arn": id, "owner": held.get("Owner", call.account)}
        for key in ("displayName", "kmsMasterKeyId"):
            if held.get(_TOPIC[key]):
                result[key] = held[_TOPIC[key]]
        return result


def _set(setter: Any, target: dict[str, str], old: dict[str, str], new: dict[str, str]) -> None:
    for attribute in sorted(set(old) | set(new)):
        if old.get(attribute) != new.get(attribute):
            setter(**target, AttributeName=attribute, AttributeValue=new.get(attribute, ""))


class TopicPolicy(Base, type="aws:sns/topicPolicy:TopicPolicy"):
    """The policy of a topic; deleting it puts back the policy that lets only the owner in."""

    replace_on = replaces("arn")
    handled = frozenset({"arn", "policy"})

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        return Created(inputs["arn"], self._update(call, inputs["arn"], {}, inputs))

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        call.client("sns").set_topic_attributes(
            TopicArn=id, AttributeName="Policy", AttributeValue=document(new["policy"])
        )
        return self.outputs(call, new, owner=call.account)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        with ignoring(*_MISSING):
            call.client("sns").set_topic_attributes(
                TopicArn=id, AttributeName="Policy", AttributeValue=json.dumps(_owner_only(call, id))
            )

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        answer = found(lambda: call.client("sns").get_topic_attributes(TopicArn=id), *_MISSING)
        policy = (answer or {}).get("Attributes", {}).get("Policy")
        if not policy or same_document(policy, _owner_only(call, id)):
            return None
        return {**state, "arn": id, "policy": kept_document(state, "policy", policy)}


def _owner_only(call: Call, arn: str) -> dict[str, Any]:
    # The policy that SNS gives a new topic (SNS Developer Guide, "Using identity-based policies").
    actions = ("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic",
               "Subscribe", "ListSubscriptionsByTopic", "Publish")  # fmt: skip
    return {
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [
            {
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [f"SNS:{action}" for action in actions],
                "Resource": arn,
                "Condition": {"StringEquals": {"AWS:SourceOwner": call.account}},
            }
        ],
    }


class TopicSubscription(Base, type="aws:sns/topicSubscription:TopicSubscription"):
    """A subscription; its id is its ARN, also while an e-mail address has not yet confirmed it."""

    replace_on = replaces("endpoint", "protocol", "topic")
    handled = frozenset(
        {
            *_SUBSCRIPTION,
            "confirmationTimeoutInMinutes",
            "endpoint",
            "endpointAutoConfirms",
            "protocol",
            "topic",
        }
    )

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        arn = call.client("sns").subscribe(
            TopicArn=inputs["topic"],
            Protocol=inputs["protocol"],
            Endpoint=inputs["endpoint"],
            Attributes={k: v for k, v in attributes(inputs, _SUBSCRIPTION).items() if v},
            ReturnSubscriptionArn=True,
        )["SubscriptionArn"]
        outputs = self.outputs(call, inputs, arn=arn, ownerId=call.account)
        return Created(arn, self.read(call, arn, outputs) or outputs)

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        _set(
            call.client("sns").set_subscription_attributes,
            {"SubscriptionArn": id},
            attributes(old, _SUBSCRIPTION),
            attributes(new, _SUBSCRIPTION),
        )
        outputs = self.outputs(call, new, arn=id, ownerId=call.account)
        return self.read(call, id, outputs) or outputs

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        with ignoring(*_MISSING):
            call.client("sns").unsubscribe(SubscriptionArn=id)

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        answer = found(lambda: call.client("sns").get_subscription_attributes(SubscriptionArn=id), *_MISSING)
        if answer is None:
            return None
        held = answer["Attributes"]
        return {
            **state,
            "arn": id,
            "ownerId": held.get("Owner", call.account),
            "pendingConfirmation": held.get("PendingConfirmation", "false") == "true",
            "confirmationWasAuthenticated": held.get("ConfirmationWasAuthenticated", "false") == "true",
        }
