"""The one audited end of every execution that fails, and the end of those that complete.

``$failure`` holds what failed as far as the machine knows it; the workflow record may know better (the first
failed job wrote its error there), so ``CloseWorkflow`` reads it back in the same call that closes the record.
Whoever sets ``notified`` sends the one notification; what the machine cannot send or cannot record it leaves
to the closing function, which is told of every failed execution. Neither a failed audit write nor a failed
notification hides the first error. (source: specs/rsql-orchestration, "Ours" 3 and 8)"""

from __future__ import annotations

from typing import Any

from workflows.asl.states import State, catch, expr, fail, pass_, task
from workflows.etl.records import (
    CALL_SECONDS,
    CONDITION_FAILED,
    NOW,
    WORKFLOW_KEY,
    WORKFLOW_TABLE,
    number,
    text,
    update,
)
from workflows.etl.spec import EtlSpec

CLOSING_FUNCTION = "close_execution"
"""Value of ``notified`` with which the closing function knows a notification as its own
(`handlers.close_execution.logic.CLOSER`)."""

FAILURE = expr("""
{
  'error': $states.errorOutput.Error,
  'message': $length($states.errorOutput.Cause) > 0
    ? $substring($states.errorOutput.Cause, 0, 2000) : $states.errorOutput.Error,
  'job': '',
  'log_stream': ''
}
""")
"""The failure that a Catch has caught."""


def failed(then: str = "CloseWorkflow") -> list[dict[str, Any]]:
    """The Catch of the outer states: keep the failure, go to the audited end."""
    return [catch(["States.ALL"], then, output="{% {} %}", assign={"failure": FAILURE})]


_RECORDED = expr("""
(
  $r := $states.result.Attributes;
  {
    'error': $r.error_name.S,
    'message': $r.error_message.S,
    'job': $string($r.failed_job.S),
    'log_stream': $string($r.failed_log_stream.S)
  }
)
""")

_SUBJECT = "$substring($replace($text, /[^ -~]/, '?'), 0, 100)"


def _message(stack: str) -> str:
    return expr(f"""
    (
      $console := 'https://${{Region}}.console.aws.amazon.com/cloudwatch/home?region=${{Region}}'
        & '#logsV2:log-groups/log-group/';
      $part := function($x) {{ $replace($encodeUrlComponent($encodeUrlComponent($x)), '%', '$') }};
      'Workflow: ' & $run.workflow_id & '\\n'
        & 'Execution: ' & $run.id & '\\n'
        & ($failure.job = '' ? '' : 'Failed job: ' & $failure.job & '\\n')
        & 'Error: ' & $failure.error & '\\n'
        & $failure.message & '\\n\\n'
        & ($failure.log_stream = '' ? '' : 'Log: ' & $console & $part('${{LogGroup}}') & '/log-events/'
          & $part($failure.log_stream) & '\\n')
        & 'Resume: landfall workflow resume ' & $run.id & ' --stack {stack}\\n'
    )
    """)


def _attributes(event: str) -> dict[str, Any]:
    return {
        "event": {"DataType": "String", "StringValue": event},
        "workflow_id": {"DataType": "String", "StringValue": "{% $run.workflow_id %}"},
        "workflow_execution_id": {"DataType": "String", "StringValue": "{% $run.id %}"},
    }


def failure_path(spec: EtlSpec) -> dict[str, State]:
    """Close the record as Failed, notify once, fail."""
    unsent = [catch(["States.ALL"], "LeaveNotification", output="{% {} %}")]
    return {
        "CloseWorkflow": update(
            WORKFLOW_TABLE,
            WORKFLOW_KEY,
            {
                "workflow_id": text("$run.workflow_id"),
                "execution_arn": text("$run.arn"),
                "execution_start_ts": text(NOW),
                "execution_end_ts": text(NOW),
                "execution_status": {"S": "Failed"},
                "error_name": text("$failure.error"),
                "error_message": text("$failure.message"),
                "failed_job": text("$failure.job"),
                "failed_log_stream": text("$failure.log_stream"),
                "notified": text("$run.arn"),
                "expires_at": number("$run.expires_at"),
            },
            once=(
                "workflow_id",
                "execution_arn",
                "execution_start_ts",
                "error_name",
                "error_message",
                "failed_job",
                "failed_log_stream",
                "expires_at",
            ),
            condition=(
                "attribute_not_exists(workflow_execution_id) OR (#execution_arn = :execution_arn"
                " AND (#execution_status = :running OR #notified = :notified))"
            ),
            condition_values={":running": {"S": "Running"}},
            returning="ALL_NEW",
            catches=[
                catch(CONDITION_FAILED, "Failed", output="{% {} %}"),
                *unsent,
            ],
            then="NotifyFailure",
            output="{% {} %}",
            assign={"failure": _RECORDED},
            comment="Only the first to close a record notifies; a repeated call finds its own mark.",
        ),
        "NotifyFailure": task(
            "arn:aws:states:::sns:publish",
            {
                "TopicArn": "${Topic}",
                "Subject": expr(f"($text := 'Failed: ' & $run.workflow_id & ' ' & $run.id; {_SUBJECT})"),
                "Message": _message(spec.stack),
                "MessageAttributes": _attributes("WorkflowFailed"),
            },
            timeout=CALL_SECONDS,
            catches=unsent,
            then="Failed",
            output="{% {} %}",
        ),
        "LeaveNotification": update(
            WORKFLOW_TABLE,
            WORKFLOW_KEY,
            {"notified": {"S": CLOSING_FUNCTION}},
            condition="execution_arn = :me AND #notified = :me",
            condition_values={":me": text("$run.arn")},
            catches=[catch(["States.ALL"], "Failed", output="{% {} %}")],
            then="Failed",
            output="{% {} %}",
            comment=(
                "The closing function sends what this execution could not; a record that is still Running it"
                " closes and notifies of anyway."
            ),
        ),
        "Failed": fail(
            "{% $replace($failure.error, 'States.', '') %}",
            expr("($failure.job = '' ? '' : 'job ' & $failure.job & ': ') & $failure.message"),
        ),
    }


def success_path(spec: EtlSpec) -> dict[str, State]:
    """Close the record as Completed; notify where the environment wants it."""
    states = {
        "Complete": update(
            WORKFLOW_TABLE,
            WORKFLOW_KEY,
            {"execution_status": {"S": "Completed"}, "execution_end_ts": text(NOW)},
            condition="execution_arn = :me AND #execution_status IN (:running, :execution_status)",
            condition_values={":me": text("$run.arn"), ":running": {"S": "Running"}},
            catches=failed(),
            then="NotifySuccess" if spec.notify_on_success else None,
            output=expr("""
            {
              'workflow_id': $run.workflow_id,
              'workflow_execution_id': $run.id,
              'execution_status': 'Completed'
            }
            """),
        )
    }
    if spec.notify_on_success:
        states["NotifySuccess"] = task(
            "arn:aws:states:::sns:publish",
            {
                "TopicArn": "${Topic}",
                "Subject": expr(f"($text := 'Completed: ' & $run.workflow_id & ' ' & $run.id; {_SUBJECT})"),
                "Message": expr("""
                'Workflow: ' & $run.workflow_id & '\\n' & 'Execution: ' & $run.id & '\\n' & 'Completed.\\n'
                """),
                "MessageAttributes": _attributes("WorkflowCompleted"),
            },
            timeout=CALL_SECONDS,
            catches=[catch(["States.ALL"], "Done", output="{% $states.input %}")],
            then="Done",
            output="{% $states.input %}",
            comment="The work is done and audited: an unsent message does not undo it.",
        )
        states["Done"] = pass_(then=None, output="{% $states.input %}")
    return states
