"""The ETL machine: one JSONata state machine that runs every workflow of an environment.

::

    ReadConfiguration → StartAudit → Stages (Map, one at a time) → Complete
                                       └ Jobs (Map, 1 or the stage's concurrency)
                                           └ RunScript

**Transitions.** A workflow of rsql jobs only enters 4 states, plus one for each stage, plus one for each job:
13 for the sample of 3 stages and 6 scripts, where the source's three machines enter 41 and call 19 functions.
There is no room for a Choice on that way, so it is left by raised errors that a Catch takes up, in two places
and no others:

- ``StartAudit`` writes the workflow record, then assigns ``lane``. Where the plan is not *fast* the
  assignment raises, and the Catch of ``States.QueryEvaluationError`` leads to ``Route``, a Choice. Variables
  assigned by earlier states survive that: ``$run`` and ``$plan`` are there.
- ``Jobs`` assigns ``failed_jobs``, which raises where a job of a parallel stage failed after its siblings
  finished.

**Lanes.** `workflows.etl.lanes`. ``Route`` also refuses what cannot run, and reads what an execution to
resume has completed.

**Ends.** Every failure of an outer state leads to ``CloseWorkflow`` → ``NotifyFailure`` → ``Failed``
(`workflows.etl.closing`). A ``workflow_execution_id`` that has a record already changes nothing and ends in
``AlreadyRunning``.

Input: ``{"workflow_id", "workflow_execution_id"?, "resume_from"?, "rerun_of"?, "request_id"?}``.

Values to supply: `PLACEHOLDERS` for the definition (`StateMachine.render`); for the role, ARNs of the same
names, the sets in `RESOURCE_SETS`, ``Hosts`` (instances, by tag condition), the machine itself and its
executions (`workflows.asl.permissions`). (source: specs/rsql-orchestration; DESIGN section 6)"""

from __future__ import annotations

from workflows.asl.machine import StateMachine
from workflows.asl.states import State, catch, choice, expr, fail, pass_, task
from workflows.etl import plan as plans
from workflows.etl.closing import FAILURE, failed, failure_path, success_path
from workflows.etl.lanes import fast_lane, rich_lane
from workflows.etl.records import (
    CALL_SECONDS,
    CONDITION_FAILED,
    GET,
    JOB_TABLE,
    NOW,
    WORKFLOW_KEY,
    WORKFLOW_TABLE,
)
from workflows.etl.spec import PLACEHOLDERS, RESOURCE_SETS, EtlSpec

__all__ = ["PLACEHOLDERS", "RESOURCE_SETS", "EtlSpec", "definition"]

RAISED = ("States.QueryEvaluationError",)
PAGE = 1_000
"""Job records read at once when an execution is resumed."""

_RESUMED = "$exists($states.input.before) ? $states.input.before : $run.resume_from"
"""JSONata: id of the execution whose completed jobs are read: the one to resume, then the one that it had
resumed, and so on."""


def definition(spec: EtlSpec) -> StateMachine:
    """The ETL state machine of one environment."""
    return StateMachine(
        comment="Runs the workflows of the configuration table; everything is audited.",
        start_at="ReadConfiguration",
        timeout_seconds=spec.timeout_seconds,
        states={
            **_start(spec),
            **fast_lane(spec, then="Complete", catches=failed()),
            **success_path(spec),
            **_route(),
            **_resume(),
            **rich_lane(spec, "full", distributed=False, then="Complete", catches=failed()),
            **rich_lane(spec, "large", distributed=True, then="Complete", catches=failed()),
            **_duplicate(),
            **failure_path(spec),
        },
    )


def _start(spec: EtlSpec) -> dict[str, State]:
    run = plans.run(spec)
    return {
        "ReadConfiguration": task(
            GET,
            {
                "TableName": "${ConfigTable}",
                "Key": {"workflow_id": {"S": plans.CONFIG_KEY}},
                "ConsistentRead": True,
            },
            timeout=CALL_SECONDS,
            assign={"run": run, "plan": plans.plan(spec), "done": "{% {} %}"},
            output="{% $states.input %}",
            catches=[
                catch(
                    ["States.ALL"],
                    "StartAudit",
                    output="{% $states.input %}",
                    assign={"run": run, "plan": plans.UNREADABLE_PLAN, "done": "{% {} %}"},
                )
            ],
            then="StartAudit",
        ),
        "StartAudit": task(
            "arn:aws:states:::aws-sdk:dynamodb:putItem",
            {
                "TableName": WORKFLOW_TABLE,
                "Item": expr(f"""
                $merge([
                  {{
                    'workflow_execution_id': {{'S': $run.id}},
                    'workflow_id': {{'S': $run.workflow_id}},
                    'execution_arn': {{'S': $run.arn}},
                    'execution_start_ts': {{'S': {NOW}}},
                    'execution_status': {{'S': 'Running'}},
                    'rsql_jobs': {plans.JOB_NAMES[3:-3]},
                    'expires_at': {{'N': $string($run.expires_at)}}
                  }},
                  $run.resume_from = '' ? {{}} : {{'resumed_from': {{'S': $run.resume_from}}}},
                  $run.rerun_of = '' ? {{}} : {{'rerun_of': {{'S': $run.rerun_of}}}}
                ])
                """),
                "ConditionExpression": (
                    "attribute_not_exists(workflow_execution_id)"
                    " OR (execution_arn = :me AND execution_status = :running)"
                ),
                "ExpressionAttributeValues": {
                    ":me": {"S": "{% $run.arn %}"},
                    ":running": {"S": "Running"},
                },
            },
            timeout=CALL_SECONDS,
            assign={"lane": "{% $plan.lane = 'fast' ? 'fast' : $error('not the fast lane') %}"},
            output="{% {} %}",
            catches=[
                catch(CONDITION_FAILED, "ReadExisting", output="{% {} %}"),
                catch(RAISED, "Route", output="{% {} %}", assign={"failure": FAILURE}),
                *failed(),
            ],
            then="Stages",
            comment="Writes the workflow record; raises, and so goes to Route, unless the plan is fast.",
        ),
    }


def _route() -> dict[str, State]:
    return {
        "Route": choice(
            [
                (expr("$plan.lane = 'refuse'"), "Refuse"),
                (expr("$run.resume_from != ''"), "ReadResumed"),
                (expr("$plan.lane = 'full'"), "Stages (full)"),
                (expr("$plan.lane = 'large'"), "Stages (large)"),
            ],
            default="CloseWorkflow",
            comment="A plan of the fast lane comes here only if its record could not be composed.",
        ),
        "Refuse": pass_(
            then="CloseWorkflow",
            assign={
                "failure": expr(
                    "{'error': 'InvalidConfiguration', 'message': $plan.problem, 'job': '', 'log_stream': ''}"
                )
            },
            output="{% {} %}",
        ),
    }


def _resume() -> dict[str, State]:
    return {
        "ReadResumed": task(
            GET,
            {
                "TableName": WORKFLOW_TABLE,
                "Key": {"workflow_execution_id": {"S": expr(_RESUMED)}},
                "ConsistentRead": True,
            },
            timeout=CALL_SECONDS,
            output=expr(f"""
            (
              $r := $states.result.Item;
              $id := ({_RESUMED});
              $problem :=
                $not($exists($r)) ? ($id = $run.resume_from ? 'there is no such execution' : '') :
                $r.workflow_id.S != $run.workflow_id ? 'it ran the workflow ' & $r.workflow_id.S :
                $r.execution_status.S = 'Running' ? 'it is still running' :
                $r.execution_status.S = 'Completed' ? 'it has completed; rerun it instead' : '';
              $merge([
                {{
                  'id': $id,
                  'problem': $problem = '' ? '' : 'cannot resume ' & $run.resume_from & ': '
                    & ($id = $run.resume_from ? '' : 'it resumed ' & $id & ', and ') & $problem
                }},
                $exists($r.resumed_from.S) ? {{'before': $r.resumed_from.S}} : {{}}
              ])
            )
            """),
            catches=failed(),
            then="CanResume",
            comment="What it had resumed itself counts as well: it may have failed before it recorded that.",
        ),
        "CanResume": choice(
            [(expr("$states.input.problem = ''"), "ReadCompletedJobs")],
            default="CannotResume",
        ),
        "CannotResume": pass_(
            then="CloseWorkflow",
            assign={
                "failure": expr("""
                {'error': 'CannotResume', 'message': $states.input.problem, 'job': '', 'log_stream': ''}
                """)
            },
            output="{% {} %}",
        ),
        "ReadCompletedJobs": task(
            "arn:aws:states:::aws-sdk:dynamodb:query",
            expr(f"""
            $merge([
              {{
                'TableName': '{JOB_TABLE}',
                'KeyConditionExpression': 'workflow_execution_id = :id',
                'FilterExpression': 'execution_status = :completed OR '
                  & '(execution_status = :skipped AND attribute_exists(completed_in))',
                'ProjectionExpression': 'job_id, completed_in',
                'ExpressionAttributeValues': {{
                  ':id': {{'S': $states.input.id}},
                  ':completed': {{'S': 'Completed'}},
                  ':skipped': {{'S': 'Skipped'}}
                }},
                'ConsistentRead': true,
                'Limit': {PAGE}
              }},
              $exists($states.input.next) ? {{'ExclusiveStartKey': $states.input.next}} : {{}}
            ])
            """),
            timeout=CALL_SECONDS,
            acts_on={"TableName": "JobAuditTable"},
            assign={
                "done": expr("""
                $merge([$map($states.result.Items, function($i) {
                  {$i.job_id.S: $exists($i.completed_in.S) ? $i.completed_in.S : $states.input.id}
                }), $done])
                """)
            },
            output=expr("""
            $merge([
              {'id': $states.input.id},
              $exists($states.input.before) ? {'before': $states.input.before} : {},
              $exists($states.result.LastEvaluatedKey) ? {'next': $states.result.LastEvaluatedKey} : {}
            ])
            """),
            catches=failed(),
            then="MoreCompletedJobs",
        ),
        "MoreCompletedJobs": choice(
            [
                ("{% $exists($states.input.next) %}", "ReadCompletedJobs"),
                ("{% $exists($states.input.before) %}", "ReadResumed"),
                (expr("$plan.lane = 'large'"), "Stages (large)"),
            ],
            default="Stages (full)",
        ),
    }


def _duplicate() -> dict[str, State]:
    return {
        "ReadExisting": task(
            GET,
            {"TableName": WORKFLOW_TABLE, "Key": dict(WORKFLOW_KEY), "ConsistentRead": True},
            timeout=CALL_SECONDS,
            output=expr("""
            (
              $status := $string($states.result.Item.execution_status.S);
              {'cause': 'workflow execution ' & $run.id & ($status = 'Running'
                ? ' is already running' : ' has already ended (' & $status & ')')}
            )
            """),
            catches=[
                catch(
                    ["States.ALL"],
                    "AlreadyRunning",
                    output=expr("{'cause': 'workflow execution ' & $run.id & ' is already running'}"),
                )
            ],
            then="AlreadyRunning",
        ),
        "AlreadyRunning": fail("WorkflowAlreadyRunning", "{% $states.input.cause %}"),
    }
