"""The three state machines of the source's design, rebuilt from their description.

JSONPath, as the source has it, and its count of states: six in the master for a stage, 3n + 3 for n scripts
in sequence, n + 4 for n scripts in parallel. (source: specs/rsql-orchestration, "Measured on the sample")
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Functions = Mapping[str, str]
"""ARN of each function, by its name in `functions`."""
INVOKE = "arn:aws:states:::lambda:invoke"
INVOKE_AND_WAIT = "arn:aws:states:::lambda:invoke.waitForTaskToken"
START_AND_WAIT = "arn:aws:states:::states:startExecution.sync:2"
MOST_AT_ONCE = 40
TIMEOUT_SECONDS = 1440 * 60
_IDS = {"workflow_id.$": "$.workflow_id", "workflow_execution_id.$": "$.workflow_execution_id"}


def master(functions: Functions, sequential: str, parallel: str) -> dict[str, Any]:
    """Stage by stage: iterator, choice, payload, child execution, payload, choice; then the audit record."""
    details = "$.current_stage_details.Payload.execution_details"
    payload = {**_IDS, "execution_details.$": details}
    return _machine(
        "NextStage",
        {
            "NextStage": _call(
                functions["master_iterator"],
                {**_IDS, "stage_details.$": "$.stage_details", "index.$": "$.index", "count.$": "$.count"},
                ResultPath="$.current_stage_details",
                Next="StageType",
            ),
            "StageType": {
                "Type": "Choice",
                "Choices": [
                    {
                        "Variable": f"{details}.execution_mode",
                        "StringEquals": mode,
                        "Next": f"{mode.title()}Payload",
                    }
                    for mode in ("parallel", "sequential")
                ],
                "Default": "UnknownType",
            },
            "ParallelPayload": _call(
                functions["payload_generator"],
                payload,
                ResultPath="$.parallel_stage_details",
                Next="ParallelStage",
            ),
            "SequentialPayload": _call(
                functions["payload_generator"], payload, ResultPath=None, Next="SequentialStage"
            ),
            "ParallelStage": _child(parallel, {**_IDS, "Payload.$": "$.parallel_stage_details.Payload"}),
            "SequentialStage": _child(
                sequential, {**_IDS, "sequential.$": f"{details}.scripts", "index": -1}
            ),
            "StageDone": {
                "Type": "Pass",
                "Parameters": {
                    **_IDS,
                    "index.$": "$.current_stage_details.Payload.index",
                    "count.$": "$.current_stage_details.Payload.count",
                    "stage_details.$": "$.stage_details",
                },
                "Next": "MoreStages",
            },
            "MoreStages": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.index", "NumericLessThanPath": "$.count", "Next": "NextStage"}],
                "Default": "AuditCompleted",
            },
            "AuditCompleted": _call(
                functions["update_audit"],
                {**_IDS, "status": "Completed"},
                OutputPath="$.Payload",
                Next="Completed",
            ),
            "Completed": {"Type": "Succeed"},
            "UnknownType": {"Type": "Fail"},
        },
    )


def sequential(functions: Functions) -> dict[str, Any]:
    """Script by script: iterator, choice, callback."""
    return _machine(
        "NextScript",
        {
            "NextScript": {
                "Type": "Task",
                "Resource": INVOKE,
                "Parameters": {"FunctionName": functions["sequential_iterator"], "Payload.$": "$"},
                "OutputPath": "$.Payload",
                "Next": "MoreScripts",
            },
            "MoreScripts": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.index", "NumericLessThanPath": "$.count", "Next": "RunScript"}],
                "Default": "ScriptsDone",
            },
            "RunScript": _script(
                functions["rsql_invoke"],
                "$.execution_details.script",
                ResultPath="$.result",
                Next="NextScript",
            ),
            "ScriptsDone": {"Type": "Pass", "End": True},
        },
    )


def parallel(functions: Functions) -> dict[str, Any]:
    """All scripts of a stage at once, then the check of their results."""
    return _machine(
        "RunScripts",
        {
            "RunScripts": {
                "Type": "Map",
                "MaxConcurrency": MOST_AT_ONCE,
                "ItemsPath": "$.Payload.parallel_details",
                "ItemProcessor": {
                    "StartAt": "RunScript",
                    "States": {"RunScript": _script(functions["rsql_invoke"], "$.script", End=True)},
                },
                "ResultPath": "$.parallel_output",
                "Next": "Check",
            },
            "Check": _call(
                functions["parallel_load_check"],
                {"parallel_output.$": "$.parallel_output"},
                ResultPath="$.parallel_check",
                Next="AllCompleted",
            ),
            "AllCompleted": {
                "Type": "Choice",
                "Choices": [
                    {
                        "Variable": "$.parallel_check.Payload.parallel_load_status",
                        "StringEquals": "successful",
                        "Next": "Completed",
                    }
                ],
                "Default": "AuditFailed",
            },
            "AuditFailed": _call(
                functions["update_audit"], {**_IDS, "status": "Failed"}, OutputPath="$.Payload", Next="Failed"
            ),
            "Completed": {"Type": "Succeed"},
            "Failed": {"Type": "Fail"},
        },
    )


def _machine(first: str, states: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": first, "TimeoutSeconds": TIMEOUT_SECONDS, "States": states}


def _call(function: str, payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    parameters = {"FunctionName": function, "Payload": payload}
    return {"Type": "Task", "Resource": INVOKE, "Parameters": parameters, **more}


def _script(function: str, script: str, **more: Any) -> dict[str, Any]:
    payload = {**_IDS, "script.$": script, "token.$": "$$.Task.Token"}
    parameters = {"FunctionName": function, "Payload": payload}
    return {"Type": "Task", "Resource": INVOKE_AND_WAIT, "Parameters": parameters, **more}


def _child(machine: str, given: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": START_AND_WAIT,
        "Parameters": {
            "StateMachineArn": machine,
            "Input": {**given, "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$": "$$.Execution.Id"},
        },
        "ResultPath": None,
        "Next": "StageDone",
    }
