"""The sandbox stack with a workflow of every job kind and a schedule, and what these act on.

A role has statements only for what its stack's workflows name: the shipped sandbox stack names no function,
no Glue job and no schedule. So the experiment's stack names one of each.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any, Final

from landfall.cli.exits import CommandError
from landfall.cli.sandbox_spec import sandbox_spec
from landfall.cli.stacks import ROOT
from landfall.config import StackConfig, load
from sandbox import launcher
from sandbox.engines.embedded_up import EmbeddedEngine
from sandbox.engines.errors import EngineError
from sandbox.engines.project import Project
from sandbox.launcher import Sandbox

STACK: Final = "sandbox"
KINDS: Final = "lp_kinds"
HANGING: Final = "lp_hanging"
NIGHTLY: Final = "lp_nightly"
FUNCTION: Final = "lp-function"
GLUE_JOB: Final = "lp-job"
HANGING_GLUE_JOB: Final = "lp-hang"
APPLICATION: Final = "00lpapplication1"
CHILD: Final = "lp-child"
WAITING_CHILD: Final = "lp-waiting-child"
ARRIVALS: Final = "lp-arrivals"
_WORKFLOWS: Final = "landfall:workflows"


def _spark(program: str) -> dict[str, Any]:
    return {
        "kind": "emr_serverless",
        "application_id": APPLICATION,
        "execution_role_arn": "arn:aws:iam::111111111111:role/lp-spark",
        "entry_point": f"s3://lp-code/{program}.py",
    }


def _workflow(name: str, stage: dict[str, Any], **more: Any) -> dict[str, Any]:
    described = {"stage_description": "Scenario", **stage}
    return {
        "workflow_id": name,
        "workflow_description": "Scenario of the least-privilege proof",
        "workflow_stages": [described],
        **more,
    }


def values() -> dict[str, str]:
    """The shipped stack's workflows and the experiment's, as the engine takes them."""
    shipped: dict[str, Any] = json.loads(Project.load(ROOT).config(STACK).values[_WORKFLOWS])
    arrived = {
        "kind": "s3_object", "bucket": ARRIVALS, "key": "ready", "timeout_seconds": 30, "poll_seconds": 1,
    }  # fmt: skip
    kinds = [
        {"kind": "lambda", "function": FUNCTION},
        {"kind": "glue", "job": GLUE_JOB},
        _spark("load"),
        {"kind": "state_machine", "state_machine": CHILD},
    ]
    hanging = [
        {"kind": "glue", "job": HANGING_GLUE_JOB},
        _spark("hang"),
        {"kind": "state_machine", "state_machine": WAITING_CHILD},
    ]
    shipped["definitions"] |= {
        KINDS: _workflow(KINDS, {"execution_type": "parallel", "scripts": kinds, "preconditions": [arrived]}),
        HANGING: _workflow(HANGING, {"execution_type": "parallel", "scripts": hanging}),
        NIGHTLY: _workflow(
            NIGHTLY,
            {
                "execution_type": "sequential",
                "scripts": [{"kind": "sql", "name": "statement", "sql": ["select 1"]}],
            },
            schedule={"expression": "cron(0 6 * * ? *)", "timezone": "UTC"},
        ),
    }
    return {_WORKFLOWS: json.dumps(shipped)}


def deploy(name: str, *, owner_pid: int | None, progress: Any) -> tuple[Sandbox, StackConfig]:
    """A new sandbox with the experiment's stack; raises ``CommandError`` where it cannot be deployed."""
    config = load({**Project.load(ROOT).config(STACK).values, **values()})
    progress("a sandbox under IAM enforcement")
    sandbox = launcher.up(sandbox_spec(config), name, owner_pid=owner_pid, discard=True, progress=progress)
    progress("the sandbox stack, with a workflow of every job kind and a schedule")
    try:
        EmbeddedEngine(sandbox.state_dir, root=ROOT).up(
            STACK, environment=sandbox.environment("data"), values=values()
        )
    except EngineError as failed:
        raise CommandError(f"the stack was not deployed: {failed}") from failed
    _make_what_jobs_act_on(sandbox)
    return sandbox, config


def _make_what_jobs_act_on(sandbox: Sandbox) -> None:
    """What others than the platform own: a function, two state machines, a bucket; stand-ins need nothing."""
    states, s3 = sandbox.client("stepfunctions", "data"), sandbox.client("s3", "data")
    region = str(states.meta.region_name)
    sandbox.client("lambda", "data").create_function(
        FunctionName=FUNCTION,
        Runtime="python3.13",
        Handler="index.handler",
        Role=_role(sandbox, "lp-function", "lambda", ["logs:*"]),
        Code={"ZipFile": _archive("def handler(event, context):\n    return event\n")},
    )
    role = _role(sandbox, "lp-children", "states", ["none:Nothing"])
    waits = {"Type": "Wait", "Seconds": 300, "End": True}
    for machine, state in ((CHILD, {"Type": "Succeed"}), (WAITING_CHILD, waits)):
        states.create_state_machine(
            name=machine, roleArn=role, definition=json.dumps({"StartAt": "Only", "States": {"Only": state}})
        )
    s3.create_bucket(Bucket=ARRIVALS, CreateBucketConfiguration={"LocationConstraint": region})
    s3.put_object(Bucket=ARRIVALS, Key="ready", Body=b"")


def _role(sandbox: Sandbox, name: str, service: str, actions: list[str]) -> str:
    trust = {
        "Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole",
    }  # fmt: skip
    allow = {"Sid": "Own", "Effect": "Allow", "Action": actions, "Resource": ["*"]}
    iam = sandbox.client("iam", "data")
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=_document(allow))
    return str(made["Role"]["Arn"])


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _archive(program: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("index.py", program)
    return target.getvalue()
