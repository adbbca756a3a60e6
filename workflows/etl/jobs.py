"""The processor of a stage's Jobs Map: one job from its first attempt to its final record.

A job's state input is ``{"job": …, "run": …}`` (`workflows.etl.plan.job`); nothing outside is read, so that
the same states run inline and as children of a distributed Map. A job ends with the output ``Completed``,
``Skipped`` or ``Failed``; in a sequential stage a failed job ends with a Fail, which stops the stage.

An rsql job on the happy path is one state. Its failure leads through ``RecordFailure`` (unless the record
already says how the job ended), a retry where its definition allows one, and ``RecordFirstError``. (source:
specs/rsql-orchestration, "Ours" 1 to 3; DESIGN section 6)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflows.asl.states import Processor, State, catch, choice, expr, fail, pass_, task, wait
from workflows.etl.records import (
    CALL_SECONDS,
    CONDITION_FAILED,
    GET,
    JOB_KEY,
    JOB_TABLE,
    NOW,
    PUT,
    WORKFLOW_KEY_OF_JOB,
    WORKFLOW_TABLE,
    job_attributes,
    text,
    update,
)
from workflows.etl.spec import EtlSpec

GRACE_SECONDS = 60
"""Time beyond a job's own limit before the machine gives it up: the runner enforces the limit and answers
first."""
MAX_MESSAGE = 2_000
"""Characters of an error message that records keep."""
FINAL_ERRORS: tuple[str, ...] = ("ScriptRefused", "JobAborted")
"""Errors that another attempt cannot mend."""

_RUNNING = {":running": {"S": "Running"}}

_FAILURE = expr(f"""
(
  $cause := $string($states.errorOutput.Cause);
  $silent := $length($cause) = 0
    and $states.errorOutput.Error in ['States.Timeout', 'States.HeartbeatTimeout'];
  $merge([$states.input, {{'failure': {{
    'error': $states.errorOutput.Error,
    'message': $substring(
      $silent
        ? 'no heartbeat for ' & $string($states.input.job.heartbeat_seconds) & ' s, or no answer within '
          & $string($states.input.job.timeout_seconds) & ' s'
        : $length($cause) > 0 ? $cause : $states.errorOutput.Error,
      0, {MAX_MESSAGE})
  }}}}])
)
""")


def _failure(error: str, message: str) -> str:
    return expr(f"""
    $merge([$states.input, {{'failure': {{
      'error': '{error}', 'message': $substring({message}, 0, {MAX_MESSAGE})
    }}}}])
    """)


def _to_failure(name: str) -> list[dict[str, Any]]:
    return [catch(["States.ALL"], name, output=_FAILURE)]


_RUNNER_JOB = expr("""
(
  $job := $states.input.job;
  $run := $states.input.run;
  $text := $string({
    'version': 1,
    'task_token': $states.context.Task.Token,
    'workflow_id': $run.workflow_id,
    'workflow_execution_id': $run.id,
    'job_id': $job.id,
    'job_name': $job.name,
    'stage': $job.stage,
    'attempt': $job.attempt,
    'script': $job.script,
    'args': [$job.args],
    'timeout_seconds': $job.timeout_seconds,
    'heartbeat_seconds': $job.heartbeat_seconds,
    'settings': {
      'region': '${Region}',
      'job_audit_table': '${JobAuditTable}',
      'log_group': '${LogGroup}',
      'secret_id': '${WarehouseSecret}',
      'database': '${Database}',
      'archive_bucket': '${ArchiveBucket}',
      'retention_days': RETENTION_DAYS,
      'bundle': '${HostBundle}'
    }
  });
  $digits := '0123456789ABCDEF';
  $byte := function($hex) {
    16 * $length($substringBefore($digits, $substring($hex, 0, 1)))
      + $length($substringBefore($digits, $substring($hex, 1, 1)))
  };
  $unit := function($n) { '\\\\u' & $pad($formatBase($n, 16), -4, '0') };
  $character := function($found) {(
    $bytes := $map($split($substring($found.match, 1), '%'), $byte);
    $size := $count($bytes);
    $first := $bytes[0] - ($size = 1 ? 0 : $size = 2 ? 192 : $size = 3 ? 224 : 240);
    $point := $size = 1 ? $first :
      $reduce($bytes[[1..3]], function($sum, $next) { $sum * 64 + $next - 128 }, $first);
    $point < 65536 ? $unit($point)
      : $unit(55296 + $floor(($point - 65536) / 1024)) & $unit(56320 + $point % 1024)
  )};
  $base64encode($replace($text, /[^ -~]+/, function($found) {
    $replace($encodeUrlComponent($found.match), /%[0-9A-F]{2}(%[89AB][0-9A-F])*/, $character)
  }))
)
""")
"""The job for the runner: base64 of JSON in which characters beyond ASCII are escaped.

``$base64encode`` is defined for one-byte characters only and may fold others into different ones, quotes
among them. So each is written as JSON's ``\\uXXXX``, out of its UTF-8 bytes, which ``$encodeUrlComponent``
gives.
"""


def _limit(seconds: str) -> str:
    """JSONata: these seconds, or what the workflow's own time limit leaves if that is less; at least 2."""
    left = "$ceil(($states.input.run.deadline - $millis()) / 1000)"
    return f"$max([2, $min([{seconds}, {left}])])"


def _targets(spec: EtlSpec) -> list[dict[str, Any]]:
    if spec.instance_ids:
        return [{"Key": "InstanceIds", "Values": list(spec.instance_ids)}]
    return [{"Key": f"tag:{spec.tag_key}", "Values": [str(spec.tag_value)]}]


def _run_on_host(spec: EtlSpec, failed: str) -> State:
    job = _RUNNER_JOB.replace("RETENTION_DAYS", str(spec.retention_days))
    return task(
        "arn:aws:states:::aws-sdk:ssm:sendCommand.waitForTaskToken",
        {
            "DocumentName": "${RunJobDocument}",
            "Targets": _targets(spec),
            "MaxConcurrency": "1",
            "MaxErrors": "0",
            "TimeoutSeconds": expr("$max([30, $states.input.job.heartbeat_seconds])"),
            "Parameters": {"Job": [job]},
        },
        timeout=expr(_limit(f"$states.input.job.timeout_seconds + {GRACE_SECONDS}")),
        heartbeat=expr(
            f"$min([$states.input.job.heartbeat_seconds, {_limit('$states.input.job.timeout_seconds')} - 1])"
        ),
        catches=_to_failure(failed),
        then=None,
        output="Completed",
        comment="Run the script on a host; the runner writes the audit record and answers the token.",
    )


class _Names:
    """Names of a processor's states: unique in the machine by the lane's suffix."""

    def __init__(self, lane: str) -> None:
        self._suffix = f" ({lane})" if lane else ""

    def __call__(self, name: str) -> str:
        return name + self._suffix


def _failure_states(n: _Names, attempt_again: str) -> dict[str, State]:
    going_on = [catch(["States.ALL"], n("AfterFailure"), output="{% $states.input %}")]
    return {
        n("RecordFailure"): update(
            JOB_TABLE,
            JOB_KEY,
            job_attributes("Failed")
            | {
                "execution_end_ts": text(NOW),
                "error_name": text("$states.input.failure.error"),
                "error_message": text("$states.input.failure.message"),
            },
            once=("execution_start_ts",),
            condition=(
                "attribute_not_exists(job_id) OR #execution_status = :running"
                " OR (#attempt < :attempt AND #execution_status <> :completed)"
            ),
            condition_values=_RUNNING | {":completed": {"S": "Completed"}},
            catches=[
                catch(CONDITION_FAILED, n("ReadRecord"), output="{% $states.input %}"),
                *going_on,
            ],
            then=n("AfterFailure"),
            comment="The runner may never have started: make the record, or close the one that is Running.",
        ),
        n("ReadRecord"): task(
            GET,
            {"TableName": JOB_TABLE, "Key": dict(JOB_KEY), "ConsistentRead": True},
            timeout=CALL_SECONDS,
            catches=going_on,
            then=n("AfterFailure"),
            output=expr("""
            $merge([$states.input, {
              'recorded': $string($states.result.Item.execution_status.S),
              'failure': $merge([
                $states.input.failure,
                $length($states.result.Item.error_message.S) > 0
                  ? {'message': $states.result.Item.error_message.S} : {}
              ])
            }])
            """),
            comment="Somebody has closed the record: what it says holds.",
        ),
        n("AfterFailure"): choice(
            [
                (expr("$states.input.recorded = 'Completed'"), n("CompletedAfterAll")),
                (
                    expr(f"""
                    $not($states.input.recorded = 'Aborted')
                      and $states.input.job.attempt <= $states.input.job.retries.count
                      and $not($states.input.failure.error in {list(FINAL_ERRORS)})
                    """),
                    n("Backoff"),
                ),
            ],
            default=n("RecordFirstError"),
            comment="Completed although its answer was lost, worth another attempt, or failed.",
        ),
        n("CompletedAfterAll"): pass_(then=None, output="Completed"),
        n("Backoff"): wait(
            expr("""
            (
              $r := $states.input.job.retries;
              $first := $exists($r.interval_seconds) ? $r.interval_seconds : 30;
              $rate := $exists($r.backoff_rate) ? $r.backoff_rate : 2;
              $min([3600, $ceil($first * $power($rate, $states.input.job.attempt - 1))])
            )
            """),
            then=attempt_again,
            output=expr("""
            {
              'run': $states.input.run,
              'job': $merge([$states.input.job, {'attempt': $states.input.job.attempt + 1}])
            }
            """),
        ),
        n("RecordFirstError"): update(
            WORKFLOW_TABLE,
            WORKFLOW_KEY_OF_JOB,
            {
                "error_name": text("$states.input.failure.error"),
                "error_message": text("$states.input.failure.message"),
                "failed_job": text("$states.input.job.name"),
                "failed_log_stream": text("""
                $states.input.job.kind = 'rsql'
                  ? $substring($replace($states.input.run.workflow_id & '/' & $states.input.run.id & '/'
                      & $states.input.job.id & '/' & $string($states.input.job.attempt), /[:*]/, '_'), 0, 512)
                  : ''
                """),
            },
            once=("error_name", "error_message", "failed_job", "failed_log_stream"),
            condition="attribute_exists(workflow_execution_id)",
            condition_values={},
            catches=[catch(["States.ALL"], n("StopOrGoOn"), output="{% $states.input %}")],
            then=n("StopOrGoOn"),
            comment="The first failure of the execution is the one that its record keeps.",
        ),
        n("StopOrGoOn"): choice(
            [("{% $states.input.job.sequential %}", n("StopStage"))],
            default=n("FailedJob"),
            comment="A sequential stage stops at once; the siblings in a parallel one finish.",
        ),
        n("StopStage"): fail(
            "JobFailed",
            expr("'job ' & $states.input.job.name & ' failed: ' & $states.input.failure.message"),
        ),
        n("FailedJob"): pass_(then=None, output="Failed"),
    }


def rsql_processor(spec: EtlSpec, lane: str = "") -> Processor:
    """Jobs that are all rsql: one state a job."""
    n = _Names(lane)
    states = {n("RunScript"): _run_on_host(spec, n("RecordFailure"))} | _failure_states(n, n("RunScript"))
    return Processor(start_at=n("RunScript"), states=states)


def any_processor(spec: EtlSpec, lane: str, *, distributed: bool = False) -> Processor:
    """Jobs of every kind, and jobs to skip."""
    n = _Names(lane)
    states = (
        (_still_good(n) if distributed else {})
        | _entry_states(n)
        | {n("RunScript"): _run_on_host(spec, n("RecordFailure"))}
        | _statement_states(n, spec)
        | _service_states(n)
        | _failure_states(n, n("JobKind"))
    )
    start = n("JobOrder" if distributed else "JobKind")
    return Processor(start_at=start, states=states, distributed=distributed)


def _still_good(n: _Names) -> dict[str, State]:
    """In a distributed Map: the next job of a sequential stage starts only where none has failed.

    The Map itself promises no more than to stop some time after a child has failed.
    """
    return {
        n("JobOrder"): choice(
            [("{% $states.input.job.sequential %}", n("ReadWorkflow"))], default=n("JobKind")
        ),
        n("ReadWorkflow"): task(
            GET,
            {"TableName": WORKFLOW_TABLE, "Key": dict(WORKFLOW_KEY_OF_JOB), "ConsistentRead": True},
            timeout=CALL_SECONDS,
            catches=_to_failure(n("RecordFailure")),
            then=n("HasFailed"),
            output=expr("$merge([$states.input, {'stop': $exists($states.result.Item.error_name)}])"),
        ),
        n("HasFailed"): choice([("{% $states.input.stop %}", n("NotStarted"))], default=n("JobKind")),
        n("NotStarted"): fail("JobNotStarted", "an earlier job of the sequential stage failed"),
    }


def _is_kind(kind: str) -> str:
    return expr(f"$states.input.job.kind = '{kind}'")


def _entry_states(n: _Names) -> dict[str, State]:
    return {
        n("JobKind"): choice(
            [
                ("{% $exists($states.input.job.skip) %}", n("RecordSkipped")),
                (_is_kind("rsql"), n("RunScript")),
            ],
            default=n("RecordRunning"),
        ),
        n("RecordSkipped"): task(
            PUT,
            {
                "TableName": JOB_TABLE,
                "Item": expr(f"""
                $merge([
                  {{
                    'workflow_execution_id': {{'S': $states.input.run.id}},
                    'job_id': {{'S': $states.input.job.id}},
                    'job_name': {{'S': $states.input.job.name}},
                    'workflow_id': {{'S': $states.input.run.workflow_id}},
                    'kind': {{'S': $states.input.job.kind}},
                    'stage': {{'N': $string($states.input.job.stage)}},
                    'attempt': {{'N': '0'}},
                    'expires_at': {{'N': $string($states.input.run.expires_at)}},
                    'execution_start_ts': {{'S': {NOW}}},
                    'execution_end_ts': {{'S': {NOW}}},
                    'execution_status': {{'S': 'Skipped'}}
                  }},
                  $states.input.job.skip.completed_in = '' ? {{}} :
                    {{'completed_in': {{'S': $states.input.job.skip.completed_in}}}}
                ])
                """),
            },
            timeout=CALL_SECONDS,
            catches=_to_failure(n("RecordFirstError")),
            then=None,
            output="Skipped",
            comment="The stage is off, or an earlier execution completed the job (`completed_in`).",
        ),
        n("RecordRunning"): update(
            JOB_TABLE,
            JOB_KEY,
            job_attributes("Running"),
            remove=("execution_end_ts", "error_name", "error_message", "statement_id"),
            condition=(
                "attribute_not_exists(job_id)"
                " OR (#attempt <= :attempt AND #execution_status IN (:running, :failed))"
            ),
            condition_values=_RUNNING | {":failed": {"S": "Failed"}},
            catches=_to_failure(n("RecordFailure")),
            then=n("ServiceKind"),
            # The value of :execution_status is Running as well; both names keep the condition readable.
        ),
        n("ServiceKind"): choice(
            [
                (_is_kind("lambda"), n("InvokeFunction")),
                (_is_kind("glue"), n("RunGlueJob")),
                (_is_kind("emr_serverless"), n("RunSparkJob")),
                (_is_kind("state_machine"), n("RunStateMachine")),
                (expr("$type($states.input.job.sql) = 'string'"), n("ExecuteStatement")),
            ],
            default=n("ExecuteBatch"),
        ),
        n("RecordCompleted"): update(
            JOB_TABLE,
            JOB_KEY,
            {"execution_status": {"S": "Completed"}, "execution_end_ts": text(NOW)},
            condition="#execution_status IN (:running, :execution_status)",
            condition_values=_RUNNING,
            catches=_to_failure(n("RecordFailure")),
            then=None,
            output="Completed",
        ),
    }


_TOKEN = expr("""
$join([
  $states.input.run.key, $string($states.input.job.stage), $string($states.input.job.position),
  $string($states.input.job.attempt)
], '-')
""")
"""By this a service knows a repeated request of the same attempt."""


def _warehouse(spec: EtlSpec) -> dict[str, Any]:
    where = "WorkgroupName" if spec.warehouse == "workgroup" else "ClusterIdentifier"
    return {
        where: "${Warehouse}",
        "SecretArn": "${WarehouseSecret}",
        "Database": expr("$exists($states.input.job.database) ? $states.input.job.database : '${Database}'"),
        "StatementName": expr("$substring($states.input.job.id, 0, 500)"),
        "ClientToken": _TOKEN,
    }


_PARAMETERS = (
    "[$each($states.input.job.parameters,"
    " function($value, $name) { {'name': $name, 'value': $string($value)} })]"
)


def _submit(action: str, statement: Mapping[str, Any], spec: EtlSpec, n: _Names) -> State:
    fixed = _warehouse(spec) | dict(statement)
    literal = ", ".join(
        f"'{name}': " + (value[3:-3] if value.startswith("{%") else f"'{value}'")
        for name, value in fixed.items()
    )
    where = "WorkgroupName" if spec.warehouse == "workgroup" else "ClusterIdentifier"
    return task(
        f"arn:aws:states:::aws-sdk:redshiftdata:{action}",
        expr(f"""
        $merge([
          {{{literal}}},
          $count($keys($states.input.job.parameters)) > 0 ? {{'Parameters': {_PARAMETERS}}} : {{}}
        ])
        """),
        timeout=CALL_SECONDS,
        catches=_to_failure(n("RecordFailure")),
        then=n("RecordStatement"),
        output=expr("""
        $merge([$states.input, {'statement': {'id': $states.result.Id, 'polls': 0, 'since': $millis()}}])
        """),
        acts_on={where: "Warehouse", "SecretArn": "WarehouseSecret"},
    )


def _statement_states(n: _Names, spec: EtlSpec) -> dict[str, State]:
    return {
        n("ExecuteStatement"): _submit("executeStatement", {"Sql": "{% $states.input.job.sql %}"}, spec, n),
        n("ExecuteBatch"): _submit(
            "batchExecuteStatement", {"Sqls": "{% [$states.input.job.sql] %}"}, spec, n
        ),
        n("RecordStatement"): update(
            JOB_TABLE,
            JOB_KEY,
            {"statement_id": text("$states.input.statement.id")},
            condition="execution_status = :running",
            condition_values=_RUNNING,
            catches=_to_failure(n("CancelStatement")),
            then=n("WaitForStatement"),
            comment="With the statement's id in the record, an abort can cancel it.",
        ),
        n("WaitForStatement"): wait(
            expr("""
            $min([
              $max([5, $min([300, $ceil($states.input.job.timeout_seconds / 50)])]),
              $ceil($power(1.5, $states.input.statement.polls))
            ])
            """),
            then=n("DescribeStatement"),
            comment="1 s at first, then ever longer: at most about 60 polls whatever the job's limit.",
        ),
        n("DescribeStatement"): task(
            "arn:aws:states:::aws-sdk:redshiftdata:describeStatement",
            {"Id": "{% $states.input.statement.id %}"},
            timeout=CALL_SECONDS,
            catches=_to_failure(n("CancelStatement")),
            then=n("StatementStatus"),
            output=expr("""
            $merge([$states.input, {'statement': $merge([$states.input.statement, {
              'status': $states.result.Status,
              'error': $string($states.result.Error),
              'polls': $states.input.statement.polls + 1
            }])}])
            """),
        ),
        n("StatementStatus"): choice(
            [
                (expr("$states.input.statement.status = 'FINISHED'"), n("RecordCompleted")),
                (expr("$states.input.statement.status in ['FAILED', 'ABORTED']"), n("StatementFailed")),
                (
                    expr("""
                    $millis() - $states.input.statement.since
                      >= $states.input.job.timeout_seconds * 1000
                      or $millis() >= $states.input.run.deadline
                    """),
                    n("StatementTimedOut"),
                ),
            ],
            default=n("WaitForStatement"),
        ),
        n("StatementFailed"): pass_(
            then=n("RecordFailure"),
            output=expr(f"""
            $merge([$states.input, {{'failure': {{
              'error': $states.input.statement.status = 'ABORTED' ? 'StatementAborted' : 'StatementFailed',
              'message': $substring($length($states.input.statement.error) > 0 ? $states.input.statement.error
                : 'the statement ended ' & $states.input.statement.status, 0, {MAX_MESSAGE})
            }}}}])
            """),
        ),
        n("StatementTimedOut"): pass_(
            then=n("CancelStatement"),
            output=_failure(
                "JobTimedOut",
                "'the statement was cancelled: it ran longer than '"
                " & $string($states.input.job.timeout_seconds)"
                " & ' s, or the workflow had no time left'",
            ),
        ),
        n("CancelStatement"): task(
            "arn:aws:states:::aws-sdk:redshiftdata:cancelStatement",
            {"Id": "{% $states.input.statement.id %}"},
            timeout=CALL_SECONDS,
            catches=[catch(["States.ALL"], n("RecordFailure"), output="{% $states.input %}")],
            then=n("RecordFailure"),
            output="{% $states.input %}",
            comment="A statement that has ended meanwhile cannot be cancelled; the job has failed.",
        ),
    }


def _call(
    resource: str,
    arguments: Any,
    n: _Names,
    *,
    acts_on: Mapping[str, str],
    repeatable: bool = True,
    comment: str | None = None,
) -> State:
    return task(
        f"arn:aws:states:::{resource}",
        arguments,
        timeout=expr(_limit("$states.input.job.timeout_seconds")),
        catches=_to_failure(n("RecordFailure")),
        then=n("RecordCompleted"),
        output="{% $states.input %}",
        acts_on=acts_on,
        repeatable=repeatable,
        comment=comment,
    )


_ARGS = expr("$exists($states.input.job.args) ? $states.input.job.args : {}")


_STATE_MACHINE = expr("""
(
  $name := $states.input.job.state_machine;
  $arn := $split($states.input.run.arn, ':');
  $substring($name, 0, 4) = 'arn:'
    ? $name : $join(['arn', $arn[1], 'states', $arn[3], $arn[4], 'stateMachine', $name], ':')
)
""")
"""ARN of the state machine that a job names, which is in this account and Region where only its name is
given."""


def _service_states(n: _Names) -> dict[str, State]:
    return {
        n("InvokeFunction"): _call(
            "lambda:invoke",
            {"FunctionName": "{% $states.input.job.function %}", "Payload": _ARGS},
            n,
            acts_on={"FunctionName": "LambdaFunctions"},
            repeatable=False,
            comment="An error of the function is this Task's error, by the name of its exception class.",
        ),
        n("RunGlueJob"): _call(
            "glue:startJobRun.sync",
            {"JobName": "{% $states.input.job.job %}", "Arguments": _ARGS},
            n,
            acts_on={"JobName": "GlueJobs"},
            repeatable=False,
        ),
        n("RunSparkJob"): _call(
            "emr-serverless:startJobRun.sync",
            {
                "ApplicationId": "{% $states.input.job.application_id %}",
                "ExecutionRoleArn": "{% $states.input.job.execution_role_arn %}",
                "Name": expr("$substring($states.input.job.id, 0, 64)"),
                "JobDriver": {
                    "SparkSubmit": expr("""
                    $merge([
                      {
                        'EntryPoint': $states.input.job.entry_point,
                        'EntryPointArguments': [$states.input.job.entry_point_arguments]
                      },
                      $length($states.input.job.spark_submit_parameters) > 0
                        ? {'SparkSubmitParameters': $states.input.job.spark_submit_parameters} : {}
                    ])
                    """)
                },
            },
            n,
            acts_on={"ApplicationId": "EmrApplications", "ExecutionRoleArn": "EmrExecutionRoles"},
        ),
        n("RunStateMachine"): _call(
            "states:startExecution.sync:2",
            {"StateMachineArn": _STATE_MACHINE, "Input": _ARGS, "Name": _TOKEN},
            n,
            acts_on={"StateMachineArn": "StateMachines"},
            comment="The name makes a repeated request find the execution that the first one started.",
        ),
    }
