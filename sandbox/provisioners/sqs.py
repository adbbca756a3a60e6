"""SQS queues and their policies (pulumi-aws `aws:sqs/*`)."""

from __future__ import annotations

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
    sync_tags,
)
from sandbox.provisioners.sns import attributes

_MISSING = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")

_QUEUE = {
    "contentBasedDeduplication": "ContentBasedDeduplication",
    "deduplicationScope": "DeduplicationScope",
    "delaySeconds": "DelaySeconds",
    "fifoQueue": "FifoQueue",
    "fifoThroughputLimit": "FifoThroughputLimit",
    "kmsDataKeyReusePeriodSeconds": "KmsDataKeyReusePeriodSeconds",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "maxMessageSize": "MaximumMessageSize",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "policy": "Policy",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "redriveAllowPolicy": "RedriveAllowPolicy",
    "redrivePolicy": "RedrivePolicy",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "visibilityTimeoutSeconds": "VisibilityTimeout",
}
# What an attribute goes back to when its input is taken away (SQS API reference, SetQueueAttributes).
_DEFAULTS = {
    "ContentBasedDeduplication": "false",
    "DelaySeconds": "0",
    "KmsDataKeyReusePeriodSeconds": "300",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "VisibilityTimeout": "30",
}


class Queue(Base, type="aws:sqs/queue:Queue"):
    """A queue; its id is its URL."""

    name_key = "name"
    taggable = True
    name_limit = 80
    replace_on = replaces("name", "namePrefix", "fifoQueue")
    handled = frozenset({*_QUEUE, "name", "namePrefix", "tags"})

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        queue = self.physical_name(call, inputs, name, suffix=".fifo" if inputs.get("fifoQueue") else "")
        wanted = {
            k: v for k, v in attributes(inputs, _QUEUE).items() if v and (k, v) != ("FifoQueue", "false")
        }
        url = call.client("sqs").create_queue(
            QueueName=queue, Attributes=wanted, tags=merged_tags(call, inputs)
        )["QueueUrl"]
        return Created(url, self._outputs(call, queue, url, inputs))

    def _outputs(self, call: Call, queue: str, url: str, inputs: Inputs) -> Outputs:
        return self.outputs(call, inputs, name=queue, url=url, arn=call.arn("sqs", queue))

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        client = call.client("sqs")
        before, after = attributes(old, _QUEUE), attributes(new, _QUEUE)
        differing = {
            key: after.get(key, _DEFAULTS.get(key, ""))
            for key in sorted(set(before) | set(after))
            if before.get(key) != after.get(key)
        }
        if differing:
            client.set_queue_attributes(QueueUrl=id, Attributes=differing)
        sync_tags(
            client.list_queue_tags(QueueUrl=id).get("Tags", {}),
            merged_tags(call, new),
            lambda tags: client.tag_queue(QueueUrl=id, Tags=tags),
            lambda keys: client.untag_queue(QueueUrl=id, TagKeys=keys),
        )
        return self._outputs(call, id.rsplit("/", 1)[-1], id, new)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        with ignoring(*_MISSING):
            call.client("sqs").delete_queue(QueueUrl=id)

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        answer = found(
            lambda: call.client("sqs").get_queue_attributes(QueueUrl=id, AttributeNames=["All"]), *_MISSING
        )
        if answer is None:
            return None
        held = answer["Attributes"]
        return {
            **state,
            "name": id.rsplit("/", 1)[-1],
            "url": id,
            "arn": held["QueueArn"],
            "visibilityTimeoutSeconds": int(held.get("VisibilityTimeout", 30)),
            "messageRetentionSeconds": int(held.get("MessageRetentionPeriod", 345600)),
        }


class QueuePolicy(Base, type="aws:sqs/queuePolicy:QueuePolicy"):
    """The policy of a queue."""

    replace_on = replaces("queueUrl")
    handled = frozenset({"policy", "queueUrl"})

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        return Created(inputs["queueUrl"], self._update(call, inputs["queueUrl"], {}, inputs))

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        call.client("sqs").set_queue_attributes(QueueUrl=id, Attributes={"Policy": document(new["policy"])})
        return self.outputs(call, new)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        with ignoring(*_MISSING):
            call.client("sqs").set_queue_attributes(QueueUrl=id, Attributes={"Policy": ""})

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        answer = found(
            lambda: call.client("sqs").get_queue_attributes(QueueUrl=id, AttributeNames=["Policy"]), *_MISSING
        )
        policy = (answer or {}).get("Attributes", {}).get("Policy")
        if not policy:
            return None
        return {**state, "queueUrl": id, "policy": kept_document(state, "policy", policy)}
