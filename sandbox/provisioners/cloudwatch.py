"""CloudWatch alarms (pulumi-aws `aws:cloudwatch/metricAlarm:MetricAlarm`)."""

from __future__ import annotations

from typing import Any

from sandbox.provisioners.base import (
    Base,
    Call,
    Created,
    Inputs,
    Outputs,
    merged_tags,
    pick,
    replaces,
    sync_tags,
    tag_list,
    tag_map,
)

_PLAIN = {
    "actionsEnabled": "ActionsEnabled",
    "alarmActions": "AlarmActions",
    "alarmDescription": "AlarmDescription",
    "comparisonOperator": "ComparisonOperator",
    "datapointsToAlarm": "DatapointsToAlarm",
    "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
    "evaluationPeriods": "EvaluationPeriods",
    "extendedStatistic": "ExtendedStatistic",
    "insufficientDataActions": "InsufficientDataActions",
    "metricName": "MetricName",
    "namespace": "Namespace",
    "okActions": "OKActions",
    "period": "Period",
    "statistic": "Statistic",
    "threshold": "Threshold",
    "thresholdMetricId": "ThresholdMetricId",
    "treatMissingData": "TreatMissingData",
    "unit": "Unit",
}


class MetricAlarm(Base, type="aws:cloudwatch/metricAlarm:MetricAlarm"):
    """An alarm on one metric or on a metric expression."""

    name_key = "name"
    taggable = True
    name_limit = 255
    replace_on = replaces("name")
    handled = frozenset({*_PLAIN, "dimensions", "metricQueries", "name", "tags"})

    def _create(self, call: Call, inputs: Inputs, name: str) -> Created:
        alarm = self.physical_name(call, inputs, name)
        self._put(call, alarm, inputs, Tags=tag_list(merged_tags(call, inputs)))
        return Created(alarm, self._outputs(call, alarm, inputs))

    def _put(self, call: Call, alarm: str, inputs: Inputs, **extra: Any) -> None:
        params = pick(inputs, _PLAIN)
        if inputs.get("dimensions"):
            params["Dimensions"] = tag_list(inputs["dimensions"], "Name", "Value")
        if inputs.get("metricQueries"):
            params["Metrics"] = [_query(item) for item in inputs["metricQueries"]]
        call.client("cloudwatch").put_metric_alarm(AlarmName=alarm, **params, **extra)

    def _outputs(self, call: Call, alarm: str, inputs: Inputs) -> Outputs:
        return self.outputs(
            call,
            inputs,
            name=alarm,
            arn=call.arn("cloudwatch", f"alarm:{alarm}"),
            actionsEnabled=inputs.get("actionsEnabled", True),
            treatMissingData=inputs.get("treatMissingData", "missing"),
        )

    def _update(self, call: Call, id: str, old: Inputs, new: Inputs) -> Outputs:
        self._put(call, id, new)
        client, arn = call.client("cloudwatch"), call.arn("cloudwatch", f"alarm:{id}")
        sync_tags(
            tag_map(client.list_tags_for_resource(ResourceARN=arn).get("Tags", [])),
            merged_tags(call, new),
            lambda tags: client.tag_resource(ResourceARN=arn, Tags=tag_list(tags)),
            lambda keys: client.untag_resource(ResourceARN=arn, TagKeys=keys),
        )
        return self._outputs(call, id, new)

    def delete(self, call: Call, id: str, state: Outputs) -> None:
        if self.read(call, id, state) is not None:
            call.client("cloudwatch").delete_alarms(AlarmNames=[id])

    def read(self, call: Call, id: str, state: Outputs) -> Outputs | None:
        for alarm in call.client("cloudwatch").describe_alarms(AlarmNames=[id])["MetricAlarms"]:
            return {**state, "name": id, "arn": alarm["AlarmArn"], "threshold": alarm.get("Threshold")}
        return None


def _query(item: Inputs) -> dict[str, Any]:
    names = {
        "accountId": "AccountId",
        "expression": "Expression",
        "id": "Id",
        "label": "Label",
        "period": "Period",
    }
    query: dict[str, Any] = {**pick(item, names), "ReturnData": bool(item.get("returnData"))}
    if metric := item.get("metric"):
        query["MetricStat"] = {
            "Metric": {
                **pick(metric, {"metricName": "MetricName", "namespace": "Namespace"}),
                "Dimensions": tag_list(metric.get("dimensions") or {}, "Name", "Value"),
            },
            **pick(metric, {"period": "Period", "stat": "Stat", "unit": "Unit"}),
        }
    return query
