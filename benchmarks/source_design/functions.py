"""The functions of the source's design, as they would be deployed: one file, boto3 only.

Each does what the description says of it and no more. Where the source has a defect (a parallel check that
keeps only the last status, PartiQL made from strings, a shell command made by concatenation), these do it
right: the comparison is of the design, not of its mistakes.
"""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import boto3

_dynamodb = boto3.resource("dynamodb")
_states = boto3.client("stepfunctions")
_sqs = boto3.client("sqs")


def workflow_trigger(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Reads the configuration, writes the workflow's audit record, starts the master machine."""
    table = _dynamodb.Table(os.environ["CONFIG_TABLE"])
    item = table.get_item(Key={"workflow_id": event["workflow_id"]})["Item"]
    stages = [stage for stage in item["workflow_stages"] if stage["execution_flag"] == "y"]
    ids = {key: event[key] for key in ("workflow_id", "workflow_execution_id")}
    _dynamodb.Table(os.environ["WORKFLOW_TABLE"]).put_item(
        Item=ids
        | {
            "execution_status": "Running",
            "rsql_jobs": [script for stage in stages for script in stage["scripts"]],
        }
    )
    started = _states.start_execution(
        stateMachineArn=os.environ["MASTER_MACHINE"],
        name=event["workflow_execution_id"],
        input=json.dumps(ids | {"stage_details": stages, "index": -1, "count": len(stages) - 1}),
    )
    return {"executionArn": started["executionArn"]}


def master_iterator(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The next stage."""
    index = event["index"] + 1
    stage = event["stage_details"][index]
    details = {"execution_mode": stage["execution_type"], "scripts": stage["scripts"]}
    return {"index": index, "count": event["count"], "execution_details": details}


def payload_generator(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """One entry for each script of a stage."""
    ids = {key: event[key] for key in ("workflow_id", "workflow_execution_id")}
    return {
        "parallel_details": [ids | {"script": script} for script in event["execution_details"]["scripts"]]
    }


def sequential_iterator(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The next script of a sequential stage; an index as large as the count when there is none."""
    # The emulator passes the literal -1 of a Parameters field on as -1.0.
    index, scripts = int(event["index"]) + 1, event["sequential"]
    following = {"script": scripts[index]} if index < len(scripts) else {}
    return event | {"index": index, "count": len(scripts), "execution_details": following}


def rsql_invoke(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Hands a script and its task token to the host; here to the queue that the stand-in reads."""
    job = {
        "script": event["script"],
        "job_id": event["script"],
        "job_name": event["script"],
        "workflow_id": event["workflow_id"],
        "workflow_execution_id": event["workflow_execution_id"],
        "attempt": 1,
        "task_token": event["token"],
    }
    body = base64.b64encode(json.dumps(job).encode()).decode()
    _sqs.send_message(QueueUrl=os.environ["JOBS_QUEUE"], MessageBody=body)
    return {"statusCode": 200}


def parallel_load_check(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Whether every script of a parallel stage completed."""
    done = all(result["status"] == "Completed" for result in event["parallel_output"])
    return {"parallel_load_status": "successful" if done else "failed"}


def update_audit(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The workflow's end in its audit record."""
    _dynamodb.Table(os.environ["WORKFLOW_TABLE"]).update_item(
        Key={"workflow_execution_id": event["workflow_execution_id"]},
        UpdateExpression="SET execution_status = :status",
        ExpressionAttributeValues={":status": event["status"]},
    )
    return {"statusCode": 200}
