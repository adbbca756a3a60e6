"""What a stage waits for before its jobs start: each precondition polled with a bound.

A precondition's state input is ``{"precondition": …, "stage": …, "run": …, "started": milliseconds}``.
(source: specs/rsql-orchestration, "Ours" 5)
"""

from __future__ import annotations

from typing import Any

from workflows.asl.states import Processor, State, catch, choice, expr, fail, pass_, task, wait
from workflows.etl.plan import MAX_POLLS
from workflows.etl.records import CALL_SECONDS, WORKFLOW_KEY_OF_JOB, WORKFLOW_TABLE, text, update
from workflows.etl.spec import EtlSpec

_SDK = "arn:aws:states:::aws-sdk"


def _met(condition: str) -> str:
    return expr(f"$merge([$states.input, {{'met': {condition}}}])")


_ERROR = expr("""
$merge([$states.input, {'failure': {
  'error': $states.errorOutput.Error,
  'message': 'stage ' & $string($states.input.stage) & ': precondition ' & $states.input.precondition.kind
    & ' cannot be checked: ' & $substring($string($states.errorOutput.Cause), 0, 1000)
}}])
""")

_NOT_MET = expr("""
$merge([$states.input, {'failure': {
  'error': 'PreconditionNotMet',
  'message': 'stage ' & $string($states.input.stage) & ': precondition ' & $states.input.precondition.kind
    & ' was not met within ' & $string($states.input.precondition.timeout_seconds) & ' s'
}}])
""")

_WINDOW = """
(
  $p := $states.input.precondition;
  $instant := $now();
  $passed := [$p.utc_offsets[$substring($, 0, 24) <= $instant]];
  $time := $now('[H01]:[m01]', $count($passed) > 0 ? $substring($passed[-1], 24) : '+0000');
  $p.start <= $p.end ? $time >= $p.start and $time < $p.end : $time >= $p.start or $time < $p.end
)
"""
"""Whether it is inside the window now; a window whose end comes before its start spans midnight.
``utc_offsets`` are the changes of the zone's offset in order, each as the instant (24 characters) and the
offset from then on."""


def precondition() -> str:
    """A precondition of the stage with its defaults."""
    return expr("""
    $merge([{'poll_seconds': 30, 'timeout_seconds': 3600}, $states.context.Map.Item.Value])
    """)


def processor(spec: EtlSpec, lane: str, *, distributed: bool = False) -> Processor:
    """One precondition, polled until it is met, its time is up, or it cannot be checked."""
    suffix = f" ({lane})"

    def n(name: str) -> str:
        return name + suffix

    failed = [catch(["States.ALL"], n("RecordPreconditionError"), output=_ERROR)]
    where = "WorkgroupName" if spec.warehouse == "workgroup" else "ClusterIdentifier"

    def is_kind(kind: str) -> str:
        return expr(f"$states.input.precondition.kind = '{kind}'")

    def check(resource: str, arguments: Any, output: str, then: str, **acts_on: str) -> State:
        return task(
            f"{_SDK}:{resource}",
            arguments,
            timeout=CALL_SECONDS,
            catches=failed,
            then=then,
            output=output,
            acts_on=acts_on or None,
        )

    states: dict[str, State] = {
        n("PreconditionKind"): choice(
            [
                (is_kind("s3_object"), n("ListObjects")),
                (is_kind("table_rows"), n("CountRows")),
                (is_kind("workflow_completed"), n("FindCompletedToday")),
            ],
            default=n("TellTime"),
        ),
        n("TellTime"): pass_(then=n("PreconditionStatus"), output=_met(_WINDOW)),
        n("ListObjects"): check(
            "s3:listObjectsV2",
            {
                "Bucket": "{% $states.input.precondition.bucket %}",
                "Prefix": expr("""
                $exists($states.input.precondition.key)
                  ? $states.input.precondition.key : $states.input.precondition.prefix
                """),
                "MaxKeys": 1,
            },
            _met("""
            $exists($states.input.precondition.key)
              ? $states.result.Contents[0].Key = $states.input.precondition.key
              : $count($states.result.Contents) > 0
            """),
            n("PreconditionStatus"),
            Bucket="PreconditionBuckets",
        ),
        n("FindCompletedToday"): check(
            "dynamodb:query",
            {
                "TableName": WORKFLOW_TABLE,
                "IndexName": "by_workflow",
                "KeyConditionExpression": "workflow_id = :workflow AND execution_start_ts >= :since",
                "FilterExpression": "execution_status = :completed AND execution_end_ts >= :today",
                "ExpressionAttributeValues": {
                    ":workflow": {"S": "{% $states.input.precondition.workflow_id %}"},
                    ":since": {"S": "{% $fromMillis($millis() - 604800000) %}"},
                    ":today": {"S": "{% $substring($now(), 0, 10) & 'T00:00:00.000Z' %}"},
                    ":completed": {"S": "Completed"},
                },
                "ProjectionExpression": "workflow_execution_id",
                "ScanIndexForward": False,
            },
            _met("$states.result.Count > 0"),
            n("PreconditionStatus"),
        ),
        n("CountRows"): check(
            "redshiftdata:executeStatement",
            {
                where: "${Warehouse}",
                "SecretArn": "${WarehouseSecret}",
                "Database": "${Database}",
                "Sql": expr("""
                'SELECT COUNT(*) FROM (SELECT 1 FROM ' & $states.input.precondition.table & ' LIMIT '
                  & $string($exists($states.input.precondition.minimum)
                    ? $states.input.precondition.minimum : 1)
                  & ') AS first_rows'
                """),
            },
            expr("$merge([$states.input, {'statement': {'id': $states.result.Id, 'polls': 0}}])"),
            n("WaitForCount"),
        ),
        n("WaitForCount"): wait(
            expr("$min([30, $ceil($power(1.5, $states.input.statement.polls))])"), then=n("DescribeCount")
        ),
        n("DescribeCount"): check(
            "redshiftdata:describeStatement",
            {"Id": "{% $states.input.statement.id %}"},
            expr("""
            $merge([$states.input, {
              'met': false,
              'statement': {
                'id': $states.input.statement.id,
                'polls': $states.input.statement.polls + 1,
                'status': $states.result.Status
              }
            }])
            """),
            n("CountStatus"),
        ),
        n("CountStatus"): choice(
            [
                (expr("$states.input.statement.status = 'FINISHED'"), n("ReadCount")),
                (
                    expr("$states.input.statement.status in ['FAILED', 'ABORTED']"),
                    n("PreconditionStatus"),
                ),
                (expr("$states.input.statement.polls > 30"), n("PreconditionStatus")),
            ],
            default=n("WaitForCount"),
            comment="A table that does not exist yet is a precondition not met yet.",
        ),
        n("ReadCount"): check(
            "redshiftdata:getStatementResult",
            {"Id": "{% $states.input.statement.id %}"},
            _met("""
            $states.result.Records[0][0].LongValue >=
              ($exists($states.input.precondition.minimum) ? $states.input.precondition.minimum : 1)
            """),
            n("PreconditionStatus"),
        ),
        n("PreconditionStatus"): choice(
            [
                ("{% $states.input.met %}", n("PreconditionMet")),
                (
                    expr(
                        """
                        $millis() - $states.input.started
                          >= $states.input.precondition.timeout_seconds * 1000
                        """
                    ),
                    n("PreconditionNotMet"),
                ),
            ],
            default=n("WaitToPoll"),
        ),
        n("WaitToPoll"): wait(
            expr(f"""
            $max([
              $states.input.precondition.poll_seconds,
              $ceil($states.input.precondition.timeout_seconds / {MAX_POLLS})
            ])
            """),
            then=n("PreconditionKind"),
        ),
        n("PreconditionMet"): pass_(then=None, output="Met"),
        n("PreconditionNotMet"): pass_(then=n("RecordPreconditionError"), output=_NOT_MET),
        n("RecordPreconditionError"): update(
            WORKFLOW_TABLE,
            WORKFLOW_KEY_OF_JOB,
            {
                "error_name": text("$states.input.failure.error"),
                "error_message": text("$states.input.failure.message"),
            },
            once=("error_name", "error_message"),
            condition="attribute_exists(workflow_execution_id)",
            condition_values={},
            catches=[catch(["States.ALL"], n("StopForPrecondition"), output="{% $states.input %}")],
            then=n("StopForPrecondition"),
        ),
        n("StopForPrecondition"): fail("PreconditionFailed", "{% $states.input.failure.message %}"),
    }
    return Processor(start_at=n("PreconditionKind"), states=states, distributed=distributed)
