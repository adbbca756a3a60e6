"""EventBridge Scheduler schedules and groups (pulumi-aws `aws:scheduler/*`)."""

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
    merged_tags,
    pick,
    replaces,
    sync_tags,
    tag_list,
    tag_map,
    to_boto,
    wait_until,
)

_MISSING = "ResourceNotFoundException"
_RENAMES = {"eventbridgeParameters": "EventBridgeParameters"}


class Schedule(Base, type="aws:scheduler/schedule:Schedule"):
    """A schedule and its target."""

    name_key = "name"
    replace_on = replaces("name", "namePrefix", "groupName")
    handled = frozenset(
        {
            "actionAfterCompletion", "description", "endDate", "flexibleTimeWindow", "groupName",
            "kmsKeyArn", "name", "namePrefix", "scheduleExpression", "scheduleExpressionTimezone",
            "startDate", "state", "target",
        }
    )  # fmt: skip

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        schedule = self.physical_name(call, inputs, name)
        answer = call.client("scheduler").create_schedule(**_params(schedule, inputs))
        group = inputs.get("groupName") or "default"
        return Created(f"{group}/{schedule}", self._outputs(call, schedule, answer["ScheduleArn"], inputs))

    def _outputs(self, call: Call, schedule: str, arn: str, inputs: Inputs) -> Outputs:
        return self.outputs(
            call,
            inputs,
            name=schedule,
            arn=arn,
            groupName=inputs.get("groupName") or "default",
            state=inputs.get("state") or "ENABLED",
            scheduleExpressionTimezone=inputs.get("scheduleExpressionTimezone") or "UTC",
        )

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        schedule = id.rsplit("/", 1)[-1]
        # UpdateSchedule overwrites: everything must be said again (API reference).
        answer = call.client("scheduler").update_schedule(**_params(schedule, new))
        return self._outputs(call, schedule, answer["ScheduleArn"], new)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        group, schedule = id.split("/", 1)
        with ignoring(_MISSING):
            call.client("scheduler").delete_schedule(Name=schedule, GroupName=group)

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        group, schedule = id.split("/", 1)
        answer = found(
            lambda: call.client("scheduler").get_schedule(Name=schedule, GroupName=group), _MISSING
        )
        if answer is None:
            return None
        return {
            **state,
            "name": schedule,
            "groupName": group,
            "arn": answer["Arn"],
            "state": answer["State"],
            "scheduleExpression": answer["ScheduleExpression"],
        }


def _params(schedule: str, inputs: Inputs) -> dict[str, Any]:
    plain = (
        "actionAfterCompletion", "description", "endDate", "groupName", "kmsKeyArn", "scheduleExpression",
        "scheduleExpressionTimezone", "startDate", "state",
    )  # fmt: skip
    return {
        "Name": schedule,
        **pick({key: inputs[key] for key in plain if inputs.get(key)}, plain),
        "FlexibleTimeWindow": to_boto(inputs["flexibleTimeWindow"]),
        "Target": to_boto(inputs["target"], _RENAMES),
    }


class ScheduleGroup(Base, type="aws:scheduler/scheduleGroup:ScheduleGroup"):
    """A group of schedules; deleting it deletes what is in it."""

    name_key = "name"
    taggable = True
    replace_on = replaces("name", "namePrefix")
    handled = frozenset({"name", "namePrefix", "tags"})

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        group = self.physical_name(call, inputs, name)
        call.client("scheduler").create_schedule_group(Name=group, Tags=tag_list(merged_tags(call, inputs)))
        outputs = self.outputs(call, inputs, name=group)
        return Created(group, self.read(call, group, outputs) or outputs)

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        client = call.client("scheduler")
        arn = client.get_schedule_group(Name=id)["Arn"]
        sync_tags(
            tag_map(client.list_tags_for_resource(ResourceArn=arn).get("Tags", [])),
            merged_tags(call, new),
            lambda tags: client.tag_resource(ResourceArn=arn, Tags=tag_list(tags)),
            lambda keys: client.untag_resource(ResourceArn=arn, TagKeys=keys),
        )
        return self.outputs(call, new, name=id, arn=arn)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        client = call.client("scheduler")
        # The emulator answers a missing group with an InternalError (gaps.py), so it is looked up first.
        if self.read(call, id, state) is None:
            return
        with ignoring(_MISSING):
            client.delete_schedule_group(Name=id)
            wait_until(
                f"deletion of schedule group {id}",
                lambda: found(lambda: client.get_schedule_group(Name=id), _MISSING) is None,
            )

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        answer = found(lambda: call.client("scheduler").get_schedule_group(Name=id), _MISSING)
        if answer is None or answer.get("State") == "DELETING":
            return None
        return {**state, "name": id, "arn": answer["Arn"], "state": answer.get("State", "ACTIVE")}
